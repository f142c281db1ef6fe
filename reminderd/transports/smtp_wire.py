"""smtplib, with limits on time and without its surprises."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hmac
import re
import smtplib
import socket
import ssl
import struct
import time

from reminderd.oauth import Tokens, xoauth2

_CHUNK = 64 * 1024
_LOOK = 30.0
"""Seconds for which a socket is listened to without a break: as long as the usual step takes at most."""
_REPLY_LINE = 512
"""Bytes of a reply's line at most (RFC 5321, section 4.5.3.1.5)."""
_SHORT_REPLY = re.compile(rb"(\d{3}) ([^\r\n]*)\r\n")
_UNUSUAL = re.compile(rb"\r(?!\n(?!\.))")
"""A CR without LF, or the end of a line before one that begins with a dot. One search is a third quicker than two."""


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """Where and how to connect. ``context`` encrypts; ``implicit`` does so from the first byte (RFC 8314)."""

    host: str
    port: int
    context: ssl.SSLContext | None = None
    implicit: bool = False
    username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    tokens: Tokens | None = dataclasses.field(default=None, repr=False)
    """Access tokens in place of a password."""


class Wire(smtplib.SMTP):
    """smtplib with a limit on each step as a whole, not on each packet of it."""

    def __init__(self, server: Server, budget: Budget) -> None:
        self.budget = budget
        self._limited_to = 0.0
        self._implicit = server.context if server.implicit else None
        self._in_clear = server.context is None
        # A name is given, or smtplib asks DNS for one, which may hang.
        super().__init__(server.host, server.port, local_hostname="localhost")

    def own_name(self) -> str:
        """The name for EHLO: a full host name, else the address (RFC 5321, section 4.1.4)."""
        name = socket.gethostname()
        if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name):
            return name
        address = self.sock.getsockname()[0] if self.sock else "127.0.0.1"
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    def authenticate(self, mechanism: str, username: str, password: str) -> tuple[int, bytes]:
        """The server's last word on the login (RFC 4954). smtplib's own refuses passwords outside ASCII."""
        if mechanism == "PLAIN":
            return self.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{username}{chr(0)}{password}'.encode())}")
        code, text = self.docmd("AUTH", mechanism)
        if code != 334:
            return code, text
        if mechanism == "LOGIN":
            code, text = self.docmd(_base64(username.encode()))
            return self.docmd(_base64(password.encode())) if code == 334 else (code, text)
        digest = hmac.new(password.encode(), base64.b64decode(text), "md5").hexdigest()
        return self.docmd(_base64(f"{username} {digest}".encode()))

    def authenticate_by_token(self, username: str, token: str) -> tuple[int, bytes]:
        """The server's last word on a login by access token (XOAUTH2). A refusal comes as a challenge with its
        reasons, which an empty line answers."""
        code, text = self.docmd("AUTH", f"XOAUTH2 {_base64(xoauth2(username, token))}")
        return self.docmd("") if code == 334 else (code, text)

    def put(self, *commands: str) -> None:
        """Commands, whose answers are not waited for."""
        self.send("".join(f"{command}\r\n" for command in commands))

    def send_all(self, content: bytes) -> None:
        """Send in pieces, each a step of its own."""
        for start in range(0, len(content), _CHUNK):
            self.send(content[start : start + _CHUNK])

    def send(self, s: object) -> None:
        """Send within one step."""
        left = memoryview(s if isinstance(s, bytes) else str(s).encode(self.command_encoding))
        self.budget.next_step()
        while left:
            sock = self._limited(self.budget.left())
            left = left[sock.send(left) :]

    def getreply(self) -> tuple[int, bytes]:
        """One reply, all of it within one step."""
        self.budget.next_step()
        if self.file is None:
            self.file = _Lines(self)
        try:
            short = self.file.short_reply()
        except OSError as error:  # as smtplib does, whose connection would stay open where it never came about
            self.close()
            raise smtplib.SMTPServerDisconnected(f"Connection unexpectedly closed: {error}") from error
        return short or super().getreply()

    def read(self) -> bytes:
        """Some bytes, within what is left of the step; none at the end."""
        while True:
            sock = self._limited(min(self.budget.left(), _LOOK))
            with contextlib.suppress(TimeoutError, BlockingIOError):  # of this look; the budget says when to stop
                return sock.recv(8192)

    def _limited(self, seconds: float) -> socket.socket:
        """The socket, its next call limited, give or take a hundredth: to say so is a call of the system itself, and
        spared while about the same limit holds."""
        if self.sock is None:
            raise OSError("closed")
        if abs(seconds - self._limited_to) > 0.01 * seconds:
            self._limited_to = seconds
            if not (self._in_clear and _limit_by_system(self.sock, seconds)):
                self.sock.settimeout(seconds)
        return self.sock

    def _get_socket(self, host: str, port: int, timeout: object) -> socket.socket:
        sock = _connected(host, port, self.budget)
        # The end of a long content must not wait for the acknowledgement of what went before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._implicit is None:
            return sock
        self.budget.next_step()
        sock.settimeout(self.budget.left())
        return self._implicit.wrap_socket(sock, server_hostname=host)


