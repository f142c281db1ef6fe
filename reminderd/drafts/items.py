"""What a message to the user is made from."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

from reminderd.drafts.draft import Draft
from reminderd.store.draft_records import DraftFacts, Me

Links = Callable[[int, str], str]
"""Makes the signed link for a nudge's number and an action: ``done``, ``all`` (it and those beside it in
one message), ``snooze``, ``skip``, ``draft``."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One draft in a message: the nudge's number, how it stands, and why it is here."""

    number: int
    draft: Draft
    facts: DraftFacts
    title: str
    due_at: dt.datetime
    position: int = 1
    total: int = 1
    late: bool = False
    about: str = ""
    """What the rule is for, in its own words."""
    done: bool = False
    bcc: str = ""
    alarms: tuple[dt.datetime, ...] = ()
    """When the calendar rings; empty for the user's hour on the day and the day before."""
    sequence: int = 0
    """Rises when the deadline moved since the last calendar."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """One person in the weekly mail: the days of contact within the year up to ``today``."""

    name: str
    touched_on: tuple[dt.date, ...] = ()
    last_on: dt.date | None = None
    number: int | None = None
    """The open nudge about this person."""


@dataclasses.dataclass(frozen=True, slots=True)
class Digest:
    """What stands above the drafts of a digest."""

    done: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    people: tuple[Bar, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class MailItem:
    """One mail to the user."""

    user: Me
    sender: str
    subject: str
    message_id: str
    now: dt.datetime
    sender_name: str = "reminderd"
    kind: str = "nudge"
    entries: tuple[Entry, ...] = ()
    references_root: str | None = None
    preheader: str = ""
    lines: tuple[str, ...] = ()
    site_root: str | None = None
    links: Links | None = None
    reply_address: str | None = None
    unsubscribe_url: str | None = None
    ics: bool = True
    digest: Digest | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class TextItem:
    """One text to the user."""

    user: Me
    entries: tuple[Entry, ...] = ()
    lines: tuple[str, ...] = ()
    links: Links | None = None
    answerable: bool = True
    """Whether texts are read back, so that a word to answer makes sense."""
    useless_at: dt.datetime | None = None
