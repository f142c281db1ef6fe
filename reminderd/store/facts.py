"""Rows to facts: what the rules read, loaded in bulk with a fixed number of statements."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from reminderd.rules.calendar import QuietHours, local_day, parse_span
from reminderd.rules.facts import Apart, EventFact, Facts, OpportunityFact, ReferenceFact, SettledFact, UserFact
from reminderd.rules.kinds import KINDS, TOUCHES, Scope
from reminderd.rules.states import Digest, State, Status, Tier
from reminderd.store.tables import BY_ITSELF, ChannelHealth, Event, Nudge, Opportunity, Reference, User


def load_user(session: Session, user: User, ways: frozenset[str]) -> UserFact:
    """The user's habits; ``ways`` are the channels that this installation has a transport for."""
    return load_users(session, [user], ways)[user.id]


def load_users(session: Session, users: Collection[User], ways: frozenset[str]) -> dict[int, UserFact]:
    """The habits of several, by id."""
    ids = [user.id for user in users]
    health = select(ChannelHealth.user_id, ChannelHealth.channel).where(
        ChannelHealth.user_id.in_(ids), ChannelHealth.paused_at.is_not(None)
    )
    paused: dict[int, set[str]] = defaultdict(set)
    for user_id, channel in session.execute(health):
        paused[user_id].add(channel)
    return {user.id: user_fact(user, ways, frozenset(paused[user.id])) for user in users}


def user_fact(user: User, ways: frozenset[str], paused: frozenset[str]) -> UserFact:
    """The same where it is known which channels are paused."""
    usable = {
        "email": user.email_enabled,
        "sms": user.sms_enabled and user.phone is not None,
    }
    wanted = tuple(name for name, on in usable.items() if on and name in ways)
    quiet = None
    if user.quiet_begins is not None and user.quiet_ends is not None:
        quiet = QuietHours(user.quiet_begins, user.quiet_ends)
    return UserFact(
        id=user.id,
        zone=user.zone,
        hour=user.hour,
        quiet=quiet,
        digest=Digest(user.digest),
        digest_weekday=user.digest_weekday,
        channels=tuple(name for name in wanted if name not in paused),
        created_on=local_day(user.created_at, user.zone),
        paused=user.paused,
        paused_until=user.paused_until,
        pause_all=user.pause_all,
        wanted=wanted,
    )


def load_references(
    session: Session, users: Mapping[int, UserFact], references: Sequence[Reference]
) -> dict[int, Facts]:
    """The facts of several references of these users, by reference id."""
    ids = [reference.id for reference in references]
    own = _events(session, Event.reference_id.in_(ids))
    opportunity_ids = {event.opportunity_id for event in own if event.opportunity_id}
    news = _events(session, Event.opportunity_id.in_(opportunity_ids), Event.reference_id.is_(None))
    opportunities = _opportunities(session, opportunity_ids)
    settled = _settled(session, Nudge.reference_id, Nudge.reference_id.in_(ids))
    by_reference: dict[int, list[EventFact]] = defaultdict(list)
    for event in own:
        by_reference[event.reference_id or 0].append(event)
    facts = {}
    for reference in references:
        mine = by_reference[reference.id]
        involved = {event.opportunity_id for event in mine if event.opportunity_id}
        facts[reference.id] = Facts(
            user=users[reference.user_id],
            reference=reference_fact(reference),
            opportunities={key: opportunities[key] for key in involved},
            events=(*mine, *(event for event in news if event.opportunity_id in involved)),
            settled=tuple(settled[reference.id]),
        )
    return facts


def load_taken_back(session: Session, reference_ids: Iterable[int]) -> dict[int, list[EventFact]]:
    """By reference, what the program had recorded by itself and took back."""
    ids = sorted(reference_ids)
    if not ids:
        return {}
    by_itself = Event.batch.like(f"{BY_ITSELF}%")
    query = _EVENTS.where(Event.reference_id.in_(ids), by_itself, Event.retracted_at.is_not(None))
    found: dict[int, list[EventFact]] = defaultdict(list)
    for row in session.execute(query):
        event = EventFact(*row)
        found[event.reference_id or 0].append(event)
    return found


def load_user_subject(session: Session, user: UserFact) -> Facts:
    """The facts of the rules that concern no single reference: the events of the user's open opportunities."""
    return load_user_subjects(session, [user])[0]


def load_user_subjects(session: Session, users: Sequence[UserFact]) -> list[Facts]:
    """The same of several users, in their order."""
    ids = [user.id for user in users]
    opportunities: dict[int, dict[int, OpportunityFact]] = defaultdict(dict)
    is_open = Opportunity.user_id.in_(ids), Opportunity.closed.is_(False)
    for row in session.scalars(select(Opportunity).where(*is_open)):
        opportunities[row.user_id][row.id] = opportunity_fact(row)
    of_open = Event.opportunity_id.in_(select(Opportunity.id).where(*is_open))
    events = _events_by_user(session, Event.user_id.in_(ids), of_open)
    is_done = Event.kind.in_(_NUDGE_KINDS) & Event.reference_id.is_(None)
    others = _events_by_user(session, Event.user_id.in_(ids), or_(is_done, Event.kind == "deceased"))
    settled = _settled(session, Nudge.user_id, Nudge.user_id.in_(ids), Nudge.reference_id.is_(None))
    profiles = _profiles(session, ids)
    dead = {key: frozenset(_whose(of_one, "deceased")) for key, of_one in others.items()}
    apart = _apart(session, ids, dead)
    return [
        Facts(
            user=user,
            reference=None,
            opportunities=opportunities[user.id],
            events=_with_done(events[user.id], others[user.id]),
            settled=tuple(settled[user.id]),
            profiles=tuple(profiles[user.id]),
            apart=apart[user.id],
        )
        for user in users
    ]


