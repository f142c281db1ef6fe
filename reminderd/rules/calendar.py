"""Local calendar arithmetic: spans, yearly dates, gaps and folds, quiet hours, digest slots.

Every moment taken or given is an aware datetime; those given are UTC. A zone is an IANA name; an unknown one raises
`KeyError`. A naive datetime raises `ValueError`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

NO_HOLIDAYS: frozenset[dt.date] = frozenset()
_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)
_INSTANT = dt.timedelta(microseconds=1)
_MIDNIGHT = dt.time()
_LAST_SECOND = dt.time(23, 59, 59)
_SATURDAY = 5


# ---- spans


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A length of time as people say it; `parse_span` reads its text again where all
    parts lead the same way. Negative parts lead back."""

    months: int = 0
    days: int = 0
    working_days: int = 0
    hours: int = 0
    minutes: int = 0

    def __neg__(self) -> Span:
        return Span(-self.months, -self.days, -self.working_days, -self.hours, -self.minutes)

    def __str__(self) -> str:
        parts = self._parts()
        if parts and all(number < 0 for number, _ in parts):
            return "-" + " ".join(part for _, part in parts)
        return " ".join(f"-{part}" if number < 0 else part for number, part in parts) or "0 days"

    def _parts(self) -> list[tuple[int, str]]:
        months = (self.months // 12, "year") if self.months % 12 == 0 else (self.months, "month")
        days = (self.days // 7, "week") if self.days % 7 == 0 else (self.days, "day")
        rest = ((self.working_days, "working day"), (self.hours, "hour"), (self.minutes, "minute"))
        return [
            (number, f"{abs(number)} {unit}" + ("" if abs(number) == 1 else "s"))
            for number, unit in (months, days, *rest)
            if number
        ]


_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {"a": 1, "an": 1} | {word: number for number, word in enumerate(_WORDS, start=1)}
_UNITS: dict[str, Span] = {
    **dict.fromkeys(("years", "year", "y"), Span(months=12)),
    **dict.fromkeys(("months", "month", "mo"), Span(months=1)),
    **dict.fromkeys(("weeks", "week", "w"), Span(days=7)),
    **dict.fromkeys(("days", "day", "d"), Span(days=1)),
    **dict.fromkeys(("working days", "working day", "workdays", "workday", "wd"), Span(working_days=1)),
    **dict.fromkeys(("hours", "hour", "h"), Span(hours=1)),
    **dict.fromkeys(("minutes", "minute", "mins", "min"), Span(minutes=1)),
}
_PART = rf"(?:[0-9]{{1,5}} ?|(?:{'|'.join(_NUMBERS)}) )(?:{'|'.join(_UNITS)})(?![a-z])"
_SPAN = re.compile(rf"(-)? ?({_PART}(?:(?:, | and | )?{_PART})*)")
_NUMBER_AND_UNIT = re.compile(r"([0-9]+|[a-z]+(?= )) ?(working days?|[a-z]+)(?:,| and(?= ))? ?")


@lru_cache(maxsize=1024)
def parse_span(text: str) -> Span:
    """``3 months``, ``5 working days``, ``two weeks``, ``1 year``, ``90 minutes``, ``3d``, ``2w``, ``3mo``, ``12h``,
    several joined, a leading ``-`` for all. Raises `ValueError` with one line saying what was expected."""
    plain = " ".join(text.casefold().split())
    match = _SPAN.fullmatch(plain)
    if match is None:
        raise ValueError(_not_a_span(text.strip(), plain))
    sign = -1 if match[1] else 1
    totals = [0, 0, 0, 0, 0]
    for number, unit in _NUMBER_AND_UNIT.findall(match[2]):
        count = sign * (_NUMBERS.get(number) or int(number))
        totals = [total + count * part for total, part in zip(totals, dataclasses.astuple(_UNITS[unit]), strict=True)]
    return Span(*totals)


def _not_a_span(text: str, plain: str) -> str:
    if number := re.fullmatch(r"-?([0-9]+) ?m", plain):
        return f"{text!r} could be months or minutes: write {number[1]}mo or {number[1]}min"
    return f"expected a length of time such as '3 months', '2 weeks', '5 working days', '10 hours' or 3d, not {text!r}"


# ---- days


def add_span(day: dt.date, span: Span, holidays: frozenset[dt.date] = NO_HOLIDAYS) -> dt.date:
    """The day a span later, or earlier: months first, clipped to the month's length, then days, then working days.
    Raises `ValueError` for a span with hours or minutes, and beyond the years 1 to 9999."""
    if span.hours or span.minutes:
        raise ValueError(f"expected a span of whole days, not {span}")
    try:
        moved = _add_months(day, span.months) if span.months else day
        if span.days:
            moved += dt.timedelta(days=span.days)
        return _add_working_days(moved, span.working_days, holidays) if span.working_days else moved
    except OverflowError:
        raise ValueError(f"{span} from {day} leaves the calendar") from None


def _add_months(day: dt.date, months: int) -> dt.date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise OverflowError
    return dt.date(year, month + 1, min(day.day, _days_in_month(year, month + 1)))


def _days_in_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _add_working_days(day: dt.date, count: int, holidays: frozenset[dt.date]) -> dt.date:
    step = _DAY if count > 0 else -_DAY
    for _ in range(abs(count)):
        day += step
        while not is_working_day(day, holidays):
            day += step
    return day


def is_working_day(day: dt.date, holidays: frozenset[dt.date] = NO_HOLIDAYS) -> bool:
    """Monday to Friday and no holiday."""
    return day.weekday() < _SATURDAY and day not in holidays


def yearly_on(month: int, day: int, year: int, leap_day: int = 28) -> dt.date:
    """A yearly date in a year. 29 February falls on the 28th in common years, on 1 March where ``leap_day`` is 1.
    Raises `ValueError` for a day that no year has."""
    if (month, day) == (2, 29) and _days_in_month(year, 2) == 28:
        return dt.date(year, 3, 1) if leap_day == 1 else dt.date(year, 2, 28)
    return dt.date(year, month, day)


def next_yearly(month: int, day: int, from_day: dt.date, leap_day: int = 28) -> dt.date:
    """The first such yearly date on or after ``from_day``."""
    this_year = yearly_on(month, day, from_day.year, leap_day)
    return this_year if this_year >= from_day else yearly_on(month, day, from_day.year + 1, leap_day)


def months_between(a: dt.date, b: dt.date) -> int:
    """Whole months from ``a`` to ``b``: the most that `add_span` can add to ``a`` without passing ``b``. Negative,
    counted from ``b``, where ``b`` is earlier."""
    if b < a:
        return -months_between(b, a)
    months = (b.year - a.year) * 12 + b.month - a.month
    return months if _add_months(a, months) <= b else months - 1


def spread(seed: str, days: int) -> int:
    """A number from 0 to ``days`` - 1, always the same for one seed, evenly spread over many."""
    if days < 1:
        raise ValueError(f"expected at least one day, not {days}")
    return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()) % days


# ---- zones


@lru_cache(maxsize=1024)
def zone_exists(name: str) -> bool:
    """Whether this is an IANA zone that the functions here accept."""
    if name.startswith(("posix/", "right/")) or name in ("localtime", "posixrules", "Factory"):
        return False
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def local_moment(day: dt.date, at: dt.time, zone: str) -> dt.datetime:
    """The moment of a local wall time. In a gap it moves forward by the gap's length; in a fold it is the first."""
    return _moment(day, at, zone, 0)


def local_day(moment: dt.datetime, zone: str) -> dt.date:
    """The local date at a moment."""
    return _local(moment, zone).date()


def local_time(moment: dt.datetime, zone: str) -> dt.time:
    """The local wall time at a moment, without a zone."""
    return _local(moment, zone).time()


def start_of_day(day: dt.date, zone: str) -> dt.datetime:
    """The day's first moment; of a day that the zone skipped, the first moment after it."""
    midnight = _moment(day, _MIDNIGHT, zone, 0)
    if _reads(midnight, day, _MIDNIGHT, zone):
        return midnight
    return _change_between(_moment(day, _MIDNIGHT, zone, 1), midnight, zone)


@lru_cache(maxsize=4096)
def end_of_day(day: dt.date, zone: str) -> dt.datetime:
    """The day's last whole second; of a day that the zone skipped, the last second before it."""
    last = _moment(day, _LAST_SECOND, zone, 1)
    if _reads(last, day, _LAST_SECOND, zone):
        return last
    return _change_between(last, _moment(day, _LAST_SECOND, zone, 0), zone) - _SECOND


def shift(moment: dt.datetime, span: Span, zone: str, holidays: frozenset[dt.date] = NO_HOLIDAYS) -> dt.datetime:
    """The moment a span later, or earlier: months, days and working days keep the local wall time, hours and minutes
    are exact and come last. Raises `ValueError` as `add_span` does."""
    calendar_part = Span(span.months, span.days, span.working_days)
    if calendar_part != Span():
        local = _local(moment, zone)
        moment = local_moment(add_span(local.date(), calendar_part, holidays), local.time(), zone)
    return _utc(moment) + dt.timedelta(hours=span.hours, minutes=span.minutes)


def _moment(day: dt.date, at: dt.time, zone: str, fold: int) -> dt.datetime:
    return dt.datetime.combine(day, at.replace(fold=fold), _zone(zone)).astimezone(dt.UTC)


def _local(moment: dt.datetime, zone: str) -> dt.datetime:
    return _aware(moment).astimezone(_zone(zone)).replace(fold=0)


def _utc(moment: dt.datetime) -> dt.datetime:
    return _aware(moment).astimezone(dt.UTC)


def _aware(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None:
        raise ValueError(f"expected an aware datetime, not {moment.isoformat()}")
    return moment


def _reads(moment: dt.datetime, day: dt.date, at: dt.time, zone: str) -> bool:
    local = _local(moment, zone)
    return local.date() == day and local.time() == at


def _change_between(before: dt.datetime, after: dt.datetime, zone: str) -> dt.datetime:
    """The first second with the offset that holds at ``after``; ``before`` has another."""
    offset = _offset(after, zone)
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + middle * _SECOND, zone) == offset:
            high = middle
        else:
            low = middle
    return before + high * _SECOND


# ---- quiet hours


@dataclasses.dataclass(frozen=True, slots=True)
class QuietHours:
    """Local wall times between which nothing is sent; ``ends`` itself is not quiet. They may cross midnight; two
    equal times mean none."""

    begins: dt.time
    ends: dt.time


def is_quiet(moment: dt.datetime, quiet: QuietHours | None, zone: str) -> bool:
    """Whether the local clock at this moment stands in the quiet hours."""
    if quiet is None:
        return False
    at = local_time(moment, zone)
    if quiet.begins <= quiet.ends:
        return quiet.begins <= at < quiet.ends
    return at >= quiet.begins or at < quiet.ends


def leave_quiet(
    moment: dt.datetime, quiet: QuietHours | None, zone: str, deadline: dt.datetime | None = None
) -> dt.datetime:
    """A moment outside the quiet hours: the same, or their end, or, where the deadline lies before that end, one
    hour before they begin (later where that hour itself is quiet)."""
    if quiet is None or not is_quiet(moment, quiet, zone):
        return _utc(moment)
    ends = _quiet_ends(moment, quiet, zone)
    if deadline is None or deadline >= ends:
        return ends
    earlier = _quiet_began(moment, quiet, zone) - dt.timedelta(hours=1)
    return leave_quiet(earlier, quiet, zone)


def _quiet_ends(moment: dt.datetime, quiet: QuietHours, zone: str) -> dt.datetime:
    local = _local(moment, zone)
    likely = _moment(local.date() + (_DAY if local.time() >= quiet.ends else dt.timedelta()), quiet.ends, zone, 0)
    if _offset(likely, zone) == _offset(moment, zone):
        return likely
    candidates = _occurrences(local.date(), (0, 1, 2), quiet.ends, zone)
    candidates += _change_within(moment.replace(microsecond=0), candidates[-1], zone)
    return min(at for at in candidates if at > moment and not is_quiet(at, quiet, zone))


def _quiet_began(moment: dt.datetime, quiet: QuietHours, zone: str) -> dt.datetime:
    local = _local(moment, zone)
    candidates = _occurrences(local.date(), (-2, -1, 0), quiet.begins, zone)
    candidates += _change_within(candidates[0], moment.replace(microsecond=0), zone)
    return max(at for at in candidates if at <= moment and not is_quiet(at - _INSTANT, quiet, zone))


def _occurrences(day: dt.date, offsets: tuple[int, ...], at: dt.time, zone: str) -> list[dt.datetime]:
    return [_moment(day + offset * _DAY, at, zone, fold) for offset in offsets for fold in (0, 1)]


def _change_within(before: dt.datetime, after: dt.datetime, zone: str) -> list[dt.datetime]:
    return [_change_between(before, after, zone)] if _offset(before, zone) != _offset(after, zone) else []


def _offset(moment: dt.datetime, zone: str) -> dt.timedelta | None:
    return moment.astimezone(_zone(zone)).utcoffset()


# ---- slots


@lru_cache(maxsize=1024)
def next_digest(
    after: dt.datetime, cadence: str, weekday: int, hour: dt.time, zone: str, quiet: QuietHours | None
) -> dt.datetime:
    """The first digest slot later than ``after``: each day (``daily``) or each such weekday (``weekly``, 0 is Monday)
    at the local hour, moved to the end of the quiet hours where it falls in them. Raises `ValueError` for another
    cadence."""
    if cadence not in ("daily", "weekly"):
        raise ValueError(f"expected daily or weekly, not {cadence!r}")
    every = _DAY if cadence == "daily" else 7 * _DAY
    day = local_day(after, zone) - _DAY
    if cadence == "weekly":
        day -= ((day.weekday() - weekday) % 7) * _DAY
    while True:
        slot = leave_quiet(local_moment(day, hour, zone), quiet, zone)
        if slot > after:
            return slot
        day += every


def next_morning(after: dt.datetime, hour: dt.time, zone: str, at_least_hours: int = 10) -> dt.datetime:
    """The local hour on the first later local day that is at least so many hours after."""
    earliest = _utc(after) + dt.timedelta(hours=at_least_hours)
    day = local_day(after, zone) + _DAY
    while (morning := local_moment(day, hour, zone)) < earliest:
        day += _DAY
    return morning
