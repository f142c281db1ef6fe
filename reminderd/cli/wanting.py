"""Which job somebody means who names none: the one that an open nudge waits to hear of."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli.words import load_lines
from reminderd.errors import UsageError
from reminderd.rules.rule import Book, Role
from reminderd.rules.states import State
from reminderd.store.tables import Nudge, Opportunity, Reference, User

_ANY_JOB = frozenset({Role.KEEP, Role.TASK})
"""What these ask for counts whatever job it is about."""


def wanted_job(
    session: Session, user: User, book: Book, person: Reference, kind: str, now: dt.datetime
) -> Opportunity | None:
    """The job of the one open nudge to ``person`` that an event of ``kind`` would fulfil, if it has one. Raises
    `UsageError`, which lists them, where nudges of several jobs want it."""
    query = select(Nudge).where(Nudge.user_id == user.id, Nudge.reference_id == person.id, Nudge.state == State.OPEN)
    nudges = [nudge for nudge in session.scalars(query.order_by(Nudge.number)) if _wants(nudge, kind, book)]
    jobs = {nudge.opportunity_id for nudge in nudges}
    if len(jobs) > 1:
        lines = load_lines(session, nudges, now)
        listing = ", ".join(f"{line.number} ({line.title})" for line in lines)
        raise UsageError(
            f"{kind}: {person.name} has several that it could mean: {listing}. "
            "Add --for COMPANY, or say its number: reminderd done NUMBER"
        )
    job = jobs.pop() if jobs else None
    return session.get(Opportunity, job) if job else None


def _wants(nudge: Nudge, kind: str, book: Book) -> bool:
    rule = book.rules.get(nudge.rule)
    return rule is not None and rule.role not in _ANY_JOB and kind in rule.fulfilled
