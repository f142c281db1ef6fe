"""Whom to ask for a reference: who agreed before, was called on least, and heard from you lately."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.rules.consent import holds
from reminderd.rules.kinds import CONSENT, KINDS, TOUCHES
from reminderd.rules.timeline import resting_until
from reminderd.store.lookup import list_references
from reminderd.store.tables import Event, Opportunity, Reference, User
from reminderd.store.usage import WARM, uses

MOST = 3
AGREED = "agreed before"


@dataclasses.dataclass(frozen=True, slots=True)
class Idea:
    """Somebody who could be asked, and what speaks for it."""

    person: Reference
    why: str


def suggest(session: Session, user: User, job: Opportunity | None, today: dt.date) -> list[Idea]:
    """Up to three active references, the best first: those who agreed before, warm, least used. Nobody who said no,
    nobody who must not know, and nobody who is left in peace after an ask that stayed without an answer."""
    counts = uses(session, user, today)
    own: dict[int | None, list[Event]] = {}
    query = select(Event).where(Event.user_id == user.id, Event.retracted_at.is_(None), Event.on <= today)
    for event in sorted(session.scalars(query), key=lambda one: (one.on, KINDS[one.kind].rank, one.id)):
        own.setdefault(event.reference_id, []).append(event)
    found = []
    for row in list_references(session, user, active=True):
        events = own.get(row.id, [])
        settled = job and any(event.opportunity_id == job.id and event.kind in CONSENT for event in events)
        if settled or row.keep_from_knowing or resting_until(events, today) is not None:
            continue
        before = _before(events, today)
        last = max((event.on for event in events if event.kind in TOUCHES), default=row.last_contact_on)
        cold = last is None or today - last > WARM
        used = counts.get(row.id, 0)
        found.append(((before != AGREED, cold, used, row.name), Idea(row, _why(before, used, cold))))
    return [idea for _, idea in sorted(found, key=lambda pair: pair[0])[:MOST]]


def _before(events: Sequence[Event], today: dt.date) -> str:
    kinds = {event.kind for event in events}
    if any(holds(event, today) for event in events):
        return AGREED
    if "agreed" in kinds:
        return "agreed for a time that is over"
    return "asked before" if "asked" in kinds else "not asked before"


def _why(before: str, used: int, cold: bool) -> str:
    parts = [before]
    parts.append("not called on lately" if not used else f"called on {used}× in 90 days")
    parts.append("long silent" if cold else "in touch this year")
    return ", ".join(parts)
