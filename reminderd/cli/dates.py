"""Days, clock times, quiet hours and lengths of time as people type them.

Nothing here reads the clock or knows a zone: the caller gives the user's local day as ``today``. Each function raises
`UsageError` with one line that says what was expected.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from reminderd.errors import UsageError
from reminderd.rules.calendar import QuietHours, Span, add_span, next_yearly, parse_span

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FIRST_YEAR, LAST_YEAR = 1900, 2199
LOOK_BACK = dt.timedelta(days=90)
_DAY = dt.timedelta(days=1)
_A_LEAP_YEAR = 2000

DAY_EXAMPLES = "2026-12-01, 1 dec, tomorrow, next monday, last friday, 3 days ago, 2w"
CLOCK_EXAMPLES = "14:30, 9 or 2:30 pm"


# ---- days


def parse_day(text: str, today: dt.date) -> dt.date:
    """A day in ISO form, as ``1.12.2026``, ``1 dec``, ``dec 1 2026``, a word (``today``, ``tomorrow``,
    ``yesterday``), a weekday, or a length of time from today (``3d``, ``in 3 days``, ``2 weeks ago``).

    ``monday`` and ``next monday`` are the first Monday after today, ``last monday`` the latest before it; today is
    neither. A day without a year is the first such day that is not more than 90 days past. ``01/02/2026`` is refused,
    and so are years outside 1900 to 2199."""
    plain = _plain(text).removeprefix("on ")
    _refuse_slashes(text, plain)
    day = _word(plain, today) or _weekday(plain, today) or _written_day(text, plain, today) or _distant(plain, today)
    if day is None:
        raise UsageError(f"Expected a day such as {DAY_EXAMPLES}, not {text.strip()!r}.")
    _check_year(text, day.year)
    return day


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _refuse_slashes(text: str, plain: str) -> None:
    match = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}|[0-9]{2}))?", plain)
    if match is None:
        return
    a, b, year = int(match[1]), int(match[2]), match[3]
    readings = {f"{day} {MONTHS[month - 1][:3].title()}" for day, month in ((a, b), (b, a)) if _fits(month, day)}
    if not readings:
        raise UsageError(f"Expected a day such as {DAY_EXAMPLES}, not {text.strip()!r}.")
    tail = f" {year}" if year and len(year) == 4 else ""
    written = " or ".join(f"{reading}{tail}" for reading in sorted(readings, key=lambda one: int(one.split()[0])))
    raise UsageError(f"{text.strip()!r}: with slashes, day and month are not told apart; write {written}.")


def _fits(month: int, day: int) -> bool:
    try:
        dt.date(_A_LEAP_YEAR, month, day)
    except ValueError:
        return False
    return True


def _word(plain: str, today: dt.date) -> dt.date | None:
    offset = {"today": 0, "tomorrow": 1, "yesterday": -1}.get(plain)
    return None if offset is None else today + offset * _DAY


def _weekday(plain: str, today: dt.date) -> dt.date | None:
    match = re.fullmatch(r"(?:(next|last) )?([a-z]{2,9})\.?", plain)
    wanted = _one_of(WEEKDAYS, match[2]) if match else None
    if match is None or wanted is None:
        return None
    if match[1] == "last":
        return today - ((today.weekday() - wanted - 1) % 7 + 1) * _DAY
    return today + ((wanted - today.weekday() - 1) % 7 + 1) * _DAY


def _one_of(names: Iterable[str], word: str) -> int | None:
    """The place of a name given whole or by its first three letters or more."""
    if len(word) < 3:
        return None
    return next((place for place, name in enumerate(names) if name.startswith(word)), None)


def _written_day(text: str, plain: str, today: dt.date) -> dt.date | None:
    parts = _year_month_day(plain)
    if parts is None:
        return None
    year, month, day = parts
    _check_exists(text, year, month, day)
    if year is not None:
        return dt.date(year, month, day)
    found = next_yearly(month, day, today - LOOK_BACK)
    _check_exists(text, found.year, month, day)
    return found


_YEAR_FIRST = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_DOTTED = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\.(?: ?([0-9]{4}))?")
_ORDINAL = r"([0-9]{1,2})(?:st|nd|rd|th|\.)?"
_DAY_FIRST = re.compile(rf"{_ORDINAL}(?: of | |-)?([a-z]{{3,9}})\.?(?:,? |-)?([0-9]{{4}})?")
_MONTH_FIRST = re.compile(rf"([a-z]{{3,9}})\.? ?{_ORDINAL}(?:,? ([0-9]{{4}}))?")


def _year_month_day(plain: str) -> tuple[int | None, int, int] | None:
    """What was written, whether or not there is such a day."""
    if match := _YEAR_FIRST.fullmatch(plain):
        return int(match[1]), int(match[2]), int(match[3])
    if match := _DOTTED.fullmatch(plain):
        return _number(match[3]), int(match[2]), int(match[1])
    if match := _DAY_FIRST.fullmatch(plain):
        month, day, year = match[2], match[1], match[3]
    elif match := _MONTH_FIRST.fullmatch(plain):
        month, day, year = match[1], match[2], match[3]
    else:
        return None
    place = _one_of(MONTHS, month)
    return None if place is None else (_number(year), place + 1, int(day))


def _number(digits: str | None) -> int | None:
    return int(digits) if digits else None


def _check_exists(text: str, year: int | None, month: int, day: int) -> None:
    if year is not None:
        _check_year(text, year)
    try:
        dt.date(year or _A_LEAP_YEAR, month, day)
    except ValueError:
        if not 1 <= month <= 12:
            raise UsageError(f"{text.strip()!r}: there is no month {month}.") from None
        where = MONTHS[month - 1].title() + (f" {year}" if year else "")
        raise UsageError(f"{text.strip()!r}: there is no day {day} in {where}.") from None


def _check_year(text: str, year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UsageError(f"{text.strip()!r}: expected a year from {FIRST_YEAR} to {LAST_YEAR}, not {year}.")


def _distant(plain: str, today: dt.date) -> dt.date | None:
    ago = plain.endswith(" ago")
    length = plain.removesuffix(" ago").removesuffix(" from now").removesuffix(" from today").removeprefix("in ")
    try:
        span = parse_span(length)
    except ValueError as error:
        if "could be" in str(error):
            raise UsageError(f"{error!s}.") from None
        return None
    if span.hours or span.minutes:
        raise UsageError(f"{plain!r}: expected a day, not an hour; examples: {DAY_EXAMPLES}.")
    try:
        return add_span(today, -span if ago else span)
    except ValueError as error:
        raise UsageError(f"{error!s}.") from None


# ---- birthdays and months


def parse_birthday(text: str) -> tuple[int | None, int, int]:
    """Year (`None` if not given), month and day: ``04-12`` (month first), ``1980-04-12``, ``12 Apr``, ``Apr 12``,
    ``12.04.1980``. 29 February needs no year."""
    plain = _plain(text)
    _refuse_slashes(text, plain)
    if match := re.fullmatch(r"(?:--)?([0-9]{1,2})-([0-9]{1,2})|--([0-9]{2})([0-9]{2})", plain):
        parts: tuple[int | None, int, int] | None = (None, int(match[1] or match[3]), int(match[2] or match[4]))
    else:
        parts = _year_month_day(plain)
    if parts is None:
        raise UsageError(f"Expected a birthday such as 04-12 (12 April), 1980-04-12 or 12 Apr, not {text.strip()!r}.")
    _check_exists(text, *parts)
    return parts


def parse_month(text: str) -> dt.date:
    """The first of a month: ``2019-03``, ``Mar 2019``, ``03.2019``, any day of it in ISO form; January for ``2019``."""
    year, month = _year_and_month(_plain(text)) or (None, None)
    if year is None or month is None:
        raise UsageError(f"Expected a month such as 2019-03, Mar 2019 or 2019, not {text.strip()!r}.")
    _check_exists(text, year, month, 1)
    return dt.date(year, month, 1)


def _year_and_month(plain: str) -> tuple[int, int] | None:
    if match := re.fullmatch(r"([0-9]{4})(?:[-/.]([0-9]{1,2}))?", plain):
        return int(match[1]), int(match[2] or 1)
    if match := re.fullmatch(r"([0-9]{1,2})[./]([0-9]{4})", plain):
        return int(match[2]), int(match[1])
    if match := re.fullmatch(r"([a-z]{3,9})\.? ([0-9]{4})|([0-9]{4}) ([a-z]{3,9})", plain):
        place = _one_of(MONTHS, match[1] or match[4])
        return None if place is None else (int(match[2] or match[3]), place + 1)
    parts = _year_month_day(plain)
    if parts is None or parts[0] is None:
        return None
    _check_exists(plain, *parts)
    return parts[0], parts[1]


# ---- clock times and lengths


def parse_clock(text: str) -> dt.time:
    """A wall time to the minute: ``14:30``, ``9``, ``9am``, ``2:30 pm``, ``noon``, ``midnight``. 12 am is midnight."""
    plain = _plain(text).replace(".m.", "m")
    if plain in ("noon", "midnight"):
        return dt.time(12 if plain == "noon" else 0)
    match = re.fullmatch(r"([0-9]{1,2})(?:[:.]([0-9]{2}))? ?(am|pm)?", plain)
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (24, 0)
    if match and match[3]:
        hour = hour % 12 + (12 if match[3] == "pm" else 0) if 1 <= hour <= 12 else 24
    if hour > 23 or minute > 59:
        raise UsageError(f"Expected a time of day such as {CLOCK_EXAMPLES}, not {text.strip()!r}.")
    return dt.time(hour, minute)


def parse_quiet(text: str) -> QuietHours | None:
    """``21:00-08:00``, ``9pm to 8am``; `None` for ``none`` or ``off``. Equal times are refused."""
    plain = _plain(text)
    if plain in ("none", "off"):
        return None
    parts = re.split(r" ?[-–—] ?| to | until ", plain)
    if len(parts) != 2:
        raise UsageError(f"Expected quiet hours such as 21:00-08:00, or none, not {text.strip()!r}.")
    begins, ends = parse_clock(parts[0]), parse_clock(parts[1])
    if begins == ends:
        raise UsageError(f"Quiet hours that begin and end at {begins:%H:%M} cover nothing or everything; write none.")
    return QuietHours(begins, ends)


def parse_duration(text: str) -> Span:
    """A length of time: ``3 months``, ``5 working days``, ``10 hours``, ``3d``, ``2w``, ``3mo``, a leading ``-`` for
    backwards."""
    try:
        return parse_span(text)
    except ValueError as error:
        line = str(error)
        raise UsageError(f"{line[0].upper()}{line[1:]}.") from None
