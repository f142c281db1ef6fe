"""What all tests share: the databases, and a home that is not yours."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reminderd import logs
from reminderd.store import migrate
from reminderd.store.database import Store
from tests.servers.postgres import Missing, PostgresServer, running_postgres

OURS = ("DATABASE_", "SMTP_", "TWILIO_", "IMAP_", "SECRET_", "SITE_", "LISTEN_", "REMINDERD_", "CREDENTIALS_", "XDG_")
KEPT = ("REMINDERD_TEST_POSTGRES_URL", "REMINDERD_REQUIRE_SERVERS")


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings, the database or the `.env` of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in os.environ:
        if name.startswith(OURS) and name not in KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.chdir(home)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """What a command set up to log is gone after the test."""
    loggers = [logging.getLogger(), logging.getLogger("reminderd")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
        for handler in [one for one in logger.handlers if one.name == logs.IDENTIFIER]:
            logger.removeHandler(handler)
            handler.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for each process that runs tests."""
    try:
        with running_postgres() as server:
            yield server
    except Missing as missing:
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail(f"PostgreSQL is required here, but {missing}.")
        pytest.skip(f"{missing}; or set REMINDERD_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with our tables; each test gets a copy."""
    url = postgres_server.create()
    _create_tables(url)
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "reminderd.db"
    _create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A SQLite file with our tables."""
    path = tmp_path / "store" / "reminderd.db"
    path.parent.mkdir(mode=0o700)
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database with our tables."""
    url = postgres_server.create(postgres_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    store = Store(sqlite_url)
    yield store
    store.dispose()


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[Store]:
    store = Store(postgres_url)
    yield store
    store.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """The same test on both databases."""
    made: Store = request.getfixturevalue(f"{request.param}_store")
    return made


def _create_tables(url: str) -> None:
    store = Store(url)
    migrate.create(store)
    store.dispose()
