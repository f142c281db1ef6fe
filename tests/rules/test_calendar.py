"""Local calendar arithmetic: tables of literal moments, and properties over every zone."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reminderd.rules.calendar import (
    QuietHours,
    Span,
    add_span,
    end_of_day,
    is_quiet,
    is_working_day,
    leave_quiet,
    local_day,
    local_moment,
    local_time,
    months_between,
    next_digest,
    next_morning,
    next_yearly,
    parse_span,
    shift,
    spread,
    start_of_day,
    yearly_on,
    zone_exists,
)

BERLIN, NEW_YORK, LORD_HOWE, ADELAIDE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Australia/Adelaide"
SAMOA, SAO_PAULO, ST_JOHNS = "Pacific/Apia", "America/Sao_Paulo", "America/St_Johns"
FARTHEST_EAST, FAR_WEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"
SECOND, INSTANT = dt.timedelta(seconds=1), dt.timedelta(microseconds=1)
NIGHT = QuietHours(dt.time(21), dt.time(8))


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def on(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def clock(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


def quiet(text: str) -> QuietHours:
    begins, ends = text.split("-")
    return QuietHours(clock(begins), clock(ends))


ZONES = st.sampled_from(sorted(name for name in zoneinfo.available_timezones() if zone_exists(name)))
DAYS = st.dates(dt.date(1970, 1, 5), dt.date(2037, 12, 20))
MOMENTS = st.builds(dt.datetime.combine, DAYS, st.times(), st.just(dt.UTC))
MINUTES = st.builds(dt.time, st.integers(0, 23), st.integers(0, 59))
QUIETS = st.builds(QuietHours, MINUTES, MINUTES)


# ---- spans


@pytest.mark.parametrize(
    ("text", "span", "said"),
    [
        ("3 months", Span(months=3), "3 months"),
        ("2 days", Span(days=2), "2 days"),
        ("5 working days", Span(working_days=5), "5 working days"),
        ("1 working day", Span(working_days=1), "1 working day"),
        ("10 hours", Span(hours=10), "10 hours"),
        ("1 week", Span(days=7), "1 week"),
        ("1 year", Span(months=12), "1 year"),
        ("18 months", Span(months=18), "18 months"),
        ("3d", Span(days=3), "3 days"),
        ("2w", Span(days=14), "2 weeks"),
        ("3mo", Span(months=3), "3 months"),
        ("12h", Span(hours=12), "12 hours"),
        ("1y", Span(months=12), "1 year"),
        ("90 minutes", Span(minutes=90), "90 minutes"),
        ("two days", Span(days=2), "2 days"),
        ("Twelve  Hours", Span(hours=12), "12 hours"),
        ("a week", Span(days=7), "1 week"),
        ("1h30min", Span(hours=1, minutes=30), "1 hour 30 minutes"),
        ("1 month and 2 days", Span(months=1, days=2), "1 month 2 days"),
        ("-3d", Span(days=-3), "-3 days"),
        ("-1mo 2d", Span(months=-1, days=-2), "-1 month 2 days"),
        ("0 days", Span(), "0 days"),
    ],
)
def test_a_span_is_read_as_people_write_it_and_written_as_they_say_it(text: str, span: Span, said: str) -> None:
    assert parse_span(text) == span
    assert str(span) == said
    assert parse_span(said) == span


@pytest.mark.parametrize(
    "text", ["", "soon", "3", "days", "thirteen days", "3 fortnights", "2dd", "1.5 hours", "--3d", "3d ago", "1000000d"]
)
def test_what_is_no_span_is_refused_saying_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a length of time such as '3 months'.*, not '.*'$"):
        parse_span(text)


def test_a_bare_m_is_refused_as_it_could_be_either() -> None:
    with pytest.raises(ValueError, match="'3m' could be months or minutes: write 3mo or 3min"):
        parse_span("3m")


PARTS = st.integers(0, 99999)


@settings(deadline=None)
@given(st.builds(Span, PARTS, PARTS, PARTS, PARTS, PARTS), st.booleans())
def test_every_span_reads_back_from_its_text(span: Span, back: bool) -> None:
    span = -span if back else span
    assert parse_span(str(span)) == span
    inverse = -span
    assert -inverse == span


def test_a_span_of_both_directions_signs_each_part() -> None:
    assert str(Span(months=1, days=-2)) == "1 month -2 days"


# ---- days


@pytest.mark.parametrize(
    ("day", "span", "expected"),
    [
        ("2026-01-31", Span(months=1), "2026-02-28"),
        ("2028-01-31", Span(months=1), "2028-02-29"),
        ("2026-01-31", Span(months=2), "2026-03-31"),
        ("2026-02-28", Span(months=1), "2026-03-28"),
        ("2026-03-31", Span(months=-1), "2026-02-28"),
        ("2028-02-29", Span(months=12), "2029-02-28"),
        ("2026-01-15", Span(months=-1), "2025-12-15"),
        ("2026-01-31", Span(months=1, days=1), "2026-03-01"),
        ("2026-12-31", Span(days=1), "2027-01-01"),
        ("2026-11-24", Span(days=-7), "2026-11-17"),
        ("2026-11-24", Span(), "2026-11-24"),
    ],
)
def test_months_clip_and_do_not_stick(day: str, span: Span, expected: str) -> None:
    assert add_span(on(day), span) == on(expected)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-11-27", 1, "2026-11-30"),  # Friday to Monday
        ("2026-11-28", 1, "2026-11-30"),  # Saturday too
        ("2026-11-24", 5, "2026-12-01"),
        ("2026-11-30", -1, "2026-11-27"),
        ("2026-11-29", -1, "2026-11-27"),
        ("2026-12-23", 2, "2026-12-28"),  # the 25th is a holiday
        ("2026-12-28", -2, "2026-12-23"),
        ("2026-11-28", 0, "2026-11-28"),
    ],
)
def test_working_days_pass_over_weekends_and_holidays_in_both_directions(day: str, count: int, expected: str) -> None:
    assert add_span(on(day), Span(working_days=count), frozenset({on("2026-12-25")})) == on(expected)


@pytest.mark.parametrize("span", [Span(hours=1), Span(days=1, minutes=-1)])
def test_hours_do_not_move_a_day(span: Span) -> None:
    with pytest.raises(ValueError, match="expected a span of whole days"):
        add_span(on("2026-11-24"), span)


@pytest.mark.parametrize("span", [Span(months=99999 * 12), Span(days=-99999999), Span(months=-99999)])
def test_the_calendar_ends_somewhere(span: Span) -> None:
    with pytest.raises(ValueError, match="leaves the calendar"):
        add_span(on("2026-11-24"), span)


def test_weekdays_that_are_no_holiday_are_working_days() -> None:
    christmas = on("2026-12-25")
    assert is_working_day(christmas)
    assert not is_working_day(christmas, frozenset({christmas}))
    assert not is_working_day(on("2026-12-26"))


@settings(deadline=None)
@given(DAYS, st.integers(-30, 30))
def test_working_days_land_on_working_days_and_lead_back(day: dt.date, count: int) -> None:
    there = add_span(day, Span(working_days=count))
    assert count == 0 or is_working_day(there)
    assert not is_working_day(day) or add_span(there, Span(working_days=-count)) == day


@pytest.mark.parametrize(
    ("month", "day", "year", "leap_day", "expected"),
    [
        (4, 12, 2027, 28, "2027-04-12"),
        (2, 29, 2028, 28, "2028-02-29"),
        (2, 29, 2027, 28, "2027-02-28"),
        (2, 29, 2028, 1, "2028-02-29"),
        (2, 29, 2027, 1, "2027-03-01"),
        (2, 29, 2100, 28, "2100-02-28"),
        (2, 28, 2027, 1, "2027-02-28"),
    ],
)
def test_the_29th_of_february_is_kept_on_the_day_wished(
    month: int, day: int, year: int, leap_day: int, expected: str
) -> None:
    assert yearly_on(month, day, year, leap_day) == on(expected)


@pytest.mark.parametrize(
    ("month", "day", "from_day", "leap_day", "expected"),
    [
        (4, 12, "2027-04-12", 28, "2027-04-12"),
        (4, 12, "2027-04-13", 28, "2028-04-12"),
        (2, 29, "2027-03-01", 28, "2028-02-29"),
        (2, 29, "2027-03-01", 1, "2027-03-01"),
        (2, 29, "2026-12-31", 28, "2027-02-28"),
        (12, 31, "2026-12-31", 28, "2026-12-31"),
    ],
)
def test_a_yearly_date_of_today_is_today(month: int, day: int, from_day: str, leap_day: int, expected: str) -> None:
    assert next_yearly(month, day, on(from_day), leap_day) == on(expected)


def test_a_day_that_no_year_has_is_refused() -> None:
    with pytest.raises(ValueError):
        yearly_on(2, 30, 2028)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("2026-01-31", "2026-02-28", 1),
        ("2026-01-31", "2026-02-27", 0),
        ("2026-01-15", "2027-01-14", 11),
        ("2026-01-15", "2027-01-15", 12),
        ("2026-11-24", "2026-11-24", 0),
        ("2027-01-15", "2026-01-15", -12),
        ("2026-02-28", "2026-01-31", -1),
    ],
)
def test_months_between_counts_whole_months(a: str, b: str, expected: int) -> None:
    assert months_between(on(a), on(b)) == expected


@settings(deadline=None)
@given(DAYS, DAYS)
def test_months_between_is_the_most_that_can_be_added(a: dt.date, b: dt.date) -> None:
    first, last = min(a, b), max(a, b)
    months = months_between(first, last)
    assert add_span(first, Span(months=months)) <= last < add_span(first, Span(months=months + 1))


def test_a_spread_is_even_and_always_the_same() -> None:
    assert [spread(f"reference:{n}", 7) for n in range(8)] == [spread(f"reference:{n}", 7) for n in range(8)]
    counts = [0] * 7
    for n in range(7000):
        counts[spread(f"reference:{n}", 7)] += 1
    assert min(counts) > 850
    assert spread("x", 1) == 0
    with pytest.raises(ValueError):
        spread("x", 0)


def test_a_spread_is_the_same_on_every_machine() -> None:
    assert [spread(seed, 30) for seed in ("", "1", "reference:17", "Müller")] == SPREAD_OF_30


SPREAD_OF_30 = [6, 20, 18, 21]


# ---- zones


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "Pacific/Kiritimati", "Asia/Kolkata", "Etc/GMT+12"])
def test_iana_zones_exist(name: str) -> None:
    assert zone_exists(name)


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/localtime", "a\0b", "localtime", "right/UTC", "x" * 300],
)
def test_what_is_no_zone_does_not_exist(name: str) -> None:
    assert not zone_exists(name)


MOMENTS_OF_WALL_TIMES = [
    (BERLIN, "2026-11-24", "09:00", "2026-11-24T08:00"),
    (BERLIN, "2026-07-01", "09:00", "2026-07-01T07:00"),
    (BERLIN, "2026-03-29", "02:30", "2026-03-29T01:30"),  # gap: 03:30
    (BERLIN, "2026-10-25", "02:30", "2026-10-25T00:30"),  # fold: the first
    (NEW_YORK, "2026-03-08", "02:30", "2026-03-08T07:30"),  # gap: 03:30
    (NEW_YORK, "2026-11-01", "01:30", "2026-11-01T05:30"),  # fold: the first
    (LORD_HOWE, "2026-10-04", "02:15", "2026-10-03T15:45"),  # a gap of half an hour: 02:45
    (LORD_HOWE, "2026-04-05", "01:45", "2026-04-04T14:45"),  # a fold of half an hour
    (ADELAIDE, "2026-07-01", "09:00", "2026-06-30T23:30"),
    (ADELAIDE, "2026-10-04", "02:30", "2026-10-03T17:00"),
    ("Asia/Kathmandu", "2026-07-01", "09:00", "2026-07-01T03:15"),
    (FARTHEST_EAST, "2026-11-24", "09:00", "2026-11-23T19:00"),  # +14
    (FAR_WEST, "2026-11-24", "20:00", "2026-11-25T07:00"),  # -11
    (SAO_PAULO, "2018-11-04", "00:00", "2018-11-04T03:00"),  # midnight is in a gap: 01:00
    (SAMOA, "2011-12-30", "09:00", "2011-12-30T19:00"),  # there was no such day: the 31st
]


@pytest.mark.parametrize(("zone", "day", "at", "expected"), MOMENTS_OF_WALL_TIMES)
def test_a_gap_moves_forward_and_a_fold_is_the_first(zone: str, day: str, at: str, expected: str) -> None:
    assert local_moment(on(day), clock(at), zone) == utc(expected)


@pytest.mark.parametrize(
    ("zone", "moment", "day", "at"),
    [
        (FARTHEST_EAST, "2026-11-24T10:00", "2026-11-25", "00:00"),
        (FAR_WEST, "2026-11-24T10:59", "2026-11-23", "23:59"),
        (SAMOA, "2011-12-30T09:59", "2011-12-29", "23:59"),
        (SAMOA, "2011-12-30T10:00", "2011-12-31", "00:00"),
        (BERLIN, "2026-10-25T01:30", "2026-10-25", "02:30"),
        (LORD_HOWE, "2026-10-03T15:30", "2026-10-04", "02:30"),
    ],
)
def test_a_moment_has_a_local_day_and_time(zone: str, moment: str, day: str, at: str) -> None:
    assert local_day(utc(moment), zone) == on(day)
    assert local_time(utc(moment), zone) == clock(at)


@pytest.mark.parametrize(
    ("zone", "day", "starts", "ends"),
    [
        (BERLIN, "2026-11-24", "2026-11-23T23:00", "2026-11-24T22:59:59"),
        (BERLIN, "2026-03-29", "2026-03-28T23:00", "2026-03-29T21:59:59"),  # 23 hours
        (BERLIN, "2026-10-25", "2026-10-24T22:00", "2026-10-25T22:59:59"),  # 25 hours
        (LORD_HOWE, "2026-10-04", "2026-10-03T13:30", "2026-10-04T12:59:59"),  # 23 and a half
        (SAO_PAULO, "2018-11-03", "2018-11-03T03:00", "2018-11-04T02:59:59"),
        (SAO_PAULO, "2018-11-04", "2018-11-04T03:00", "2018-11-05T01:59:59"),  # begins at 01:00
        (SAO_PAULO, "2018-02-17", "2018-02-17T02:00", "2018-02-18T02:59:59"),  # 23:59:59 twice: the last
        (ST_JOHNS, "2000-10-28", "2000-10-28T02:30", "2000-10-29T03:29:59"),  # 00:01 back to 23:01
        (SAMOA, "2011-12-29", "2011-12-29T10:00", "2011-12-30T09:59:59"),
        (SAMOA, "2011-12-30", "2011-12-30T10:00", "2011-12-30T09:59:59"),  # no such day
        (SAMOA, "2011-12-31", "2011-12-30T10:00", "2011-12-31T09:59:59"),
        (FARTHEST_EAST, "2026-11-24", "2026-11-23T10:00", "2026-11-24T09:59:59"),
        (FAR_WEST, "2026-11-24", "2026-11-24T11:00", "2026-11-25T10:59:59"),
    ],
)
def test_a_day_starts_and_ends_where_the_zone_says(zone: str, day: str, starts: str, ends: str) -> None:
    assert start_of_day(on(day), zone) == utc(starts)
    assert end_of_day(on(day), zone) == utc(ends)


@settings(deadline=None)
@given(ZONES, DAYS)
@example(SAMOA, on("2011-12-30"))
@example("Pacific/Kwajalein", on("1993-08-21"))
@example("America/Toronto", on("1976-04-25"))
def test_nothing_of_a_day_lies_outside_its_start_and_end(zone: str, day: dt.date) -> None:
    starts, ends = start_of_day(day, zone), end_of_day(day, zone)
    assert starts.tzinfo is ends.tzinfo is dt.UTC
    if starts <= ends:
        assert local_day(starts, zone) == day == local_day(ends, zone)
        assert local_day(starts - SECOND, zone) != day != local_day(ends + SECOND, zone)
    else:
        assert starts - ends == SECOND
        assert local_day(ends, zone) < day < local_day(starts, zone)


@settings(deadline=None)
@given(ZONES, DAYS, MINUTES)
@example(SAMOA, on("2011-12-30"), clock("12:00"))
def test_a_wall_time_reads_back_or_has_moved_forward(zone: str, day: dt.date, at: dt.time) -> None:
    moment = local_moment(day, at, zone)
    assert moment.tzinfo is dt.UTC
    wanted, got = dt.datetime.combine(day, at), dt.datetime.combine(local_day(moment, zone), local_time(moment, zone))
    assert wanted <= got <= wanted + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "moment", "span", "expected"),
    [
        (BERLIN, "2026-03-28T08:00", Span(days=1), "2026-03-29T07:00"),  # 09:00 stays 09:00
        (BERLIN, "2026-03-28T08:00", Span(hours=24), "2026-03-29T08:00"),  # 24 hours are 24 hours
        (BERLIN, "2026-10-24T07:00", Span(days=1), "2026-10-25T08:00"),
        (BERLIN, "2026-03-28T01:30", Span(days=1), "2026-03-29T01:30"),  # into the gap: 03:30
        (BERLIN, "2026-10-25T01:30", Span(minutes=30), "2026-10-25T02:00"),  # from the fold's second half
        (BERLIN, "2026-10-25T01:30", Span(), "2026-10-25T01:30"),
        (BERLIN, "2026-01-31T08:00", Span(months=1), "2026-02-28T08:00"),
        (BERLIN, "2026-11-27T08:00", Span(working_days=1, hours=2), "2026-11-30T10:00"),
        (NEW_YORK, "2026-11-01T03:30", Span(days=1), "2026-11-02T04:30"),  # 23:30 the day before, in local days
        (SAMOA, "2011-12-29T19:00", Span(days=1), "2011-12-30T19:00"),  # the 30th at 09:00 was the 31st
        (FARTHEST_EAST, "2026-01-31T11:00", Span(months=1), "2026-02-28T11:00"),
        (FAR_WEST, "2026-03-01T10:00", Span(months=-1), "2026-01-29T10:00"),
    ],
)
def test_days_keep_the_wall_time_and_hours_are_exact(zone: str, moment: str, span: Span, expected: str) -> None:
    assert shift(utc(moment), span, zone) == utc(expected)


@settings(deadline=None)
@given(ZONES, MOMENTS, st.integers(-400, 400))
def test_a_shift_by_days_lands_on_the_local_day(zone: str, moment: dt.datetime, days: int) -> None:
    wanted = local_day(moment, zone) + dt.timedelta(days=days)
    got = shift(moment, Span(days=days), zone)
    assert local_day(got, zone) == wanted or start_of_day(wanted, zone) > end_of_day(wanted, zone)


@settings(deadline=None)
@given(ZONES, MOMENTS, st.integers(-9999, 9999))
def test_a_shift_by_minutes_is_exact(zone: str, moment: dt.datetime, minutes: int) -> None:
    assert shift(moment, Span(minutes=minutes), zone) - moment == dt.timedelta(minutes=minutes)


NAIVE = dt.datetime.fromisoformat("2026-11-24T09:00")


def test_a_naive_moment_is_refused_everywhere() -> None:
    for call in (
        lambda: local_day(NAIVE, BERLIN),
        lambda: local_time(NAIVE, BERLIN),
        lambda: shift(NAIVE, Span(), BERLIN),
        lambda: is_quiet(NAIVE, NIGHT, BERLIN),
        lambda: leave_quiet(NAIVE, None, BERLIN),
        lambda: next_digest(NAIVE, "daily", 0, clock("09:00"), BERLIN, None),
        lambda: next_morning(NAIVE, clock("09:00"), BERLIN),
    ):
        with pytest.raises(ValueError, match="expected an aware datetime"):
            call()


def test_an_unknown_zone_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        local_day(utc("2026-11-24T09:00"), "Mars/Olympus")


# ---- quiet hours


@pytest.mark.parametrize(
    ("moment", "hours", "expected"),
    [
        ("2026-11-24T19:59:59", "21:00-08:00", False),  # Berlin is at +1
        ("2026-11-24T20:00", "21:00-08:00", True),
        ("2026-11-24T23:30", "21:00-08:00", True),
        ("2026-11-25T06:59:59", "21:00-08:00", True),
        ("2026-11-25T07:00", "21:00-08:00", False),
        ("2026-11-24T11:30", "12:00-13:00", True),
        ("2026-11-24T12:00", "12:00-13:00", False),
        ("2026-11-24T23:30", "12:00-13:00", False),
        ("2026-11-24T08:00", "09:00-09:00", False),
    ],
)
def test_the_quiet_hours_may_cross_midnight(moment: str, hours: str, expected: bool) -> None:
    assert is_quiet(utc(moment), quiet(hours), BERLIN) is expected


def test_nobody_without_quiet_hours_is_ever_in_them() -> None:
    moment = utc("2026-11-24T23:30")
    assert not is_quiet(moment, None, BERLIN)
    assert leave_quiet(moment, None, BERLIN) == moment


@pytest.mark.parametrize(
    ("zone", "moment", "hours", "deadline", "expected"),
    [
        # outside: unchanged, whatever the deadline
        (BERLIN, "2026-11-24T12:00", "21:00-08:00", None, "2026-11-24T12:00"),
        (BERLIN, "2026-11-24T12:00", "21:00-08:00", "2026-11-24T12:01", "2026-11-24T12:00"),
        # inside: the end
        (BERLIN, "2026-11-24T22:00", "21:00-08:00", None, "2026-11-25T07:00"),
        (BERLIN, "2026-11-25T02:00", "21:00-08:00", None, "2026-11-25T07:00"),
        (BERLIN, "2026-11-24T22:00", "21:00-08:00", "2026-11-25T07:00", "2026-11-25T07:00"),
        # the deadline comes first: an hour before they begin
        (BERLIN, "2026-11-24T22:00", "21:00-08:00", "2026-11-25T06:59", "2026-11-24T19:00"),
        (BERLIN, "2026-11-25T02:00", "21:00-08:00", "2026-11-25T03:00", "2026-11-24T19:00"),
        (BERLIN, "2026-11-24T11:30", "12:00-13:00", "2026-11-24T11:45", "2026-11-24T10:00"),
        # less than an hour open each day: as soon as it opens
        (BERLIN, "2026-11-24T22:00", "08:00-07:30", "2026-11-25T01:00", "2026-11-24T06:30"),
        # across the changes of clock
        (BERLIN, "2026-03-28T22:00", "21:00-08:00", None, "2026-03-29T06:00"),
        (BERLIN, "2026-10-24T22:00", "21:00-08:00", None, "2026-10-25T07:00"),
        (BERLIN, "2026-03-29T00:30", "21:00-02:30", None, "2026-03-29T01:00"),  # the gap ends them
        (BERLIN, "2026-10-25T00:10", "21:00-02:30", None, "2026-10-25T00:30"),
        (BERLIN, "2026-10-25T01:10", "21:00-02:30", None, "2026-10-25T01:30"),  # quiet once more in the fold
        (BERLIN, "2026-03-29T01:15", "02:30-03:30", "2026-03-29T01:20", "2026-03-29T00:00"),  # the gap begins them
        (LORD_HOWE, "2026-10-03T15:20", "21:00-02:10", None, "2026-10-03T15:30"),  # 02:30 by then
        (LORD_HOWE, "2026-10-03T15:30", "21:00-02:10", None, "2026-10-03T15:30"),
        (SAMOA, "2011-12-30T08:00", "21:00-08:00", None, "2011-12-30T18:00"),
        (SAMOA, "2011-12-30T12:00", "21:00-08:00", "2011-12-30T13:00", "2011-12-30T06:00"),
        (FARTHEST_EAST, "2026-11-24T09:00", "21:00-08:00", None, "2026-11-24T18:00"),
        (FAR_WEST, "2026-11-24T09:00", "21:00-08:00", None, "2026-11-24T19:00"),
    ],
)
def test_quiet_hours_move_a_moment_to_their_end_or_before_they_begin(
    zone: str, moment: str, hours: str, deadline: str | None, expected: str
) -> None:
    until = utc(deadline) if deadline else None
    assert leave_quiet(utc(moment), quiet(hours), zone, until) == utc(expected)


@settings(deadline=None)
@given(ZONES, MOMENTS, QUIETS, st.none() | st.timedeltas(dt.timedelta(), dt.timedelta(days=2)))
@example(BERLIN, utc("2026-10-25T01:10"), quiet("21:00-02:30"), dt.timedelta(minutes=5))
@example(BERLIN, utc("2026-03-29T01:10"), quiet("03:15-02:30"), None)
@example(SAMOA, utc("2011-12-30T11:00"), quiet("21:00-20:59"), dt.timedelta(hours=1))
def test_nothing_leaves_in_quiet_hours(
    zone: str, moment: dt.datetime, hours: QuietHours, wait: dt.timedelta | None
) -> None:
    moved = leave_quiet(moment, hours, zone, None if wait is None else moment + wait)
    assert not is_quiet(moved, hours, zone)
    if not is_quiet(moment, hours, zone):
        assert moved == moment
    elif moved > moment:
        assert is_quiet(moved - INSTANT, hours, zone)
        assert wait is None or moved <= moment + wait
    else:
        assert wait is not None


# ---- slots


@pytest.mark.parametrize(
    ("zone", "after", "cadence", "weekday", "hour", "hours", "expected"),
    [
        (BERLIN, "2026-11-24T07:59", "daily", 0, "09:00", None, "2026-11-24T08:00"),
        (BERLIN, "2026-11-24T08:00", "daily", 0, "09:00", None, "2026-11-25T08:00"),  # strictly later
        (BERLIN, "2026-11-24T08:00", "weekly", 0, "09:00", None, "2026-11-30T08:00"),
        (BERLIN, "2026-11-24T08:00", "weekly", 1, "09:00", None, "2026-12-01T08:00"),
        (BERLIN, "2026-11-24T07:59", "weekly", 1, "09:00", None, "2026-11-24T08:00"),
        (BERLIN, "2026-11-24T08:00", "daily", 0, "07:00", "21:00-08:00", "2026-11-25T07:00"),  # 07:00 is quiet: 08:00
        (BERLIN, "2026-11-24T06:30", "daily", 0, "07:00", "21:00-08:00", "2026-11-24T07:00"),  # not yet over
        (BERLIN, "2026-11-24T00:30", "daily", 0, "22:00", "21:00-08:00", "2026-11-24T07:00"),  # yesterday's, moved
        (BERLIN, "2026-11-24T00:30", "weekly", 0, "22:00", "21:00-08:00", "2026-11-24T07:00"),
        (BERLIN, "2026-03-28T12:00", "daily", 0, "02:30", None, "2026-03-29T01:30"),
        (BERLIN, "2026-10-25T00:45", "daily", 0, "02:30", None, "2026-10-26T01:30"),  # not again in the fold
        (SAMOA, "2011-12-29T20:00", "daily", 0, "09:00", None, "2011-12-30T19:00"),
        (SAMOA, "2011-12-29T20:00", "weekly", 4, "09:00", None, "2011-12-30T19:00"),  # the Friday there was not
        (FARTHEST_EAST, "2026-11-24T00:00", "daily", 0, "09:00", None, "2026-11-24T19:00"),
        (FAR_WEST, "2026-11-24T00:00", "weekly", 0, "20:00", None, "2026-11-24T07:00"),  # still Monday there
    ],
)
def test_the_next_digest_is_the_first_slot_strictly_later(
    zone: str, after: str, cadence: str, weekday: int, hour: str, hours: str | None, expected: str
) -> None:
    nights = quiet(hours) if hours else None
    assert next_digest(utc(after), cadence, weekday, clock(hour), zone, nights) == utc(expected)


def test_a_digest_has_one_of_two_cadences() -> None:
    with pytest.raises(ValueError, match="expected daily or weekly, not 'off'"):
        next_digest(utc("2026-11-24T08:00"), "off", 0, clock("09:00"), BERLIN, None)


@settings(deadline=None)
@given(ZONES, MOMENTS, st.sampled_from(["daily", "weekly"]), st.integers(0, 6), MINUTES, st.none() | QUIETS)
def test_digests_follow_each_other_outside_quiet_hours(
    zone: str, after: dt.datetime, cadence: str, weekday: int, hour: dt.time, hours: QuietHours | None
) -> None:
    first = next_digest(after, cadence, weekday, hour, zone, hours)
    second = next_digest(first, cadence, weekday, hour, zone, hours)
    longest = dt.timedelta(days=3 if cadence == "daily" else 9)
    assert after < first < second
    assert max(first - after, second - first) <= longest
    assert not is_quiet(first, hours, zone)


@pytest.mark.parametrize(
    ("zone", "after", "hour", "expected"),
    [
        (BERLIN, "2026-11-24T09:00", "08:00", "2026-11-25T07:00"),
        (BERLIN, "2026-11-24T21:00", "08:00", "2026-11-25T07:00"),  # exactly ten hours
        (BERLIN, "2026-11-24T21:01", "08:00", "2026-11-26T07:00"),
        (BERLIN, "2026-11-24T01:00", "14:00", "2026-11-25T13:00"),  # never the same day
        (BERLIN, "2026-03-28T21:00", "08:00", "2026-03-30T06:00"),  # the night was an hour short
        (BERLIN, "2026-10-24T21:00", "08:00", "2026-10-25T07:00"),  # and here an hour long
        (SAMOA, "2011-12-29T20:00", "09:00", "2011-12-30T19:00"),
        (FARTHEST_EAST, "2026-11-24T09:00", "09:00", "2026-11-24T19:00"),
        (FARTHEST_EAST, "2026-11-24T09:01", "09:00", "2026-11-25T19:00"),
    ],
)
def test_the_next_morning_is_on_a_later_day_and_ten_hours_away(zone: str, after: str, hour: str, expected: str) -> None:
    assert next_morning(utc(after), clock(hour), zone) == utc(expected)


@settings(deadline=None)
@given(ZONES, MOMENTS, MINUTES)
def test_the_next_morning_comes_within_two_days_or_so(zone: str, after: dt.datetime, hour: dt.time) -> None:
    morning = next_morning(after, hour, zone)
    assert dt.timedelta(hours=10) <= morning - after <= dt.timedelta(hours=24 + 24 + 10 + 2)
    assert local_day(morning, zone) > local_day(after, zone)
