"""E-mail into a Maildir on this machine: needs no account, and nothing leaves by accident."""

from __future__ import annotations

import datetime as dt
import email.parser
import errno
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from reminderd import clock
from reminderd.message import Channel, Mail, Message
from reminderd.rules.retry import Fault, Verdict
from reminderd.transports.base import Receipt, SendFailed

FULL = Fault(Verdict.AGAIN, "maildir", "The Maildir could not be written.")
CLOSED = Fault(Verdict.PAUSE, "maildir", "The Maildir cannot be written or read: check MAILDIR and its permissions.")
UNKNOWN = Fault(Verdict.RECONCILE, "maildir", "The message may not have reached the disk; it is being looked for.")
_CLOSED = {errno.EEXIST, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
_LONGEST_HEAD = 256 * 1024
_SKEW = dt.timedelta(seconds=2)


class MaildirTransport:
    """One file for each message, byte for byte, in ``new``; the folder is created for its owner only. A message is
    there whole and on the disk, or not at all (https://cr.yp.to/proto/maildir.html)."""

    name = "maildir"
    channel = Channel.EMAIL
    deadline_for = dt.timedelta(seconds=30)
    can_find = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: Message) -> Receipt:
        """Write the message; the receipt is its file's name. Raises `SendFailed` when the disk does not take it."""
        if not isinstance(message, Mail):
            raise TypeError("a Maildir holds mail only")
        name = _unique_name()
        waiting, arrived = self._path / "tmp" / name, self._path / "new" / name
        try:
            self._create()
            try:
                _write(waiting, message.content)
                os.rename(waiting, arrived)
            except OSError:
                waiting.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise SendFailed(CLOSED if error.errno in _CLOSED else FULL) from error
        try:
            _sync(arrived.parent)
        except OSError as error:
            raise SendFailed(UNKNOWN) from error
        return Receipt(name)

    def find(self, message: Message, since: dt.datetime) -> Receipt | None:
        """The message with this Message-ID, wherever the user's mail program has moved it within the Maildir."""
        if not isinstance(message, Mail):
            raise TypeError("a Maildir holds mail only")
        try:
            for path in self._written_since(since - _SKEW):
                if _message_id(path) == message.message_id.strip():
                    return Receipt(path.name.partition(":")[0])
        except OSError as error:
            raise SendFailed(CLOSED if error.errno in _CLOSED else UNKNOWN) from error
        return None

    def probe(self) -> str:
        """Create the folder where it is missing, and see that it can be written. Raises `SendFailed`."""
        try:
            self._create()
            trial = self._path / "tmp" / _unique_name()
            _write(trial, b"")
            trial.unlink()
            count = sum(1 for folder in ("new", "cur") for _ in (self._path / folder).iterdir())
        except OSError as error:
            raise SendFailed(CLOSED if error.errno in _CLOSED else FULL) from error
        return f"Maildir {self._path} can be written, {count} message{'' if count == 1 else 's'} in it"

    def close(self) -> None:
        """Nothing stays open."""

    def _create(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self._path, *(self._path / name for name in ("tmp", "new", "cur"))):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _written_since(self, since: dt.datetime) -> Iterator[Path]:
        for folder in ("new", "cur"):
            try:
                entries = list(os.scandir(self._path / folder))
            except FileNotFoundError:
                continue
            for entry in entries:
                try:
                    if entry.is_file() and entry.stat().st_mtime >= since.timestamp():
                        yield Path(entry.path)
                except FileNotFoundError:  # read and moved meanwhile
                    continue


def _unique_name() -> str:
    host = socket.gethostname().replace("/", r"\057").replace(":", r"\072")
    return f"{clock.utc_now().timestamp():.6f}.P{os.getpid()}R{secrets.token_hex(8)}.{host}"


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _message_id(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(_LONGEST_HEAD)
    except FileNotFoundError:  # read and moved meanwhile
        return None
    found = email.parser.BytesHeaderParser().parsebytes(head)["Message-ID"]
    return None if found is None else str(found).strip()
