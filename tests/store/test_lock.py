"""One daemon for each file."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reminderd.errors import ReminderdError
from reminderd.store import lock
from reminderd.store.database import Store

HOLD = (
    "import sys\n"
    "from reminderd.store import lock\n"
    "from reminderd.store.database import Store\n"
    "with lock.own(Store(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def test_a_second_owner_is_refused_and_told_who_has_it(sqlite_store: Store) -> None:
    with (
        lock.own(sqlite_store),
        pytest.raises(ReminderdError, match=rf"has a daemon already \(process {os.getpid()}\)"),
        lock.own(sqlite_store),
    ):
        pass


def test_an_owner_that_ends_leaves_the_file_free(sqlite_store: Store) -> None:
    for _ in range(2):
        with lock.own(sqlite_store):
            assert lock.holder(sqlite_store) == os.getpid()
        assert lock.holder(sqlite_store) is None


def test_an_owner_that_is_killed_leaves_the_file_free(sqlite_url: str, sqlite_store: Store) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, sqlite_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert lock.holder(sqlite_store) == other.pid
        with pytest.raises(ReminderdError, match=f"process {other.pid}"), lock.own(sqlite_store):
            pass
        other.kill()
        other.wait(timeout=30)
        assert lock.holder(sqlite_store) is None
        with lock.own(sqlite_store):
            assert lock.holder(sqlite_store) == os.getpid()


def test_the_lock_lies_beside_the_file_and_is_private(sqlite_store: Store) -> None:
    assert sqlite_store.path is not None
    with lock.own(sqlite_store):
        path = sqlite_store.path.with_name("reminderd.lock")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_names_of_one_file_have_one_owner(sqlite_store: Store, tmp_path: Path) -> None:
    assert sqlite_store.path is not None
    link = tmp_path / "link"
    link.symlink_to(sqlite_store.path.parent)
    other = Store(f"sqlite:///{link}/reminderd.db")
    with lock.own(sqlite_store), pytest.raises(ReminderdError, match="already"), lock.own(other):
        pass
    other.dispose()


def test_several_daemons_share_a_server(postgres_store: Store) -> None:
    with contextlib.ExitStack() as daemons:
        for _ in range(2):
            daemons.enter_context(lock.own(postgres_store))
        assert lock.holder(postgres_store) is None
