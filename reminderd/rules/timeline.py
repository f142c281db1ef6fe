"""One subject's events in their order, and the questions that rules ask of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterable

from reminderd.rules.calendar import add_span, parse_span
from reminderd.rules.consent import ANSWERS, EventLike, last_word
from reminderd.rules.facts import Apart, EventFact, Facts
from reminderd.rules.kinds import INVOLVING, KINDS, OUTCOMES, TOUCHES

REST = parse_span("12 months")
"""How long a reference that never answered is left in peace."""

CALLED_OFF_FOR = dt.timedelta(days=60)
"""An outcome calls off interviews this long after it; a later one belongs to another try."""
_SPACED = ("keep", "thanks")


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Events of one subject up to and beyond ``today``, ordered by day and rank of kind."""

    events: tuple[EventFact, ...]
    today: dt.date
    apart: Apart = dataclasses.field(default_factory=Apart)

    @classmethod
    def of(cls, facts: Facts, today: dt.date) -> Timeline:
        """The subject's events, with the start that the first day of a job whose offer was accepted implies."""
        events = sorted(facts.events, key=lambda event: (event.order, event.id))
        line = cls(tuple(events), today, facts.apart)
        implied = tuple(line._implied_starts(facts))
        if not implied:
            return line
        events = sorted((*events, *implied), key=lambda event: (event.order, event.id))
        return cls(tuple(events), today, facts.apart)

    @functools.cached_property
    def past(self) -> tuple[EventFact, ...]:
        """Those whose day has come."""
        return tuple(event for event in self.events if event.on <= self.today)

    @functools.cached_property
    def touches(self) -> tuple[EventFact, ...]:
        """The contacts with a reference so far."""
        return tuple(event for event in self.past if event.kind in TOUCHES and event.reference_id is not None)

    @functools.cached_property
    def kinds(self) -> frozenset[str]:
        """What happened, or will."""
        return frozenset(event.kind for event in self.events)

    def future_days(self) -> set[dt.date]:
        """The days still to come on which an event is dated."""
        return {event.on for event in self.events if event.on > self.today}

    def outcome(self, opportunity_id: int | None, day: dt.date | None = None) -> EventFact | None:
        """The newest outcome of an opportunity as of ``day``, today by default."""
        day = day or self.today
        found = [e for e in self.events if e.opportunity_id == opportunity_id and e.kind in OUTCOMES and e.on <= day]
        return found[-1] if found else None

    def is_accepted(self, opportunity_id: int | None) -> bool:
        """Whether the newest outcome of an opportunity is an accepted offer."""
        outcome = self.outcome(opportunity_id)
        return outcome is not None and outcome.kind == "accepted"

    def silenced(self, event: EventFact, stage: int) -> bool:
        """Whether a later stage of the event's opportunity has come since, or the event no longer takes place."""
        return any(
            KINDS[other.kind].stage > stage and (other.order > event.order or _calls_off(other, event))
            for other in self.past
            if other.opportunity_id == event.opportunity_id
        )

    def consent(self, reference_id: int, opportunity_id: int | None) -> str | None:
        """How the two stand: asked, agreed, declined or no_answer."""
        own = (e for e in self.past if (e.reference_id, e.opportunity_id) == (reference_id, opportunity_id))
        found = last_word(own, self.today)
        return found.kind if found is not None else None

    def involved(self, reference_id: int, opportunity_id: int | None) -> bool:
        """Whether the reference vouches for the opportunity, and neither declined nor fell silent (decision 6)."""
        if opportunity_id is None or self.consent(reference_id, opportunity_id) in ("declined", "no_answer"):
            return False
        return any(
            event.kind in INVOLVING and event.reference_id == reference_id and event.opportunity_id == opportunity_id
            for event in self.past
        )

    def all_involved(self, opportunity_id: int | None) -> list[int]:
        """The references of the timeline that vouch for the opportunity, and are still there."""
        found = {event.reference_id for event in self.events if event.opportunity_id == opportunity_id}
        people = sorted(person for person in found if person is not None and person not in self.apart.gone)
        return [person for person in people if self.involved(person, opportunity_id)]

    def to_be_told(self, opportunity_id: int | None) -> list[int]:
        """Those of them who may hear by now of how it ended."""
        people = self.all_involved(opportunity_id)
        outcome = self.outcome(opportunity_id)
        if outcome is None or outcome.kind != "accepted" or self.signed(opportunity_id) is not None:
            return people
        return [person for person in people if person not in self.apart.inside]

    def to_be_given(self, opportunity_id: int | None) -> list[int]:
        """Those of them whom a card for the job would tell nothing that they must not know."""
        return [person for person in self.to_be_told(opportunity_id) if person not in self.apart.kept_out]

    def need_by(self, event: EventFact) -> dt.date | None:
        """By when what an event asks for is needed: as it says itself, else the newest `needed` before it."""
        by = event.data.get("by")
        if not by and event.kind == "asked" and "needed" in self.kinds:
            needs = [
                other
                for other in self.events
                if other.kind == "needed"
                and (other.reference_id, other.opportunity_id) == (event.reference_id, event.opportunity_id)
                and other.order <= event.order
            ]
            by = needs[-1].data.get("by") if needs else None
        return dt.date.fromisoformat(by) if isinstance(by, str) else None

    def signed(self, opportunity_id: int | None) -> EventFact | None:
        """What shows that the contract is signed: that it was said, or that the job began."""
        kinds = ("signed", "started")
        return next((e for e in self.past if e.kind in kinds and e.opportunity_id == opportunity_id), None)

    def given_up_in_vain(self) -> tuple[EventFact, ...]:
        """Each `no_answer` that the program wrote by itself although, as is known by now, they did answer, or were
        never asked."""
        return tuple(event for event in self.events if event.data.get("by_itself") and not self._unanswered(event))

    def given_up_after_all(self, taken_back: Iterable[EventFact]) -> tuple[EventFact, ...]:
        """Of such that were taken back, each that turned out right: the answer that was known then is known no more."""
        standing = {(event.opportunity_id, event.on) for event in self.events if event.kind == "no_answer"}
        right = {(event.opportunity_id, event.on): event for event in taken_back if self._unanswered(event)}
        return tuple(event for key, event in right.items() if key not in standing)

    def _unanswered(self, event: EventFact) -> bool:
        own = [
            other
            for other in self.events
            if (other.reference_id, other.opportunity_id) == (event.reference_id, event.opportunity_id)
        ]
        asks = [other for other in own if event.data.get("occasion") == f"event:{other.id}"]
        return bool(asks) and not any(
            other.kind in ANSWERS and asks[0].order < other.order and other.on <= event.on for other in own
        )

    def newest_touch(self, before: EventFact | None = None) -> EventFact | None:
        """The newest contact, or the newest that comes before an event."""
        for event in reversed(self.touches):
            if before is None or event.order < before.order:
                return event
        return None

    def newest_planned(self, before: EventFact) -> EventFact | None:
        """The newest contact before an event that a nudge of one's own planning led to."""
        found = [
            event
            for event in self.past
            if event.kind in TOUCHES and event.data.get("role") in _SPACED and event.order < before.order
        ]
        return found[-1] if found else None

    @functools.cached_property
    def resting_until(self) -> dt.date | None:
        """Until when a reference that never answered is left in peace, unless there was contact since."""
        return resting_until(self.past, self.today)

    def _implied_starts(self, facts: Facts) -> Iterable[EventFact]:
        for opportunity in facts.opportunities.values():
            accepted = self.outcome(opportunity.id, dt.date.max)
            if accepted is None or accepted.kind != "accepted":
                continue
            started = any(e.kind == "started" and e.opportunity_id == opportunity.id for e in self.events)
            if opportunity.starts_on is not None and not started:
                yield dataclasses.replace(accepted, kind="started", on=opportunity.starts_on, at=None, data={})


def _calls_off(outcome: EventFact, event: EventFact) -> bool:
    """Whether an interview falls away because the matter was settled not long before it."""
    return event.kind == "interview" and outcome.kind in OUTCOMES and event.on - outcome.on < CALLED_OFF_FOR


def resting_until(events: Iterable[EventLike], today: dt.date) -> dt.date | None:
    """Until when the reference of these past events, in their order, is left in peace."""
    last: EventLike | None = None
    for event in events:
        if event.kind == "no_answer":
            last = event
        elif event.kind in TOUCHES:
            last = None
    until = add_span(last.on, REST) if last is not None else None
    return until if until is not None and until > today else None
