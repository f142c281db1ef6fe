"""Parts of the flows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reminderd.store.database import Store
from tests.flow.daemons import CHECKOUT, Daemon, Starter
from tests.flow.parts import Mailbox
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.twilio import FakeTwilio


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def mailbox(certificates: Certificates) -> Iterator[Mailbox]:
    """A mail server that wants STARTTLS and a login."""
    accounts = {"ada": "correct horse"}
    with Mailbox(security="starttls", context=certificates.server_context, accounts=accounts) as server:
        yield server
        server.answer.set()


@pytest.fixture
def fake_twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        yield fake


@pytest.fixture
def mail_settings(mailbox: Mailbox, certificates: Certificates) -> dict[str, str]:
    return {
        "SMTP_HOST": "localhost",
        "SMTP_PORT": str(mailbox.port),
        "SMTP_SECURITY": "starttls",
        "SMTP_USERNAME": "ada",
        "SMTP_PASSWORD": "correct horse",
        "SMTP_FROM": "reminderd@example.org",
        "SMTP_CA_FILE": str(certificates.ca_file),
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "h"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def start(home: Path, mail_settings: dict[str, str]) -> Iterator[Starter]:
    """Starts a daemon on a store and waits until it is ready."""
    running: list[Daemon] = []

    def starting(
        store: Store, folder: Path = home, *, ready: bool = True, checkout: Path = CHECKOUT, **environ: str
    ) -> Daemon:
        url = (
            store.engine.url.render_as_string(hide_password=False) if store.path is None else f"sqlite:///{store.path}"
        )
        daemon = Daemon(folder, mail_settings | {"DATABASE_URL": url} | environ, checkout)
        running.append(daemon)
        if ready:
            daemon.wait_for("READY=1")
        return daemon

    yield starting
    for daemon in running:
        daemon.close()
