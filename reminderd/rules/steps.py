"""When each reminder of a nudge comes, and by which channel."""

from __future__ import annotations

import datetime as dt
import itertools

from reminderd.rules.calendar import Span, leave_quiet, local_day, local_moment, next_digest, next_morning, shift
from reminderd.rules.facts import PlannedStep, UserFact
from reminderd.rules.occasions import Candidate
from reminderd.rules.rule import Anchor, Role, StepRule
from reminderd.rules.states import Digest

WEEK = Span(days=7)
SOON = dt.timedelta(hours=3)
"""No two reminders of one nudge within so long, where quiet hours brought them together."""
_DIGEST = (Anchor.DIGEST, Anchor.NEXT_DIGEST)


def make_steps(candidate: Candidate, user: UserFact) -> tuple[PlannedStep, ...]:
    """The steps of one nudge in order: none in quiet hours, save the first of what was just recorded; each by a
    channel that the user has; those that would come before the nudge starts are left out, but never all."""
    if candidate.rule.lane == "digest":
        return _digest_steps(candidate, user)
    moments = [(rule, _moment(rule, candidate, user)) for rule in candidate.rule.steps]
    kept = [(rule, at) for rule, at in moments if at >= candidate.start_at and at < candidate.expires_at]
    if not kept:
        kept = [(moments[-1][0], max(candidate.start_at, min(moments[-1][1], candidate.expires_at)))]
    steps: list[PlannedStep] = []
    moved: set[int] = set()
    for index, (rule, at) in enumerate(kept):
        first = index == 0 and at == candidate.start_at and _just_recorded(candidate, user)
        channel = best_channel(_urgent_channel(candidate, at) or rule.channel, user)
        position = candidate.rule.steps.index(rule) + 1
        if not (first and channel == "email"):
            awake = leave_quiet(at, user.quiet, user.zone, candidate.due_at)
            if awake != at:
                moved.add(position)
                at = awake
        steps.append(PlannedStep(position, at, channel, "now"))
    return _without_doubles(steps, moved)


def digest_slot(after: dt.datetime, user: UserFact) -> dt.datetime:
    """The user's first digest after a moment; daily for one who has none, when something is folded into the next."""
    cadence = "weekly" if user.digest is Digest.WEEKLY else "daily"
    return next_digest(after, cadence, user.digest_weekday, user.hour, user.zone, user.quiet)


def _without_doubles(steps: list[PlannedStep], moved: set[int]) -> tuple[PlannedStep, ...]:
    """Of steps at one moment the later stands: it escalates. So it does soon after one that quiet hours moved."""
    by_moment = {step.at: step for step in steps}
    ordered = sorted(by_moment.values(), key=lambda step: (step.at, step.position))
    return tuple(
        step
        for step, after in itertools.zip_longest(ordered, ordered[1:])
        if after is None or step.position not in moved or after.at - step.at >= SOON
    )


def _moment(rule: StepRule, candidate: Candidate, user: UserFact) -> dt.datetime:
    offset = dt.timedelta(days=rule.offset_days)
    if rule.anchor is Anchor.NEXT_MORNING:
        return next_morning(candidate.start_at, user.hour, user.zone)
    if rule.anchor in (Anchor.LAST_DAY, Anchor.DUE, Anchor.EVENT):
        day = candidate.event.on if rule.anchor is Anchor.EVENT and candidate.event else candidate.due_on
        return local_moment(day + offset, user.hour, user.zone)
    if rule.offset_days:
        return local_moment(candidate.start_on + offset, user.hour, user.zone)
    return candidate.start_at


def _just_recorded(candidate: Candidate, user: UserFact) -> bool:
    event = candidate.event
    return event is not None and candidate.start_at == event.recorded_at


def _urgent_channel(candidate: Candidate, at: dt.datetime) -> str | None:
    """A heads-up with less than its rule's time left goes by text at once."""
    within = candidate.rule.urgent_within
    if within is None or candidate.event is None:
        return None
    left = candidate.due_at - candidate.event.recorded_at
    hours = dt.timedelta(hours=within.hours, days=within.days)
    return "sms" if at == candidate.start_at and left < hours else None


def best_channel(wanted: str, user: UserFact) -> str:
    """A channel that works; where none does, one to wait for; where the user stopped them all, the wanted one."""
    channels = user.channels or user.wanted
    return wanted if wanted in channels or not channels else channels[0]


def _digest_steps(candidate: Candidate, user: UserFact) -> tuple[PlannedStep, ...]:
    channel = best_channel("email", user)
    first = _slot(candidate.start_at, user)
    hard = candidate.rule.deadline is not None or candidate.rule.role is Role.TASK
    if hard and candidate.due_at < first:
        return (PlannedStep(1, _single(candidate, user), channel, "now"),)
    lane = "now" if user.digest is Digest.OFF else "digest"
    steps = [PlannedStep(1, first, channel, lane)]
    if len(candidate.rule.steps) > 1:
        second = shift(first, WEEK, user.zone) if user.digest is Digest.OFF else _slot(first, user)
        steps.append(PlannedStep(2, leave_quiet(second, user.quiet, user.zone), channel, lane))
    return tuple(step for step in steps if step.at < candidate.expires_at or step.position == 1)


def _slot(after: dt.datetime, user: UserFact) -> dt.datetime:
    if user.digest is Digest.OFF:
        return leave_quiet(_next_hour(after, user), user.quiet, user.zone)
    return digest_slot(after, user)


def _single(candidate: Candidate, user: UserFact) -> dt.datetime:
    """The user's next hour, or now where the deadline lies before that."""
    at = _next_hour(candidate.start_at, user)
    if at > candidate.due_at:
        at = candidate.start_at
    return leave_quiet(at, user.quiet, user.zone, candidate.due_at)


def _next_hour(after: dt.datetime, user: UserFact) -> dt.datetime:
    day = local_day(after, user.zone)
    at = local_moment(day, user.hour, user.zone)
    return at if at >= after else local_moment(day + dt.timedelta(days=1), user.hour, user.zone)
