"""How references are shown: the list, and one with all that is known."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reminderd.cli import output
from reminderd.rules.calendar import local_day
from reminderd.rules.kinds import TOUCHES
from reminderd.rules.states import State, Status, is_still_paused
from reminderd.store import usage
from reminderd.store.lookup import find_dead, list_references
from reminderd.store.tables import Event, Nudge, Opportunity, Reference, User

NEWEST = 10
"""How many events of one reference are shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list."""

    row: Reference
    last_touch_on: dt.date | None
    next_due_at: dt.datetime | None
    has_died: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One reference with all that is known."""

    entry: Entry
    uses: int
    open: Sequence[Nudge]
    events: Sequence[tuple[Event, str | None]]


def entries(session: Session, user: User, today: dt.date) -> list[Entry]:
    """All references of a user, by name."""
    touches = _last_touches(session, user, today)
    due = _next_dues(session, user)
    dead = find_dead(session, user)
    return [
        Entry(row, _newest(row.last_contact_on, touches.get(row.id)), due.get(row.id), row.id in dead)
        for row in list_references(session, user)
    ]


def entries_json(found: Sequence[Entry], user: User, today: dt.date) -> list[dict[str, Any]]:
    return [_entry_json(entry, user, today) for entry in found]


def entries_table(found: Sequence[Entry], user: User, now: dt.datetime) -> str:
    today = local_day(now, user.zone)
    rows = [
        (
            entry.row.name,
            entry.row.email or entry.row.phone,
            _status(entry, today),
            entry.row.tier,
            output.day(entry.last_touch_on, today),
            _day(entry.next_due_at, user, today),
        )
        for entry in found
    ]
    return output.table(("Name", "Reach", "Status", "Tier", "Last contact", "Next due"), rows)


def next_due_at(session: Session, row: Reference) -> dt.datetime | None:
    """When the first of a reference's open nudges is due."""
    query = select(func.min(Nudge.due_at)).where(Nudge.reference_id == row.id, Nudge.state == State.OPEN)
    return session.scalar(query)


def page(session: Session, user: User, row: Reference, today: dt.date) -> Page:
    """One reference with its open nudges and newest events."""
    entry = next(entry for entry in entries(session, user, today) if entry.row.id == row.id)
    nudges = select(Nudge).where(Nudge.reference_id == row.id, Nudge.state == State.OPEN).order_by(Nudge.due_at)
    events = (
        select(Event, Opportunity.company)
        .join(Opportunity, Opportunity.id == Event.opportunity_id, isouter=True)
        .where(Event.reference_id == row.id, Event.retracted_at.is_(None))
        .order_by(Event.on.desc(), Event.id.desc())
        .limit(NEWEST)
    )
    found = [(event, company) for event, company in session.execute(events)]
    return Page(entry, usage.uses(session, user, today).get(row.id, 0), list(session.scalars(nudges)), found)


def page_json(found: Page, user: User, today: dt.date) -> dict[str, Any]:
    row = found.entry.row
    return {
        **_entry_json(found.entry, user, today),
        **{column: getattr(row, column) for column in _COLUMNS},
        "birthday": _birthday(row),
        "uses_in_90_days": found.uses,
        "open": [
            {"nudge": nudge.number, "rule": nudge.rule, "due_at": output.local(nudge.due_at, user.zone)}
            for nudge in found.open
        ],
        "events": [
            {"kind": event.kind, "on": event.on, "opportunity": company, "note": event.note}
            for event, company in found.events
        ],
    }


def page_text(found: Page, user: User, now: dt.datetime) -> str:
    row = found.entry.row
    today = local_day(now, user.zone)
    parts = [row.name, "", output.facts(_pairs(found, today))]
    if found.open:
        rows = [(str(n.number), n.rule, _day(n.due_at, user, today)) for n in found.open]
        parts += ["", output.table(("Nudge", "Rule", "Due"), rows)]
    if found.events:
        lines = [(output.day(e.on, today), e.kind, company, e.note) for e, company in found.events]
        parts += ["", output.table(("When", "What", "For", "Note"), lines)]
    return "\n".join(parts)


