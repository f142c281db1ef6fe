"""A year of contact as a bar: one mark for each fortnight, newest at the right."""

from __future__ import annotations

import datetime as dt
from typing import Any

from reminderd.drafts.dates import day_short
from reminderd.drafts.items import Bar
from reminderd.drafts.phrases import phrases

MARKS = 26
_FORTNIGHT = 14
_FULL, _EMPTY = "█", "░"


def marks(touched_on: tuple[dt.date, ...], today: dt.date) -> list[bool]:
    """Whether there was contact in each of the last 26 fortnights."""
    hit = {(today - day).days // _FORTNIGHT for day in touched_on if day <= today}
    return [age in hit for age in range(MARKS - 1, -1, -1)]


def blocks(touched_on: tuple[dt.date, ...], today: dt.date) -> str:
    """The bar in Unicode blocks, for text-only readers."""
    return "".join(_FULL if hit else _EMPTY for hit in marks(touched_on, today))


def bar_view(bar: Bar, today: dt.date, language: str) -> dict[str, Any]:
    """One person's line in the digest."""
    say = phrases(language)
    said = f"{say['last_touch']} {_since(bar.last_on, today, language)}" if bar.last_on else say["never"]
    return {
        "name": bar.name,
        "marks": marks(bar.touched_on, today),
        "blocks": blocks(bar.touched_on, today),
        "said": said,
        "number": bar.number,
    }


def _since(day: dt.date, today: dt.date, language: str) -> str:
    words = day_short(day, language)
    return words if day.year == today.year else f"{words} {day.year}"
