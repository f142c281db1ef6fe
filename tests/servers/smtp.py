"""A real SMTP server (aiosmtpd) on loopback, with STARTTLS, implicit TLS and AUTH."""

from __future__ import annotations

import base64
import dataclasses
import re
import socket
import ssl
from collections.abc import Callable, Container
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """One message that the server took."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    utf8: bool


class SmtpServer:
    """Runs between ``with`` and its end. ``received`` holds what it took; ``connections`` counts connections.

    ``security`` is as in the settings: ``off``, ``starttls`` or ``force_tls``. With ``accounts`` a login is required;
    with ``access_tokens`` one of those signs in as well (XOAUTH2). `refuse` makes one stage (``EHLO``, ``MAIL``,
    ``RCPT``, ``DATA``, ``AUTH``) answer as given until `relent`.
    """

    def __init__(
        self,
        *,
        security: str = "off",
        context: ssl.SSLContext | None = None,
        accounts: dict[str, str] | None = None,
        utf8: bool = True,
        auth_exclude: tuple[str, ...] = (),
        access_tokens: Callable[[], Container[str]] | None = None,
    ) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.logins: list[str] = []
        self._answers: dict[str, str] = {}
        self._accounts = accounts
        self._access_tokens = access_tokens
        if access_tokens is not None:
            self.auth_XOAUTH2 = self._xoauth2
        options: dict[str, Any] = {"enable_SMTPUTF8": utf8, "server_hostname": "mail.test"}
        if security == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if accounts is not None:
            options |= {
                "authenticator": self._authenticate,
                "auth_require_tls": security == "starttls",
                "auth_exclude_mechanism": auth_exclude,
            }
        implicit = context if security == "force_tls" else None
        self._controller = _Controller(self, ssl_context=implicit, **options)
        self.host, self.port = "127.0.0.1", self._controller.port

    def refuse(self, stage: str, answer: str) -> None:
        """Answer ``stage`` so from now on."""
        self._answers[stage] = answer

    def relent(self) -> None:
        """Refuse nothing any more."""
        self._answers.clear()

    def __enter__(self) -> SmtpServer:
        self._controller.start()
        self.connections = 0  # the controller opens one to see that it runs
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._controller.stop()

    # --- what aiosmtpd calls ---

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [self._answers["EHLO"]] if "EHLO" in self._answers else responses

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self._answers:
            return self._answers["MAIL"]
        if self._accounts is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self._answers:
            return self._answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if "DATA" in self._answers:
            return self._answers["DATA"]
        recipients = tuple(envelope.rcpt_tos)
        self.received.append(
            Received(envelope.mail_from, recipients, envelope.original_content, bool(envelope.smtp_utf8))
        )
        return f"250 2.0.0 Ok: queued as {len(self.received):04X}"

    async def _xoauth2(self, server: Any, args: list[str]) -> Any:
        """What Gmail does: a refusal is a challenge with its reasons, then a 535."""
        login = base64.b64decode(args[1]).decode()
        found = re.fullmatch("user=(.*)\x01auth=Bearer (.*)\x01\x01", login)
        assert found is not None, login
        self.logins.append(f"XOAUTH2 {found[1]}")
        assert self._access_tokens is not None
        if found[2] in self._access_tokens():
            return AuthResult(success=True, auth_data=found[1])
        reasons = base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode()
        await server.push(f"334 {reasons}")
        assert await server._reader.readline() == b"\r\n"
        return AuthResult(success=False, handled=False, message="535 5.7.8 Username and Password not accepted")

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        if "AUTH" in self._answers:
            return AuthResult(success=False, handled=False, message=self._answers["AUTH"])
        assert self._accounts is not None
        assert isinstance(data, LoginPassword)
        name = data.login.decode()
        self.logins.append(f"{mechanism} {name}")
        return AuthResult(success=self._accounts.get(name) == data.password.decode(), handled=False)


class _Controller(Controller):
    def __init__(self, owner: SmtpServer, **options: Any) -> None:
        self._owner = owner
        # Bound here already, so that the port is known and nobody else can take it.
        self._socket = socket.create_server(("127.0.0.1", 0))
        super().__init__(owner, hostname="127.0.0.1", port=self._socket.getsockname()[1], ready_timeout=30, **options)

    def factory(self) -> Any:
        self._owner.connections += 1
        return super().factory()

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._socket, ssl=self.ssl_context)
