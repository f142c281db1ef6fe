"""Texts to the user: who and by when first, safe to show on a lock screen unless full texts were chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reminderd.drafts import words
from reminderd.drafts.commands import addressed
from reminderd.drafts.dates import sentence
from reminderd.drafts.items import Entry, TextItem
from reminderd.drafts.telling import know_line
from reminderd.message import Text

Fit = Callable[[str, str], str]
"""Shortens a text to the segments that are configured, ending it with the second text where it had to."""


def make_text(item: TextItem, fit: Fit | None = None) -> Text:
    """One text about one or several nudges."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in item.entries:
        deadline = words.by(entry.due_at, item.user.zone, item.user.language)
        groups.setdefault((entry.draft.situation, deadline), []).append(entry)
    said = [_said(item, group, deadline) for (_, deadline), group in groups.items()]
    back = _way_back(item)
    body = " ".join(part for part in ("reminderd:", *said, *item.lines, back) if part)
    return Text(recipient=item.user.phone, body=_fitted(body, back, fit), useless_at=item.useless_at)


def make_draft_text(item: TextItem, entry: Entry, fit: Fit | None = None) -> Text:
    """The draft itself, short: what `DRAFT 7` answers, and a second text for a user who has texts only."""
    body = entry.draft.short or entry.draft.body
    return Text(recipient=item.user.phone, body=_fitted(body, "", fit), useless_at=item.useless_at)


def _said(item: TextItem, group: Sequence[Entry], deadline: str) -> str:
    first, language = group[0], item.user.language
    full = item.user.full_texts
    if first.draft.situation == "announcement":
        return sentence(know_line(first.facts, full=full, german=language.startswith("de")))
    if len(group) == 1:
        title = first.title if full else words.lock_screen_title(first.draft.situation, first.facts)
        return sentence(f"{title} {deadline}")
    people = ", ".join(f"{entry.number} {_name(entry, full)}" for entry in group)
    return sentence(f"{people} - {words.code(first.draft.situation, language)} {deadline}")


def _name(entry: Entry, full: bool) -> str:
    name = entry.facts.them.name
    return (name if full else words.initials(name)) or entry.title


def _way_back(item: TextItem) -> str:
    """The signed link where there is a page, else the words to answer with."""
    if not item.entries:
        return ""
    entry = item.entries[0]
    if item.links is not None:
        return item.links(entry.number, "draft")
    if not item.answerable:
        return addressed(f"reminderd draft {entry.number}", item.user)
    return f"DONE {entry.number}" if entry.draft.for_user else f"DRAFT {entry.number} / DONE {entry.number}"


def _fitted(body: str, back: str, fit: Fit | None) -> str:
    return fit(body, f"… {back}" if back else "…") if fit else body
