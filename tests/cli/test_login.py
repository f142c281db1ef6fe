"""`login`, against a provider's sign-in on loopback."""

from __future__ import annotations

import queue
import re
import stat
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from reminderd.cli.sign_in import GMAIL, MICROSOFT, Client, SignInFailed, by_browser, by_code
from reminderd.oauth import TokenRefused
from reminderd.settings import load, read_env
from tests.cli.desk import Desk
from tests.servers.oauth import CLIENT, FakeProvider


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path).set_up()


class Browser:
    """Opens every address it is told of, as somebody would who agrees."""

    def __init__(self, change: str = "") -> None:
        self.told: list[str] = []
        self.pages: queue.Queue[str] = queue.Queue()
        self._change = change

    def __call__(self, text: str) -> None:
        self.told.append(text)
        found = re.search(r"http://\S+", text)
        assert found is not None
        threading.Thread(target=self._open, args=(found[0] + self._change,), daemon=True).start()

    def _open(self, address: str) -> None:
        try:
            with urllib.request.urlopen(address, timeout=10) as page:
                self.pages.put(page.read().decode())
        except OSError as error:
            self.pages.put(str(error))


def at(provider: FakeProvider, kind: object = GMAIL) -> object:
    import dataclasses

    return dataclasses.replace(
        kind,  # type: ignore[type-var]
        token_url=f"{provider.url}/token",
        authorize_url=f"{provider.url}/authorize",
        device_url=f"{provider.url}/device",
    )


def test_microsoft_shows_a_code_waits_and_writes_what_is_needed(desk: Desk) -> None:
    with FakeProvider(pending=1) as provider:
        said = desk.ok(
            *("login", "microsoft", "--email", "ada@contoso.example", "--client-id", CLIENT),
            *("--provider-url", provider.url),
        )
    assert "ABCD-EFGH" in said
    assert "refresh-1" not in said
    env = desk.home / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    written = read_env(env)
    assert written["OAUTH_REFRESH_TOKEN"] == "refresh-1"
    assert written["SMTP_HOST"] == "smtp.office365.com"
    settings = load({}, None, desk.home)
    assert (settings.smtp_username, settings.smtp_password) == ("ada@contoso.example", None)
    assert settings.oauth_token_url == f"{provider.url}/token"


def test_the_code_way_asks_at_the_pace_it_is_told(tmp_path: Path) -> None:
    waits: list[float] = []
    told: list[str] = []
    with FakeProvider(pending=3) as provider:
        token = by_code(at(provider, MICROSOFT), Client(CLIENT), told.append, wait=waits.append)  # type: ignore[arg-type]
    assert token == "refresh-1"
    assert waits == [1] * 4
    assert provider.requests[0]["scope"] == MICROSOFT.scope


def test_a_code_that_nobody_types_ends(tmp_path: Path) -> None:
    with FakeProvider(pending=10_000) as provider, pytest.raises(SignInFailed, match="in time"):
        by_code(at(provider, MICROSOFT), Client(CLIENT), lambda _: None, wait=lambda _: None)  # type: ignore[arg-type]


def test_a_refusal_is_told(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        provider.refused = "access_denied"
        with pytest.raises(SignInFailed, match="access_denied"):
            by_code(at(provider, MICROSOFT), Client(CLIENT), lambda _: None, wait=lambda _: None)  # type: ignore[arg-type]


def test_gmail_comes_back_to_this_machine_with_a_proof_key() -> None:
    browser = Browser()
    with FakeProvider() as provider:
        token = by_browser(at(provider), Client(CLIENT, "s"), browser, email="ada@gmail.com")  # type: ignore[arg-type]
        assert "You can close this window" in browser.pages.get(timeout=10)
    assert token == "refresh-1"
    consent, exchange = provider.requests
    assert consent["code_challenge_method"] == "S256"
    assert consent["scope"] == GMAIL.scope
    assert consent["access_type"] == "offline"
    assert consent["login_hint"] == "ada@gmail.com"
    assert consent["redirect_uri"].startswith("http://127.0.0.1:")
    assert exchange["redirect_uri"] == consent["redirect_uri"]


def test_an_answer_that_is_not_ours_is_not_taken() -> None:
    opened: queue.Queue[str] = queue.Queue()

    def forge(text: str) -> None:
        back = re.search(r"redirect_uri=(\S+?)&", text)
        assert back is not None
        address = urllib.parse.unquote(back[1])

        def open_it() -> None:
            try:
                urllib.request.urlopen(f"{address}?code=stolen&state=guessed", timeout=10)
            except OSError as error:
                opened.put(str(error))

        threading.Thread(target=open_it, daemon=True).start()

    with FakeProvider() as provider, pytest.raises(SignInFailed, match="in time"):
        by_browser(at(provider), Client(CLIENT), forge, patience=0.5)  # type: ignore[arg-type]
    assert "404" in opened.get(timeout=10)
    assert provider.requests == []


def test_a_program_that_the_provider_does_not_know_is_told(desk: Desk) -> None:
    with FakeProvider(pending=0) as provider:
        result = desk.run(
            *("login", "microsoft", "--email", "a@b.example", "--client-id", "wrong", "--provider-url", provider.url)
        )
    assert result.exit_code == TokenRefused.exit_code
    assert "invalid_client" in result.stderr


def test_without_account_or_registration_nothing_is_asked(desk: Desk) -> None:
    assert "--email" in desk.refused(2, "login", "gmail")
    assert "--client-id" in desk.refused(2, "login", "gmail", "--email", "ada@gmail.com")
