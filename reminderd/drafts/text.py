"""Texts to the user: who and by when first, safe to show on a lock screen unless full texts were chosen."""

from __future__ import annotations

from collections.abc import Callable

from reminderd.drafts import words
from reminderd.drafts.items import Entry, TextItem
from reminderd.drafts.tasks import know_line
from reminderd.message import Text

Fit = Callable[[str], str]
"""Makes a text fit into the segments that are configured."""


def make_text(item: TextItem, fit: Fit | None = None) -> Text:
    """One text about one or several nudges."""
    german = item.user.language.startswith("de")
    parts = [*item.lines, *(_line(item, entry, german) for entry in item.entries)]
    body = f"reminderd: {' '.join(parts)} {_way_back(item)}".strip()
    return Text(recipient=item.user.phone, body=fit(body) if fit else body, useless_at=item.useless_at)


def make_draft_text(item: TextItem, entry: Entry, fit: Fit | None = None) -> Text:
    """The draft itself, short, as a second text: for a user with texts only who chose to see it there."""
    body = entry.draft.short or entry.draft.body
    return Text(recipient=item.user.phone, body=fit(body) if fit else body, useless_at=item.useless_at)


def _line(item: TextItem, entry: Entry, german: bool) -> str:
    full = item.user.full_texts
    deadline = words.by(entry.due_at, item.user.zone, item.user.language)
    if entry.draft.situation == "announcement":
        return f"{know_line(entry.facts, full=full, german=german)}."
    title = entry.title if full else words.lock_screen_title(entry.draft.situation, entry.facts)
    number = f"{entry.number}: " if len(item.entries) > 1 else ""
    return f"{number}{title} {deadline}."


def _way_back(item: TextItem) -> str:
    """The signed link where there is a page, else the words to answer with."""
    if not item.entries:
        return ""
    first = item.entries[0].number
    if item.links is not None:
        return item.links(first, "draft")
    if not item.answerable:
        return f"reminderd draft {first}"
    if item.entries[0].draft.for_user:
        return f"DONE {first}"
    return f"DRAFT {first} / DONE {first}"
