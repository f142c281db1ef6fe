"""The frozen records that drafts read: one nudge's facts, in the user's zone, with nothing embargoed in them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

LONG_SILENCE = 12
"""Months from which a silence is long enough to own up to."""


@dataclasses.dataclass(frozen=True, slots=True)
class Me:
    """The user."""

    id: int = 0
    name: str = ""
    first_name: str = ""
    email: str = ""
    phone: str = ""
    zone: str = "UTC"
    language: str = "en"
    hour: dt.time = dt.time(9)
    full_texts: bool = False
    shares: bool = False
    """Whether other users share the database, so that a command has to say whose it is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """A reference. ``worked_at`` is where both worked; ``employer`` is only where they are now."""

    id: int = 0
    name: str = ""
    first_name: str = ""
    relation: str = ""
    worked_at: str = ""
    role: str = ""
    worked_from: dt.date | None = None
    worked_to: dt.date | None = None
    employer: str = ""
    title: str = ""
    since: dt.date | None = None
    speaks_to: str = ""
    via: str = ""
    profile: str = ""
    address: str = ""
    email: str = ""
    phone: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """The opportunity. ``company`` is empty while it is embargoed, or when there is none."""

    id: int = 0
    company: str = ""
    role: str = ""
    starts_on: dt.date | None = None
    contact: str = ""
    posting: str = ""
    resume: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class EventView:
    """What started the nudge; dates inside ``data`` are dates."""

    id: int = 0
    kind: str = ""
    on: dt.date | None = None
    at: dt.time | None = None
    note: str = ""
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Last:
    """The newest touch."""

    kind: str = ""
    on: dt.date | None = None
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Silence:
    """Whole months since the last contact: 0 and not ``known`` when nothing says when that was."""

    months: int = 0
    known: bool = False

    @property
    def long(self) -> bool:
        return self.known and self.months >= LONG_SILENCE


@dataclasses.dataclass(frozen=True, slots=True)
class Involved:
    """Somebody who vouches for an opportunity, and whether they have heard of its outcome."""

    id: int
    name: str
    first_name: str
    agreed: bool = False
    told: bool = False
    paused: bool = False
    """Whether nothing is planned for them for now, so that no nudge says that they do not know."""


@dataclasses.dataclass(frozen=True, slots=True)
class DraftFacts:
    """All that a draft and the words around it may say. Every name that docs/templates.md lists is here."""

    me: Me
    them: Person
    today: dt.date
    job: Job = Job()
    event: EventView = EventView()
    last: Last = Last()
    silence: Silence = Silence()
    asks: int = 0
    """Asks of the last two years since something was given back."""
    uses: int = 0
    """Calls, asks and planned messages of the last 90 days."""
    approach: str = ""
    stage: str = ""
    agreed: bool = False
    vouched: bool = False
    """False where they were asked, and asked once more, and nothing says that they answered."""
    followed_up: bool = False
    """Whether the ask that the draft is about was followed up."""
    heard: str = ""
    """The outcome that they were told of before this one, where that was another."""
    posted: bool = False
    """Whether the day on which the news of the job was to be posted is past."""
    alternates: tuple[str, ...] = ()
    agreed_names: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    answer: str = ""
    variant: int | None = None
    """The wording that this nudge already has."""
    used_variants: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    """By situation, the wordings that this reference had before, oldest first."""
    used_approaches: tuple[str, ...] = ()
    news: EventView = EventView()
    """A promotion or new job that nobody has congratulated them on."""
    involved: tuple[Involved, ...] = ()
    people: tuple[Person, ...] = ()
    """Whom a nudge about several people is about."""
    hidden: bool = False
    """Whether the opportunity's name is being kept out of sight."""
