"""People who each have one reminder to come at the same moment, planned by the production planner."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from reminderd.clock import utc_now
from reminderd.passes import Passes
from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.tables import Nudge, Reference, Step, StepState, User
from tests.flow.parts import make_house

RULE = "check-in"
"""What comes of somebody who has not been heard from for more than half a year."""
AGAIN_FOR = dt.timedelta(days=7)


class Planned(NamedTuple):
    """Seconds that planning all users took."""

    first: float
    again: float
    """As when time has come to plan them once more and changes nothing."""


def plan_people(url: str, home: Path, count: int) -> Planned:
    """A database of ``count`` users with a reference each, all planned."""
    store = Store(url)
    migrate.create(store)
    now = utc_now()
    numbers = range(1, count + 1)
    with store.writing() as session:
        session.execute(insert(User), [_user(number, now) for number in numbers])
        session.execute(insert(Reference), [_reference(number, now) for number in numbers])
    house = make_house(store, home, ways=["email"])
    passes = Passes(house, house.dispatcher_to_be({}))
    first = _plan_all(passes, now)
    later = now + dt.timedelta(seconds=1)
    with store.writing() as session:
        for entity in (User, Reference):
            session.execute(update(entity).values(plan_again_at=later))
    again = _plan_all(passes, later)
    store.dispose()
    return Planned(first, again)


def _plan_all(passes: Passes, now: dt.datetime) -> float:
    begun = time.perf_counter()
    while passes.plan(now):
        pass  # each leaves something to the next when it takes long
    return time.perf_counter() - begun


def set_moment(session: Session, at: dt.datetime) -> None:
    """The first reminder of each comes at this moment, the others no sooner than days later."""
    rule = Step.nudge_id.in_(select(Nudge.id).where(Nudge.rule == RULE))
    session.execute(update(Step).where(rule, Step.position == 1).values(at=at))
    session.execute(update(Step).where(rule, Step.position > 1).values(at=at + AGAIN_FOR))


def uncomposed(session: Session, at: dt.datetime) -> bool:
    """Whether any reminder of that moment has no message yet."""
    query = select(Step.id).where(Step.state == StepState.PENDING, Step.at <= at).limit(1)
    return session.scalar(query) is not None


def _user(number: int, now: dt.datetime) -> dict[str, Any]:
    return {
        "id": number,
        "email": f"user{number}@bench.test",
        "name": f"User {number}",
        "zone": "Europe/Berlin",
        "hour": dt.time(9),
        "digest": "off",
        "created_at": now,
        "plan_again_at": now,
    }


def _reference(number: int, now: dt.datetime) -> dict[str, Any]:
    return {
        "user_id": number,
        "name": "Ana Mueller",
        "email": "ana@example.org",
        "worked_at": "Initech",
        "relation": "managed me",
        "created_on": now.date() - dt.timedelta(days=300),
        "created_at": now,
        "last_contact_on": now.date() - dt.timedelta(days=200),
        "plan_again_at": now,
    }
