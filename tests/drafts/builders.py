"""Facts, drafts and mails to try things with."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from reminderd.drafts import words
from reminderd.drafts.draft import Draft
from reminderd.drafts.items import Entry, MailItem, TextItem
from reminderd.drafts.samples import full
from reminderd.store.draft_records import DraftFacts, EventView, Involved

NOW = dt.datetime(2026, 11, 23, 14, 0, tzinfo=dt.UTC)
DUE = dt.datetime(2026, 11, 26, 4, 59, 59, tzinfo=dt.UTC)  # the end of Wed 25 Nov in New York
NAMES = ("Ana Müller", "Ben Okafor", "Chen Wei", "Dana Novak", "Eve Martin", "Sam Ortiz")


def facts(name: str = "Ana Müller", number: int = 1, **changes: Any) -> DraftFacts:
    first = name.split()[0]
    known = full()
    them = dataclasses.replace(known.them, id=number, name=name, first_name=first, email=f"{first.lower()}@example.org")
    involved = tuple(Involved(place, who, who.split()[0]) for place, who in enumerate(NAMES, 1))
    base = dataclasses.replace(
        known,
        me=dataclasses.replace(known.me, zone="America/New_York"),
        them=them,
        event=EventView(id=3, kind="accepted", on=dt.date(2026, 11, 23)),
        involved=involved,
    )
    return dataclasses.replace(base, **changes)


def of_person(known: DraftFacts, **changes: Any) -> DraftFacts:
    return dataclasses.replace(known, them=dataclasses.replace(known.them, **changes))


def of_user(known: DraftFacts, **changes: Any) -> DraftFacts:
    return dataclasses.replace(known, me=dataclasses.replace(known.me, **changes))


def draft(**changes: Any) -> Draft:
    made = Draft(
        situation="accepted",
        subject="I got the job",
        body="Hi Ana,\n\nI got the job & start soon — «thanks».\n\nAda",
        to="ana@example.org",
        via="email",
        short="Hi Ana, I got the job.",
        question="What did Ana do that helped?",
    )
    return dataclasses.replace(made, **changes)


def entry(number: int = 7, known: DraftFacts | None = None, **changes: Any) -> Entry:
    known = known or facts()
    made = Entry(
        number=number,
        draft=draft(),
        facts=known,
        title=words.title("accepted", known),
        due_at=DUE,
        about="Tell everyone you asked that you got it",
    )
    return dataclasses.replace(made, **changes)


def item(*entries: Entry, **changes: Any) -> MailItem:
    known = facts()
    made = MailItem(
        user=known.me,
        sender="reminderd@example.org",
        subject="Thank your Acme references by Wed 25 Nov",
        message_id="<nudge-7.1@example.org>",
        now=NOW,
        entries=entries or (entry(),),
    )
    return dataclasses.replace(made, **changes)


def text_item(*entries: Entry, **changes: Any) -> TextItem:
    made = TextItem(user=facts().me, entries=entries or (entry(),))
    return dataclasses.replace(made, **changes)
