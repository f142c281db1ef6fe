"""One connection to a mail server, driven phase by phase."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
import time

from reminderd.message import Mail
from reminderd.oauth import TokenDelayed, TokenRefused, Tokens
from reminderd.rules.retry import Fault, Verdict
from reminderd.transports.base import SendFailed
from reminderd.transports.smtp_replies import Stage, fault_for_loss, fault_for_reply
from reminderd.transports.smtp_wire import Budget, Server, Wire, wire_form

NO_STARTTLS = Fault(
    Verdict.PAUSE, "no starttls", "The mail server offers no encryption: check SMTP_PORT and SMTP_SECURITY."
)
NO_AUTH = Fault(
    Verdict.PAUSE, "no auth", "The mail server offers no login that works here: check SMTP_PORT and SMTP_USERNAME."
)
NO_XOAUTH2 = Fault(
    Verdict.PAUSE,
    "no xoauth2",
    "The mail server takes no access tokens (XOAUTH2): check SMTP_HOST, or set SMTP_PASSWORD.",
)
NO_UTF8 = Fault(
    Verdict.GIVE_UP, "no smtputf8", "The mail server cannot take addresses with letters outside ASCII (SMTPUTF8)."
)
MALFORMED = Fault(Verdict.GIVE_UP, "malformed", "A mail address of this message is malformed.")
CERTIFICATE = Fault(
    Verdict.AGAIN, "certificate", "The mail server's certificate is not trusted: check SMTP_HOST and SMTP_CA_FILE."
)
TLS_FAILED = Fault(
    Verdict.AGAIN, "tls", "No encrypted connection to the mail server came about: check SMTP_PORT and SMTP_SECURITY."
)
_FAREWELL = 2.0


class Session:
    """A greeted, encrypted and signed-in connection. Every failure is a `SendFailed`; ``stage`` tells where it was,
    ``lost`` whether the connection is gone."""

    def __init__(self, server: Server, budget: Budget) -> None:
        self.stage = Stage.CONNECT
        self.lost = False
        self.idle_since = time.monotonic()
        self._server = server
        self._wire: Wire | None = None
        self._at_once = False
        """Whether there may be answers to come that nobody has read."""
        try:
            self._open(budget)
        except SendFailed:
            self.leave()
            raise

    def deliver(self, mail: Mail, budget: Budget, *, answer_within: float) -> str:
        """Hand ``mail`` over and return the server's answer. After the final dot the server has ``answer_within``
        seconds (RFC 5321, section 4.5.3.2.6)."""
        wire = self._begin(budget)
        self._announce(wire, mail)
        with self._during(Stage.DATA):
            # The dot goes with the last piece: where that cannot be handed over whole, nor can the dot at its end.
            wire.send_all(wire_form(mail.content) + b".\r\n")
        with self._during(Stage.DOT):
            wire.budget = Budget(step=answer_within, whole=answer_within)
            answer = _wanted(2, wire.getreply())
        self.idle_since = time.monotonic()
        return " ".join(answer.decode("ascii", "replace").split())[:200]

    def describe(self) -> str:
        """How the connection is protected, for people."""
        sock = self._wire.sock if self._wire else None
        cipher = f"over {sock.version()}" if isinstance(sock, ssl.SSLSocket) else "without encryption"
        return f"{cipher}, signed in" if self._server.username else f"{cipher}, without a login"

    def leave(self) -> None:
        """QUIT where the server still listens, and close."""
        wire, self._wire = self._wire, None
        if wire is None:
            return
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if not self.lost and not self._at_once:
                wire.budget = Budget(step=_FAREWELL, whole=_FAREWELL)
                wire.quit()
        wire.close()

    # --- opening ---

    def _open(self, budget: Budget) -> None:
        server = self._server
        with self._during(Stage.CONNECT):
            self._wire = Wire(server, budget)
        self._hello()
        if server.context is not None and not server.implicit:
            self._encrypt(server.context)
            self._hello()
        if server.username:
            if server.tokens is not None:
                self._sign_in_by_token(server.username, server.tokens)
            else:
                self._sign_in(server.username, server.password or "")

    def _hello(self) -> None:
        # smtplib's own helper falls back to HELO on a 4xx too, and then finds neither STARTTLS nor AUTH.
        wire = self._live()
        with self._during(Stage.HELLO):
            code, text = wire.ehlo(wire.own_name())
            if code in (500, 502):
                code, text = wire.helo(wire.own_name())
            _wanted(2, (code, text))

    def _encrypt(self, context: ssl.SSLContext) -> None:
        wire = self._live()
        with self._during(Stage.TLS):
            if not wire.has_extn("starttls"):
                raise SendFailed(NO_STARTTLS)
            wire.starttls(context=context)

    def _sign_in(self, username: str, password: str) -> None:
        wire = self._live()
        offered = str(wire.esmtp_features.get("auth", "")).upper().split()
        wanted = ("PLAIN", "LOGIN", "CRAM-MD5") if self._server.context else ("CRAM-MD5", "PLAIN", "LOGIN")
        usable = [mechanism for mechanism in wanted if mechanism in offered]
        with self._during(Stage.AUTH):
            code, text = 0, b""
            for mechanism in usable:
                code, text = wire.authenticate(mechanism, username, password)
                # Only what speaks against the mechanism is tried otherwise: wrong passwords lock accounts.
                if code not in (504, 534, 538):
                    break
            if not usable:
                raise SendFailed(NO_AUTH)
            if code != 503:  # "already authenticated" is fine
                _wanted(2, (code, text))

    def _sign_in_by_token(self, username: str, tokens: Tokens) -> None:
        wire = self._live()
        if "XOAUTH2" not in str(wire.esmtp_features.get("auth", "")).upper().split():
            raise SendFailed(NO_XOAUTH2)
        token = self._token(tokens)
        with self._during(Stage.AUTH):
            code, text = wire.authenticate_by_token(username, token)
        if code == 535:  # revoked before its time, perhaps: one fresh token is worth a try
            token = self._token(tokens, not_this=token)
            with self._during(Stage.AUTH):
                code, text = wire.authenticate_by_token(username, token)
        with self._during(Stage.AUTH):
            _wanted(2, (code, text))

    def _token(self, tokens: Tokens, *, not_this: str = "") -> str:
        try:
            return tokens.access(not_this=not_this)
        except TokenRefused as error:
            raise SendFailed(Fault(Verdict.PAUSE, "oauth refused", str(error))) from error
        except TokenDelayed as error:
            raise SendFailed(Fault(Verdict.AGAIN, "oauth delayed", str(error))) from error

    # --- sending ---

    def _begin(self, budget: Budget) -> Wire:
        wire = self._live()
        wire.budget = budget
        return wire

    def _announce(self, wire: Wire, mail: Mail) -> None:
        """MAIL, RCPT and DATA; all at once where the server takes them so (RFC 2920, section 3.1)."""
        with self._during(Stage.MAIL):
            options = self._options(mail)
        if "SMTPUTF8" in options:
            wire.command_encoding = "utf-8"
        commands = (
            (Stage.MAIL, " ".join((f"MAIL FROM:<{mail.sender}>", *options)), 2),
            (Stage.RCPT, f"RCPT TO:<{mail.recipient}>", 2),
            (Stage.DATA, "DATA", 3),
        )
        self._at_once = wire.has_extn("pipelining")
        if self._at_once:
            with self._during(Stage.MAIL):
                wire.put(*(command for _, command, _ in commands))
        for stage, command, hundred in commands:
            with self._during(stage):
                if not self._at_once:
                    wire.put(command)
                _wanted(hundred, wire.getreply())
        self._at_once = False

    def _options(self, mail: Mail) -> list[str]:
        wire = self._live()
        if re.search(r"[\x00-\x20\x7f<>]", mail.sender + mail.recipient):
            raise SendFailed(MALFORMED)
        options = [f"SIZE={len(mail.content)}"] if wire.has_extn("size") else []
        if not mail.content.isascii() and wire.has_extn("8bitmime"):
            options.append("BODY=8BITMIME")
        if not (mail.sender + mail.recipient).isascii():
            if not wire.has_extn("smtputf8"):
                raise SendFailed(NO_UTF8)
            options.append("SMTPUTF8")
        return options

    def _live(self) -> Wire:
        if self._wire is None:
            raise SendFailed(fault_for_loss(self.stage))
        return self._wire

    def _during(self, stage: Stage) -> _During:
        return _During(self, stage)


class _During:
    """Whatever fails within is told as `SendFailed`, by what it means at this stage. A class, as a generator takes four
    times as long, and a message enters it eight times."""

    __slots__ = ("_session", "_stage")

    def __init__(self, session: Session, stage: Stage) -> None:
        self._session = session
        self._stage = stage

    def __enter__(self) -> None:
        self._session.stage = self._stage

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        stage = self._stage
        if isinstance(error, smtplib.SMTPResponseException):
            self._session.lost = error.smtp_code in (-1, 421)
            text = error.smtp_error
            raise SendFailed(
                fault_for_reply(stage, error.smtp_code, text if isinstance(text, bytes) else b"")
            ) from error
        if isinstance(error, (OSError, smtplib.SMTPException, ValueError)):
            self._session.lost = True
            raise SendFailed(_loss(stage, error)) from error


def _wanted(hundred: int, reply: tuple[int, bytes]) -> bytes:
    code, text = reply
    if code // 100 != hundred:
        raise smtplib.SMTPResponseException(code, text)
    return text


def _loss(stage: Stage, error: Exception) -> Fault:
    if not isinstance(error, ssl.SSLError) or stage not in (Stage.CONNECT, Stage.TLS):
        return fault_for_loss(stage)
    return CERTIFICATE if isinstance(error, ssl.SSLCertVerificationError) else TLS_FAILED
