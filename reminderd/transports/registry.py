"""Which transports there are, and which of them the settings ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from reminderd.errors import SettingError
from reminderd.message import Channel
from reminderd.transports.base import Transport

if TYPE_CHECKING:
    from reminderd.oauth import Tokens
    from reminderd.transports.twilio import TwilioTransport

    class TransportSettings(Protocol):
        """The settings that transports are made from; `reminderd.settings.Settings` has them."""

        @property
        def smtp_host(self) -> str | None: ...
        @property
        def smtp_port(self) -> int | None: ...
        @property
        def smtp_security(self) -> str: ...
        @property
        def smtp_username(self) -> str | None: ...
        @property
        def smtp_password(self) -> str | None: ...
        @property
        def smtp_ca_file(self) -> Path | str | None: ...
        @property
        def twilio_account_sid(self) -> str | None: ...
        @property
        def twilio_auth_token(self) -> str | None: ...
        @property
        def twilio_from(self) -> str | None: ...
        @property
        def twilio_messaging_service_sid(self) -> str | None: ...
        @property
        def twilio_api_url(self) -> str | None: ...
        @property
        def maildir(self) -> Path: ...
        @property
        def public_root(self) -> str | None: ...
        @property
        def home(self) -> Path: ...
        @property
        def oauth_client_id(self) -> str | None: ...
        @property
        def oauth_client_secret(self) -> str | None: ...
        @property
        def oauth_refresh_token(self) -> str | None: ...
        @property
        def oauth_token_url(self) -> str | None: ...


TOKEN_FILE = "oauth_token"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One way out."""

    channel: Channel
    make: Callable[[TransportSettings], Transport]


def make_email(settings: TransportSettings) -> Transport:
    """SMTP where a server is set, else the Maildir, so that nothing is sent by accident."""
    return make_transport("smtp" if settings.smtp_host else "maildir", settings)


def make_sms(settings: TransportSettings) -> Transport | None:
    """Twilio where it is set up, else nothing. Raises `SettingError` where it is set up by half."""
    if not (settings.twilio_account_sid or settings.twilio_auth_token):
        return None
    return make_transport("twilio", settings)


def make_text_reader(settings: TransportSettings) -> TwilioTransport:
    """A Twilio of its own, to read answers and statuses with. Raises `SettingError` where it is set up by half."""
    from reminderd.transports.twilio import TwilioTransport

    root = settings.public_root

    return TwilioTransport(
        _given("TWILIO_ACCOUNT_SID", settings.twilio_account_sid),
        _given("TWILIO_AUTH_TOKEN", settings.twilio_auth_token),
        settings.twilio_from,
        settings.twilio_messaging_service_sid,
        settings.twilio_api_url,
        # Twilio takes public addresses only; those without https would be read on the way.
        status_callback=f"{root}/twilio/status" if root and root.startswith("https://") else None,
    )


def make_tokens(settings: TransportSettings) -> Tokens | None:
    """Access tokens for SMTP and IMAP, where `reminderd login` brought a refresh token. Raises `SettingError`."""
    if not settings.oauth_refresh_token:
        return None
    from reminderd.oauth import Account, Tokens

    return Tokens(
        Account(
            token_url=_given("OAUTH_TOKEN_URL", settings.oauth_token_url),
            client_id=_given("OAUTH_CLIENT_ID", settings.oauth_client_id),
            refresh_token=settings.oauth_refresh_token,
            client_secret=settings.oauth_client_secret,
            kept_in=settings.home / TOKEN_FILE,
        )
    )


def make_transport(name: str, settings: TransportSettings) -> Transport:
    """The transport of that name. Raises `ConfigError` where its settings do not do."""
    return TRANSPORTS[name].make(settings)


def _make_smtp(settings: TransportSettings) -> Transport:
    from reminderd.transports.smtp import SmtpTransport

    return SmtpTransport(
        _given("SMTP_HOST", settings.smtp_host),
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_username,
        settings.smtp_password,
        settings.smtp_ca_file,
        tokens=None if settings.smtp_password else make_tokens(settings),
    )


def _make_maildir(settings: TransportSettings) -> Transport:
    from reminderd.transports.maildir import MaildirTransport

    return MaildirTransport(settings.maildir)


def _make_twilio(settings: TransportSettings) -> Transport:
    return make_text_reader(settings)


def _make_console(settings: TransportSettings) -> Transport:
    from reminderd.transports.console import ConsoleTransport

    return ConsoleTransport()


def _given(name: str, value: str | None) -> str:
    if not value:
        raise SettingError(name, "a value", None)
    return value


TRANSPORTS: Mapping[str, Row] = {
    "smtp": Row(Channel.EMAIL, _make_smtp),
    "maildir": Row(Channel.EMAIL, _make_maildir),
    "twilio": Row(Channel.SMS, _make_twilio),
    "console": Row(Channel.SMS, _make_console),
}
