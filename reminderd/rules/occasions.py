"""What makes each rule fire: rules and facts to candidates, before anyone gives way to anyone."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterator

from reminderd.rules.balance import ASKS_BEFORE_GIVING, asks_since_gift
from reminderd.rules.calendar import (
    Span,
    add_span,
    end_of_day,
    local_day,
    local_moment,
    months_between,
    next_yearly,
    parse_span,
    spread,
    yearly_on,
)
from reminderd.rules.facts import EventFact, Facts, ReferenceFact
from reminderd.rules.kinds import CONSENT, INVOLVING, OUTCOMES, TOUCHES
from reminderd.rules.rule import Concerns, Role, Rule
from reminderd.rules.states import Digest, State, Tier
from reminderd.rules.timeline import Timeline

TIER_EVERY: dict[Tier, Span | None] = {
    Tier.INNER: parse_span("3 months"),
    Tier.NETWORK: parse_span("12 months"),
    Tier.DORMANT: None,
}
YEAR = parse_span("12 months")
NO_SPAN = Span()
NO_DAYS = dt.timedelta()
QUIET_PROFILE_FOR = dt.timedelta(days=60)
"""A profile is worth a look when its owner has been out of touch for longer."""
BEFORE_ADDED_FOR = dt.timedelta(days=3)
"""A yearly date this short a time before a reference was added is still wished for."""
SPACING_FOR = dt.timedelta(days=14)
"""Two planned contacts to one reference are never nearer than this, save ask, heads-up and outcome."""
IGNORED_BEFORE_HALF_PACE = 4
_OPPOSITES = {"agreed": "declined", "declined": "agreed"}
_OF_ONE_JOB = CONSENT | INVOLVING
_SPREAD_DAYS = {Tier.INNER: 14, Tier.NETWORK: 60, Tier.DORMANT: 60}


@dataclasses.dataclass(slots=True)
class Candidate:
    """A rule that fired for an occasion: dates in the user's zone, moments in UTC."""

    rule: Rule
    subject: str
    occasion: str
    start_on: dt.date
    start_at: dt.datetime
    due_on: dt.date
    due_at: dt.datetime
    expires_at: dt.datetime
    draft: str
    event: EventFact | None = None
    opportunity_id: int | None = None
    fulfilled_by: int | None = None


