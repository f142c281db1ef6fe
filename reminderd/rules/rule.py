"""A cadence rule as data: what starts it, whom it concerns, when it is due, and what ends it."""

from __future__ import annotations

import dataclasses
import enum
import functools

from reminderd.rules.calendar import Span
from reminderd.rules.conditions import Condition


class Concerns(enum.StrEnum):
    """Whose nudge it is."""

    REFERENCE = "reference"
    """The reference of the event, or each active one where no event starts the rule."""
    INVOLVED = "involved"
    """Each reference that vouches for the event's opportunity (decision 6 of the design)."""
    OPPORTUNITY = "opportunity"
    """Nobody in particular: one nudge for the opportunity."""
    USER = "user"
    """Nobody in particular: one nudge for the user."""


class Role(enum.StrEnum):
    """What kind of contact it leads to; decides who gives way to whom."""

    OUTCOME = "outcome"
    ASK = "ask"
    HEADS_UP = "heads_up"
    THANKS = "thanks"
    KEEP = "keep"
    TASK = "task"
    """Something for the user that is no planned contact of its own."""


EXEMPT: frozenset[Role] = frozenset({Role.OUTCOME, Role.ASK, Role.HEADS_UP, Role.TASK})
"""These come whatever else was planned for the reference."""
KEPT_IN_PAUSE: frozenset[Role] = frozenset({Role.OUTCOME, Role.THANKS})
"""These still come while the user rests."""


class Anchor(enum.StrEnum):
    """What a step's moment is counted from."""

    START = "start"
    NEXT_MORNING = "next morning"
    LAST_DAY = "last day"
    DUE = "due"
    EVENT = "event"
    DIGEST = "digest"
    NEXT_DIGEST = "next digest"


@dataclasses.dataclass(frozen=True, slots=True)
class StepRule:
    """One step: an anchor, an offset of whole days, and the channel it prefers."""

    anchor: Anchor
    channel: str
    offset_days: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the book. Exactly one of ``on``, ``every``, ``yearly``, ``monthly``, ``unknown`` starts it."""

    name: str
    about: str
    draft: str
    concerns: Concerns
    role: Role
    weight: int
    lane: str
    deadline: Span | None
    expires: Span | None
    steps: tuple[StepRule, ...]
    on: tuple[str, ...] = ()
    every: str | Span | None = None
    """A span, or ``tier`` (the reference's own or its tier's), ``limit`` (its ``--at-most``), ``ignored``."""
    yearly: str | None = None
    """``birthday``, ``work_anniversary`` or ``MM-DD``."""
    monthly: int | None = None
    """The day of the month."""
    unknown: bool = False
    """Starts once for a reference whose last contact is not known."""
    wait: Span | None = None
    half_to_need: bool = False
    """The wait is never longer than half the time to the date in the event's ``by``, for each ``wait``."""
    waits: int = 1
    ahead: bool = False
    """Starts when a future event is recorded, not when its day comes; due at the event."""
    urgent_within: Span | None = None
    early: Span | None = None
    """A fulfilling event this long before the start counts too."""
    takes_in: Span | None = None
    """How near to it softer contacts become a sentence of it, where that is more than for other rules."""
    stage: int = 0
    """A later stage of the opportunity than this silences it; 0: none does."""
    fulfilled: frozenset[str] = frozenset()
    records: str | None = None
    on_expiry: str | None = None
    silent_draft: str | None = None
    """The draft for a reference that had not heard from the user for a year."""
    giving_draft: str | None = None
    """The draft for a reference that was asked twice since something was given back; it goes before the others."""
    when: Condition | None = None
    enabled: bool = True


@dataclasses.dataclass(frozen=True)
class Book:
    """The rules in force, by name, and a mark that changes when they do."""

    rules: dict[str, Rule]
    mark: str

    @functools.cached_property
    def about_references(self) -> tuple[Rule, ...]:
        """The enabled rules whose nudges are one reference's."""
        wanted = (Concerns.REFERENCE, Concerns.INVOLVED)
        return tuple(rule for rule in self.rules.values() if rule.enabled and rule.concerns in wanted)

    @functools.cached_property
    def about_users(self) -> tuple[Rule, ...]:
        """The enabled rules whose nudges are nobody's in particular."""
        wanted = (Concerns.OPPORTUNITY, Concerns.USER)
        return tuple(rule for rule in self.rules.values() if rule.enabled and rule.concerns in wanted)
