"""How much each reference was called on lately, and who could be asked instead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from reminderd.rules.consent import EventLike, holds
from reminderd.rules.kinds import TOUCHES
from reminderd.rules.timeline import resting_until
from reminderd.store.tables import Event, Reference, User

WINDOW = dt.timedelta(days=90)
MANY = 4
"""From the fourth use in the window on, the user is warned."""
WARM = dt.timedelta(days=366)
"""Who was in touch within this is warm."""


def is_use(event: EventLike, today: dt.date) -> bool:
    """Whether it is a call, an ask or a planned message of the last 90 days."""
    if not today - WINDOW < event.on <= today:
        return False
    return event.kind in ("asked", "called") or (event.kind in TOUCHES and bool((event.data or {}).get("rule")))


def uses(session: Session, user: User, today: dt.date) -> dict[int, int]:
    """How often each reference was called on in the last 90 days, by reference id."""
    counts: dict[int, int] = {}
    for event in _events(session, user, Event.on > today - WINDOW):
        if is_use(event, today):
            counts[event.reference_id] = counts.get(event.reference_id, 0) + 1
    return counts


def could_help(events: Iterable[EventLike], today: dt.date) -> bool:
    """Whether a reference with these events agreed before and holds to it, is warm and alive, and is not left in peace
    after an ask that stayed without an answer. The events are in the order of the timeline."""
    known = [event for event in events if event.on <= today]
    if any(event.kind == "deceased" for event in known):
        return False
    warm = any(event.kind in TOUCHES and event.on > today - WARM for event in known)
    return warm and any(holds(event, today) for event in known) and resting_until(known, today) is None


def least_used_who_agreed(session: Session, user: User, today: dt.date, but: int) -> Reference | None:
    """The active reference that could help and was called on least, other than ``but``."""
    own: dict[int, list[Row[Any]]] = {}
    for event in _events(session, user):
        own.setdefault(event.reference_id, []).append(event)
    able = [key for key, events in own.items() if key != but and could_help(events, today)]
    query = select(Reference).where(
        Reference.id.in_(able), Reference.status == "active", Reference.keep_from_knowing.is_(False)
    )
    counts = uses(session, user, today)
    people = sorted(session.scalars(query), key=lambda person: (counts.get(person.id, 0), person.name))
    return people[0] if people else None


def _events(session: Session, user: User, *conditions: Any) -> list[Row[Any]]:
    query = (
        select(Event.reference_id, Event.kind, Event.on, Event.data)
        .where(Event.user_id == user.id, Event.reference_id.is_not(None), Event.retracted_at.is_(None), *conditions)
        .order_by(Event.on, Event.id)
    )
    return list(session.execute(query))
