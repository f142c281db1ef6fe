"""The stages of a pass, for several nodes."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from reminderd.dispatcher import Dispatcher
from reminderd.message import Channel, Message
from reminderd.nudge_rows import BATCH
from reminderd.passes import Passes
from reminderd.store.database import Store
from reminderd.store.tables import Attempt, Delivery, Job, User
from reminderd.transports.base import Receipt
from reminderd.wiring import House
from tests.flow.daemons import wait_until
from tests.flow.parts import NOON, PATIENCE, Recorder, make_house, recorders
from tests.store.rows import add_user, make_delivery, make_user


@pytest.fixture
def two_nodes(postgres_url: str, tmp_path: Path) -> Iterator[list[Passes]]:
    stores = [Store(postgres_url) for _ in range(2)]
    houses = [make_house(store, tmp_path) for store in stores]
    yield [Passes(house, house.dispatcher_to_be(recorders())) for house in houses]
    for store in stores:
        store.dispose()


def test_one_node_keeps_house_at_a_time(two_nodes: list[Passes], postgres_store: Store) -> None:
    first, second = two_nodes
    put_off_by_a_wrong_clock(postgres_store)
    with postgres_store.writing() as session:
        session.scalars(select(Delivery).with_for_update()).one()  # the first node has to wait for this row
        working = threading.Thread(target=first.housekeeping, args=(NOON,))
        working.start()
        wait_until(lambda: keeps_house(postgres_store))
        second.housekeeping(NOON + dt.timedelta(minutes=1))
        assert session.scalars(select(Job.name)).all() == []
    working.join(PATIENCE)
    assert last_passes(postgres_store) == {"housekeeping": NOON}
    second.housekeeping(NOON + dt.timedelta(minutes=6))
    assert last_passes(postgres_store) == {"housekeeping": NOON + dt.timedelta(minutes=6)}


def test_what_takes_long_to_plan_is_left_to_the_next_pass_for_the_leases_sake(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_users_due(sqlite_store, BATCH + 20)
    house = make_house(sqlite_store, tmp_path)
    passes = Passes(house, house.dispatcher_to_be(recorders()))
    slow = iter([0.0, house.settings.lease_seconds / 6])
    monkeypatch.setattr("reminderd.passes.steady", lambda: next(slow))
    assert passes.plan(NOON) == BATCH
    left = passes.next_at(NOON)
    assert left is not None
    assert left <= NOON
    slow = iter([0.0, 0.1])
    assert passes.plan(NOON) == 20


def test_a_message_is_leased_and_settled_at_its_own_moment_however_long_the_pass_took(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house(sqlite_store, tmp_path)
    add_tests(house, add_user(sqlite_store).id, NOON)
    passes = Passes(house, lambda: Dispatcher(sqlite_store, house.composer, recorders(), senders=0))
    clock = itertools.chain([0.0], itertools.repeat(45.7))
    monkeypatch.setattr("reminderd.passes.steady", lambda: next(clock))
    passes.work(NOON)
    passes.work(NOON + dt.timedelta(minutes=1))
    with sqlite_store.reading() as session:
        assert session.scalars(select(Attempt.begun_at)).one() == NOON + dt.timedelta(seconds=45)


def test_a_message_that_is_due_does_not_wait_for_all_that_is_to_be_planned(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house(sqlite_store, tmp_path)
    add_users_due(sqlite_store, 2 * BATCH)
    add_tests(house, 1, NOON)
    taken = recorders()
    passes = Passes(house, lambda: Dispatcher(sqlite_store, house.composer, taken, senders=0))
    clock = itertools.count()
    monkeypatch.setattr("reminderd.passes.steady", lambda: next(clock))  # whatever is done takes a second
    passes.work(NOON)
    assert len(taken[Channel.EMAIL].taken) == 1
    with sqlite_store.reading() as session:
        assert session.scalar(select(func.count()).where(User.plan_again_at <= NOON)) == BATCH
    passes.stop(lambda: NOON)


def test_while_every_sender_is_busy_planning_takes_its_time(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house(sqlite_store, tmp_path)
    user = add_user(sqlite_store)
    slow = Slow()
    passes = Passes(house, lambda: Dispatcher(sqlite_store, house.composer, {Channel.EMAIL: slow}, senders=1))
    add_tests(house, user.id, NOON, NOON + dt.timedelta(seconds=1))
    monkeypatch.setattr("reminderd.passes.BURST_FOR", 0.0)
    passes.work(NOON)
    add_users_due(sqlite_store, 2 * BATCH)
    passes.work(NOON + dt.timedelta(seconds=2))
    with sqlite_store.reading() as session:
        assert session.scalar(select(func.count()).where(User.plan_again_at <= NOON)) == 0
    slow.answer.set()
    passes.stop(lambda: NOON)


def test_whoever_asked_before_the_dispatcher_was_made_is_told_of_a_landing(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house(sqlite_store, tmp_path)
    add_tests(house, add_user(sqlite_store).id, NOON)
    slow, told = Slow(), threading.Event()
    passes = Passes(house, house.dispatcher_to_be({Channel.EMAIL: slow}))
    passes.on_landing(told.set)
    monkeypatch.setattr("reminderd.passes.BURST_FOR", 0.0)
    passes.work(NOON)
    assert passes.in_flight == 1
    assert not told.is_set()
    slow.answer.set()
    assert told.wait(PATIENCE)
    passes.work(NOON)
    assert passes.stop(lambda: NOON) == 0


class Slow(Recorder):
    """Takes no message until `answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = threading.Event()

    def send(self, message: Message) -> Receipt:
        assert self.answer.wait(PATIENCE)
        return super().send(message)


def add_users_due(store: Store, count: int) -> None:
    """Users who are to be planned."""
    users = [make_user(f"{number}@example.com") for number in range(count)]
    for user in users:
        user.plan_again_at = NOON
    with store.writing() as session:
        session.add_all(users)


def add_tests(house: House, user_id: int, *at: dt.datetime) -> None:
    """Messages to a user, due at these moments."""
    with house.store.writing() as session:
        for moment in at:
            house.composer.enqueue_test(session, session.get_one(User, user_id), Channel.EMAIL, moment)


def put_off_by_a_wrong_clock(store: Store) -> None:
    user = add_user(store)
    with store.writing() as session:
        row = make_delivery(user)
        row.attempts, row.due_at = 1, NOON + dt.timedelta(days=40)
        session.add(row)


def keeps_house(store: Store) -> bool:
    with store.reading() as session:
        return bool(session.scalar(select(func.count()).select_from(text("pg_locks")).where(text(ADVISORY))))


ADVISORY = "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"


def last_passes(store: Store) -> dict[str, dt.datetime]:
    with store.reading() as session:
        return {job.name: job.last_pass_at for job in session.scalars(select(Job))}
