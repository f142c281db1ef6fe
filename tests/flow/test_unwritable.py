"""A database that nobody may write to any more while the daemon runs, and that is writable again later."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import select

from bench.daemons import cpu_seconds
from bench.faults.ground import Ground, ground
from reminderd.clock import utc_now
from reminderd.metrics import SILENT_FOR
from reminderd.store.database import Store
from reminderd.store.tables import Job
from tests.flow.daemons import CHECKOUT, wait_until
from tests.flow.parts import PATIENCE

LONG = 2 * SILENT_FOR
NO_MORE_THAN_OTHERS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Root may write to whatever there is; without these two rights it is held to a file's mode as everybody is."""


@pytest.fixture
def made() -> Iterator[Ground]:
    with ground() as found:
        yield found


@pytest.fixture
def daemon(made: Ground) -> Iterator[subprocess.Popen[bytes]]:
    """One that has sent all there was and noted its pass."""
    with log_path(made).open("wb") as log:
        command = [sys.executable, "-m", "reminderd", "--home", str(made.home), "run"]
        process = subprocess.Popen(
            [*(NO_MORE_THAN_OTHERS if os.geteuid() == 0 else ()), *command],
            env=os.environ | made.environ,
            cwd=CHECKOUT,
            stdout=log,
            stderr=log,
        )
    made.enqueue(2, 1)
    made.settle(PATIENCE)
    wait_until(lambda: has_noted(made))
    yield process
    process.kill()
    process.wait(PATIENCE)


@contextlib.contextmanager
def put_in_place_read_only(made: Ground, pid: int) -> Iterator[None]:
    """As root puts a copy of yesterday in its place: a file of its own, which the daemon may read. There is more to
    send in it, and its last pass was long ago."""
    path, copy = made.home / "reminderd.db", made.home / "copy.db"
    with contextlib.closing(sqlite3.connect(path)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))
    made.store.dispose()
    there, made.store = made.store, Store(f"sqlite:///{copy}")
    enqueue_late(made)
    made.store.dispose()
    made.store = there
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    copy.chmod(0o444)
    copy.rename(path)
    yield
    path.chmod(0o600)


@contextlib.contextmanager
def without_room(made: Ground, pid: int) -> Iterator[None]:
    """No file that the daemon writes may grow: what a full disk is to it."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    enqueue_late(made)
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def enqueue_late(made: Ground) -> None:
    """More to send, in a database in which no pass has been noted for long."""
    made.enqueue(5, 2)
    with made.store.writing() as session:
        for job in session.scalars(select(Job)):
            job.last_pass_at = utc_now() - LONG


@pytest.mark.parametrize(
    ("strike", "reason"),
    [(put_in_place_read_only, "read_only"), (without_room, "disk_fault")],
    ids=["read-only", "no room"],
)
def test_a_database_that_cannot_be_written_for_a_while_is_told_once_and_costs_time_only(
    made: Ground,
    daemon: subprocess.Popen[bytes],
    strike: Callable[[Ground, int], AbstractContextManager[None]],
    reason: str,
) -> None:
    sent = arrived(made)
    with strike(made, daemon.pid):
        wait_until(lambda: "pass_put_off" in log_path(made).read_text())
        began, used = time.monotonic(), cpu_seconds(daemon.pid)
        assert "the last pass was" in health(made)
        assert cpu_seconds(daemon.pid) - used < 0.3 * (time.monotonic() - began)
        assert arrived(made) == sent
    made.settle(PATIENCE)
    wait_until(lambda: has_noted(made))
    assert health(made) == "ok\n"
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(PATIENCE) == 0
    row = made.count("unwritable", 1)
    assert (row.received, row.duplicated, row.wrong) == (row.expected, 0, ())
    said = [line.partition("pass")[2] for line in log_path(made).read_text().splitlines() if "pass" in line]
    assert said == [f"_put_off reason={reason}", "es_again"]


def has_noted(made: Ground) -> bool:
    """Whether a pass has been noted of late."""
    with made.store.reading() as session:
        return any(utc_now() - job.last_pass_at < LONG / 2 for job in session.scalars(select(Job)))


def arrived(made: Ground) -> int:
    return len(made.post.received) + len(made.exchange.sent)


def log_path(made: Ground) -> Path:
    return made.home / "log"


def health(made: Ground) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "reminderd", "--home", str(made.home), "health"],
        env=os.environ | {"DATABASE_URL": made.url},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout
