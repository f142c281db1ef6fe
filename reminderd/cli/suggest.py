"""Whom to ask for a reference: who agreed before, was called on least, and heard from you lately."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.rules.consent import holds
from reminderd.rules.kinds import CONSENT, KINDS, TOUCHES
from reminderd.rules.states import Status
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
    own = _events(session, user, today)
    found = []
    for row in list_references(session, user, active=True):
        events = own.get(row.id, [])
        if _against(row, events, job, today) is not None:
            continue
        before = _before(events, today)
        last = max((event.on for event in events if event.kind in TOUCHES), default=row.last_contact_on)
        cold = last is None or today - last > WARM
        used = counts.get(row.id, 0)
        found.append(((before != AGREED, cold, used, row.name), Idea(row, _why(before, used, last, today))))
    return [idea for _, idea in sorted(found, key=lambda pair: pair[0])[:MOST]]


def reasons_against(session: Session, user: User, job: Opportunity | None, today: dt.date) -> list[str]:
    """Why nobody can be suggested: how many references there are of each kind that is not."""
    own = _events(session, user, today)
    rows = list_references(session, user)
    found = Counter(_against(row, own.get(row.id, []), job, today) for row in rows)
    return [f"{number} {words[number > 1]}" for words, number in found.items() if words is not None]


def _events(session: Session, user: User, today: dt.date) -> dict[int | None, list[Event]]:
    """What happened until today, in its order, by reference."""
    own: dict[int | None, list[Event]] = {}
    query = select(Event).where(Event.user_id == user.id, Event.retracted_at.is_(None), Event.on <= today)
    for event in sorted(session.scalars(query), key=lambda one: (one.on, KINDS[one.kind].rank, one.id)):
        own.setdefault(event.reference_id, []).append(event)
    return own


def _against(
    row: Reference, events: Sequence[Event], job: Opportunity | None, today: dt.date
) -> tuple[str, str] | None:
    """What speaks against suggesting somebody, of one and of several; ``None`` where nothing does."""
    if row.status != Status.ACTIVE:
        return "is not active", "are not active"
    if row.keep_from_knowing:
        return "is to be kept from knowing of your search", "are to be kept from knowing of your search"
    if job and any(event.opportunity_id == job.id and event.kind in CONSENT for event in events):
        return "was asked for it already", "were asked for it already"
    if resting_until(events, today) is not None:
        return (
            "is left in peace, as an ask stayed without an answer",
            "are left in peace, as asks stayed without an answer",
        )
    return None


def _before(events: Sequence[Event], today: dt.date) -> str:
    kinds = {event.kind for event in events}
    if any(holds(event, today) for event in events):
        return AGREED
    if "agreed" in kinds:
        return "agreed for a time that is over"
    return "asked before" if "asked" in kinds else "not asked before"


def _why(before: str, used: int, last: dt.date | None, today: dt.date) -> str:
    parts = [before]
    parts.append("not called on lately" if not used else f"called on {used}× in 90 days")
    if last is None:
        parts.append("last contact unknown")
    else:
        parts.append("long silent" if today - last > WARM else "in touch this year")
    return ", ".join(parts)
