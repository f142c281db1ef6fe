"""What would come after what is planned now: a look ahead in which the user does each nudge when it first speaks."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from reminderd.rules.cadence import plan
from reminderd.rules.calendar import local_day
from reminderd.rules.facts import EventFact, Facts, PlannedNudge
from reminderd.rules.rule import Book
from reminderd.rules.states import State

MOST_ROUNDS = 1000
"""A look ahead ends after so many plans, however far it was to go."""
FIRST_ID = 10**12
"""Supposed events have ids from here on, so that none is taken for a stored one."""


def project(facts: Facts, book: Book, now: dt.datetime, until: dt.datetime) -> tuple[PlannedNudge, ...]:
    """The nudges of one subject whose first step comes by ``until``, in the order of those steps. Each counts as done
    on the day of its first step. What is open now is among them, as it is planned now."""
    found: dict[tuple[str, str, str], PlannedNudge] = {}
    moment = now
    for _ in range(MOST_ROUNDS):
        wanted = plan(facts, book, moment)
        waiting = [nudge for nudge in wanted.nudges if _waits(nudge, facts)]
        for nudge in waiting:
            if _first_at(nudge) <= moment:
                found[nudge.key] = nudge if moment == now else _late(nudge, moment)
                facts = _done(nudge, facts, book, moment)
        if any(_first_at(nudge) <= moment for nudge in waiting):
            continue
        moments = [_first_at(nudge) for nudge in waiting]
        moments += [wanted.again_at] if wanted.again_at is not None else []
        later = min((at for at in moments if at > moment), default=None)
        if later is None or later > until:
            break
        moment = later
    return tuple(sorted(found.values(), key=lambda nudge: (_first_at(nudge), nudge.key)))


def _waits(nudge: PlannedNudge, facts: Facts) -> bool:
    skipped = any((fact.rule, fact.occasion) == (nudge.rule, nudge.occasion) for fact in facts.settled)
    return nudge.state is State.OPEN and bool(nudge.steps) and not skipped


def _first_at(nudge: PlannedNudge) -> dt.datetime:
    return nudge.steps[0].at


def _late(nudge: PlannedNudge, moment: dt.datetime) -> PlannedNudge:
    """Rises only now, as after a pause: the reminders that are over by then come as one."""
    over = [step for step in nudge.steps if step.at <= moment]
    steps = (dataclasses.replace(over[-1], at=moment), *nudge.steps[len(over) :])
    return dataclasses.replace(nudge, steps=steps)


def _done(nudge: PlannedNudge, facts: Facts, book: Book, moment: dt.datetime) -> Facts:
    """The facts with the event that doing the nudge would record."""
    rule = book.rules[nudge.rule]
    kind = rule.records or "done"
    cause = next((event for event in facts.events if event.id == nudge.event_id), None)
    kept = ("by", "kind", "role") if kind == "asked" and cause is not None else ()
    data: dict[str, Any] = {"role": rule.role.value}
    if nudge.reasons:
        data["took_in"] = [[reason.rule, reason.occasion] for reason in nudge.reasons]
    data |= {key: cause.data[key] for key in kept if cause is not None and key in cause.data}
    event = EventFact(
        id=FIRST_ID + len(facts.events),
        kind=kind,
        on=local_day(moment, facts.user.zone),
        recorded_at=moment,
        reference_id=nudge.reference_id,
        opportunity_id=nudge.opportunity_id,
        ordinal=1 + sum(event.kind == kind for event in facts.events),
        data=data | {"rule": nudge.rule, "occasion": nudge.occasion, "subject": nudge.subject},
    )
    return dataclasses.replace(facts, events=(*facts.events, event))
