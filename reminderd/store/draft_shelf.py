"""Fetches in bulk the rows that the facts of drafts are made from."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from reminderd.rules.kinds import INVOLVING, KINDS, TOUCHES
from reminderd.store.tables import Event, Nudge, Opportunity, Reference, User

ALTERNATES_FOR = frozenset({"", "ask", "ask_after_silence", "ask_follow_up", "ask_unanswered", "declined", "heads_up"})
"""Situations in which somebody else could be asked; "" is a draft on demand."""
_CANDIDATES = 50
_EVENT = (
    Event.id,
    Event.user_id,
    Event.kind,
    Event.reference_id,
    Event.opportunity_id,
    Event.on,
    Event.at,
    Event.ordinal,
    Event.note,
    Event.data,
)
EventRow = Row[Any]
Keyed = TypeVar("Keyed", User, Reference)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What facts are asked for: a nudge's, or those of a draft on demand."""

    user_id: int
    reference_id: int | None = None
    opportunity_id: int | None = None
    event_id: int | None = None
    situation: str = ""
    nudge_id: int | None = None
    variant: int | None = None
    approach: str = ""
    answer: str = ""
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, nudge: Nudge) -> Wanted:
        """What a nudge's draft needs."""
        reasons = (str(reason.get("draft") or reason.get("rule") or "") for reason in nudge.reasons or ())
        return cls(
            user_id=nudge.user_id,
            reference_id=nudge.reference_id,
            opportunity_id=nudge.opportunity_id,
            event_id=nudge.event_id,
            situation=nudge.draft,
            nudge_id=nudge.id,
            variant=nudge.variant,
            approach=nudge.approach or "",
            answer=nudge.answer or "",
            reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Shelf:
    """The rows, by what they are looked up with. Events are live ones, in the order of the one timeline."""

    now: dt.datetime
    users: Mapping[int, User]
    references: Mapping[int, Any]
    """Rows of `Reference`; of what titles need alone where the shelf is for titles."""
    opportunities: Mapping[int, Opportunity]
    events: Mapping[int, EventRow]
    by_reference: Mapping[int, Sequence[EventRow]]
    by_opportunity: Mapping[int, Sequence[EventRow]]
    milestones: Mapping[int, Sequence[EventRow]]
    """By user: `accepted`, `signed`, `started` and what undoes them; and which references died."""
    earlier: Mapping[int, Sequence[Any]]
    """By reference: the nudges that already have a wording."""
    candidates: Mapping[int, Sequence[Reference]]
    """By user: those who once agreed to be a reference."""
    shared: bool = False
    """Whether several users share the database."""

    def at(self, now: dt.datetime) -> Shelf:
        """The same at another moment."""
        return dataclasses.replace(self, now=now)


def gather(session: Session, wanted: Sequence[Wanted], now: dt.datetime) -> Shelf:
    """All rows for ``wanted``, in at most eleven queries."""
    users = _by_id(session, User, {one.user_id for one in wanted})
    references = _by_id(session, Reference, {one.reference_id for one in wanted if one.reference_id})
    milestones = _grouped(_milestones(session, users), "user_id")
    starting = _events(session, Event.id, {one.event_id for one in wanted if one.event_id})
    jobs = {one.opportunity_id for one in wanted} | {event.opportunity_id for event in starting}
    opportunities = _opportunities(session, users, references, jobs, milestones)
    candidates = _candidates(session, {one.user_id for one in wanted if one.situation in ALTERNATES_FOR})
    their_ids = {reference.id for some in candidates.values() for reference in some} | references.keys()
    by_opportunity = _events(session, Event.opportunity_id, {job for job in jobs if job})
    involved = {event.reference_id for event in by_opportunity if event.kind in INVOLVING and event.reference_id}
    references = {**references, **_by_id(session, Reference, involved - references.keys())}
    references |= _profiles(session, {one.user_id for one in wanted if one.situation == "look_in"})
    return Shelf(
        now=now,
        users=users,
        references=references,
        opportunities=opportunities,
        events={event.id: event for event in starting},
        by_reference=_grouped(_events(session, Event.reference_id, their_ids), "reference_id"),
        by_opportunity=_grouped(by_opportunity, "opportunity_id"),
        milestones=milestones,
        earlier=_grouped(_earlier(session, their_ids), "reference_id"),
        candidates=candidates,
        shared=len(users) > 1 or is_shared(session),
    )


def is_shared(session: Session) -> bool:
    """Whether several users share the database."""
    return len(session.scalars(select(User.id).limit(2)).all()) > 1


def gather_headings(session: Session, wanted: Sequence[Wanted], now: dt.datetime) -> Shelf:
    """All rows that the titles of ``wanted`` need, in at most four queries where their users are loaded already."""
    users = {user_id: session.get_one(User, user_id) for user_id in {one.user_id for one in wanted}}
    columns = select(Reference.id, Reference.user_id, Reference.name, Reference.keep_from_knowing)
    references = {row.id: row for row in session.execute(columns.where(Reference.user_id.in_(users)))}
    milestones = _grouped(_milestones(session, users), "user_id")
    starting = _events(session, Event.id, {one.event_id for one in wanted if one.event_id})
    jobs = {one.opportunity_id for one in wanted} | {event.opportunity_id for event in starting}
    return Shelf(
        now=now,
        users=users,
        references=references,
        opportunities=_opportunities(session, users, references, jobs, milestones),
        events={event.id: event for event in starting},
        by_reference={},
        by_opportunity={},
        milestones=milestones,
        earlier={},
        candidates={},
    )


def touch_days(session: Session, reference_ids: Collection[int], since: dt.date) -> dict[int, tuple[dt.date, ...]]:
    """For each reference, the days of contact from ``since`` on: what the weekly mail draws as a bar."""
    if not reference_ids:
        return {}
    rows = session.execute(
        select(Event.reference_id, Event.on)
        .where(Event.reference_id.in_(reference_ids), Event.retracted_at.is_(None))
        .where(Event.kind.in_(sorted(TOUCHES)), Event.on >= since)
        .order_by(Event.on)
    ).all()
    found: dict[int, list[dt.date]] = {reference_id: [] for reference_id in reference_ids}
    for reference_id, day in rows:
        if reference_id is not None:
            found[reference_id].append(day)
    return {reference_id: tuple(days) for reference_id, days in found.items()}


def _by_id(session: Session, table: type[Keyed], ids: Collection[int]) -> dict[int, Keyed]:
    """Rows by id; what the session holds is not asked for again."""
    held = {one: session.identity_map.get(session.identity_key(table, one)) for one in ids}
    missing = [one for one, row in held.items() if row is None]
    found = {row.id: row for row in session.scalars(select(table).where(table.id.in_(missing)))} if missing else {}
    return {one: row for one in ids if (row := held[one] or found.get(one)) is not None}


def _events(session: Session, column: Any, ids: Collection[int]) -> list[EventRow]:
    if not ids:
        return []
    rows = session.execute(select(*_EVENT).where(column.in_(ids), Event.retracted_at.is_(None))).all()
    return _ordered(rows)


def _ordered(rows: Iterable[EventRow]) -> list[EventRow]:
    return sorted(rows, key=lambda row: (row.on, KINDS[row.kind].rank, row.ordinal, row.id))


def _milestones(session: Session, users: Collection[int]) -> list[EventRow]:
    kinds = ("accepted", "signed", "started", "turned_down", "rejected", "withdrawn", "deceased")
    query = select(*_EVENT).where(Event.user_id.in_(users), Event.kind.in_(kinds), Event.retracted_at.is_(None))
    return _ordered(session.execute(query).all()) if users else []


def _opportunities(
    session: Session,
    users: Mapping[int, User],
    references: Mapping[int, Any],
    jobs: Collection[int | None],
    milestones: Mapping[int, Sequence[EventRow]],
) -> dict[int, Opportunity]:
    """Those asked for, those that may have begun, all embargoed ones, and all that some reference must not know."""
    begun = {event.opportunity_id for some in milestones.values() for event in some if event.opportunity_id}
    secretive = {reference.user_id for reference in references.values() if reference.keep_from_knowing}
    query = select(Opportunity).where(
        Opportunity.user_id.in_(users),
        or_(
            Opportunity.id.in_({job for job in jobs if job} | begun),
            Opportunity.embargo_until.is_not(None),
            Opportunity.embargo_until_signed.is_(True),
            Opportunity.user_id.in_(secretive),
        ),
    )
    return {row.id: row for row in session.scalars(query)} if users else {}


def _candidates(session: Session, users: Collection[int]) -> dict[int, list[Reference]]:
    if not users:
        return {}
    agreed = select(Event.reference_id).where(
        Event.user_id.in_(users), Event.kind == "agreed", Event.retracted_at.is_(None)
    )
    query = (
        select(Reference)
        .where(Reference.id.in_(agreed), Reference.status == "active", Reference.keep_from_knowing.is_(False))
        .order_by(Reference.id.desc())
        .limit(_CANDIDATES * len(users))
    )
    found: dict[int, list[Reference]] = collections.defaultdict(list)
    for reference in session.scalars(query):
        found[reference.user_id].append(reference)
    return found


def _profiles(session: Session, users: Collection[int]) -> dict[int, Reference]:
    if not users:
        return {}
    query = (
        select(Reference)
        .where(Reference.user_id.in_(users), Reference.profile.is_not(None), Reference.status == "active")
        .order_by(Reference.last_contact_on, Reference.id)
        .limit(_CANDIDATES * len(users))
    )
    return {reference.id: reference for reference in session.scalars(query)}


def _earlier(session: Session, references: Collection[int]) -> Sequence[Any]:
    if not references:
        return []
    return session.execute(
        select(Nudge.reference_id, Nudge.id, Nudge.draft, Nudge.variant, Nudge.approach)
        .where(Nudge.reference_id.in_(references), Nudge.variant.is_not(None))
        .order_by(Nudge.id)
    ).all()


def _grouped(rows: Iterable[Any], key: str) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = collections.defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups
