"""A PostgreSQL for the tests: one that is named, or one that the tests start themselves."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/pgsql/bin")
SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
listen_addresses = ''
max_connections = 50
unix_socket_directories = '{folder}'
"""
# The server lives while we hold the keeper's standard input, so that none outlives the tests, however they end.
KEEPER = """
"$1" -D data -l log -w start >&2 && echo ready && cat >/dev/null
"$1" -D data -m immediate stop >&2
cd / && rm -rf "$2"
"""


class Missing(Exception):
    """There is no PostgreSQL on this machine."""


@dataclass
class PostgresServer:
    """Databases for tests, each a copy of one template."""

    url: str
    """A database that is there already, in which to make others."""
    prefix: str = field(default_factory=lambda: f"reminderd_test_{os.getpid()}")
    _numbers: Iterator[int] = field(default_factory=count)

    def create(self, template: str | None = None) -> str:
        """The URL of a new database; ``template`` is the URL of the one to copy."""
        name = f"{self.prefix}_{next(self._numbers)}"
        source = make_url(template).database if template else "template0"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Raises `Missing` when there is none to be had."""
    named = os.environ.get("REMINDERD_TEST_POSTGRES_URL")
    if named:
        url = make_url(named).set(drivername="postgresql").render_as_string(hide_password=False)
        yield PostgresServer(url)
        return
    programs = _find_programs()
    folder = Path(tempfile.mkdtemp(prefix="rpg-", dir="/tmp"))  # short: a Unix socket's address is
    owner = _owner()
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        _initialise(programs, folder, owner)
        with _serve(programs, folder, owner):
            yield PostgresServer(f"postgresql://postgres@/postgres?host={folder}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_programs() -> Path:
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    for pattern in FOLDERS:
        found += sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)
    for folder in found:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Missing("no PostgreSQL server is installed (Debian: apt-get install postgresql)")


def _owner() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise Missing("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")


def _initialise(programs: Path, folder: Path, owner: str | None) -> None:
    options = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres", "--pgdata=data"]
    done = subprocess.run(
        [str(programs / "initdb"), *options],
        **_as(owner),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {done.stderr}")
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write(SETTINGS.format(folder=folder))


@contextlib.contextmanager
def _serve(programs: Path, folder: Path, owner: str | None) -> Iterator[None]:
    with subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "sh", programs / "pg_ctl", folder],
        **_as(owner),
        cwd=folder,
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        if keeper.stdout.readline() != b"ready\n":
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text(errors='replace')}")
        try:
            yield
        finally:
            keeper.stdin.close()
            keeper.wait(timeout=30)


def _as(owner: str | None) -> dict[str, Any]:
    if owner is None:
        return {}
    return {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []}
