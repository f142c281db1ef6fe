"""E-mail over SMTP. What speaks it is imported with the first mail."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from reminderd.errors import ConfigError, SettingError
from reminderd.message import Channel, Mail, Message
from reminderd.transports.base import Receipt, SendFailed

if TYPE_CHECKING:
    import ssl

    from reminderd.oauth import Tokens
    from reminderd.transports.smtp_session import Session
    from reminderd.transports.smtp_wire import Budget, Server

DEFAULT_PORTS = {"starttls": 587, "force_tls": 465, "off": 25, "off_forced": 25}


class SmtpTransport:
    """Mail through one server, over connections that are kept for the next message.

    ``security`` is ``starttls``, ``force_tls`` (encrypted from the first byte) or, for a server on this machine only,
    ``off``; ``off_forced`` sends in the clear to any host. Certificates are verified, against ``ca_file`` where given.
    ``tokens`` sign in in place of a password (XOAUTH2).
    The server has ``step_timeout`` seconds for each command, ``setup_timeout`` for all before the final dot, and
    ``answer_timeout`` after it (RFC 5321, section 4.5.3.2.6). Time that the system's name lookup takes comes on top.
    A connection idle for ``idle_timeout`` seconds is not used again.

    A fault before the final dot means that nothing was sent; silence after it leaves the outcome unknown.
    """

    name = "smtp"
    channel = Channel.EMAIL
    can_find = False

    def __init__(
        self,
        host: str,
        port: int | None = None,
        security: str = "starttls",
        username: str | None = None,
        password: str | None = None,
        ca_file: Path | str | None = None,
        *,
        tokens: Tokens | None = None,
        step_timeout: float = 30,
        setup_timeout: float = 120,
        answer_timeout: float = 600,
        idle_timeout: float = 60,
    ) -> None:
        _check_security(security, host)
        self._host, self._port, self._security = host, port or DEFAULT_PORTS[security], security
        self._username, self._password, self._ca_file = username or None, password, ca_file
        self._tokens = tokens
        self._step_timeout, self._setup_timeout = step_timeout, setup_timeout
        self._answer_timeout, self._idle_timeout = answer_timeout, idle_timeout
        self.deadline_for = dt.timedelta(seconds=setup_timeout + answer_timeout + 10)
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._generation = 0
        if ca_file:
            _ = self._server  # a file that cannot be read is told now

    def send(self, message: Message) -> Receipt:
        """Hand a mail over, its bytes unchanged; the receipt holds the server's answer. Raises `SendFailed`."""
        if not isinstance(message, Mail):
            raise TypeError("SMTP carries mail only")
        budget = self._budget()
        generation = self._generation
        session = self._kept()
        if session is not None:
            from reminderd.transports.smtp_replies import Stage

            try:
                return self._deliver(session, message, budget, generation)
            except SendFailed:
                # Dead since its last use, and found so before anything was handed over.
                if not (session.lost and session.stage is Stage.MAIL):
                    raise
        return self._deliver(self._connect(budget), message, budget, generation)

    def find(self, message: Message, since: dt.datetime) -> Receipt | None:
        """SMTP cannot tell: always ``None``. The same bytes with the same Message-ID may be sent again."""
        return None

    def probe(self) -> str:
        """Connect, encrypt and sign in, sending nothing. Raises `SendFailed`."""
        session = self._connect(self._budget())
        found = session.describe()
        session.leave()
        return f"{self._host}:{self._port} answers {found}"

    def close(self) -> None:
        """QUIT on every idle connection; one in use is left after its message."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._generation += 1
        for session in idle:
            session.leave()

    def _connect(self, budget: Budget) -> Session:
        from reminderd.transports.smtp_session import Session

        return Session(self._server, budget)

    def _deliver(self, session: Session, mail: Mail, budget: Budget, generation: int) -> Receipt:
        try:
            answer = session.deliver(mail, budget, answer_within=self._answer_timeout)
        except BaseException:
            session.leave()
            raise
        self._keep(session, generation)
        return Receipt(answer)

    def _kept(self) -> Session | None:
        """The connection used last, if any still serves; those idle for too long are let go."""
        oldest = time.monotonic() - self._idle_timeout
        old = []
        with self._lock:
            while self._idle and self._idle[0].idle_since <= oldest:
                old.append(self._idle.pop(0))
            kept = self._idle.pop() if self._idle else None
        for session in old:
            session.lost = True  # a QUIT into the void would only cost time
            session.leave()
        return kept

    def _keep(self, session: Session, generation: int) -> None:
        """There are never more than were in use at a time."""
        with self._lock:
            if generation == self._generation:
                self._idle.append(session)
                return
        session.leave()

    def _budget(self) -> Budget:
        from reminderd.transports.smtp_wire import Budget

        return Budget(step=self._step_timeout, whole=self._setup_timeout)

    @functools.cached_property
    def _server(self) -> Server:
        from reminderd.transports.smtp_wire import Server

        encrypted = self._security in ("starttls", "force_tls")
        return Server(
            self._host,
            self._port,
            context=_make_context(self._ca_file) if encrypted else None,
            implicit=self._security == "force_tls",
            username=self._username,
            password=self._password,
            tokens=self._tokens,
        )


def _check_security(security: str, host: str) -> None:
    if security not in DEFAULT_PORTS:
        raise SettingError("SMTP_SECURITY", "starttls, force_tls or off", security)
    if security == "off" and not is_loopback(host):
        raise SettingError(
            "SMTP_SECURITY", "starttls or force_tls for a server on another machine (off_forced insists)", security
        )


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine."""
    if host.rstrip(".").lower() in ("localhost", "ip6-localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _make_context(ca_file: Path | str | None) -> ssl.SSLContext:
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError("SMTP_CA_FILE: expected a readable file of certificates in PEM form.") from error
