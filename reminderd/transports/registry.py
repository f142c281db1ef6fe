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

    return TwilioTransport(
        _given("TWILIO_ACCOUNT_SID", settings.twilio_account_sid),
        _given("TWILIO_AUTH_TOKEN", settings.twilio_auth_token),
        settings.twilio_from,
        settings.twilio_messaging_service_sid,
        settings.twilio_api_url,
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
