"""Dates, months and lists in words, by language. Babel is slow and dates repeat, so answers are kept."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from collections.abc import Callable, Iterable

_LONG = {"en": "EEEE, d MMMM", "de": "EEEE, d. MMMM"}
_SHORT = {"en": "EEE d MMM", "de": "EEE d. MMM"}
_AND = {"en": "and", "de": "und"}
Day = dt.date | str | None


def day(value: Day, language: str = "en") -> str:
    """A date in words: "Monday, 7 December"; nothing for no date."""
    found = _date(value)
    return _format(found, _LONG.get(language, _LONG["en"]), language) if found else ""


def day_short(value: Day, language: str = "en") -> str:
    """A date in few words: "Mon 7 Dec"."""
    found = _date(value)
    return _format(found, _SHORT.get(language, _SHORT["en"]), language) if found else ""


def month(value: Day, language: str = "en") -> str:
    """A month with its year: "March 2019"."""
    found = _date(value)
    return _format(found.replace(day=1), "MMMM yyyy", language) if found else ""


def listing(items: Iterable[object], language: str = "en") -> str:
    """A list in words: "Ana, Ben and Cleo"."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {_AND.get(language, _AND['en'])} {words[-1]}"


def upfirst(text: object) -> str:
    """The text with a capital at its start."""
    words = str(text or "")
    return words[:1].upper() + words[1:]


def sentence(text: object) -> str:
    """The text as a sentence: a capital first, a full stop last; nothing stays nothing."""
    words = upfirst(str(text or "").strip())
    if not words:
        return ""
    bare = words.rstrip("\"'”’»“)")
    return words if bare.endswith((".", "!", "?", "…")) else words.rstrip(",;:") + "."


def clock(value: dt.time | str | None) -> str:
    """A time of day: "14:30"."""
    if not value:
        return ""
    return value[:5] if isinstance(value, str) else value.strftime("%H:%M")


def local_day(moment: dt.datetime, zone: str) -> dt.date:
    """The local date of a moment; midnight belongs to the day that it ends."""
    return (moment.astimezone(_zone(zone)) - dt.timedelta(microseconds=1)).date()


def filters(language: str) -> dict[str, Callable[..., str]]:
    """The filters that templates of one language see."""
    return {
        "day": lambda value: day(value, language),
        "day_short": lambda value: day_short(value, language),
        "month": lambda value: month(value, language),
        "listing": lambda items: listing(items, language),
        "upfirst": upfirst,
        "sentence": sentence,
        "clock": clock,
    }


@functools.lru_cache(maxsize=4096)
def _format(value: dt.date, pattern: str, language: str) -> str:
    from babel import UnknownLocaleError  # 40 ms: imported when the first date is written
    from babel.dates import format_date

    try:
        return str(format_date(value, pattern, locale=language))
    except (UnknownLocaleError, ValueError):
        return str(format_date(value, pattern, locale="en"))


@functools.lru_cache(maxsize=64)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def _date(value: Day) -> dt.date | None:
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return None
    return value.date() if isinstance(value, dt.datetime) else value
