"""A database with much in it: users, nudges whose reminders are stored deliveries of a later day, and ten for each user
that were sent some day before."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import String, cast, insert, select, true, update
from sqlalchemy.orm import Session

from reminderd.message import Mail, Message
from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.tables import Attempt, Base, Delivery, Nudge, Step, StoredMessage, User

NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
USERS = 1000
SEEDS = 20
BLOCK = 10_000
"""Nudges that are made one by one; the others are copies of these."""
SENT_BEFORE = 10
FILLING_KB = 500_000
LATER = dt.timedelta(days=365)
FAR = NOW + dt.timedelta(days=3650)
"""What is not due before has not come due by the real clock either."""


def make_mail(number: int, size: int = 500) -> Mail:
    """A mail of about ``size`` bytes; its number is in its Message-ID."""
    key = f"<{number}@bench.test>"
    head = f"From: reminderd@bench.test\r\nMessage-ID: {key}\r\nSubject: Thank Ana\r\n\r\n".encode()
    lines = (b"x" * 76 + b"\r\n") * ((size - len(head)) // 78)
    return Mail("reminderd@bench.test", "user@bench.test", "Thank Ana", key, head + lines)


def fill(url: str, stock: int, make_message: Callable[[int], Message] = make_mail) -> Store:
    """An open store with ``stock`` open nudges, each with a delivery that is not due yet, in no order of time.
    Beyond `BLOCK` it is rounded up to whole ones, and their messages are copies."""
    store = Store(url)
    migrate.create(store)
    chance = random.Random(1)
    with store.writing() as session:
        session.execute(insert(User), [make_user(number) for number in range(1, USERS + 1)])
    ids = range(1, min(BLOCK, stock) + 1)
    at = {number: FAR + LATER * chance.random() for number in ids}
    messages = {number: make_message(number) for number in ids}
    with store.writing() as session:
        session.execute(insert(Nudge), [_nudge(number, at[number]) for number in ids])
        session.execute(insert(Delivery), [_delivery(number, at[number], messages[number].channel) for number in ids])
        session.execute(insert(StoredMessage), [_stored(number, messages[number]) for number in ids])
        session.execute(insert(Step), [_step(number, at[number], messages[number].channel) for number in ids])
    with filling(store):
        for shift in range(BLOCK, stock, BLOCK):
            with store.writing() as session:
                _copy_block(session, shift)
    with store.writing() as session:
        sent = range(stock + BLOCK, stock + BLOCK + SENT_BEFORE * USERS)
        session.execute(insert(Delivery), [_sent(number) for number in sent])
        session.execute(insert(StoredMessage), [_stored(number, make_mail(number)) for number in sent])
        session.execute(insert(Attempt), [_taken(number) for number in sent])
    tidy(store)
    return store


@contextlib.contextmanager
def filling(store: Store) -> Iterator[None]:
    """Within, copies go in as quickly as they can: nothing looks whether what they point to is there, as it is where
    the originals' is; SQLite keeps much of its file in memory, and neither a journal nor its word. Afterwards
    connections are as in production."""
    store.dispose()
    if store.is_sqlite:  # the one connection that is made now is kept until the end
        quickly = ("foreign_keys = OFF", "journal_mode = OFF", "synchronous = OFF", f"cache_size = -{FILLING_KB}")
        _say(store, *(f"PRAGMA {one}" for one in quickly))
        yield
    else:
        database = f'ALTER DATABASE "{store.engine.url.database}"'
        _say(store, f"{database} SET session_replication_role = replica")
        store.dispose()
        yield
        _say(store, f"{database} RESET session_replication_role")
    store.dispose()


def tidy(store: Store) -> None:
    """What was filled is on the disk, and PostgreSQL knows it: nothing is left to be done while others are measured."""
    if not store.is_sqlite:
        _say(store, "VACUUM ANALYZE", "CHECKPOINT")
    os.sync()


def _say(store: Store, *statements: str) -> None:
    """Outside of a transaction."""
    driver: Any = store.engine.raw_connection()
    with contextlib.closing(driver):
        if not store.is_sqlite:
            driver.driver_connection.autocommit = True
        for statement in statements:
            driver.driver_connection.execute(statement)
        if not store.is_sqlite:
            driver.driver_connection.autocommit = False


def make_due(session: Session, stock: int, count: int, seed: int) -> None:
    """``count`` deliveries, each of another user, come due, from all over the stock; with each of `SEEDS` seeds others,
    of one half of the users or the other."""
    chance = random.Random(seed)
    tenths = SEEDS // 2
    first = 1 + USERS // 2 * (seed // tenths)
    users = chance.sample(range(first, first + USERS // 2), count)
    own = [(seed + user) % tenths + tenths * chance.randrange(stock // USERS // tenths) for user in users]
    ids = [user + USERS * place for user, place in zip(users, own, strict=True)]
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(due_at=NOW))


def make_all_due(session: Session, now: dt.datetime, most: int | None = None) -> None:
    """All of them, or no more than the first ``most``, come due, and are wanted."""
    session.execute(update(Delivery).where(Delivery.id <= most if most else true()).values(due_at=now))
    session.execute(update(Nudge).values(expires_at=now + LATER))


def make_user(number: int, **values: Any) -> dict[str, Any]:
    """A user's row; ``values`` are what is not as with the others."""
    return {
        "id": number,
        "email": f"user{number}@bench.test",
        "name": f"User {number}",
        "zone": "UTC",
        "hour": dt.time(9),
        "digest": "weekly",
        "created_at": NOW,
        **values,
    }


