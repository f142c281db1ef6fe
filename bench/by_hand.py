"""What the default book decides for one reference, written out in plain Python: no table of rules, no engine.

For a user with both channels, no quiet hours and a weekly digest on Mondays, and references that nothing special was
said of: less than the rules can do, and so the quickest that gives the same decisions.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from reminderd.rules.calendar import months_between, spread
from reminderd.rules.facts import EventFact, Facts, Plan
from reminderd.rules.kinds import KINDS, OUTCOMES, TOUCHES
from reminderd.rules.states import Tier

DAY, WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
KEEP, THANKS, OUTCOME, ASK, HEADS_UP, TASK = "keep", "thanks", "outcome", "ask", "heads_up", "task"
EXEMPT = (OUTCOME, ASK, HEADS_UP, TASK)
CLOSED = {"agreed", "declined", "no_answer", "briefed", "called"}
GREETED = {"contacted", "wrote", "met", "congratulated"}
CONSENT = {"asked", "agreed", "declined", "no_answer"}
INVOLVING = {"asked", "agreed", "briefed", "called"}
GIFTS = {"congratulated", "gift_sent"}

Decision = tuple[Any, ...]


class Found(NamedTuple):
    """One occasion of one rule."""

    rule: str
    role: str
    weight: int
    occasion: str
    start_on: dt.date
    starts_at: dt.datetime
    due_on: dt.date
    due_at: dt.datetime
    expires_at: dt.datetime
    draft: str
    steps: str
    event: EventFact | None
    job: int | None
    fulfilled_by: int | None


def decisions(plan: Plan) -> list[Decision]:
    """A plan of the rules in the form of `decide`, in no order."""
    return sorted(
        (
            one.rule,
            one.occasion,
            one.state.value,
            one.draft,
            one.starts_at,
            one.due_at,
            one.expires_at,
            one.fulfilled_by or 0,
            tuple((step.position, step.at, step.channel, step.lane) for step in one.steps),
            tuple((reason.rule, reason.occasion) for reason in one.reasons),
        )
        for one in plan.nudges
    )


def decide(facts: Facts, now: dt.datetime) -> list[Decision]:
    """The nudges of one reference, in no order."""
    hand = Hand(facts, now)
    found = hand.all()
    waiting = [one for one in found if one.fulfilled_by is None]
    lapsed = [one for one in waiting if one.expires_at <= now]
    done = [_decision(one, ()) for one in found if one.fulfilled_by is not None and one.expires_at > now]
    voiced = _voices([one for one in waiting if one.expires_at > now], lapsed)
    return done + [_decision(one, taken) for one, taken in voiced]


def _decision(one: Found, taken: Iterable[Found]) -> Decision:
    return (
        one.rule,
        one.occasion,
        "open" if one.fulfilled_by is None else "done",
        one.draft,
        one.starts_at,
        one.due_at,
        one.expires_at,
        one.fulfilled_by or 0,
        tuple(_steps(one)),
        tuple((other.rule, other.occasion) for other in taken),
    )


class Hand:
    """One reference's life, and every rule asked of it."""

    def __init__(self, facts: Facts, now: dt.datetime) -> None:
        assert facts.reference is not None
        self.reference, self.now = facts.reference, now
        self.zone = ZoneInfo(facts.user.zone)
        self.today = now.astimezone(self.zone).date()
        ordered = [((one.on, KINDS[one.kind].rank, one.ordinal), one) for one in facts.events]
        ordered.sort(key=lambda pair: (pair[0], pair[1].id))
        self.order = {one.id: order for order, one in ordered}
        self.events = [one for _, one in ordered]
        self.past = [one for one in self.events if one.on <= self.today]
        self.touches = [one for one in self.past if one.kind in TOUCHES]
        self.rests = self._rests()
        self.jobs = {job: self._vouches(job) for job in facts.opportunities}

    def _rests(self) -> bool:
        last = None
        for one in self.past:
            if one.kind == "no_answer":
                last = one
            elif one.kind in TOUCHES:
                last = None
        return last is not None and months(last.on, 12) > self.today

    def _vouches(self, job: int) -> bool:
        consent, involved = None, False
        for one in self.past:
            if one.opportunity_id != job or one.reference_id is None:
                continue
            involved = involved or one.kind in INVOLVING
            if one.kind in CONSENT and not (one.kind == "asked" and consent == "agreed"):
                consent = one.kind
        return involved and consent not in ("declined", "no_answer")

    # ---- the rules

    def all(self) -> list[Found]:
        found: list[Found] = []
        for one in self.events:
            self._of_event(one, found)
        self._of_calendar(found)
        return found

    def _of_event(self, one: EventFact, found: list[Found]) -> None:
        kind = one.kind
        if kind in OUTCOMES:
            if self.jobs.get(one.opportunity_id or 0) and self._newest(one):
                steps = "outcome3" if kind == "accepted" else "outcome2"
                rule = kind.replace("_", "-")
                found.append(self._after(one, rule, OUTCOME, 90, one.on, 2, 30, {"told", "thanked"}, kind, steps))
        elif kind == "needed":
            if not self._silenced(one, 40):
                kinds = {"asked", "agreed", "declined", "no_answer"}
                draft = "ask_after_silence" if self._silent_at(one) else "ask"
                found.append(self._after(one, "ask", ASK, 80, one.on, 1, 14, kinds, draft, "outcome3"))
        elif kind == "asked":
            if not self._asked_again(one) and not self._silenced(one, 40):
                first = working_days(one.on, 5)
                found.append(self._after(one, "ask-follow-up", ASK, 80, first, 2, 7, CLOSED, "ask_follow_up", "start"))
                second = working_days(first, 5)
                found.append(
                    self._after(one, "ask-unanswered", TASK, 80, second, 1, 7, CLOSED, "ask_unanswered", "start")
                )
        elif kind == "agreed":
            if not self._silenced(one, 30) and not self._answered_otherwise(one, "declined"):
                kinds = {"briefed", "thanked"}
                found.append(
                    self._after(one, "agreed", THANKS, 65, one.on, 3, 14, kinds, "brief_and_thanks", "digest2")
                )
        elif kind == "declined":
            if not self._answered_otherwise(one, "agreed"):
                kinds = {"thanked"}
                found.append(self._after(one, "declined", THANKS, 65, one.on, 3, 14, kinds, "declined", "digest1"))
        elif kind in ("interview", "references_requested"):
            wanted = kind == "references_requested" or one.data.get("final")
            if wanted and self.jobs.get(one.opportunity_id or 0) and not self._silenced(one, 30):
                found.append(self._ahead(one, "heads-up", HEADS_UP, 80, {"briefed", "called"}, "heads_up", 3))
        elif kind == "called":
            start, kinds = working_days(one.on, 2), {"thanked", "told"}
            early = working_days(start, -2)
            found.append(self._after(one, "called", THANKS, 70, start, 3, 14, kinds, "called", "digest1", early))
        elif kind == "started":
            if self.jobs.get(one.opportunity_id or 0) and not self.rests:
                start = months(one.on, 1)
                early = start - 2 * WEEK
                found.append(
                    self._after(one, "first-month", KEEP, 45, start, 14, 30, TOUCHES, "first_month", "digest2", early)
                )
                start = one.on + 83 * DAY
                early = start - 2 * WEEK
                found.append(
                    self._after(one, "ninety-days", KEEP, 46, start, 7, 14, TOUCHES, "check_in", "digest1", early)
                )
        elif kind in ("promoted", "changed_job"):
            if not self.rests:
                found.append(self._after(one, "promoted", KEEP, 50, one.on, 7, 30, TOUCHES, "promoted", "digest1"))
        elif kind == "helped":
            kinds = {"thanked", "gift_sent", "told"}
            found.append(self._after(one, "helped", THANKS, 48, one.on, 7, 30, kinds, "helped", "digest1"))
        elif kind == "reached_out":
            kinds = GREETED | {"told", "thanked"}
            found.append(self._after(one, "reached-out", THANKS, 48, one.on, 3, 14, kinds, "reached_out", "digest1"))
        elif kind == "advised":
            if not self.rests:
                start = one.on + 21 * DAY
                early = start - 2 * WEEK
                found.append(
                    self._after(one, "advice", KEEP, 40, start, 10, 30, TOUCHES, "advice_follow_up", "digest1", early)
                )
        elif kind == "planned":
            found.append(self._ahead(one, "plan-ahead", TASK, 60, {"met"}, "plan_ahead", None))
            start = one.on + DAY
            found.append(
                self._after(one, "plan-after", TASK, 60, start, 8, 14, {"met"}, "after_meeting", "digest1", one.on)
            )

    def _of_calendar(self, found: list[Found]) -> None:
        reference = self.reference
        if not self.rests:
            if reference.birthday is not None:
                _, month, day = reference.birthday
                self._yearly("birthday", 72, month, day, 3, GREETED, "birthday", "due", found)
            if reference.tier is Tier.INNER:
                self._yearly("new-year", 30, 1, 2, 21, TOUCHES, "new_year", "digest2", found)
        own = {Tier.INNER: 3, Tier.NETWORK: 12}.get(reference.tier)
        if own is None:
            return
        if not self.rests:
            base = self.touches[-1].on if self.touches else None
            check_in = self._recurring("check-in", KEEP, 20, own, "check_in", "digest2")
            over = base is not None and check_in is not None and check_in[0].due_on >= months(base, 12)
            if check_in is not None and not over:
                found.append(check_in[0])
            else:
                draft = "give" if self._asks() >= 2 else "reconnect"
                reconnect = self._recurring("reconnect", KEEP, 35, 12, draft, "digest2")
                if reconnect is not None:
                    found.append(reconnect[0])
        ignored = self._recurring("four-ignored", TASK, 10, own, "four_ignored", "digest1")
        if ignored is not None and ignored[1] == 5:
            found.append(ignored[0]._replace(occasion=ignored[0].occasion[:-1] + "4"))
        if not self.touches and reference.tier is Tier.INNER:
            start = reference.created_on
            dates = (start, start + 14 * DAY, start + 74 * DAY)
            found.append(
                self._dated("last-contact", TASK, 10, "since:0#1", *dates, set(), "last_contact_unknown", "digest1")
            )

    # ---- dates

    def _after(
        self,
        one: EventFact,
        rule: str,
        role: str,
        weight: int,
        start_on: dt.date,
        deadline: int,
        expires: int,
        kinds: set[str] | frozenset[str],
        draft: str,
        steps: str,
        early: dt.date | None = None,
    ) -> Found:
        recorded_on = one.recorded_at.astimezone(self.zone).date()
        starts_at = one.recorded_at if start_on <= recorded_on else self._morning(start_on)
        due_on = start_on + deadline * DAY
        expires_at = self._end(due_on + expires * DAY)
        order = self.order[one.id]
        done = None
        for other in self.past:
            if other.kind not in kinds or other is one or other.reference_id is None or self.order[other.id] <= order:
                continue
            if kinds is TOUCHES and other.on == one.on and other.kind != "congratulated":
                continue  # perhaps before the news of that day
            apart = one.opportunity_id is not None and other.opportunity_id != one.opportunity_id
            if apart and role != KEEP:
                of_a_job = other.opportunity_id is not None and (other.kind in CONSENT or other.kind in INVOLVING)
                if role != TASK or of_a_job:
                    continue
            if early is None or other.on >= early:
                done = other.id
                break
        return Found(
            rule, role, weight, f"event:{one.id}", start_on, starts_at, due_on, self._end(due_on), expires_at,
            draft, steps, one, one.opportunity_id, done,
        )  # fmt: skip

    def _ahead(
        self, one: EventFact, rule: str, role: str, weight: int, kinds: set[str], draft: str, early: int | None
    ) -> Found:
        ends, morning = self._end(one.on), self._morning(one.on)
        due_at = morning if role == HEADS_UP and morning > one.recorded_at else ends
        done, order = None, self.order[one.id]
        begins_on = min(one.on, one.recorded_at.astimezone(self.zone).date())
        for other in self.past:
            if other.kind not in kinds or other.reference_id is None:
                continue
            if role == HEADS_UP and other.opportunity_id != one.opportunity_id:
                continue
            if (other.on >= begins_on - early * DAY) if early is not None else self.order[other.id] > order:
                done = other.id
                break
        return Found(
            rule, role, weight, f"event:{one.id}", one.on, one.recorded_at, one.on, due_at, ends,
            draft, "ahead", one, one.opportunity_id, done,
        )  # fmt: skip

    def _dated(
        self,
        rule: str,
        role: str,
        weight: int,
        occasion: str,
        start_on: dt.date,
        due_on: dt.date,
        expires_on: dt.date,
        kinds: set[str] | frozenset[str],
        draft: str,
        steps: str,
        early: dt.date | None = None,
    ) -> Found:
        since = early or start_on
        done = next((one.id for one in self.past if one.on >= since and one.kind in kinds and one.reference_id), None)
        return Found(
            rule, role, weight, occasion, start_on, self._morning(start_on), due_on, self._end(due_on),
            self._end(expires_on), draft, steps, None, None, done,
        )  # fmt: skip

    def _yearly(
        self,
        rule: str,
        weight: int,
        month: int,
        day: int,
        expires: int,
        kinds: set[str] | frozenset[str],
        draft: str,
        steps: str,
        found: list[Found],
    ) -> None:
        from_on = self.today - 40 * DAY
        due_on = dt.date(from_on.year, month, day)
        if due_on < from_on:
            due_on = due_on.replace(year=due_on.year + 1)
        while True:
            expires_on = due_on + expires * DAY
            if self._end(expires_on) > self.now and due_on >= self.reference.created_on - 3 * DAY:
                new_year = rule == "new-year"
                start_on = due_on - WEEK if new_year else due_on
                early = start_on - 60 * DAY if new_year else None
                one = self._dated(
                    rule, KEEP, weight, f"year:{due_on.year}", start_on, due_on, expires_on, kinds, draft, steps, early
                )
                found.append(one)
                if one.fulfilled_by is None:
                    return
            due_on = due_on.replace(year=due_on.year + 1)

    def _recurring(
        self, rule: str, role: str, weight: int, every: int, draft: str, steps: str
    ) -> tuple[Found, int] | None:
        shift, base_id = dt.timedelta(), 0
        if self.touches:
            base, base_id = self.touches[-1].on, self.touches[-1].id
        elif self.reference.tier is Tier.NETWORK:
            base = self.reference.created_on
            first = months(base, every)
            shift = max(first, base + WEEK) + spread(self.reference.name, 60) * DAY - first
        else:
            return None
        number = 1
        while True:
            due_on = months(base, every * (number + max(0, number - 5))) + shift
            after_on = months(base, every * (number + 1 + max(0, number - 4))) + shift
            expires_on = max(due_on, after_on - WEEK)
            if self._end(expires_on) > self.now:
                occasion = f"since:{base_id}#{number}"
                one = self._dated(
                    rule, role, weight, occasion, due_on - WEEK, due_on, expires_on, TOUCHES, draft, steps
                )
                if one.fulfilled_by is None:
                    return one, number
            number += 1

    # ---- questions

    def _newest(self, one: EventFact) -> bool:
        until = max(self.today, one.on)
        same = [
            other.id
            for other in self.events
            if other.kind in OUTCOMES and other.opportunity_id == one.opportunity_id and other.on <= until
        ]
        return same[-1] == one.id

    def _answered_otherwise(self, one: EventFact, kind: str) -> bool:
        return any(
            other.kind == kind
            and other.reference_id == one.reference_id
            and other.opportunity_id == one.opportunity_id
            and self.order[other.id] > self.order[one.id]
            for other in self.past
        )

    def _asked_again(self, one: EventFact) -> bool:
        return any(
            other.kind == "asked"
            and other.opportunity_id == one.opportunity_id
            and self.order[other.id] > self.order[one.id]
            for other in self.events
        )

    def _silenced(self, one: EventFact, stage: int) -> bool:
        for other in self.past:
            if other.opportunity_id == one.opportunity_id and KINDS[other.kind].stage > stage:
                if self.order[other.id] > self.order[one.id]:
                    return True
                if one.kind == "interview" and other.kind in OUTCOMES and (one.on - other.on).days < 60:
                    return True
        return False

    def _silent_at(self, one: EventFact) -> bool:
        order = self.order[one.id]
        before = [other.on for other in self.touches if self.order[other.id] < order]
        return bool(before) and months_between(before[-1], one.on) >= 12

    def _asks(self) -> int:
        asks, since = 0, self.today - 730 * DAY
        for one in self.past:
            if one.kind == "asked" and one.on > since:
                asks += 1
            elif one.kind in GIFTS:
                asks = 0
        return asks

    def _morning(self, day: dt.date) -> dt.datetime:
        return morning(day, self.zone)

    def _end(self, day: dt.date) -> dt.datetime:
        return end(day, self.zone)


