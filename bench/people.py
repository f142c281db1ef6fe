"""Users with references whose life has begun: what planning is measured on."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

from sqlalchemy import String, cast, func, insert, literal, select, update
from sqlalchemy.orm import Session

from bench.stock import FAR, NOW, copy_rows, filling, make_user, tidy
from reminderd.settings import load
from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.tables import Base, Event, Nudge, Opportunity, Reference, Step, User
from reminderd.wiring import House

EACH = 100
"""References of one user."""
BLOCK = 10_000
"""References that are made one by one; the others are copies of these."""
APART = 100_000
"""How much higher the ids of each copy are."""
ASKED = 6
"""Of each user's references, those who were asked for the user's one opportunity."""
YEAR = dt.timedelta(days=365)
TABLES: tuple[type[Base], ...] = (User, Opportunity, Reference, Event, Nudge, Step)


def make_house(store: Store) -> House:
    """A house around a store that is there already."""
    return House(load({}, None, Path("/nonexistent")), store, None, frozenset({"email", "sms"}))


def unplanned(url: str, references: int) -> House:
    """A house with so many references, a hundred to a user, each met once and never planned for."""
    store = Store(url)
    migrate.create(store)
    house = make_house(store)
    users = range(1, references // EACH + 1)
    with store.writing() as session:
        session.execute(insert(User), [_user(number) for number in users])
        session.execute(insert(Opportunity), [_opportunity(number) for number in users])
        session.execute(insert(Reference), [_reference(number) for number in range(1, references + 1)])
        session.execute(insert(Event), [_met(number) for number in range(1, references + 1)])
        for user in session.scalars(select(User)):
            user.settings_mark = house.planner.settings_mark(user)
        _count_on(session)
    tidy(store)
    return house


def planned(url: str, references: int) -> House:
    """The same, but all planned for, with six of each user asked for an opportunity."""
    house = unplanned(url, min(references, BLOCK))
    with house.store.writing() as session:
        asked = [_asked(user, place) for user in range(1, BLOCK // EACH + 1) for place in range(ASKED)]
        session.execute(insert(Event), asked)
        _count_on(session)
    while plan_batch(house):
        pass
    _copy_block(house.store, references)
    return house


def grown(url: str, references: int) -> House:
    """A copy of what `planned` made of one block, with so many references."""
    house = make_house(Store(url))
    _copy_block(house.store, references)
    return house


def reminded(url: str, nudges: int) -> House:
    """A house with so many open nudges, a hundred to a user: somebody's birthday, of which a reminder is to come some
    day of the next year, in no order of time. Nothing is left to plan."""
    store = Store(url)
    migrate.create(store)
    block = range(1, min(nudges, BLOCK) + 1)
    with store.writing() as session:
        session.execute(insert(User), [_user(number) for number in range(1, len(block) // EACH + 1)])
        session.execute(insert(Reference), [_reference(number) | {"plan_again_at": FAR} for number in block])
        session.execute(insert(Nudge), [_birthday(number) for number in block])
        session.execute(insert(Step), [_reminder(number) for number in block])
    _copy_block(store, nudges)
    return make_house(store)


def remind(session: Session, nudges: int, count: int, round_: int) -> list[int]:
    """Have a reminder come due for each of so many users; in each round another of theirs. The ids of the nudges."""
    found = []
    for place in range(count):
        user = user_at(nudges, place)
        copy, within = divmod(user, APART)
        found.append(APART * copy + (within - 1) * EACH + round_ + 1)
    session.execute(update(Step).where(Step.nudge_id.in_(found)).values(at=NOW))
    return found


def plan_batch(house: House) -> int:
    """Plan what is due, one batch of the daemon's. How many there were."""
    with house.store.writing() as session:
        return house.planner.plan_due(session, NOW)


def user_at(references: int, place: int) -> int:
    """The id of one user of a stock; different places are far from each other."""
    copies, within = references // BLOCK, BLOCK // EACH
    number = (place * 7919) % (copies * within)
    return number // within * APART + number % within + 1