def copy_rows(session: Session, entity: type[Base], below: int, **changed: Any) -> None:
    """The rows with ids below a number once more, with other values in some columns: by the database itself, which is
    quickest."""
    table = entity.metadata.tables[entity.__tablename__]
    columns = {column.name: changed.get(column.name, column) for column in table.c}
    (key,) = table.primary_key
    chosen = select(*columns.values()).where(key < below)
    session.execute(insert(table).from_select(list(columns), chosen))


def _copy_block(session: Session, shift: int) -> None:
    nudge, delivery = Nudge.id + shift, Delivery.id + shift
    number, key = cast(nudge, String), cast(delivery, String)
    shifted = StoredMessage.delivery_id + shift
    message_id = "<" + cast(shifted, String) + "@bench.test>"
    copy_rows(session, Nudge, BLOCK + 1, id=nudge, number=nudge, subject="user:" + number, occasion=number)
    copy_rows(session, Delivery, BLOCK + 1, id=delivery, dedupe_key=key + ".1:0")
    copy_rows(session, StoredMessage, BLOCK + 1, delivery_id=shifted, message_id=message_id)
    copy_rows(
        session,
        Step,
        BLOCK + 1,
        id=Step.id + shift,
        nudge_id=Step.nudge_id + shift,
        delivery_id=Step.delivery_id + shift,
    )


def _owner(number: int) -> int:
    return number % USERS + 1


def _nudge(number: int, at: dt.datetime) -> dict[str, Any]:
    return {
        "id": number,
        "user_id": _owner(number),
        "number": number,
        "rule": "keep_in_touch",
        "subject": f"user:{number}",
        "occasion": str(number),
        "draft": "keep_in_touch",
        "lane": "now",
        "state_at": NOW,
        "starts_at": NOW,
        "due_at": at,
        "expires_at": at + LATER,
        "created_at": NOW,
    }


def _step(number: int, at: dt.datetime, channel: str) -> dict[str, Any]:
    return {
        "id": number,
        "user_id": _owner(number),
        "nudge_id": number,
        "position": 1,
        "planned_at": at,
        "at": at,
        "channel": channel,
        "lane": "now",
        "state": "sent",
        "delivery_id": number,
    }


def _stored(number: int, message: Message) -> dict[str, Any]:
    return {"delivery_id": number, "user_id": _owner(number), **StoredMessage.columns(message)}


def _delivery(number: int, at: dt.datetime, channel: str) -> dict[str, Any]:
    return {
        "id": number,
        "user_id": _owner(number),
        "channel": channel,
        "kind": "nudge",
        "dedupe_key": f"{number}.1:0",
        "subject": "Thank Ana",
        "due_at": at,
        "created_at": NOW,
    }


def _sent(number: int) -> dict[str, Any]:
    sent = {"state": "sent", "attempts": 1, "fence": 1, "sent_at": NOW - LATER}
    return _delivery(number, NOW - LATER, "email") | sent


def _taken(number: int) -> dict[str, Any]:
    at = NOW - LATER
    return {
        "user_id": _owner(number),
        "delivery_id": number,
        "number": 1,
        "begun_at": at,
        "ended_at": at,
        "outcome": "sent",
    }
