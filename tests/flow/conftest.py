"""Parts of the flows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
