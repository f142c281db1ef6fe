"""How much each reference was called on lately, and who could be asked instead."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reminderd.store.tables import Event, Reference, User

WINDOW = dt.timedelta(days=90)
MANY = 4
"""From the fourth use in the window on, the user is warned."""


def uses(session: Session, user: User, today: dt.date) -> dict[int, int]:
    """Asks, calls and planned messages of the last 90 days, by reference id."""
    counted = Event.kind.in_(("asked", "called")) | Event.data["rule"].as_string().is_not(None)
    query = (
        select(Event.reference_id, func.count())
        .where(
            Event.user_id == user.id,
            Event.retracted_at.is_(None),
            Event.reference_id.is_not(None),
            Event.on > today - WINDOW,
            Event.on <= today,
            counted,
        )
        .group_by(Event.reference_id)
    )
    return {reference_id: count for reference_id, count in session.execute(query) if reference_id is not None}


def least_used_who_agreed(session: Session, user: User, today: dt.date, but: int) -> Reference | None:
    """The active reference that agreed before and was called on least, other than ``but``."""
    agreed = select(Event.reference_id).where(
        Event.user_id == user.id, Event.retracted_at.is_(None), Event.kind == "agreed"
    )
    query = select(Reference).where(
        Reference.user_id == user.id, Reference.status == "active", Reference.id != but, Reference.id.in_(agreed)
    )
    counts = uses(session, user, today)
    people = sorted(session.scalars(query), key=lambda person: (counts.get(person.id, 0), person.name))
    return people[0] if people else None