def _with_done(events: Sequence[EventFact], others: Sequence[EventFact]) -> tuple[EventFact, ...]:
    known = {event.id for event in events}
    return (*events, *(event for event in others if event.kind != "deceased" and event.id not in known))


def _whose(events: Iterable[EventFact], kind: str) -> Iterator[int]:
    return (event.reference_id for event in events if event.kind == kind and event.reference_id is not None)


def _apart(session: Session, user_ids: Sequence[int], dead: Mapping[int, frozenset[int]]) -> dict[int, Apart]:
    """With whom a nudge about several is careful, by user."""
    is_retired, flags = Reference.status == Status.RETIRED, (Reference.present_employer, Reference.keep_from_knowing)
    query = select(Reference.user_id, Reference.id, is_retired, *flags).where(
        Reference.user_id.in_(user_ids), or_(is_retired, *(flag.is_(True) for flag in flags))
    )
    found: dict[int, tuple[set[int], set[int], set[int]]] = {key: (set(), set(), set()) for key in user_ids}
    for user_id, reference_id, *careful in session.execute(query):
        for kind, is_so in zip(found[user_id], careful, strict=True):
            if is_so:
                kind.add(reference_id)
    return {
        key: Apart(frozenset(retired) | dead.get(key, frozenset()), frozenset(inside), frozenset(kept_out))
        for key, (retired, inside, kept_out) in found.items()
    }


def _profiles(session: Session, user_ids: Sequence[int]) -> dict[int, list[dt.date | None]]:
    """When those with a profile to look at were last in touch, by user."""
    touched = (Event.reference_id == Reference.id) & Event.kind.in_(sorted(TOUCHES)) & Event.retracted_at.is_(None)
    query = (
        select(Reference.user_id, Reference.last_contact_on, func.max(Event.on))
        .outerjoin(Event, touched)
        .where(Reference.user_id.in_(user_ids), Reference.profile.is_not(None), Reference.status == Status.ACTIVE)
        .group_by(Reference.id, Reference.user_id, Reference.last_contact_on)
    )
    found: dict[int, list[dt.date | None]] = defaultdict(list)
    for user_id, *days in session.execute(query):
        found[user_id].append(max((day for day in days if day is not None), default=None))
    return found


def reference_fact(row: Reference) -> ReferenceFact:
    """One reference as the rules see it."""
    birthday = None
    if row.birth_month is not None and row.birth_day is not None:
        birthday = (row.birth_year, row.birth_month, row.birth_day)
    return ReferenceFact(
        id=row.id,
        name=row.name,
        status=Status(row.status),
        tier=Tier(row.tier),
        created_on=row.created_on,
        paused_until=row.paused_until,
        every=parse_span(row.every) if row.every else None,
        at_most=parse_span(row.at_most) if row.at_most else None,
        birthday=birthday,
        leap_day=row.leap_day,
        since=row.since,
        worked_until=row.worked_to,
        last_contact_on=row.last_contact_on,
        has_profile=row.profile is not None,
        keep_from_knowing=row.keep_from_knowing,
        present_employer=row.present_employer,
    )


def opportunity_fact(row: Opportunity) -> OpportunityFact:
    """One opportunity as the rules see it."""
    return OpportunityFact(id=row.id, company=row.company, starts_on=row.starts_on, closed=row.closed)


def today_of(user: User, now: dt.datetime) -> dt.date:
    """The user's local date."""
    return local_day(now, user.zone)


_EVENTS = select(
    Event.id,
    Event.kind,
    Event.on,
    Event.recorded_at,
    Event.reference_id,
    Event.opportunity_id,
    Event.at,
    Event.ordinal,
    Event.data,
)
"""In the order of an `EventFact`'s fields; a whole row takes several times as long to load."""
_NUDGE_KINDS = tuple(kind.name for kind in KINDS.values() if kind.scope is Scope.NUDGE)


def _events(session: Session, *conditions: object) -> list[EventFact]:
    query = _EVENTS.where(Event.retracted_at.is_(None), *conditions)  # type: ignore[arg-type]  # SQL expressions
    return [EventFact(*row) for row in session.execute(query)]


def _events_by_user(session: Session, *conditions: object) -> dict[int, list[EventFact]]:
    query = _EVENTS.add_columns(Event.user_id).where(Event.retracted_at.is_(None), *conditions)  # type: ignore[arg-type]
    found: dict[int, list[EventFact]] = defaultdict(list)
    for *fields, user_id in session.execute(query):
        found[user_id].append(EventFact(*fields))
    return found


def _opportunities(session: Session, ids: Iterable[int]) -> Mapping[int, OpportunityFact]:
    rows = session.scalars(select(Opportunity).where(Opportunity.id.in_(list(ids))))
    return {row.id: opportunity_fact(row) for row in rows}


def _settled(session: Session, key: InstrumentedAttribute[Any], *conditions: object) -> dict[int, list[SettledFact]]:
    """What the user let go, by ``key``: of whom the nudge is."""
    query = select(key, Nudge.rule, Nudge.occasion, Nudge.state, Nudge.done_event_id).where(
        Nudge.state == State.SKIPPED,
        *conditions,  # type: ignore[arg-type]  # SQL expressions
    )
    settled: dict[int, list[SettledFact]] = defaultdict(list)
    for of, rule, occasion, state, event_id in session.execute(query):
        settled[of].append(SettledFact(rule, occasion, State(state), event_id))
    return settled
