"""An SMTP server that follows a script, so that a conversation can break at any point."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType

DROP = "DROP"
"""Close the connection instead of answering."""
SILENT = "SILENT"
"""Answer nothing until the client gives up."""

USUAL = {
    "GREETING": "220 mail.test ready",
    "EHLO": "250-mail.test\r\n250-8BITMIME\r\n250 SIZE 10000000",
    "HELO": "250 mail.test",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 End with a dot",
    "DOT": "250 2.0.0 Ok: queued as 1",
    "QUIT": "221 2.0.0 Bye",
}

PIPELINING = {"EHLO": "250-mail.test\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SIZE 10000000"}
"""A script for a server that takes several commands at once."""


class ScriptedSmtp:
    """Each script is one connection: what it answers otherwise than usually (`USUAL`), by command. ``CONTENT`` is
    asked once some of the content has come (where it is `SILENT`, no more is read), ``DOT`` after its end; ``IDLE``
    closes after a message was taken; ``MAIL2`` is for the second MAIL of a connection.
    ``commands`` lists what each connection was told, ``contents`` what came as content."""

    def __init__(self, *scripts: dict[str, str]) -> None:
        self.commands: list[list[str]] = []
        self.contents: list[bytes] = []
        self.closed = threading.Semaphore(0)
        """Released whenever the server has closed a connection."""
        self._scripts = list(scripts)
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ScriptedSmtp:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _run(self) -> None:
        for script in self._scripts:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):  # the client has gone
                self._talk(connection, USUAL | script)
            self.closed.release()

    def _talk(self, connection: socket.socket, script: dict[str, str]) -> None:
        told: list[str] = []
        self.commands.append(told)
        if not self._answer(connection, script["GREETING"]):
            return
        lines = connection.makefile("rb")
        with lines:
            while line := lines.readline():
                told.append(line.decode("utf-8", "replace").rstrip("\r\n"))
                verb = told[-1].partition(" ")[0].upper()
                again = sum(command.upper().startswith(verb) for command in told)
                if not self._answer(connection, script.get(f"{verb}{again}") or script.get(verb, "502 5.5.1 Unknown")):
                    return
                if verb == "QUIT":
                    return
                if verb == "DATA" and script["DATA"].startswith("354"):
                    if script.get("CONTENT") == DROP:
                        lines.read(1)
                        _reset(connection)
                        return
                    if script.get("CONTENT") == SILENT:
                        self._over.wait(10)
                        return
                    content = bytearray()
                    while not content.endswith(b"\r\n.\r\n"):
                        piece = lines.readline()
                        if not piece:
                            return
                        content += piece
                    self.contents.append(bytes(content))
                    if not self._answer(connection, script["DOT"]) or script.get("IDLE") == DROP:
                        return

    def _answer(self, connection: socket.socket, answer: str) -> bool:
        """Whether the conversation goes on."""
        if answer == DROP:
            return False
        if answer == SILENT:
            while connection.recv(4096):
                pass
            return False
        connection.sendall(answer.encode() + b"\r\n")
        return True


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