class Budget:
    """The time that may still be spent: ``step`` seconds on each step, ``whole`` on all of them."""

    def __init__(self, *, step: float, whole: float) -> None:
        self._step = step
        self._ends = time.monotonic() + whole
        self._step_ends = self._ends
        self.next_step()

    def next_step(self) -> None:
        """A new step begins."""
        self._step_ends = min(self._ends, time.monotonic() + self._step)

    def left(self) -> float:
        """Seconds left of this step. Raises `TimeoutError` when there are none."""
        left = self._step_ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("out of time")
        return left


def wire_form(content: bytes) -> bytes:
    """``content`` as it travels between DATA and the final dot: every line ended by CRLF (RFC 5321, section 2.3.8)
    and a leading dot doubled (section 4.5.2)."""
    usual = content.count(b"\n") == content.count(b"\r") and not _UNUSUAL.search(content)
    if usual and content.endswith(b"\r\n") and not content.startswith(b"."):
        return content
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


class _Lines:
    """The lines of a connection. What was read before STARTTLS is dropped with this object (RFC 3207)."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._buffer = b""

    def short_reply(self) -> tuple[int, bytes] | None:
        """A reply of one line, as nearly all are; ``None`` for another, of which nothing is taken."""
        self._fill(_REPLY_LINE)
        found = _SHORT_REPLY.match(self._buffer)
        if found is None:
            return None
        self._buffer = self._buffer[found.end() :]
        return int(found[1]), found[2].strip()

    def readline(self, limit: int) -> bytes:
        """One line, or its first ``limit`` bytes; empty at the end."""
        self._fill(limit)
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line, self._buffer = self._buffer[: min(end, limit)], self._buffer[min(end, limit) :]
        return line

    def close(self) -> None:
        """Nothing to let go of."""

    def _fill(self, limit: int) -> None:
        """Until there is a line or so many bytes, or no more come."""
        while b"\n" not in self._buffer and len(self._buffer) < limit:
            piece = self._wire.read()
            if not piece:
                break
            self._buffer += piece


def _limit_by_system(sock: socket.socket, seconds: float) -> bool:
    """Have the system itself end calls that take longer: with Python's own limit each call is two, and between them
    threads wait for each other. Not for TLS, where Python would go on by itself. False where the system's form of a
    duration is another."""
    whole, rest = divmod(max(1, round(seconds * 1_000_000)), 1_000_000)
    duration = struct.pack("ll", whole, rest)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, duration)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, duration)
    except OSError:
        return False
    sock.settimeout(None)
    return True


def _connected(host: str, port: int, budget: Budget) -> socket.socket:
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        budget.next_step()
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(budget.left())
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
