"""Messages onto a terminal or into a file, for trying out: needs no account."""

from __future__ import annotations

import datetime as dt
import os
import sys
import threading
from pathlib import Path
from typing import TextIO

from reminderd.message import Channel, Mail, Message, Text
from reminderd.rules.retry import Fault, Verdict
from reminderd.transports.base import Receipt, SendFailed
from reminderd.transports.segments import count_segments

CLOSED = Fault(Verdict.AGAIN, "console", "The output could not be written.")


class ConsoleTransport:
    """Appends to the file at ``path``, readable by its owner only, or writes to ``stream`` (else standard output).

    A text is a line that says to whom and in how many segments, then its body as it is, then an empty line; of a mail
    one line says to whom and what about.
    """

    name = "console"
    can_find = False
    deadline_for = dt.timedelta(seconds=30)

    def __init__(
        self, stream: TextIO | None = None, *, path: Path | None = None, channel: Channel = Channel.SMS
    ) -> None:
        self.channel = channel
        self._stream, self._path = stream, path
        self._lock = threading.Lock()
        self._count = 0

    def send(self, message: Message) -> Receipt:
        """Write the message at once and, into a file, down to the disk. The receipt counts what was written."""
        if message.channel is not self.channel:
            raise TypeError(f"this console takes {self.channel} only")
        with self._lock:
            try:
                self._write(show(message))
            except (OSError, ValueError) as error:  # ValueError: the stream is closed
                raise SendFailed(CLOSED) from error
            self._count += 1
            return Receipt(f"console-{self._count}")

    def find(self, message: Message, since: dt.datetime) -> Receipt | None:
        """A console cannot tell: always ``None``."""
        return None

    def probe(self) -> str:
        """See that the file can be opened. Raises `SendFailed`."""
        if self._path is None:
            return "messages are written to the terminal"
        try:
            os.close(self._opened(self._path))
        except OSError as error:
            raise SendFailed(CLOSED) from error
        return f"messages are written to {self._path}"

    def close(self) -> None:
        """Nothing stays open."""

    def _write(self, shown: str) -> None:
        if self._path is None:
            stream = self._stream or sys.stdout
            stream.write(shown)
            stream.flush()
            return
        with open(self._opened(self._path), "ab") as file:
            file.write(shown.encode())
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def _opened(path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)


def show(message: Mail | Text) -> str:
    """A message as the console writes it."""
    if isinstance(message, Mail):
        return f"to {message.recipient}: {message.subject}\n\n"
    return f"to {message.recipient} ({count_segments(message.body)})\n{message.body}\n\n"
