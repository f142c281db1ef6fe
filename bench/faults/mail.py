"""The mail server refuses, hangs, drops, drips and shows wrong certificates; then it mends."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.faults.ground import Post
from bench.faults.table import Row
from bench.faults.virtual import deliver, try_often
from reminderd.message import Channel
from reminderd.transports.smtp import SmtpTransport
from tests.servers.certificates import make_certificates
from tests.servers.scripted_smtp import DROP, SILENT, ScriptedSmtp

SHORT = {"step_timeout": 0.2, "setup_timeout": 1.0, "answer_timeout": 0.3}
"""Seconds; the defaults are 30, 120 and 600."""
DRIP = "DRIP"
STAGES = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT")
FAULTS: dict[str, list[dict[str, str]]] = {
    "hangs at each stage before the dot": [{stage: SILENT} for stage in STAGES[:-1]],
    "drops at each stage before the dot": [*({stage: DROP} for stage in STAGES[:-1]), {"CONTENT": DROP}],
    "drips at each stage": [{stage: DRIP} for stage in STAGES[:-1]],
    "says 4xx at each stage": [{stage: "451 4.3.0 later"} for stage in STAGES] + [{"GREETING": "421 busy"}],
    "says 5xx at each stage": [{stage: "554 5.7.1 never"} for stage in STAGES[2:]],
}
UNSURE: dict[str, list[dict[str, str]]] = {
    "hangs after the dot": [{"DOT": SILENT}],
    "drops after the dot": [{"DOT": DROP}],
    "drips after the dot": [{"DOT": DRIP}],
}
"""Here the server has the message, and nobody can know: one copy more each."""


class _Server(ScriptedSmtp):
    """One that can also answer a byte at a time."""

    def _answer(self, connection: socket.socket, answer: str) -> bool:
        if answer != DRIP:
            return super()._answer(connection, answer)
        connection.settimeout(0.03)
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.sendall(b"2")
                with contextlib.suppress(TimeoutError):
                    if not connection.recv(1):
                        return False
        return False


def mail_faults(times: int) -> Iterator[Row]:
    """A row for each kind of fault, each of its stages tried ``times``."""
    for fault, scripts in FAULTS.items():
        yield _scripted(f"mail server {fault}", scripts, times, taken=("250",), copies=0)
    for fault, scripts in UNSURE.items():
        yield _scripted(f"mail server {fault}", scripts, times, taken=("250", DROP, SILENT, DRIP), copies=1)
    yield try_often("mail server refuses connections", times, _refused)
    with tempfile.TemporaryDirectory(prefix="rf-") as folder:
        for name in ("one", "other"):
            (Path(folder) / name).mkdir()
        right, wrong = (make_certificates(Path(folder) / name) for name in ("one", "other"))
        yield try_often(
            "mail server's certificate is wrong",
            times,
            lambda: _secured({"context": wrong.server_context}, right.server_context, right.ca_file),
        )
        yield try_often("mail server's TLS is broken", times, lambda: _broken_tls(right.server_context, right.ca_file))


def _scripted(fault: str, scripts: list[dict[str, str]], times: int, *, taken: tuple[str, ...], copies: int) -> Row:
    tries = iter(scripts * times)

    def once() -> tuple[str, int]:
        script = next(tries)
        with _Server(script, {}, {}) as server:
            transport = SmtpTransport("127.0.0.1", server.port, "off", **SHORT)
            state = deliver(Channel.EMAIL, {Channel.EMAIL: transport})
        bad = bool(server.contents) and not script.get("DOT", "250").startswith(taken)
        return state, len(server.contents) - bad

    return try_often(fault, len(scripts) * times, once, copies=copies)


def _refused() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    servers: list[Any] = []
    transport = _Later(port, servers)
    state = deliver(Channel.EMAIL, {Channel.EMAIL: transport})
    return state, len(servers[0].received)


class _Later(SmtpTransport):
    """Its first two tries meet nobody; then there is a server."""

    def __init__(self, port: int, servers: list[Any]) -> None:
        super().__init__("127.0.0.1", port, "off", **SHORT)
        self._tries, self._servers = 0, servers

    def send(self, message: Any) -> Any:
        self._tries += 1
        if self._tries < 3:
            return super().send(message)
        with Post() as post:
            self._servers.append(post)
            self._port = post.port
            self.__dict__.pop("_server", None)
            receipt = super().send(message)
            super().close()
            return receipt


def _secured(bad: dict[str, Any], good: ssl.SSLContext, ca_file: Path) -> tuple[str, int]:
    """Two tries meet a server that is not to be trusted, the third one that is."""
    with Post(security="starttls", **bad) as wrong, Post(security="starttls", context=good) as right:
        transport = _Moving([wrong.port, wrong.port, right.port], ca_file)
        state = deliver(Channel.EMAIL, {Channel.EMAIL: transport})
        return state, len(right.received) + len(wrong.received)


def _broken_tls(good: ssl.SSLContext, ca_file: Path) -> tuple[str, int]:
    script = {"EHLO": "250-mail.test\r\n250 STARTTLS", "STARTTLS": "220 go\r\nthis is no handshake"}
    with _Server(script, script) as wrong, Post(security="starttls", context=good) as right:
        transport = _Moving([wrong.port, wrong.port, right.port], ca_file)
        state = deliver(Channel.EMAIL, {Channel.EMAIL: transport})
        return state, len(right.received) + len(wrong.contents)


class _Moving(SmtpTransport):
    """Meets another server at each try."""

    def __init__(self, ports: list[int], ca_file: Path) -> None:
        super().__init__("127.0.0.1", ports[0], "starttls", ca_file=ca_file, **SHORT | {"step_timeout": 1.0})
        self._ports = ports

    def send(self, message: Any) -> Any:
        self._port = self._ports.pop(0) if len(self._ports) > 1 else self._ports[0]
        self.__dict__.pop("_server", None)
        return super().send(message)
