"""Whom to ask for a reference: who agreed before, was called on least, and heard from you lately."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from reminderd.rules.kinds import TOUCHES
from reminderd.store.lookup import list_references
from reminderd.store.tables import Event, Opportunity, Reference, User
from reminderd.store.usage import uses

MOST = 3
WARM = dt.timedelta(days=366)


@dataclasses.dataclass(frozen=True, slots=True)
class Idea:
    """Somebody who could be asked, and what speaks for it."""

    person: Reference
    why: str


def suggest(session: Session, user: User, job: Opportunity, today: dt.date) -> list[Idea]:
    """Up to three active references, the best first; nobody who said no, and nobody who must not know."""
    refused = set(session.scalars(_of_job(job, ("declined", "no_answer", "asked"))))
    agreed = set(session.scalars(_of_user(user, ("agreed",))))
    counts = uses(session, user, today)
    lasts = _last_touches(session, user, today)
    people = [
        row
        for row in list_references(session, user, active=True)
        if row.id not in refused and not row.keep_from_knowing
    ]

    def cold(row: Reference) -> bool:
        last = lasts.get(row.id) or row.last_contact_on
        return last is None or today - last > WARM

    people.sort(key=lambda row: (row.id not in agreed, cold(row), counts.get(row.id, 0), row.name))
    return [Idea(row, _why(row.id in agreed, counts.get(row.id, 0), cold(row))) for row in people[:MOST]]


def _why(agreed: bool, used: int, cold: bool) -> str:
    parts = ["agreed before" if agreed else "not asked before"]
    parts.append("not called on lately" if not used else f"called on {used}× in 90 days")
    parts.append("long silent" if cold else "in touch this year")
    return ", ".join(parts)


def _of_job(job: Opportunity, kinds: tuple[str, ...]) -> Select[int | None]:
    return select(Event.reference_id).where(
        Event.opportunity_id == job.id, Event.kind.in_(kinds), Event.retracted_at.is_(None)
    )


def _of_user(user: User, kinds: tuple[str, ...]) -> Select[int | None]:
    return select(Event.reference_id).where(
        Event.user_id == user.id, Event.kind.in_(kinds), Event.retracted_at.is_(None)
    )


def _last_touches(session: Session, user: User, today: dt.date) -> dict[int, dt.date]:
    query = (
        select(Event.reference_id, func.max(Event.on))
        .where(Event.user_id == user.id, Event.kind.in_(sorted(TOUCHES)), Event.retracted_at.is_(None))
        .where(Event.reference_id.is_not(None), Event.on <= today)
        .group_by(Event.reference_id)
    )
    return {key: last for key, last in session.execute(query) if key is not None}
