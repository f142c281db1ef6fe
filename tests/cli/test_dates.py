"""What people type for days, times and lengths."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminderd.cli.dates import (
    FIRST_YEAR,
    LAST_YEAR,
    parse_birthday,
    parse_clock,
    parse_day,
    parse_duration,
    parse_month,
    parse_quiet,
)
from reminderd.errors import UsageError
from reminderd.rules.calendar import QuietHours, Span

TUESDAY = dt.date(2026, 11, 24)


def on(iso: str) -> dt.date:
    return dt.date.fromisoformat(iso)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-01", "2026-12-01"),
        ("2026/12/01", "2026-12-01"),
        ("01.12.2026", "2026-12-01"),
        ("1.12.", "2026-12-01"),
        ("1 dec", "2026-12-01"),
        ("1 Dec 2026", "2026-12-01"),
        ("dec 1", "2026-12-01"),
        ("December 1st, 2027", "2027-12-01"),
        ("29 feb 2028", "2028-02-29"),
        ("today", "2026-11-24"),
        ("  Tomorrow ", "2026-11-25"),
        ("yesterday", "2026-11-23"),
        ("in 3 days", "2026-11-27"),
        ("3d", "2026-11-27"),
        ("-3d", "2026-11-21"),
        ("3 days ago", "2026-11-21"),
        ("two weeks ago", "2026-11-10"),
        ("2w", "2026-12-08"),
        ("3mo", "2027-02-24"),
        ("a month from now", "2026-12-24"),
        ("5 working days", "2026-12-01"),
    ],
)
def test_a_day_is_read_in_many_forms(text: str, expected: str) -> None:
    assert parse_day(text, TUESDAY) == on(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("monday", "2026-11-30"),
        ("next monday", "2026-11-30"),
        ("last monday", "2026-11-23"),
        ("wed", "2026-11-25"),
        ("tuesday", "2026-12-01"),
        ("next tuesday", "2026-12-01"),
        ("last tuesday", "2026-11-17"),
        ("on friday", "2026-11-27"),
        ("last friday", "2026-11-20"),
    ],
)
def test_a_weekday_is_never_today(text: str, expected: str) -> None:
    assert parse_day(text, TUESDAY) == on(expected)


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("28 dec", "2027-01-05", "2026-12-28"),
        ("10 jan", "2026-12-20", "2027-01-10"),
        ("1 dec", "2026-03-05", "2026-12-01"),
        ("26 aug", "2026-11-24", "2026-08-26"),
        ("25 aug", "2026-11-24", "2027-08-25"),
        ("29 feb", "2028-01-01", "2028-02-29"),
    ],
)
def test_a_day_without_a_year_is_the_next_unless_it_has_just_been(text: str, today: str, expected: str) -> None:
    assert parse_day(text, on(today)) == on(expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("01/02/2026", "write 1 Feb 2026 or 2 Jan 2026."),
        ("01/02", "write 1 Feb or 2 Jan."),
        ("25/12/2026", "write 25 Dec 2026."),
        ("2/2/2026", "write 2 Feb 2026."),
    ],
)
def test_slashes_are_refused_with_what_to_write_instead(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_day(text, TUESDAY)
    assert str(raised.value).endswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "2026-12-01, 1 dec, tomorrow"),
        ("", "2026-12-01, 1 dec, tomorrow"),
        ("next", "2026-12-01, 1 dec, tomorrow"),
        ("may", "2026-12-01, 1 dec, tomorrow"),
        ("mo", "2026-12-01, 1 dec, tomorrow"),
        ("2026", "2026-12-01, 1 dec, tomorrow"),
        ("20266-01-01", "2026-12-01, 1 dec, tomorrow"),
        ("13/13/2026", "2026-12-01, 1 dec, tomorrow"),
        ("٣ dec", "2026-12-01, 1 dec, tomorrow"),
        ("29 feb", "no day 29 in February 2027"),
        ("31.11.2026", "no day 31 in November 2026"),
        ("2026-13-01", "no month 13"),
        ("0000-01-01", "1900 to 2199"),
        ("0999-01-01", "1900 to 2199"),
        ("500 years", "1900 to 2199"),
        ("99999 years", "leaves the calendar"),
        ("12h", "expected a day, not an hour"),
        ("3m", "3mo or 3min"),
    ],
)
def test_what_is_no_day_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_day(text, TUESDAY)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@settings(deadline=None)
@given(st.dates(dt.date(FIRST_YEAR, 1, 1), dt.date(LAST_YEAR, 12, 31)))
def test_every_day_reads_back_from_its_written_forms(day: dt.date) -> None:
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%b %d, %Y"):
        assert parse_day(day.strftime(form), TUESDAY) == day


READERS: tuple[Callable[[str], object], ...] = (
    lambda text: parse_day(text, TUESDAY),
    parse_clock,
    parse_quiet,
    parse_duration,
    parse_birthday,
    parse_month,
)


@settings(deadline=None)
@given(st.text(max_size=20) | st.from_regex(r"[0-9a-z ./:-]{0,16}", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in READERS:
        with contextlib.suppress(UsageError):
            read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:30", dt.time(14, 30)),
        ("14.30", dt.time(14, 30)),
        ("9", dt.time(9)),
        ("9am", dt.time(9)),
        ("9 a.m.", dt.time(9)),
        ("2:30 pm", dt.time(14, 30)),
        ("12am", dt.time(0)),
        ("12 pm", dt.time(12)),
        ("0:00", dt.time(0)),
        ("noon", dt.time(12)),
        ("midnight", dt.time(0)),
        ("23:59", dt.time(23, 59)),
    ],
)
def test_a_clock_time_is_read(text: str, expected: dt.time) -> None:
    assert parse_clock(text) == expected


@pytest.mark.parametrize("text", ["", "24:00", "13pm", "0am", "9:5", "9:60", "-1", "morning", "14:30:00"])
def test_what_is_no_clock_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 14:30, 9 or 2:30 pm"):
        parse_clock(text)


NIGHT = QuietHours(dt.time(21), dt.time(8))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21:00-08:00", NIGHT),
        ("21 - 8", NIGHT),
        ("9pm to 8am", NIGHT),
        ("21:00–08:00", NIGHT),
        ("12:30-13:30", QuietHours(dt.time(12, 30), dt.time(13, 30))),
        ("none", None),
        ("Off", None),
    ],
)
def test_quiet_hours_are_read(text: str, expected: QuietHours | None) -> None:
    assert parse_quiet(text) == expected


@pytest.mark.parametrize("text", ["", "21:00", "9-9", "9pm-", "21-25", "1-2-3"])
def test_quiet_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_quiet(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("04-12", (None, 4, 12)),
        ("--0412", (None, 4, 12)),
        ("1980-04-12", (1980, 4, 12)),
        ("12 Apr", (None, 4, 12)),
        ("April 12th 1980", (1980, 4, 12)),
        ("12.04.", (None, 4, 12)),
        ("12.04.1980", (1980, 4, 12)),
        ("02-29", (None, 2, 29)),
        ("29 feb", (None, 2, 29)),
        ("29 Feb 1980", (1980, 2, 29)),
    ],
)
def test_a_birthday_is_read_with_and_without_a_year(text: str, expected: tuple[int | None, int, int]) -> None:
    assert parse_birthday(text) == expected


@pytest.mark.parametrize("text", ["", "x", "13-01", "02-30", "29 feb 1981", "04/12", "1799-01-01", "0412", "1980"])
def test_what_is_no_birthday_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_birthday(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-03", "2019-03-01"),
        ("2019", "2019-01-01"),
        ("Mar 2019", "2019-03-01"),
        ("march 2019", "2019-03-01"),
        ("2019 mar", "2019-03-01"),
        ("03/2019", "2019-03-01"),
        ("2019-03-15", "2019-03-01"),
        ("15 Mar 2019", "2019-03-01"),
    ],
)
def test_a_month_is_read_as_its_first_day(text: str, expected: str) -> None:
    assert parse_month(text) == on(expected)


@pytest.mark.parametrize("text", ["", "mar", "12", "2019-13", "2019-02-30", "1234", "mar 19"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_month(text)


def test_a_length_of_time_is_read_or_refused_in_one_line() -> None:
    assert parse_duration("3mo") == Span(months=3)
    assert parse_duration("-5 working days") == Span(working_days=-5)
    with pytest.raises(UsageError, match=r"^Expected a length of time such as '3 months'.*, not 'soon'\.$"):
        parse_duration("soon")
