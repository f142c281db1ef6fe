"""Tries every template over sample facts."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from reminderd.drafts import samples, views
from reminderd.drafts.draft import LENGTHS, WARMTHS, Draft, Problem
from reminderd.drafts.environment import BrokenAt
from reminderd.drafts.items import Bar, Digest, Entry, MailItem
from reminderd.errors import TemplateBroken
from reminderd.store.draft_records import DraftFacts

if TYPE_CHECKING:
    from reminderd.drafts.library import Library

MAILS = ("nudge", "digest")
_APPROACHES = ("note", "advice", "coffee", "congratulate", "share")


def check_all(library: Library) -> list[Problem]:
    """What is wrong with any template."""
    problems: dict[str, Problem] = {}
    for language in library.languages():
        for name in library.names(language):
            for problem in _check_draft(library, name, language):
                problems.setdefault(str(problem), problem)
        for problem in _check_mails(library, language):
            problems.setdefault(str(problem), problem)
    return list(problems.values())


def sample_item(facts: DraftFacts, digest: bool) -> MailItem:
    """A mail over sample facts, with one draft in it."""
    now = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
    draft = Draft("accepted", "News", "Hi,\n\nI got it.", to="a@example.org", via="email", question="What?")
    entry = Entry(7, draft, facts, "Thank Maria Lopez", now + dt.timedelta(days=2), position=2, late=True)
    return MailItem(
        user=facts.me,
        sender="reminderd@example.org",
        subject="Thank Maria Lopez by Wed 25 Nov",
        message_id="<sample@example.org>",
        now=now,
        entries=(entry, dataclasses.replace(entry, number=8)),
        lines=("Something that stands above.",),
        digest=Digest(("Done",), ("Open",), (Bar("Maria Lopez", (facts.today,), facts.today, 7),)) if digest else None,
    )


def _check_draft(library: Library, name: str, language: str) -> list[Problem]:
    found = []
    for facts in _facts(name, language):
        for warmth in WARMTHS:
            try:
                for variant in range(1, library.variants(name, language) + 1):
                    for length in LENGTHS:
                        library.draft(name, facts, variant=variant, length=length, warmth=warmth)
            except TemplateBroken as error:
                found.append(_problem(error, name))
    return found


def _facts(name: str, language: str) -> list[DraftFacts]:
    each = samples.several(language)
    if name != "check_in":
        return each
    return [dataclasses.replace(facts, approach=approach) for facts in each for approach in _APPROACHES]


def _check_mails(library: Library, language: str) -> list[Problem]:
    found = []
    for kind in MAILS:
        for facts in samples.several(language):
            for form in ("txt", "html"):
                name = f"email/{kind}.{form}.j2"
                try:
                    library.render(name, views.names(sample_item(facts, kind == "digest")), language)
                except TemplateBroken as error:
                    found.append(_problem(error, name))
    return found


def _problem(error: TemplateBroken, name: str) -> Problem:
    return error.problem if isinstance(error, BrokenAt) else Problem(name, 1, str(error))