# ---- one voice, and the steps


def _voices(found: list[Found], lapsed: list[Found]) -> list[tuple[Found, list[Found]]]:
    standing: list[tuple[Found, list[Found]]] = []
    for one in sorted(found, key=lambda each: (-each.weight, each.due_on, each.rule, each.occasion)):
        host = None
        if one.role in (KEEP, THANKS) and one.rule != "birthday":
            day = _comes_on(one, lapsed)
            near = [pair for pair in standing if _takes_in(pair[0], one, one.due_on) or _takes_in(pair[0], one, day)]
            host = min(near, key=lambda pair: abs(pair[0].due_on - day)) if near else None
        if host is None:
            standing.append((one, []))
        else:
            host[1].append(one)
    return standing


def _comes_on(one: Found, lapsed: list[Found]) -> dt.date:
    day = one.due_on
    if one.role == KEEP:
        for host in lapsed:
            if _takes_in(host, one, one.due_on):
                day = max(day, host.due_on + (host.expires_at - host.due_at + DAY / 2))
    return day


def _takes_in(host: Found, guest: Found, day: dt.date) -> bool:
    if host.role == TASK or host.weight < guest.weight:
        return False
    if guest.role == THANKS and host.job != guest.job and host.role in EXEMPT:
        return False
    gap = abs((host.due_on - day).days)
    if guest.role == THANKS and host.role == KEEP:
        return host.due_on <= guest.due_on + WEEK and gap < 14
    if host.weight > guest.weight and host.role != ASK:
        return gap <= {"first-month": 28, "ninety-days": 42}.get(host.rule, 21)
    return host.role not in EXEMPT and gap < 14