_COLUMNS = (
    "first_name",
    "relation",
    "worked_at",
    "role",
    "worked_from",
    "worked_to",
    "employer",
    "title",
    "since",
    "speaks_to",
    "via",
    "profile",
    "address",
    "leap_day",
    "every",
    "at_most",
    "keep_from_knowing",
    "present_employer",
    "last_contact_on",
    "confirmed_on",
    "note",
    "paused_until",
)


def _entry_json(entry: Entry, user: User, today: dt.date) -> dict[str, Any]:
    row = entry.row
    return {
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "status": _status_on(row, today),
        "tier": row.tier,
        "last_touch_on": entry.last_touch_on,
        "next_due_at": output.local(entry.next_due_at, user.zone),
    }


def _pairs(found: Page, today: dt.date) -> list[tuple[str, str | None]]:
    row = found.entry.row
    together = " ".join(part for part in (row.role, f"at {row.worked_at}" if row.worked_at else None) if part)
    now_at = ", ".join(part for part in (row.title, row.employer) if part)
    flags = [row.keep_from_knowing and "must not learn of your search", row.present_employer and "at your employer"]
    return [
        ("E-mail", row.email),
        ("Phone", row.phone),
        ("By", row.via),
        ("First name", row.first_name),
        ("Relation", row.relation),
        ("Together", f"{together} {_months(row.worked_from, row.worked_to)}".strip()),
        ("Now", f"{now_at}{f' since {row.since:%b %Y}' if row.since else ''}".strip()),
        ("Speaks to", row.speaks_to),
        ("Profile", row.profile),
        ("Address", row.address),
        ("Birthday", _birthday(row)),
        ("Tier", row.tier),
        ("Every", row.every),
        ("At most", row.at_most),
        ("Careful", ", ".join(flag for flag in flags if flag)),
        ("Status", _status(found.entry, today)),
        ("Last contact", output.day(found.entry.last_touch_on, today) or "not known"),
        ("Last 90 days", f"called on or written to {output.count(found.uses, 'time')}" if found.uses else None),
        ("Confirmed", output.day(row.confirmed_on, today)),
        ("Note", row.note),
    ]


def _day(at: dt.datetime | None, user: User, today: dt.date) -> str | None:
    return None if at is None else output.day(local_day(at, user.zone), today)


def _status(entry: Entry, today: dt.date) -> str:
    row = entry.row
    if entry.has_died:
        return "deceased"
    status = _status_on(row, today)
    if status == Status.PAUSED and row.paused_until is not None:
        return f"paused until {output.day(row.paused_until, today)}"
    return status


def _status_on(row: Reference, today: dt.date) -> str:
    """A pause is over from its last day on, though the record of it stays."""
    is_over = row.status == Status.PAUSED and not is_still_paused(row.paused_until, today)
    return Status.ACTIVE if is_over else row.status


def _birthday(row: Reference) -> str | None:
    if row.birth_month is None or row.birth_day is None:
        return None
    return f"{f'{row.birth_year}-' if row.birth_year else ''}{row.birth_month:02}-{row.birth_day:02}"


def _months(begins: dt.date | None, ends: dt.date | None) -> str:
    if begins is None and ends is None:
        return ""
    return f"({f'{begins:%b %Y}' if begins else '?'} to {f'{ends:%b %Y}' if ends else 'now'})"


def _newest(*days: dt.date | None) -> dt.date | None:
    return max((day for day in days if day is not None), default=None)


def _last_touches(session: Session, user: User, today: dt.date) -> dict[int, dt.date]:
    query = (
        select(Event.reference_id, func.max(Event.on))
        .where(
            Event.user_id == user.id,
            Event.retracted_at.is_(None),
            Event.reference_id.is_not(None),
            Event.kind.in_(TOUCHES),
            Event.on <= today,
        )
        .group_by(Event.reference_id)
    )
    return {key: on for key, on in session.execute(query) if key is not None}


def _next_dues(session: Session, user: User) -> dict[int, dt.datetime]:
    query = (
        select(Nudge.reference_id, func.min(Nudge.due_at))
        .where(Nudge.user_id == user.id, Nudge.state == State.OPEN, Nudge.reference_id.is_not(None))
        .group_by(Nudge.reference_id)
    )
    return {key: at for key, at in session.execute(query) if key is not None}