def _copy_block(store: Store, references: int) -> None:
    """The first block's rows again and again, until there are so many references."""
    with filling(store):
        for copy in range(1, references // BLOCK):
            with store.writing() as session:
                for table in TABLES:
                    _copy(session, table, APART * copy)
    with store.writing() as session:
        _count_on(session)
    tidy(store)


def _copy(session: Session, entity: type[Base], shift: int) -> None:
    """The first block's rows of a table once more, for other users."""
    table = entity.metadata.tables[entity.__tablename__]
    changed: dict[str, Any] = {
        column.name: column + shift for column in table.c if column.primary_key or column.foreign_keys
    }
    if entity is User:
        changed["email"] = "copy" + _text(table.c.id + shift) + "@bench.test"
    if entity is Nudge:
        changed["subject"] = func.replace(table.c.subject, _of(table.c.reference_id), _of(table.c.reference_id + shift))
        changed["occasion"] = table.c.occasion
        for before, after, first in ((":", "#", 0), (":", "#", APART // 2), ("event:", "", APART // 2)):
            event = table.c.reference_id + first
            old, new = (literal(before) + _text(one) + after for one in (event, event + shift))
            changed["occasion"] = func.replace(changed["occasion"], old, new)
    copy_rows(session, entity, APART, **changed)


def _of(reference_id: Any) -> Any:
    return "reference:" + _text(reference_id)


def _text(number: Any) -> Any:
    return cast(number, String)


def _count_on(session: Session) -> None:
    """PostgreSQL counts on from the ids that were given."""
    if session.get_bind().dialect.name == "postgresql":
        for entity in TABLES:
            table = Base.metadata.tables[entity.__tablename__]
            highest = session.scalar(select(func.coalesce(func.max(table.c.id), 1)))
            session.execute(select(func.setval(func.pg_get_serial_sequence(f'"{table.name}"', "id"), highest)))


def _user(number: int) -> dict[str, Any]:
    return make_user(number, phone="+14155550101", zone="Europe/Berlin", plan_again_at=FAR)


def _opportunity(number: int) -> dict[str, Any]:
    return {"id": number, "user_id": number, "company": "Acme", "role": "Engineer", "created_at": NOW}


def _reference(number: int) -> dict[str, Any]:
    chance = random.Random(number)
    return {
        "id": number,
        "user_id": (number - 1) // EACH + 1,
        "name": f"Person {number}",
        "email": f"person{number}@bench.test",
        "worked_at": "Initech",
        "relation": "managed me",
        "tier": "inner" if number % 3 else "network",
        "birth_month": chance.randint(1, 12),
        "birth_day": chance.randint(1, 28),
        "created_on": (NOW - dt.timedelta(days=400)).date(),
        "created_at": NOW - dt.timedelta(days=400),
        "plan_again_at": NOW,
    }


def _birthday(number: int) -> dict[str, Any]:
    at = NOW + dt.timedelta(days=1) + YEAR * random.Random(number).random()
    return {
        "id": number,
        "user_id": (number - 1) // EACH + 1,
        "number": (number - 1) % EACH + 1,
        "rule": "birthday",
        "subject": f"reference:{number}",
        "occasion": str(at.year),
        "reference_id": number,
        "draft": "birthday",
        "lane": "now",
        "state_at": NOW,
        "starts_at": NOW,
        "due_at": at,
        "expires_at": at + YEAR,
        "created_at": NOW,
    }


def _reminder(number: int) -> dict[str, Any]:
    at = _birthday(number)["due_at"]
    return {
        "id": number,
        "user_id": (number - 1) // EACH + 1,
        "nudge_id": number,
        "position": 1,
        "planned_at": at,
        "at": at,
        "channel": "email",
        "lane": "now",
    }


def _met(number: int) -> dict[str, Any]:
    return _event(number, number, "met", random.Random(number).randint(1, 300))


def _asked(user: int, place: int) -> dict[str, Any]:
    reference = (user - 1) * EACH + place + 1
    return _event(APART // 2 + reference, reference, "asked", 0) | {"opportunity_id": user}


def _event(number: int, reference: int, kind: str, ago: int) -> dict[str, Any]:
    at = NOW - dt.timedelta(days=ago)
    return {
        "id": number,
        "user_id": (reference - 1) // EACH + 1,
        "kind": kind,
        "reference_id": reference,
        "on": at.date(),
        "data": {},
        "batch": str(number),
        "recorded_at": at,
    }