def _steps(one: Found) -> list[Decision]:
    zone = ZoneInfo("Europe/Berlin")
    if one.steps.startswith("digest"):
        return _digest_steps(one, zone)
    moments: list[Decision] = []
    if one.steps == "ahead":
        assert one.event is not None
        if one.role == HEADS_UP:
            moments = [(1, one.starts_at, "email"), (2, morning(one.event.on - DAY, zone), "sms")]
        else:
            moments = [(1, morning(one.event.on - DAY, zone), "email")]
    elif one.steps == "due":
        moments = [(1, morning(one.due_on, zone), "email")]
    else:
        moments = [(1, one.starts_at, "email")]
        if one.steps == "outcome2":
            moments.append((2, morning(one.due_on, zone), "email"))
        elif one.steps == "outcome3":
            day = one.starts_at.astimezone(zone).date() + DAY
            while morning(day, zone) < one.starts_at + dt.timedelta(hours=10):
                day += DAY
            moments += [(2, morning(day, zone), "email"), (3, morning(one.due_on, zone), "sms")]
    kept = [moment for moment in moments if one.starts_at <= moment[1] < one.expires_at]
    if not kept:
        position, at, channel = moments[-1]
        kept = [(position, max(one.starts_at, min(at, one.expires_at)), channel)]
    by_moment = {}
    for position, at, channel in kept:
        if one.role == HEADS_UP and one.event is not None and at == one.starts_at:
            channel = "sms" if one.due_at - one.event.recorded_at < DAY else channel
        by_moment[at] = (position, at, channel, "now")
    return sorted(by_moment.values(), key=lambda step: (step[1], step[0]))


