"""Access tokens: fetched, kept, renewed; what is refused for good and what only for now."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest

from reminderd.errors import ConfigError
from reminderd.oauth import Account, TokenDelayed, TokenRefused, Tokens, xoauth2
from reminderd.settings import load
from tests.servers.oauth import CLIENT, REFRESH, SECRET, FakeProvider

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def account(provider: FakeProvider, **more: object) -> Account:
    given = {"token_url": f"{provider.url}/token", "client_id": CLIENT, "refresh_token": REFRESH}
    return Account(**{**given, **more})  # type: ignore[arg-type]


def test_a_token_is_fetched_once_and_again_a_minute_before_it_ends() -> None:
    clock = Clock()
    with FakeProvider() as provider:
        tokens = Tokens(account(provider, client_secret=SECRET), clock)
        assert tokens.access() == tokens.access() == "access-1"
        clock.now += dt.timedelta(minutes=59)
        assert tokens.access() == "access-2"
    assert len(provider.requests) == 2
    assert provider.requests[0] == {
        "grant_type": "refresh_token",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "refresh_token": REFRESH,
    }


def test_a_token_that_was_refused_is_replaced() -> None:
    with FakeProvider() as provider:
        tokens = Tokens(account(provider), Clock())
        first = tokens.access()
        assert tokens.access(not_this=first) == "access-2"


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client", "unauthorized_client"])
def test_what_only_a_sign_in_mends_is_refused_without_the_providers_own_words(code: str) -> None:
    with FakeProvider() as provider:
        provider.refused = code
        with pytest.raises(TokenRefused, match="reminderd login") as failed:
            Tokens(account(provider), Clock()).access()
    assert code in str(failed.value)
    assert "ada" not in str(failed.value)


@pytest.mark.parametrize(
    "raw", ["", "[]", "{}", "not json", '{"access_token": "a b"}', '{"access_token": "x\\r\\nRCPT"}']
)
def test_an_unreadable_answer_is_asked_for_again(raw: str) -> None:
    with FakeProvider() as provider:
        provider.raw = raw
        with pytest.raises(TokenDelayed):
            Tokens(account(provider), Clock()).access()


def test_a_provider_that_is_away_is_asked_again() -> None:
    with FakeProvider() as provider:
        gone = account(provider)
    with pytest.raises(TokenDelayed, match="could not be reached"):
        Tokens(gone, Clock()).access()


def test_a_fault_of_the_provider_is_only_for_now() -> None:
    with FakeProvider() as provider:
        provider.refused = "temporarily_unavailable"
        with pytest.raises(TokenDelayed):
            Tokens(account(provider), Clock()).access()


@pytest.mark.parametrize("expires_in", ["soon", None, -5])
def test_a_lifetime_that_says_nothing_is_taken_as_short(expires_in: object) -> None:
    clock = Clock()
    with FakeProvider() as provider:
        provider.expires_in = expires_in
        tokens = Tokens(account(provider), clock)
        tokens.access()
        clock.now += dt.timedelta(minutes=5)
        assert tokens.access() == "access-2"


def test_a_newer_refresh_token_is_kept_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "state" / "oauth_token"
    with FakeProvider(rotates=True) as provider:
        Tokens(account(provider, kept_in=path), Clock()).access()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        Tokens(account(provider, kept_in=path), Clock()).access()
        assert provider.requests[1]["refresh_token"] == "refresh-1"
        provider.refresh_tokens.append("from-a-new-sign-in")
        Tokens(account(provider, kept_in=path, refresh_token="from-a-new-sign-in"), Clock()).access()
        assert provider.requests[2]["refresh_token"] == "from-a-new-sign-in"


def test_secrets_are_in_no_repr() -> None:
    told = repr(Account("https://x", CLIENT, REFRESH, SECRET))
    assert REFRESH not in told
    assert SECRET not in told


def test_the_answer_to_xoauth2_is_as_google_and_microsoft_write_it() -> None:
    assert xoauth2("ada@example.org", "t") == b"user=ada@example.org\x01auth=Bearer t\x01\x01"


def test_a_refresh_token_takes_the_place_of_both_passwords(tmp_path: Path) -> None:
    environ = {
        "SMTP_HOST": "smtp.gmail.com",
        "SMTP_USERNAME": "ada@gmail.com",
        "IMAP_HOST": "imap.gmail.com",
        "IMAP_USERNAME": "ada@gmail.com",
    }
    with pytest.raises(ConfigError, match="_PASSWORD"):
        load(environ, None, tmp_path)
    settings = load(environ | {"OAUTH_REFRESH_TOKEN": "r", "OAUTH_CLIENT_ID": "c"}, None, tmp_path)
    assert settings.oauth_token_url == "https://oauth2.googleapis.com/token"
    with pytest.raises(ConfigError, match="OAUTH_CLIENT_ID"):
        load(environ | {"OAUTH_REFRESH_TOKEN": "r"}, None, tmp_path)


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("smtp.gmail.com", "googleapis"),
        ("smtp.office365.com", "microsoftonline"),
        ("smtp-mail.outlook.com", "microsoftonline"),
        ("smtp.notgmail.com.example", None),
    ],
)
def test_the_token_address_follows_from_the_server(host: str, provider: str | None, tmp_path: Path) -> None:
    found = load({"SMTP_HOST": host, "SMTP_FROM": "a@b.example"}, None, tmp_path).oauth_token_url
    assert (provider in found) if provider and found else found is None