def candidates(facts: Facts, rules: tuple[Rule, ...], line: Timeline, now: dt.datetime) -> list[Candidate]:
    """Every rule's current occasions for the facts' subject, whatever their state."""
    found = list(_Firing(facts, line, now).all(rules))
    if any(candidate.rule.every == "tier" for candidate in found):
        return [candidate for candidate in found if not isinstance(candidate.rule.every, Span)]
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class _Firing:
    facts: Facts
    line: Timeline
    now: dt.datetime

    def all(self, rules: tuple[Rule, ...]) -> Iterator[Candidate]:
        kinds = self.line.kinds
        for rule in rules:
            if rule.on and kinds.isdisjoint(rule.on):
                continue
            if self.facts.reference is None:
                yield from self._for_user(rule)
            else:
                yield from self._for_reference(rule, self.facts.reference)

    def _for_user(self, rule: Rule) -> Iterator[Candidate]:
        if rule.on:
            yield from self._from_events(rule)
        elif rule.monthly:
            yield from self._monthly(rule)

    def _for_reference(self, rule: Rule, reference: ReferenceFact) -> Iterator[Candidate]:
        if rule.on:
            yield from self._from_events(rule)
        elif rule.yearly:
            yield from self._yearly(rule, reference)
        elif rule.unknown:
            yield from self._unknown(rule, reference)
        else:
            yield from self._recurring(rule, reference)

    # ---- rules that an event starts

    def _from_events(self, rule: Rule) -> Iterator[Candidate]:
        for event in self.line.events:
            if event.kind not in rule.on or not self._concerns(rule, event) or not self._stands(rule, event):
                continue
            released = self._released(rule, event)
            if released is not None and self._holds(rule, event):
                candidate = self._from_event(rule, event, released)
                if not self._was_in_touch(candidate):
                    yield candidate

    def _released(self, rule: Rule, event: EventFact) -> EventFact | None:
        """The event from which time counts; `None` while the news must wait: whoever works where the user still
        does hears of an acceptance once it is signed."""
        reference = self.facts.reference
        if rule.role is not Role.OUTCOME or event.kind != "accepted" or reference is None:
            return event
        if not reference.present_employer:
            return event
        signed = self.line.signed(event.opportunity_id)
        return signed if signed is None or signed.order > event.order else event

    def _concerns(self, rule: Rule, event: EventFact) -> bool:
        reference = self.facts.reference
        if rule.concerns is Concerns.INVOLVED:
            return reference is not None and self.line.involved(reference.id, event.opportunity_id)
        if rule.concerns is Concerns.REFERENCE:
            return reference is not None and event.reference_id == reference.id
        return event.opportunity_id is not None

    def _stands(self, rule: Rule, event: EventFact) -> bool:
        """Whether no later news overtook the event."""
        if event.kind in OUTCOMES:
            newest = self.line.outcome(event.opportunity_id, max(self.line.today, event.on))
            if newest is None or newest.id != event.id:
                return False
        if event.kind in _OPPOSITES and self._answered_otherwise(event):
            return False
        if event.kind == "asked" and any(
            other.kind == "asked" and other.opportunity_id == event.opportunity_id and other.order > event.order
            for other in self.line.events
            if other.reference_id == event.reference_id
        ):
            return False
        return not (rule.stage and self.line.silenced(event, rule.stage))

    def _answered_otherwise(self, event: EventFact) -> bool:
        """Whether a yes became a no since, or a no a yes."""
        about = (_OPPOSITES[event.kind], event.reference_id, event.opportunity_id)
        return any(
            (other.kind, other.reference_id, other.opportunity_id) == about and other.order > event.order
            for other in self.line.past
        )

    def _holds(self, rule: Rule, event: EventFact | None, day: dt.date | None = None) -> bool:
        if rule.when is None:
            return True
        reference = self.facts.reference
        opportunity = self.facts.opportunities.get(event.opportunity_id or 0) if event else None
        names = {
            "event": {"final": False, **event.data, "kind": event.kind, "on": event.on} if event else {},
            "reference": reference,
            "opportunity": opportunity,
            "involved": event is not None and bool(self._group(rule, event.opportunity_id)),
            "accepted": event is not None and self.line.is_accepted(event.opportunity_id),
            "quiet_profiles": self._quiet_profiles(day or self.line.today),
        }
        return rule.when.holds(names)

    def _quiet_profiles(self, day: dt.date) -> int:
        """How many with a profile have not been in touch lately: the others' news is known."""
        return sum(1 for last_on in self.facts.profiles if last_on is None or last_on < day - QUIET_PROFILE_FOR)

    def _from_event(self, rule: Rule, event: EventFact, released: EventFact) -> Candidate:
        start_on = self._start_on(rule, event, released.on)
        start_at = self._start_at(rule, released, start_on)
        due_on, due_at, expires_at = self._ends(rule, event, start_on, start_at)
        return self._asked_of_events(
            Candidate(
                rule=rule,
                subject=self._subject(rule, event),
                occasion=f"event:{event.id}",
                start_on=start_on,
                start_at=start_at,
                due_on=due_on,
                due_at=due_at,
                expires_at=expires_at,
                draft=self._draft(rule, event),
                event=event,
                opportunity_id=event.opportunity_id,
            )
        )

    def _subject(self, rule: Rule, event: EventFact | None) -> str:
        if rule.concerns is Concerns.OPPORTUNITY and event is not None:
            return f"opportunity:{event.opportunity_id}"
        reference = self.facts.reference
        return f"reference:{reference.id}" if reference is not None else "user"

    def _start_on(self, rule: Rule, event: EventFact, day: dt.date) -> dt.date:
        if rule.wait is None:
            return self._apart(rule, event, day)
        for _ in range(rule.waits):
            day = add_span(day, rule.wait, self.facts.holidays)
        by = self.line.need_by(event) if rule.half_to_need else None
        if by is not None and by > event.on:
            part = (by - event.on).days * (1 - 0.5**rule.waits)
            day = min(day, event.on + dt.timedelta(days=int(part)))
        return self._apart(rule, event, day)

    def _apart(self, rule: Rule, event: EventFact, day: dt.date) -> dt.date:
        """Not sooner after the planned contact before it than the spacing says."""
        before = self.line.newest_planned(event) if rule.role is Role.KEEP else None
        return day if before is None else max(day, before.on + SPACING_FOR)

    def _start_at(self, rule: Rule, event: EventFact, start_on: dt.date) -> dt.datetime:
        user = self.facts.user
        if rule.ahead or start_on <= local_day(event.recorded_at, user.zone):
            return event.recorded_at
        return local_moment(start_on, user.hour, user.zone)

    def _ends(
        self, rule: Rule, event: EventFact, start_on: dt.date, start_at: dt.datetime
    ) -> tuple[dt.date, dt.datetime, dt.datetime]:
        user = self.facts.user
        if rule.ahead:
            day_ends = end_of_day(event.on, user.zone)
            at = local_moment(event.on, event.at, user.zone) if event.at else None
            early = local_moment(event.on, user.hour, user.zone)
            due_at = at or (early if rule.role is Role.HEADS_UP and early > start_at else day_ends)
            return event.on, due_at, at or day_ends
        due_on = add_span(start_on, rule.deadline or NO_SPAN, self.facts.holidays)
        expires_on = add_span(due_on, rule.expires or NO_SPAN, self.facts.holidays)
        by = self.line.need_by(event)
        if by is not None and by >= start_on:
            due_on, expires_on = min(due_on, by), min(expires_on, by)
        return due_on, end_of_day(due_on, user.zone), end_of_day(expires_on, user.zone)

    def _draft(self, rule: Rule, event: EventFact | None) -> str:
        if rule.giving_draft and asks_since_gift(self.line.past, self.line.today) >= ASKS_BEFORE_GIVING:
            return rule.giving_draft
        if rule.silent_draft is None:
            return rule.draft
        day = event.on if event else self.line.today
        last_on = self._last_on(self.line.newest_touch(before=event), day)
        return rule.silent_draft if last_on and months_between(last_on, day) >= YEAR.months else rule.draft

    def _given_contact(self) -> dt.date | None:
        reference = self.facts.reference
        return (reference.last_contact_on or reference.worked_until) if reference else None

    def _last_on(self, touch: EventFact | None, day: dt.date | None = None) -> dt.date | None:
        """The last contact up to a day, today by default: the newest recorded one, or a later one that was only said
        (--last-contact)."""
        said = self.facts.reference.last_contact_on if self.facts.reference else None
        if touch is None:
            return self._given_contact()
        return said if said is not None and touch.on < said <= (day or self.line.today) else touch.on

    # ---- what fulfils

    def _asked_of_events(self, candidate: Candidate) -> Candidate:
        candidate.fulfilled_by = self._fulfilled_by(candidate)
        return candidate

    def _fulfilled_by(self, candidate: Candidate) -> int | None:
        """The event that did it; for a nudge about everyone involved, the one that did the last of them."""
        waiting = self._waiting_for(candidate)
        rule = candidate.rule
        kinds = _fulfilling(rule.fulfilled)
        from_on = None
        if rule.early is not None:
            from_on = add_span(self._begins_on(candidate), -rule.early, self.facts.holidays)
        for event in self.line.past:
            if not (event.kind in kinds or event.data) or not self._fulfils(event, candidate, kinds, from_on):
                continue
            waiting.discard(event.reference_id)
            if not waiting or event.data.get("occasion") == candidate.occasion:
                return event.id
        return None

    def _was_in_touch(self, candidate: Candidate) -> bool:
        """Whether a contact that was only said (--last-contact) leaves nothing to do, as a recorded one would."""
        rule, reference = candidate.rule, self.facts.reference
        said = reference.last_contact_on if reference is not None else None
        if said is None or said > self.line.today or "touch" not in rule.fulfilled:
            return False
        if candidate.fulfilled_by is not None or (candidate.event is not None and said <= candidate.event.on):
            return False
        if rule.early is not None:
            return said >= add_span(self._begins_on(candidate), -rule.early, self.facts.holidays)
        return candidate.event is not None or said >= candidate.start_on

    def _begins_on(self, candidate: Candidate) -> dt.date:
        """An `ahead` rule begins when its event is recorded, which may be long before the day of that event."""
        return min(candidate.start_on, local_day(candidate.start_at, self.facts.user.zone))

    def _waiting_for(self, candidate: Candidate) -> set[int | None]:
        if candidate.rule.concerns is not Concerns.OPPORTUNITY:
            return set()
        return set(self._group(candidate.rule, candidate.opportunity_id))

    def _group(self, rule: Rule, opportunity_id: int | None) -> list[int]:
        """Whom a nudge about an opportunity is for: who is still to be told is everyone; a card goes to fewer."""
        if rule.role is Role.TASK and rule.concerns is Concerns.OPPORTUNITY:
            return self.line.to_be_told(opportunity_id)
        return self.line.to_be_given(opportunity_id)

    def _fulfils(self, event: EventFact, candidate: Candidate, kinds: frozenset[str], from_on: dt.date | None) -> bool:
        rule = candidate.rule
        if event.data:
            named = event.data.get("occasion")
            if named == candidate.occasion and event.data.get("rule") == rule.name:
                return candidate.subject == event.data.get("subject")
            if [rule.name, candidate.occasion] in event.data.get("took_in", ()):
                return True
            if rule.role is Role.OUTCOME and named is not None:
                return False
        if event is candidate.event or event.kind not in kinds:
            return False
        reference = self.facts.reference
        if reference is not None and event.reference_id != reference.id:
            return False
        if candidate.opportunity_id is not None and not _is_about(event, candidate):
            return False
        return self._late_enough(event, candidate, from_on)

    def _late_enough(self, event: EventFact, candidate: Candidate, from_on: dt.date | None) -> bool:
        """``from_on`` is the first day that counts for a rule that takes what came early."""
        if from_on is not None:
            return event.on >= from_on and (candidate.rule.ahead or _is_after(event, candidate))
        if candidate.event is not None:
            return _is_after(event, candidate)
        return event.on >= candidate.start_on

    # ---- rules that the calendar starts

    def _yearly(self, rule: Rule, reference: ReferenceFact) -> Iterator[Candidate]:
        day = _yearly_day(rule, reference)
        if day is None or not self._holds(rule, None):
            return
        month, number = day
        first = reference.created_on
        if rule.yearly == "work_anniversary" and reference.since is not None:
            first = max(first, dt.date(reference.since.year + 1, 1, 1))
        due_on = next_yearly(month, number, self.line.today - dt.timedelta(days=40), reference.leap_day)
        while True:
            candidate = self._dated(rule, f"year:{due_on.year}", due_on, due_on)
            is_wanted = candidate.expires_at > self.now and not self._was_in_touch(candidate)
            if is_wanted and candidate.due_on >= first - BEFORE_ADDED_FOR:
                yield candidate
                if not self._settled(candidate):
                    return
            due_on = yearly_on(month, number, due_on.year + 1, reference.leap_day)

    def _monthly(self, rule: Rule) -> Iterator[Candidate]:
        month = self.line.today.replace(day=1)
        while True:
            start_on = month.replace(day=rule.monthly or 1)
            due_on = add_span(start_on, rule.deadline or NO_SPAN)
            candidate = self._dated(rule, f"month:{month:%Y-%m}", start_on, due_on, lead=False)
            if candidate.expires_at > self.now and start_on >= self.facts.user.created_on:
                if self._holds(rule, None, start_on):
                    yield candidate
                if not self._settled(candidate):
                    return
            month = add_span(month, Span(months=1))

    def _unknown(self, rule: Rule, reference: ReferenceFact) -> Iterator[Candidate]:
        if self.line.newest_touch() or self._given_contact() or reference.tier is not Tier.INNER:
            return
        due_on = add_span(reference.created_on, rule.deadline or NO_SPAN)
        yield self._dated(rule, "since:0#1", reference.created_on, due_on, lead=False)

    def _recurring(self, rule: Rule, reference: ReferenceFact) -> Iterator[Candidate]:
        cycle = self._cycle(rule, reference)
        if cycle is None or not self._holds(rule, None):
            return
        number, lead_for = 1, self._lead(rule)
        due_on, after_on = cycle.due_on(1), cycle.due_on(2)
        while True:
            expires_on = max(due_on, after_on - lead_for)
            if end_of_day(expires_on, self.facts.user.zone) > self.now:
                candidate = self._dated(rule, f"since:{cycle.base_id}#{number}", due_on, due_on, expires_on=expires_on)
                if not self._settled(candidate):
                    break
            number += 1
            due_on, after_on = after_on, cycle.due_on(number + 1)
        if rule.every == "ignored":
            if number != IGNORED_BEFORE_HALF_PACE + 1:
                return
            candidate.occasion = f"since:{cycle.base_id}#{IGNORED_BEFORE_HALF_PACE}"
        if rule.every == "tier" and self._reconnect_takes_over(reference, due_on):
            return
        yield candidate

    def _cycle(self, rule: Rule, reference: ReferenceFact) -> _Cycle | None:
        own = reference.every or TIER_EVERY[reference.tier]
        if rule.every == "limit":
            every = reference.at_most
        elif isinstance(rule.every, Span):
            every = (
                None
                if reference.tier is Tier.DORMANT or (reference.every and own and _days(own) >= 365)
                else rule.every
            )
        else:
            every = own
        if every is None or _days(every) < 1:
            return None
        touch = self.line.newest_touch()
        if touch is not None:
            return _Cycle(touch.id, self._last_on(touch) or touch.on, every)
        base = self._given_contact()
        if base is None and reference.tier is not Tier.NETWORK:
            return None
        base = base or reference.created_on
        first, shift_for = add_span(base, every), NO_DAYS
        if reference.tier is Tier.NETWORK or first < reference.created_on:
            earliest = max(first, add_span(reference.created_on, Span(days=7)))
            spread_for = dt.timedelta(days=spread(reference.name, _SPREAD_DAYS[reference.tier]))
            shift_for = earliest + spread_for - first
        return _Cycle(0, base, every, shift_for)

    def _reconnect_takes_over(self, reference: ReferenceFact, due_on: dt.date) -> bool:
        if reference.every is not None and _days(reference.every) >= 365:
            return False
        base = self._last_on(self.line.newest_touch())
        return base is not None and due_on >= add_span(base, YEAR)

    def _dated(
        self,
        rule: Rule,
        occasion: str,
        start_on: dt.date,
        due_on: dt.date,
        *,
        lead: bool = True,
        expires_on: dt.date | None = None,
    ) -> Candidate:
        user = self.facts.user
        if lead:
            start_on = due_on - self._lead(rule)
        expires_on = expires_on or add_span(due_on, rule.expires or NO_SPAN)
        return self._asked_of_events(
            Candidate(
                rule=rule,
                subject=self._subject(rule, None),
                occasion=occasion,
                start_on=start_on,
                start_at=local_moment(start_on, user.hour, user.zone),
                due_on=due_on,
                due_at=end_of_day(due_on, user.zone),
                expires_at=end_of_day(expires_on, user.zone),
                draft=self._draft(rule, None),
            )
        )

    def _lead(self, rule: Rule) -> dt.timedelta:
        """How long before it is due the digest speaks of it first."""
        if rule.lane != "digest":
            return NO_DAYS
        return dt.timedelta(days=7 if self.facts.user.digest is Digest.WEEKLY else 1)

    def _settled(self, candidate: Candidate) -> bool:
        if candidate.fulfilled_by is not None:
            return True
        return any(
            fact.rule == candidate.rule.name and fact.occasion == candidate.occasion and fact.state is State.SKIPPED
            for fact in self.facts.settled
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Cycle:
    """The due dates since one touch; after four left alone they come at half the pace."""

    base_id: int
    base_on: dt.date
    every: Span
    shift_for: dt.timedelta = NO_DAYS
    """How much later all of them come, for a reference that was added when the first was past."""

    def due_on(self, number: int) -> dt.date:
        """Reckoned from the base each time, so that a month clipped to its end does not stay clipped."""
        times = number + max(0, number - 1 - IGNORED_BEFORE_HALF_PACE)
        span = Span(months=self.every.months * times, days=self.every.days * times)
        return add_span(self.base_on, span) + self.shift_for


def _is_about(event: EventFact, candidate: Candidate) -> bool:
    """Whether an event may do what is wanted for the candidate's opportunity. Any contact keeps in touch; an answer is
    one for its own opportunity alone."""
    if event.opportunity_id == candidate.opportunity_id or candidate.rule.role is Role.KEEP:
        return True
    return candidate.rule.role is Role.TASK and (event.opportunity_id is None or event.kind not in _OF_ONE_JOB)


def _is_after(event: EventFact, candidate: Candidate) -> bool:
    """Whether an event came after the one that made the rule fire, if one did. A contact that the rule does not name
    may have come before news of the same day, so that only one of a later day is an answer to it."""
    start = candidate.event
    if start is None:
        return True
    return event.order > start.order and (event.kind in candidate.rule.fulfilled or event.on > start.on)


@functools.lru_cache(maxsize=256)
def _fulfilling(fulfilled: frozenset[str]) -> frozenset[str]:
    """The kinds that fulfil a rule, every touch where it says so."""
    return fulfilled | TOUCHES if "touch" in fulfilled else fulfilled


def _yearly_day(rule: Rule, reference: ReferenceFact) -> tuple[int, int] | None:
    if rule.yearly == "birthday":
        return reference.birthday[1:] if reference.birthday else None
    if rule.yearly == "work_anniversary":
        return (reference.since.month, reference.since.day) if reference.since else None
    month, day = str(rule.yearly).split("-")
    return int(month), int(day)


def _days(span: Span) -> int:
    return span.months * 365 // 12 + span.days
