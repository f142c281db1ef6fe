"""Where the benches store: SQLite files and a PostgreSQL of their own, as durable as in production."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.servers.postgres import Missing, PostgresServer, running_postgres

DURABLE = ("fsync = on", "synchronous_commit = on", "full_page_writes = on", "autovacuum = on")


@contextlib.contextmanager
def sqlite_urls() -> Iterator[Path]:
    """A folder for SQLite files."""
    with tempfile.TemporaryDirectory(prefix="reminderd-bench-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def durable_postgres() -> Iterator[PostgresServer | None]:
    """A server that keeps what it has committed; ``None`` where there is none on this machine."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running_postgres())
        except Missing as missing:
            print(f"Without PostgreSQL: {missing}.")
            yield None
            return
        with psycopg.connect(server.url, autocommit=True) as connection:
            for setting in DURABLE:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        yield server


@contextlib.contextmanager
def copied(template: str, server: PostgresServer | None) -> Iterator[str]:
    """The URL of a copy of a database that nobody has open, gone afterwards."""
    if template.startswith("sqlite:///"):
        with sqlite_urls() as folder:
            shutil.copy(template.removeprefix("sqlite:///"), folder / "reminderd.db")
            yield f"sqlite:///{folder}/reminderd.db"
        return
    assert server is not None
    url = server.create(template)
    try:
        yield url
    finally:
        server.drop(url)
