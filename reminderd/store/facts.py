"""Rows to facts: what the rules read, loaded in bulk with a fixed number of statements."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from reminderd.rules.calendar import QuietHours, local_day, parse_span
from reminderd.rules.facts import Apart, EventFact, Facts, OpportunityFact, ReferenceFact, SettledFact, UserFact
from reminderd.rules.kinds import KINDS, TOUCHES, Scope
from reminderd.rules.states import Digest, State, Status, Tier
from reminderd.store.tables import BY_ITSELF, ChannelHealth, Event, Nudge, Opportunity, Reference, User


def load_user(session: Session, user: User, ways: frozenset[str], now: dt.datetime) -> UserFact:
    """The user's habits; ``ways`` are the channels that this installation has a transport for."""
    health = select(ChannelHealth.channel).where(ChannelHealth.user_id == user.id, ChannelHealth.paused_at.is_not(None))
    return user_fact(user, ways, frozenset(session.scalars(health)))


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


def load_references(session: Session, user: UserFact, references: Sequence[Reference]) -> dict[int, Facts]:
    """The facts of several references of one user, by reference id."""
    ids = [reference.id for reference in references]
    own = _events(session, Event.reference_id.in_(ids))
    opportunity_ids = {event.opportunity_id for event in own if event.opportunity_id}
    news = _events(session, Event.opportunity_id.in_(opportunity_ids), Event.reference_id.is_(None))
    opportunities = _opportunities(session, opportunity_ids)
    settled = _settled(session, Nudge.reference_id.in_(ids))
    by_reference: dict[int, list[EventFact]] = defaultdict(list)
    for event in own:
        by_reference[event.reference_id or 0].append(event)
    facts = {}
    for reference in references:
        mine = by_reference[reference.id]
        involved = {event.opportunity_id for event in mine if event.opportunity_id}
        facts[reference.id] = Facts(
            user=user,
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
    opportunities = {
        row.id: opportunity_fact(row)
        for row in session.scalars(
            select(Opportunity).where(Opportunity.user_id == user.id, Opportunity.closed.is_(False))
        )
    }
    events = _events(session, Event.user_id == user.id, Event.opportunity_id.in_(opportunities))
    is_done = Event.kind.in_(_NUDGE_KINDS) & Event.reference_id.is_(None)
    others = _events(session, Event.user_id == user.id, or_(is_done, Event.kind == "deceased"))
    done = [event for event in others if event.kind != "deceased"]
    dead = {event.reference_id for event in others if event.kind == "deceased"}
    known = {event.id for event in events}
    return Facts(
        user=user,
        reference=None,
        opportunities=opportunities,
        events=(*events, *(event for event in done if event.id not in known)),
        settled=tuple(_settled(session, Nudge.user_id == user.id, Nudge.reference_id.is_(None))[0]),
        profiles=_profiles(session, user),
        apart=_apart(session, user, {one for one in dead if one is not None}),
    )


def _apart(session: Session, user: UserFact, dead: set[int]) -> Apart:
    """With whom a nudge about several is careful."""
    is_retired, flags = Reference.status == Status.RETIRED, (Reference.present_employer, Reference.keep_from_knowing)
    query = select(Reference.id, is_retired, *flags).where(
        Reference.user_id == user.id, or_(is_retired, *(flag.is_(True) for flag in flags))
    )
    rows = session.execute(query).all()
    retired, inside, kept_out = (frozenset(row[0] for row in rows if row[place]) for place in (1, 2, 3))
    return Apart(retired | dead, inside, kept_out)


def _profiles(session: Session, user: UserFact) -> tuple[dt.date | None, ...]:
    """When those with a profile to look at were last in touch."""
    touched = (Event.reference_id == Reference.id) & Event.kind.in_(sorted(TOUCHES)) & Event.retracted_at.is_(None)
    query = (
        select(Reference.last_contact_on, func.max(Event.on))
        .outerjoin(Event, touched)
        .where(Reference.user_id == user.id, Reference.profile.is_not(None), Reference.status == Status.ACTIVE)
        .group_by(Reference.id, Reference.last_contact_on)
    )
    return tuple(max((day for day in row if day is not None), default=None) for row in session.execute(query))


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


def _opportunities(session: Session, ids: Iterable[int]) -> Mapping[int, OpportunityFact]:
    rows = session.scalars(select(Opportunity).where(Opportunity.id.in_(list(ids))))
    return {row.id: opportunity_fact(row) for row in rows}


def _settled(session: Session, *conditions: object) -> dict[int, list[SettledFact]]:
    query = select(Nudge.reference_id, Nudge.rule, Nudge.occasion, Nudge.state, Nudge.done_event_id).where(
        Nudge.state == State.SKIPPED,
        *conditions,  # type: ignore[arg-type]  # SQL expressions
    )
    settled: dict[int, list[SettledFact]] = defaultdict(list)
    for reference_id, rule, occasion, state, event_id in session.execute(query):
        settled[reference_id or 0].append(SettledFact(rule, occasion, State(state), event_id))
    return settled
