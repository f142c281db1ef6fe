"""How opportunities are shown: the list, and one with who vouches for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli import output
from reminderd.rules.kinds import CONSENT, KINDS
from reminderd.store.tables import Event, Opportunity, Reference, User

NEWEST = 20
"""How many events of one opportunity are shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One opportunity: its newest stage, and how each reference answered."""

    row: Opportunity
    stage: str | None
    people: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One opportunity with what happened."""

    entry: Entry
    events: Sequence[tuple[Event, str | None]]


def entries(session: Session, user: User, today: dt.date) -> list[Entry]:
    """All opportunities of a user: the open ones first, then by company."""
    query = select(Opportunity).where(Opportunity.user_id == user.id)
    found = session.scalars(query.order_by(Opportunity.closed, Opportunity.company)).all()
    happened: dict[int, list[tuple[Event, str | None]]] = {row.id: [] for row in found}
    for event, name in _events(session, user, today):
        if event.opportunity_id is not None:
            happened[event.opportunity_id].append((event, name))
    return [Entry(row, _stage(happened[row.id]), _people(happened[row.id])) for row in found]


def entry_json(entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "company": row.company,
        "role": row.role,
        "stage": entry.stage,
        "starts_on": row.starts_on,
        "closed": row.closed,
        "embargo_until": "signed" if row.embargo_until_signed else row.embargo_until,
        "references": [{"name": name, "consent": consent} for name, consent in entry.people.items()],
    }


def entries_table(found: Sequence[Entry], today: dt.date) -> str:
    rows = [
        (
            entry.row.company,
            entry.row.role,
            "closed" if entry.row.closed else entry.stage,
            output.day(entry.row.starts_on, today),
            output.listing(list(entry.people), most=4),
        )
        for entry in found
    ]
    return output.table(("Company", "Role", "Stage", "Starts", "References"), rows)


def page(session: Session, user: User, row: Opportunity, today: dt.date) -> Page:
    """One opportunity, with its events, those to come included."""
    events = _events(session, user, dt.date.max, Event.opportunity_id == row.id)
    past = [pair for pair in events if pair[0].on <= today]
    return Page(Entry(row, _stage(past), _people(past)), events[-NEWEST:])


def page_json(found: Page) -> dict[str, Any]:
    row = found.entry.row
    return {
        **entry_json(found.entry),
        "contact": row.contact,
        "posting": row.posting,
        "resume": row.resume,
        "events": [
            {"kind": event.kind, "on": event.on, "reference": name, "note": event.note} for event, name in found.events
        ],
    }


def page_text(found: Page, today: dt.date) -> str:
    row = found.entry.row
    embargo = "signed" if row.embargo_until_signed else output.day(row.embargo_until, today)
    pairs = [
        ("Role", row.role),
        ("Stage", "closed" if row.closed else found.entry.stage),
        ("Starts", output.day(row.starts_on, today)),
        ("Calls made by", row.contact),
        ("Posting", row.posting),
        ("Résumé", row.resume),
        ("Not named until", embargo),
        ("References", ", ".join(f"{name} ({consent})" for name, consent in found.entry.people.items())),
    ]
    parts = [row.company, "", output.facts(pairs) or "Nothing recorded yet."]
    if found.events:
        rows = [(output.day(e.on, today), e.kind, name, e.note) for e, name in found.events]
        parts += ["", output.table(("When", "What", "Who", "Note"), rows)]
    return "\n".join(parts)


def _events(session: Session, user: User, until: dt.date, *more: Any) -> list[tuple[Event, str | None]]:
    query = (
        select(Event, Reference.name)
        .join(Reference, Reference.id == Event.reference_id, isouter=True)
        .where(Event.user_id == user.id, Event.retracted_at.is_(None), Event.opportunity_id.is_not(None))
        .where(Event.on <= until, *more)
    )
    found = [(event, name) for event, name in session.execute(query)]
    return sorted(found, key=lambda pair: (pair[0].on, KINDS[pair[0].kind].rank, pair[0].ordinal))


def _stage(happened: Sequence[tuple[Event, str | None]]) -> str | None:
    stages = [event.kind for event, _ in happened if KINDS[event.kind].stage]
    return stages[-1] if stages else None


def _people(happened: Sequence[tuple[Event, str | None]]) -> dict[str, str]:
    """Who was asked for it, and what came of that."""
    return {name: event.kind for event, name in happened if name is not None and event.kind in CONSENT}
