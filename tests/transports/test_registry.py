from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from reminderd.errors import ConfigError
from reminderd.message import Channel
from reminderd.transports.registry import TRANSPORTS, make_email, make_sms, make_transport


@dataclasses.dataclass(frozen=True)
class Told:
    """The settings that matter here."""

    smtp_host: str | None = None
    smtp_port: int | None = None
    smtp_security: str = "starttls"
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_ca_file: Path | None = None
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = None
    twilio_from: str | None = None
    twilio_messaging_service_sid: str | None = None
    twilio_api_url: str | None = None
    maildir: Path = Path("/nowhere/Maildir")
    public_root: str | None = None
    home: Path = Path("/nowhere")
    oauth_client_id: str | None = None
    oauth_client_secret: str | None = None
    oauth_refresh_token: str | None = None
    oauth_token_url: str | None = None


FULL = Told(
    smtp_host="smtp.example.org", twilio_account_sid="AC1", twilio_auth_token="secret", twilio_from="+15005550006"
)


@pytest.mark.parametrize("name", list(TRANSPORTS))
def test_each_row_makes_what_it_names(name: str) -> None:
    made = make_transport(name, FULL)
    assert made.name == name
    assert made.channel is TRANSPORTS[name].channel


def test_mail_stays_on_this_machine_until_a_server_is_set() -> None:
    assert make_email(Told()).name == "maildir"
    assert make_email(FULL).name == "smtp"
    assert make_email(FULL).channel is Channel.EMAIL


def test_texts_need_twilio() -> None:
    assert make_sms(Told()) is None
    made = make_sms(FULL)
    assert made is not None
    assert made.name == "twilio"


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ("twilio_account_sid", "TWILIO_ACCOUNT_SID"),
        ("twilio_auth_token", "TWILIO_AUTH_TOKEN"),
        ("twilio_from", "TWILIO_FROM"),
    ],
)
def test_twilio_set_up_by_half_names_what_is_missing(missing: str, name: str) -> None:
    with pytest.raises(ConfigError, match=name) as wrong:
        make_sms(dataclasses.replace(FULL, **{missing: None}))  # type: ignore[arg-type]
    assert "secret" not in str(wrong.value)


def test_a_port_left_out_follows_from_the_encryption() -> None:
    for security, port in (("starttls", 587), ("force_tls", 465), ("off_forced", 25)):
        made = make_email(dataclasses.replace(FULL, smtp_security=security))
        assert made._port == port  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("root", "told"),
    [
        (None, None),
        ("http://r.example.org", None),
        ("https://r.example.org/x", "https://r.example.org/x/twilio/status"),
    ],
)
def test_twilio_is_told_where_to_post_statuses_only_by_a_public_https_address(
    root: str | None, told: str | None
) -> None:
    made = make_sms(dataclasses.replace(FULL, public_root=root))
    assert made is not None
    assert vars(made)["_status_callback"] == told
