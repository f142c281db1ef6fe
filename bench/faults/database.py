"""The database is locked, full, gone, replaced, cut off and restarted under a running daemon."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator

import psycopg
from sqlalchemy import make_url

from bench.faults.ground import Ground, ground, pause, wait_until
from bench.faults.nursery import RUN_AS, Nursery
from bench.faults.table import Row
from tests.servers import postgres
from tests.servers.postgres import PostgresServer

PATIENCE = 60.0
NOBODY = 65534


def file_faults(nursery: Nursery, *, times: int, mails: int, texts: int, locked_for: float) -> Iterator[Row]:
    """Faults of a SQLite file, injected while messages are being sent."""
    faults: dict[str, Callable[[Ground, int], contextlib.AbstractContextManager[None]]] = {
        f"file locked by another writer for {locked_for:g} s": lambda made, pid: _locked(made, locked_for),
        "no room for the file to grow (disk full)": _full,
        "file moved away and back": _gone,
        "file replaced by a copy of itself": _replaced,
    }
    for fault, injected in faults.items():
        with ground() as made:
            pid = nursery.start(made.home, made.environ)
            for _ in range(1 if "locked" in fault else times):
                made.enqueue(mails, texts)
                _until_begun(made)
                with injected(made, pid):
                    pause(0.3)
            made.settle(PATIENCE + locked_for)
            code = nursery.kill(pid, signal.SIGTERM)
            row = made.count(fault, 1 if "locked" in fault else times)
            yield ended_with(made, row, code)
    yield _read_only(nursery, times, mails, texts)


def _read_only(nursery: Nursery, times: int, mails: int, texts: int) -> Row:
    """A daemon that may only read the file says so, ends with 75 and has sent nothing; one that may write sends all."""
    with ground() as made:
        made.enqueue(mails, texts)
        said: list[str] = []
        for _ in range(times):
            with _reading_only(made) as reader:
                code = nursery.reap(nursery.start(made.home, made.environ | reader), 10)
            if code != 75 or made.post.received or made.exchange.sent:
                said.append(f"with a file that it may only read the daemon ended with {code}: {_last(made)}")
        pid = nursery.start(made.home, made.environ)
        made.settle(PATIENCE)
        code = nursery.kill(pid, signal.SIGTERM)
        row = ended_with(made, made.count("file read-only at the start", times), code)
        return dataclasses.replace(row, wrong=(*row.wrong, *said))


@contextlib.contextmanager
def _reading_only(made: Ground) -> Iterator[dict[str, str]]:
    """Files and folder that nobody may write to; root may still, so that the daemon becomes somebody else."""
    made.store.dispose()
    paths = [made.home, *made.home.glob("reminderd.*")]
    modes = [path.stat().st_mode for path in paths]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield {RUN_AS: str(NOBODY)} if os.geteuid() == 0 else {}
    finally:
        for path, mode in zip(paths, modes, strict=True):
            path.chmod(mode)


@contextlib.contextmanager
def _locked(made: Ground, seconds: float) -> Iterator[None]:
    other = sqlite3.connect(made.home / "reminderd.db", isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    pause(seconds)
    yield
    other.execute("ROLLBACK")
    other.close()


@contextlib.contextmanager
def _full(made: Ground, pid: int) -> Iterator[None]:
    """No file that the daemon writes may grow: what a full disk is to it."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextlib.contextmanager
def _gone(made: Ground, pid: int) -> Iterator[None]:
    os.rename(made.home / "reminderd.db", made.home / "elsewhere.db")
    yield
    os.rename(made.home / "elsewhere.db", made.home / "reminderd.db")


@contextlib.contextmanager
def _replaced(made: Ground, pid: int) -> Iterator[None]:
    """By what a backup of this moment holds, taken while nothing is in flight: what was sent is in it."""
    made.settle(PATIENCE)
    made.enqueue(5, 5)
    made.settle(PATIENCE)
    path = made.home / "reminderd.db"
    with contextlib.closing(sqlite3.connect(path)) as source:
        source.execute("VACUUM INTO ?", (str(made.home / "copy.db"),))
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    os.rename(made.home / "copy.db", path)
    made.enqueue(5, 5)
    yield


def server_faults(nursery: Nursery, *, times: int, mails: int, texts: int) -> Iterator[Row]:
    """Faults of a PostgreSQL server, injected while messages are being sent."""
    with postgres.running_postgres() as server:
        for fault, strike, count in (
            ("PostgreSQL connections cut", _cut, times),
            ("PostgreSQL restarted at once", _restart, max(1, times // 2)),
            ("PostgreSQL read-only for a moment", _forbid_writing, times),
        ):
            yield _struck(nursery, server, fault, strike, count, mails, texts)


def _struck(
    nursery: Nursery,
    server: PostgresServer,
    fault: str,
    strike: Callable[[PostgresServer, str, Ground], None],
    times: int,
    mails: int,
    texts: int,
) -> Row:
    url = server.create()
    with ground(url) as made:
        pid = nursery.start(made.home, made.environ)
        for _ in range(times):
            made.enqueue(mails, texts)
            _until_begun(made)
            strike(server, url, made)
        made.settle(PATIENCE)
        code = nursery.kill(pid, signal.SIGTERM)
        row = ended_with(made, made.count(fault, times), code)
    server.drop(url)
    return row


def _forbid_writing(server: PostgresServer, url: str, made: Ground) -> None:
    """As when the server becomes a standby for a while."""
    _let_write(server, url, False)
    pause(0.3)
    _let_write(server, url, True)
    made.store.dispose()


def _let_write(server: PostgresServer, url: str, may: bool) -> None:
    name = make_url(url).database
    with psycopg.connect(server.url, autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {"off" if may else "on"}')
        _cut_off(other, name)


def _cut_off(other: psycopg.Connection[tuple[object, ...]], name: str | None) -> None:
    other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def _cut(server: PostgresServer, url: str, made: Ground) -> None:
    with psycopg.connect(server.url, autocommit=True) as other:
        _cut_off(other, make_url(url).database)
    made.store.dispose()


def _restart(server: PostgresServer, url: str, made: Ground) -> None:
    made.store.dispose()
    folder = str(make_url(server.url).query["host"])
    programs, owner = postgres._find_programs(), postgres._owner()
    subprocess.run(
        [str(programs / "pg_ctl"), "-D", "data", "-l", "log", "-m", "immediate", "-w", "restart"],
        **postgres._as(owner),
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _until_begun(made: Ground) -> None:
    """Until something of it has been sent, but not all."""
    before = len(made.post.received) + len(made.exchange.sent)
    wait_until(lambda: len(made.post.received) + len(made.exchange.sent) > before, 10)


def ended_with(made: Ground, row: Row, code: int) -> Row:
    """The row, and that the daemon did not end as asked if its exit code says so."""
    return (
        row
        if code == 0
        else dataclasses.replace(row, wrong=(*row.wrong, f"the daemon ended with {code}: {_last(made)}"))
    )


def _last(made: Ground) -> str:
    return " | ".join((made.home / "log").read_text(errors="replace").splitlines()[-3:])
