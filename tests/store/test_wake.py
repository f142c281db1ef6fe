"""Waking the daemon: whoever waits is woken soon after a commit, by whatever way is left."""

from __future__ import annotations

import signal
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from reminderd.store import wake
from reminderd.store.database import Store
from reminderd.store.listen import Listener, make_listener
from tests.store.rows import add_user, make_user

LONG = 30.0
"""A wait that no test reaches the end of."""
NEVER = 1000.0
"""A look at the database that does not come: what wakes is the message alone."""


@pytest.fixture
def listener(store: Store) -> Iterator[Listener]:
    made = make_listener(store, look_every=NEVER)
    yield made
    made.close()


def reopened(store: Store) -> Store:
    """Another process's view of the same database."""
    if store.path is not None:
        return Store(f"sqlite:///{store.path}")
    return Store(store.engine.url.render_as_string(hide_password=False))


def test_a_commit_that_asks_for_it_wakes_who_waits(store: Store, listener: Listener) -> None:
    waits = threading.Event()
    other = reopened(store)

    def write() -> None:
        waits.wait(LONG)
        with other.writing(wake=True) as session:
            session.add(make_user())

    writer = threading.Thread(target=write)
    writer.start()
    waits.set()
    assert listener.wait(LONG)
    writer.join(LONG)
    other.dispose()


def test_a_wake_up_that_came_before_the_wait_is_kept(store: Store, listener: Listener) -> None:
    with store.writing(wake=True) as session:
        session.add(make_user())
    assert listener.wait(LONG)


def test_a_hundred_wake_ups_are_one(store: Store, listener: Listener) -> None:
    for _ in range(100):
        wake.wake(store)
    assert listener.wait(LONG)
    assert not listener.wait(0)


def test_without_a_wake_up_the_wait_ends_in_time(store: Store, listener: Listener) -> None:
    assert not listener.wait(0.01)
    assert not listener.wait(0)


def test_an_exception_wakes_nobody(store: Store, listener: Listener) -> None:
    def fail() -> None:
        with store.writing(wake=True) as session:
            session.add(make_user())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not listener.wait(0)


def test_a_poke_wakes_and_is_kept_too(store: Store, listener: Listener) -> None:
    poker = threading.Thread(target=listener.poke)
    poker.start()
    assert listener.wait(LONG)
    poker.join(LONG)
    for _ in range(100_000):
        listener.poke()  # more than a pipe holds
    assert listener.wait(LONG)
    assert not listener.wait(0)


def test_a_signal_handler_may_poke(store: Store, listener: Listener) -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: listener.poke())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert listener.wait(LONG)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_change_is_seen_though_its_wake_up_was_lost(store: Store) -> None:
    listener = make_listener(store, look_every=0.01)
    other = reopened(store)
    add_user(other)
    assert listener.wait(LONG)
    assert not listener.wait(0.03)
    other.dispose()
    listener.close()


class TestSocket:
    def test_it_is_private_and_leaves_with_the_listener(self, sqlite_store: Store) -> None:
        assert sqlite_store.path is not None
        path = sqlite_store.path.with_name("reminderd.sock")
        listener = make_listener(sqlite_store)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        listener.close()
        assert not path.exists()

    def test_a_stale_one_is_replaced(self, sqlite_store: Store) -> None:
        assert sqlite_store.path is not None
        path = wake.socket_path(sqlite_store.path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stale:
            stale.bind(str(path))
        wake.wake(sqlite_store)  # nobody there: no fault
        listener = make_listener(sqlite_store, look_every=NEVER)
        wake.wake(sqlite_store)
        assert listener.wait(LONG)
        listener.close()

    def test_the_socket_of_a_successor_is_left(self, sqlite_store: Store) -> None:
        first = make_listener(sqlite_store)
        second = make_listener(sqlite_store, look_every=NEVER)
        first.close()
        wake.wake(sqlite_store)
        assert second.wait(LONG)
        second.close()

    def test_a_file_in_its_place_is_left_and_looking_does_instead(self, sqlite_store: Store) -> None:
        assert sqlite_store.path is not None
        path = wake.socket_path(sqlite_store.path)
        path.write_text("mine")
        listener = make_listener(sqlite_store, look_every=0.01)
        with sqlite_store.writing(wake=True) as session:
            session.add(make_user())
        assert listener.wait(LONG)
        listener.close()
        assert path.read_text() == "mine"

    def test_a_path_too_long_for_an_address_works_all_the_same(self, tmp_path: Path, sqlite_template: Path) -> None:
        path = tmp_path / ("d" * 100) / ("e" * 100) / "reminderd.db"
        path.parent.mkdir(parents=True)
        path.write_bytes(sqlite_template.read_bytes())
        store = Store(f"sqlite:///{path}")
        listener = make_listener(store, look_every=NEVER)
        assert wake.socket_path(path).is_socket()
        with store.writing(wake=True) as session:
            session.add(make_user())
        assert listener.wait(LONG)
        listener.close()
        store.dispose()

    def test_a_full_queue_is_no_fault(self, sqlite_store: Store) -> None:
        listener = make_listener(sqlite_store, look_every=NEVER)
        for _ in range(5000):
            wake.wake(sqlite_store)
        assert listener.wait(LONG)
        assert not listener.wait(0)
        listener.close()

    def test_a_file_that_vanishes_wakes_once(self, sqlite_store: Store) -> None:
        listener = make_listener(sqlite_store, look_every=0.01)
        assert sqlite_store.path is not None
        sqlite_store.path.unlink()
        assert listener.wait(LONG)
        assert not listener.wait(0.03)
        listener.close()

    def test_memory_can_be_waited_for_too(self) -> None:
        store = Store.memory()
        listener = make_listener(store)
        wake.wake(store)
        assert not listener.wait(0)
        listener.poke()
        assert listener.wait(LONG)
        listener.close()
        store.dispose()


class TestServer:
    def test_a_lost_connection_is_made_anew_and_wakes_for_what_was_missed(self, postgres_store: Store) -> None:
        listener = make_listener(postgres_store, look_every=0.01)
        with postgres_store.writing() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE query = 'SELECT pg_current_snapshot()::text' AND datname = current_database()"
                )
            )
        assert listener.wait(LONG)
        while listener.wait(0.03):
            pass
        wake.wake(postgres_store)
        assert listener.wait(LONG)
        listener.close()

    def test_a_server_that_is_away_ends_no_wait_early(self, tmp_path: Path) -> None:
        listener = make_listener(Store(f"postgresql://postgres@/x?host={tmp_path}"), look_every=0.01)
        assert not listener.wait(0.03)
        listener.poke()
        assert listener.wait(LONG)
        listener.close()
