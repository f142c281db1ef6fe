"""What is only foreseen: nudges that would come, as the rules and what is recorded now say."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli.words import Line, StepLine, names_of
from reminderd.drafts.words import title
from reminderd.rules.calendar import end_of_day
from reminderd.rules.facts import Facts, PlannedNudge
from reminderd.rules.projection import FIRST_ID, project
from reminderd.rules.states import State
from reminderd.store.draft_assembly import assemble
from reminderd.store.draft_shelf import Wanted, gather
from reminderd.store.facts import load_references, load_user, load_user_subject
from reminderd.store.lookup import list_references
from reminderd.store.tables import Nudge, Opportunity, Reference, User
from reminderd.wiring import House


def foreseen_lines(house: House, session: Session, user: User, day: dt.date, now: dt.datetime) -> list[Line]:
    """The nudges up to the end of ``day`` that there are no rows for yet."""
    until = end_of_day(day, user.zone)
    known = _known(session, user)
    found = [
        nudge
        for facts in _subjects(house, session, user, now)
        for nudge in project(facts, house.book, now, until)
        if nudge.key not in known
    ]
    wanted = [_wanted(user, nudge) for nudge in found]
    shelf = gather(session, wanted, now)
    people = names_of(session, Reference, {nudge.reference_id for nudge in found})
    companies = names_of(session, Opportunity, {nudge.opportunity_id for nudge in found})
    return [
        Line(
            number=None,
            rule=nudge.rule,
            reference=people.get(nudge.reference_id or 0),
            opportunity=companies.get(nudge.opportunity_id or 0),
            title=title(nudge.draft, assemble(shelf, one)),
            state=str(State.OPEN),
            starts_at=nudge.starts_at,
            due_at=nudge.due_at,
            steps=tuple(StepLine(step.at, step.channel, step.lane) for step in nudge.steps),
        )
        for nudge, one in zip(found, wanted, strict=True)
    ]


def _subjects(house: House, session: Session, user: User, now: dt.datetime) -> list[Facts]:
    fact = load_user(session, user, house.ways)
    people = load_references(session, {fact.id: fact}, list_references(session, user))
    return [*people.values(), load_user_subject(session, fact)]


def _known(session: Session, user: User) -> set[tuple[str, str, str]]:
    """Those that have rows; what was withdrawn, as by a pause, may come again."""
    query = select(Nudge.rule, Nudge.subject, Nudge.occasion)
    rows = session.execute(query.where(Nudge.user_id == user.id, Nudge.state != State.CANCELLED))
    return {(rule, subject, occasion) for rule, subject, occasion in rows}


def _wanted(user: User, nudge: PlannedNudge) -> Wanted:
    stored = nudge.event_id is not None and nudge.event_id < FIRST_ID
    return Wanted(
        user_id=user.id,
        reference_id=nudge.reference_id,
        opportunity_id=nudge.opportunity_id,
        event_id=nudge.event_id if stored else None,
        situation=nudge.draft,
    )
