"""A real SMTP server (aiosmtpd) on loopback, with STARTTLS, implicit TLS and AUTH."""

from __future__ import annotations

import dataclasses
import socket
import ssl
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

    ``security`` is as in the settings: ``off``, ``starttls`` or ``force_tls``. With ``accounts`` a login is required.
    `refuse` makes one stage (``EHLO``, ``MAIL``, ``RCPT``, ``DATA``, ``AUTH``) answer as given until `relent`.
    """

    def __init__(
        self,
        *,
        security: str = "off",
        context: ssl.SSLContext | None = None,
        accounts: dict[str, str] | None = None,
        utf8: bool = True,
        auth_exclude: tuple[str, ...] = (),
    ) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.logins: list[str] = []
        self._answers: dict[str, str] = {}
        self._accounts = accounts
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
