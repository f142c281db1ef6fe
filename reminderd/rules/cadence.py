"""plan(facts, rules, now): what is wanted now, and when time alone could change that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from reminderd.rules.calendar import local_day, start_of_day
from reminderd.rules.facts import Facts, Plan, PlannedNudge
from reminderd.rules.occasions import Candidate, candidates
from reminderd.rules.rule import KEPT_IN_PAUSE, Book, Role, Rule
from reminderd.rules.states import State, Status, is_still_paused
from reminderd.rules.steps import make_steps
from reminderd.rules.timeline import Timeline
from reminderd.rules.voice import Voiced, one_voice


def plan(facts: Facts, book: Book, now: dt.datetime) -> Plan:
    """The nudges of one subject as of ``now`` (aware). The same facts give the same plan, in whatever order the
    events were recorded; nudges that an event already fulfilled are listed as done, expired ones not at all."""
    today = local_day(now, facts.user.zone)
    line = Timeline.of(facts, today)
    pauses = [day for day in _pauses(facts, line) if day > today]
    fired = candidates(facts, _rules_in_force(facts, book, line, today), line, now)
    live = [candidate for candidate in fired if candidate.expires_at > now]
    done = [candidate for candidate in live if candidate.fulfilled_by is not None]
    skipped = frozenset((fact.rule, fact.occasion) for fact in facts.settled if fact.state is State.SKIPPED)
    waiting = [candidate for candidate in fired if candidate.fulfilled_by is None]
    standing = one_voice(
        [candidate for candidate in waiting if candidate.expires_at > now],
        skipped=skipped,
        lapsed=[one for one in waiting if one.expires_at <= now and (one.rule.name, one.occasion) not in skipped],
    )
    nudges = [_nudge(Voiced(candidate, []), facts) for candidate in done]
    nudges += [_nudge(voiced, facts) for voiced in standing]
    days = {*line.future_days(), *pauses}
    moments = [start_of_day(day, facts.user.zone) for day in days]
    moments += [candidate.expires_at for candidate in live]
    return Plan(tuple(nudges), min(moments, default=None))


def _rules_in_force(facts: Facts, book: Book, line: Timeline, today: dt.date) -> tuple[Rule, ...]:
    if _at_rest(facts, line, today):
        return ()
    rules: Iterable[Rule] = book.about_users if facts.reference is None else book.about_references
    user = facts.user
    if user.paused and is_still_paused(user.paused_until, today):
        kept = frozenset[Role]() if user.pause_all else KEPT_IN_PAUSE
        rules = (rule for rule in rules if rule.role in kept)
    if line.resting_until is not None:
        rules = (rule for rule in rules if rule.role is not Role.KEEP)
    return tuple(rules)


def _at_rest(facts: Facts, line: Timeline, today: dt.date) -> bool:
    reference = facts.reference
    if reference is None:
        return False
    if reference.status is Status.RETIRED or (
        "deceased" in line.kinds and any(event.kind == "deceased" for event in line.past)
    ):
        return True
    return reference.status is Status.PAUSED and is_still_paused(reference.paused_until, today)


def _pauses(facts: Facts, line: Timeline) -> Iterable[dt.date]:
    if facts.user.paused and facts.user.paused_until:
        yield facts.user.paused_until
    if facts.reference is not None and facts.reference.paused_until:
        yield facts.reference.paused_until
    if line.resting_until is not None:
        yield line.resting_until


def _nudge(voiced: Voiced, facts: Facts) -> PlannedNudge:
    candidate: Candidate = voiced.candidate
    return PlannedNudge(
        rule=candidate.rule.name,
        subject=candidate.subject,
        occasion=candidate.occasion,
        draft=candidate.draft,
        lane=candidate.rule.lane,
        starts_at=candidate.start_at,
        due_at=candidate.due_at,
        expires_at=candidate.expires_at,
        steps=make_steps(candidate, facts.user),
        state=State.OPEN if candidate.fulfilled_by is None else State.DONE,
        reference_id=facts.reference.id if facts.reference else None,
        opportunity_id=candidate.opportunity_id,
        event_id=candidate.event.id if candidate.event else None,
        fulfilled_by=candidate.fulfilled_by,
        reasons=tuple(voiced.reasons),
    )
