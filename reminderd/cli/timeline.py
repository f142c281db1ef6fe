"""What arrives when, as lines to read: `simulate` and `demo` show time this way."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from reminderd.cli import output
from reminderd.drafts import words
from reminderd.message import Channel
from reminderd.simulation import Arrived

WIDTH = 80
NAMES = {Channel.EMAIL: "mail", Channel.SMS: "text"}
KEPT = "\u00a0"
"""A space that no line is broken at."""
_WHEN, _WHAT = 13, 6
_INDENT = " " * (_WHEN + _WHAT + 2)


class Timeline:
    """Makes lines, each with its day where that is a new one, under a heading for each month."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._last: dt.date | None = None

    def arrived(self, one: Arrived) -> Iterator[str]:
        """A message: when it comes, by which channel, what it says and whom it is about."""
        text = " ".join(one.subject.split())
        if one.segments is not None:
            text = f"{text} ({str(one.segments).replace(' ', KEPT)})"
        yield from self.line(one.at, NAMES[one.channel], text)
        for more in details(one):
            yield from self.more(more)

    def more(self, text: str) -> Iterator[str]:
        """What belongs to the line before."""
        return _wrapped(text, _INDENT, _INDENT)

    def line(self, at: dt.datetime, what: str, text: str) -> Iterator[str]:
        """Anything else that happens at a moment."""
        here = at.astimezone(self._zone)
        if self._last is None or (here.year, here.month) != (self._last.year, self._last.month):
            yield ""
            yield f"{here:%B} {here.year}"
        day = f"{here:%a} {here.day:>2}" if here.date() != self._last else ""
        self._last = here.date()
        head = f"{day:<6} {here:%H:%M}".ljust(_WHEN) + f" {what:<{_WHAT}} "
        yield from _wrapped(text, head, _INDENT)


def details(one: Arrived) -> Iterator[str]:
    """Whom a message is about, where its subject does not say so."""
    people = [about.reference for about in one.nudges if about.reference]
    if one.kind != "nudge" or one.channel is Channel.SMS or not people:
        return
    reminder = words.reminder(max(about.reminder for about in one.nudges))
    if reminder:
        yield f"{reminder}: {_listing(people)}"
    elif len(people) > 1:
        yield f"{output.count(len(people), 'draft')}: {_listing(people)}"


def _listing(people: Sequence[str]) -> str:
    """Names that are not broken across lines."""
    return output.listing([name.replace(" ", KEPT) for name in people]).replace(" and ", f" and{KEPT}")


def _wrapped(text: str, head: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ):
        yield line.replace(KEPT, " ")
