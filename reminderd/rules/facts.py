"""The frozen records that rules read. They hold dates in the user's zone and moments in UTC."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from reminderd.rules.calendar import QuietHours, Span
from reminderd.rules.kinds import KINDS
from reminderd.rules.states import Digest, State, Status, Tier


@dataclasses.dataclass(frozen=True, slots=True)
class UserFact:
    """When and how the user wants to hear. ``channels`` are those set up and not paused, best first; ``wanted`` are the
    paused ones too: all that the user has and did not stop."""

    id: int
    zone: str
    hour: dt.time
    quiet: QuietHours | None
    digest: Digest
    digest_weekday: int
    channels: tuple[str, ...]
    created_on: dt.date = dt.date.min
    paused: bool = False
    paused_until: dt.date | None = None
    pause_all: bool = False
    wanted: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ReferenceFact:
    """What cadence needs to know of one reference. ``birthday`` is (year or None, month, day)."""

    id: int
    name: str
    status: Status
    tier: Tier
    created_on: dt.date
    paused_until: dt.date | None = None
    every: Span | None = None
    at_most: Span | None = None
    birthday: tuple[int | None, int, int] | None = None
    leap_day: int = 28
    since: dt.date | None = None
    worked_until: dt.date | None = None
    last_contact_on: dt.date | None = None
    has_profile: bool = False
    keep_from_knowing: bool = False
    present_employer: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class OpportunityFact:
    """One job applied for. ``starts_on`` is the first day of work, where known."""

    id: int
    company: str
    starts_on: dt.date | None = None
    closed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class EventFact:
    """One dated thing. ``recorded_at`` decides when a nudge may first go out, never what is planned."""

    id: int
    kind: str
    on: dt.date
    recorded_at: dt.datetime
    reference_id: int | None = None
    opportunity_id: int | None = None
    at: dt.time | None = None
    ordinal: int = 1
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    order: tuple[dt.date, int, int] = dataclasses.field(init=False, repr=False, compare=False)
    """Where the event stands in the one timeline: by day, then by rank of kind."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", (self.on, KINDS[self.kind].rank, self.ordinal))


@dataclasses.dataclass(frozen=True, slots=True)
class SettledFact:
    """A nudge that the user did or skipped. ``event_id`` is what fulfilled it."""

    rule: str
    occasion: str
    state: State
    event_id: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Apart:
    """The ids of those of the user's references with whom a nudge about several is careful."""

    gone: frozenset[int] = frozenset()
    """They hear of nothing more: retired, or dead."""
    inside: frozenset[int] = frozenset()
    """They work where the user still does."""
    kept_out: frozenset[int] = frozenset()
    """They are to be kept from knowing of the search."""


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """All that one subject's plan depends on: one reference with its events, or the user as a whole.

    For a reference, ``events`` are its own and those of the opportunities it is involved in; for the user
    (``reference`` is ``None``), those of the opportunities.
    """

    user: UserFact
    reference: ReferenceFact | None
    opportunities: Mapping[int, OpportunityFact]
    events: tuple[EventFact, ...]
    settled: tuple[SettledFact, ...] = ()
    holidays: frozenset[dt.date] = frozenset()
    profiles: tuple[dt.date | None, ...] = ()
    """For each reference with a profile to look at, when they were last in touch."""
    apart: Apart = Apart()
    """Known where the facts are the user's, whose nudges are about several references."""


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedStep:
    """One reminder: a moment, a channel, and whether it goes by itself or in the digest."""

    position: int
    at: dt.datetime
    channel: str
    lane: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """A softer contact that a firmer one took in: its rule becomes a sentence of the surviving draft."""

    rule: str
    occasion: str
    draft: str
    event_id: int | None = None
    opportunity_id: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedNudge:
    """One thing to do, as the rules see it now. ``fulfilled_by`` is the event that did it, if one has."""

    rule: str
    subject: str
    occasion: str
    draft: str
    lane: str
    starts_at: dt.datetime
    due_at: dt.datetime
    expires_at: dt.datetime
    steps: tuple[PlannedStep, ...]
    state: State = State.OPEN
    reference_id: int | None = None
    opportunity_id: int | None = None
    event_id: int | None = None
    fulfilled_by: int | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """Unique for each user."""
        return (self.rule, self.subject, self.occasion)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted now, and the earliest moment at which time alone could change it."""

    nudges: tuple[PlannedNudge, ...]
    again_at: dt.datetime | None