def _digest_steps(one: Found, zone: ZoneInfo) -> list[Decision]:
    first = monday(one.starts_at, zone)
    hard = one.event is not None or one.role == TASK
    if hard and one.due_at < first:
        day = one.starts_at.astimezone(zone).date()
        at = morning(day, zone)
        at = at if at >= one.starts_at else morning(day + DAY, zone)
        return [(1, one.starts_at if at > one.due_at else at, "email", "now")]
    steps = [(1, first, "email", "digest")]
    if one.steps == "digest2":
        second = monday(first, zone)
        if second < one.expires_at:
            steps.append((2, second, "email", "digest"))
    return steps


# ---- the calendar


@functools.lru_cache(maxsize=4096)
def morning(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(9), zone).astimezone(dt.UTC)


@functools.lru_cache(maxsize=4096)
def end(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(23, 59, 59), zone).astimezone(dt.UTC)


def monday(after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    day = after.astimezone(zone).date()
    day -= day.weekday() * DAY
    at = morning(day, zone)
    return at if at > after else morning(day + WEEK, zone)


def months(day: dt.date, count: int) -> dt.date:
    years, month = divmod(day.month - 1 + count, 12)
    year, month = day.year + years, month + 1
    if month == 2:
        last = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    else:
        last = 30 if month in (4, 6, 9, 11) else 31
    return dt.date(year, month, min(day.day, last))


def working_days(day: dt.date, count: int) -> dt.date:
    step = DAY if count > 0 else -DAY
    for _ in range(abs(count)):
        day += step
        while day.weekday() > 4:
            day += step
    return day
