"""The quiet years: check-ins, birthdays, promotions, New Year; and one voice for all of them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.rules.calendar import parse_span
from reminderd.rules.states import Digest, Status, Tier
from tests.rules.world import World, day


def quiet(text: str = "") -> World:
    """Without the New Year round, which would take check-ins in."""
    return World().with_rules(f"[rules.new-year]\nenabled = false\n{text}")


def test_the_inner_circle_is_due_three_months_after_the_newest_touch() -> None:
    world = quiet().on("2026-03-10", "met").on("2026-02-01", "wrote")
    assert world.due("2026-03-11T12:00") == {"check-in": "2026-06-10"}


def test_a_touch_counts_from_when_it_happened_not_from_when_it_was_recorded() -> None:
    world = quiet().on("2026-03-10", "met", recorded="2026-04-01T12:00")
    assert world.due("2026-04-01T12:00") == {"check-in": "2026-06-10"}


def test_a_back_dated_touch_never_moves_a_date_past_the_newest_one() -> None:
    world = quiet().on("2026-03-10", "met").on("2026-01-05", "wrote", recorded="2026-04-01T12:00")
    assert world.due("2026-04-01T12:00") == {"check-in": "2026-06-10"}


def test_one_mention_in_the_digest_before_it_is_due_and_one_after() -> None:
    world = quiet().on("2026-03-10", "met")  # due on Wednesday 10 June
    assert world.steps("2026-03-11T12:00", "check-in") == [
        ("2026-06-08 09:00", "email", "digest"),
        ("2026-06-15 09:00", "email", "digest"),
    ]


def test_without_a_digest_the_second_reminder_keeps_its_hour_over_a_clock_change() -> None:
    world = quiet().me(digest=Digest.OFF).on("2026-12-25", "met")  # the clocks go forward on 28 March
    assert world.steps("2026-12-26T12:00", "check-in") == [
        ("2027-03-24 09:00", "email", "now"),
        ("2027-03-31 09:00", "email", "now"),
    ]


def test_left_alone_it_rests_until_the_next_occasion() -> None:
    world = quiet().on("2026-03-10", "met")
    first, second = world.open("2026-06-20T12:00")["check-in"], world.open("2026-09-04T12:00")["check-in"]
    assert (first.occasion, second.occasion) == ("since:1#1", "since:1#2")
    assert world.steps("2026-09-04T12:00", "check-in")[0] == ("2026-09-07 09:00", "email", "digest")


def test_skipped_it_opens_the_next() -> None:
    world = quiet().on("2026-03-10", "met").skipped("check-in", "since:1#1")
    assert world.due("2026-06-12T12:00") == {"check-in": "2026-09-10"}


def test_an_interval_of_ones_own_is_kept_cycle_after_cycle() -> None:
    world = quiet().her(every=parse_span("2 months")).on("2026-01-31", "met")
    assert world.due("2026-02-01T12:00") == {"check-in": "2026-03-31"}
    assert world.due("2026-04-01T12:00") == {"check-in": "2026-03-31"}
    assert world.due("2026-05-25T12:00") == {"check-in": "2026-05-31"}


def test_a_month_after_the_31st_clips_and_does_not_stick() -> None:
    world = quiet().her(every=parse_span("1 month")).on("2026-01-31", "met")
    dues = [world.due(f"{now}T12:00")["check-in"] for now in ("2026-02-01", "2026-03-29", "2026-04-29")]
    assert dues == ["2026-02-28", "2026-03-31", "2026-04-30"]


def test_after_a_year_of_silence_reconnecting_takes_the_place_of_checking_in() -> None:
    world = quiet().on("2026-03-10", "met")
    assert world.due("2027-03-01T12:00") == {"check-in": "2026-12-10"}
    assert world.due("2027-03-04T12:00") == {"reconnect": "2027-03-10"}


def test_the_limit_escalates_and_the_target_does_not() -> None:
    world = quiet().her(at_most=parse_span("6 months")).on("2026-03-10", "met")
    steps = world.steps("2026-06-11T12:00", "check-in-limit")
    assert steps == [("2026-09-10 09:00", "email", "now")]


def test_the_network_is_due_after_a_year_and_the_dormant_never() -> None:
    world = quiet().her(tier=Tier.NETWORK).on("2026-03-10", "met")
    assert world.due("2026-03-11T12:00") == {"reconnect": "2027-03-10"}
    assert quiet().her(tier=Tier.DORMANT).on("2026-03-10", "met").open("2026-03-11T12:00") == {}


def test_someone_never_contacted_counts_from_the_contact_given_else_the_end_of_the_time_together() -> None:
    assert quiet().her(last_contact_on=day("2026-01-10")).due("2026-01-11T12:00") == {"check-in": "2026-04-10"}
    assert quiet().her(worked_until=day("2025-12-20")).due("2026-01-11T12:00") == {"check-in": "2026-03-20"}


def test_with_nothing_known_the_program_asks_once_and_guesses_nothing() -> None:
    assert set(quiet().open("2026-01-02T12:00")) == {"last-contact"}
    assert quiet().open("2026-06-02T12:00") == {}


def test_old_contacts_added_on_one_day_do_not_fall_due_on_one_day() -> None:
    days = set()
    for number in range(30):
        world = quiet().her(name=f"Person {number}", tier=Tier.NETWORK, created_on=day("2026-05-04"))
        days |= set(world.her(last_contact_on=day("2020-01-01")).due("2026-05-04T12:00").values())
    assert len(days) >= 15
    assert min(days) > "2026-05-04"


def test_four_left_alone_ask_one_question_and_then_come_at_half_the_pace() -> None:
    world = quiet().her(every=parse_span("1 month")).on("2026-01-10", "met")
    fifth = world.open("2026-06-11T12:00")
    assert "four-ignored" in fifth
    gaps = [world.due(f"{now}T12:00")["check-in"] for now in ("2026-06-12", "2026-08-12", "2026-10-12")]
    months = [dt.date.fromisoformat(text).month for text in gaps]
    assert [months[1] - months[0], months[2] - months[1]] == [2, 2]


# ---- birthdays


def test_a_birthday_comes_on_its_day_at_the_hour_and_is_let_go_after_three() -> None:
    world = quiet().her(birthday=(None, 5, 20), last_contact_on=day("2026-05-01"))
    assert world.steps("2026-05-01T12:00", "birthday") == [("2026-05-20 09:00", "email", "now")]
    assert "birthday" in world.open("2026-05-23T12:00")
    assert world.open("2026-05-24T00:01")["birthday"].occasion == "year:2027"


def test_a_birthday_today_with_the_hour_past_is_due_now_and_not_a_year_on() -> None:
    world = quiet().her(birthday=(None, 5, 20), created_on=day("2026-05-20"))
    assert world.open("2026-05-20T22:00")["birthday"].occasion == "year:2026"


@pytest.mark.parametrize(("leap_day", "expected"), [(28, "2027-02-28"), (1, "2027-03-01")])
def test_a_leap_day_is_kept_in_common_years(leap_day: int, expected: str) -> None:
    world = quiet().her(birthday=(2000, 2, 29), leap_day=leap_day)
    assert world.due("2026-12-01T12:00")["birthday"] == expected
    assert world.due("2028-01-15T12:00")["birthday"] == "2028-02-29"


def test_wishing_a_happy_birthday_ends_it_and_opens_the_next_years() -> None:
    world = quiet().her(birthday=(None, 5, 20)).on("2026-05-20", "congratulated")
    assert world.open("2026-05-20T13:00")["birthday"].occasion == "year:2027"


@pytest.mark.parametrize("status", [Status.PAUSED, Status.RETIRED])
def test_paused_and_retired_references_are_left_in_peace(status: Status) -> None:
    world = quiet().her(birthday=(None, 5, 20), status=status).on("2026-01-10", "met")
    assert world.open("2026-05-20T12:00") == {}


def test_nobody_is_wished_a_happy_birthday_after_their_death() -> None:
    world = quiet().her(birthday=(None, 5, 20)).on("2026-05-01", "deceased")
    assert world.open("2026-05-20T12:00") == {}


def test_a_pause_ends_on_its_day() -> None:
    world = quiet().her(status=Status.PAUSED, paused_until=day("2026-05-01")).on("2026-03-10", "met")
    plan = world.plan("2026-04-10T12:00")
    assert plan.nudges == ()
    assert plan.again_at == dt.datetime(2026, 4, 30, 22, tzinfo=dt.UTC)
    assert set(world.open("2026-05-01T00:01")) == {"check-in"}


def test_the_users_rest_keeps_outcome_and_thanks_unless_all() -> None:
    world = World().me(paused=True).on("2026-03-01", "asked").on("2026-03-10", "accepted")
    assert set(world.open("2026-03-10T12:00")) == {"accepted"}
    assert world.me(pause_all=True).open("2026-03-10T12:00") == {}


# ---- one voice


def test_a_check_in_near_a_birthday_becomes_a_sentence_of_it() -> None:
    world = quiet().her(birthday=(None, 6, 25)).on("2026-03-10", "met")  # check-in on 10 June
    nudges = world.open("2026-06-01T12:00")
    assert "check-in" not in nudges
    assert [reason.draft for reason in nudges["birthday"].reasons] == ["check_in"]


def test_a_promotion_near_an_outcome_becomes_a_sentence_of_it() -> None:
    world = quiet().on("2026-03-01", "asked").on("2026-03-08", "promoted").on("2026-03-10", "accepted")
    nudges = world.open("2026-03-10T12:00")
    assert "promoted" not in nudges
    assert [reason.rule for reason in nudges["accepted"].reasons] == ["promoted"]


def test_a_birthday_is_never_taken_in() -> None:
    world = quiet().her(birthday=(None, 3, 15)).on("2026-03-01", "asked").on("2026-03-10", "accepted")
    assert {"accepted", "birthday"} <= set(world.open("2026-03-10T12:00"))


def test_two_planned_contacts_are_never_nearer_than_a_fortnight() -> None:
    world = quiet().on("2026-03-01", "promoted").on("2026-03-05", "changed_job")
    assert len([rule for rule in world.plan("2026-03-05T12:00").nudges if rule.rule == "promoted"]) == 1


def test_a_touch_settles_what_it_took_in() -> None:
    world = quiet().on("2026-03-01", "asked").on("2026-03-08", "promoted").on("2026-03-10", "accepted")
    world.on("2026-03-11", "told", rule="accepted", occasion="event:3", subject="reference:1")
    assert not {"promoted", "accepted"} & set(world.open("2026-03-11T13:00"))


def test_doing_one_does_what_it_took_in() -> None:
    world = quiet().her(birthday=(None, 4, 29)).on("2026-04-01", "asked").on("2026-04-23", "called")
    assert [reason.rule for reason in world.open("2026-04-23T13:00")["birthday"].reasons] == ["called"]
    world.on("2026-04-29", "congratulated", took_in=[["called", "event:2"]])
    assert "called" not in world.open("2026-04-29T13:00")


def test_a_planned_contact_keeps_its_distance_from_the_one_before() -> None:
    world = (
        quiet()
        .on("2026-03-01", "met")
        .on("2026-06-08", "wrote", rule="check-in", role="keep")
        .on("2026-06-12", "promoted")
    )
    assert world.open("2026-06-12T12:00")["promoted"].starts_at.date() == day("2026-06-22")


@pytest.mark.parametrize("news", ["promoted", "changed_job"])
@pytest.mark.parametrize(
    ("date", "what", "still"),
    [
        ("2026-03-09", "met", True),
        ("2026-03-10", "met", True),
        ("2026-03-10", "thanked", True),
        ("2026-03-10", "helped", True),
        ("2026-03-10", "congratulated", False),
        ("2026-03-11", "met", False),
        ("2026-03-11", "congratulated", False),
    ],
)
def test_news_is_answered_by_a_contact_of_a_later_day_or_by_a_congratulation(
    news: str, date: str, what: str, still: bool
) -> None:
    """What was said on the day itself may have come before the news, in whatever order the two are recorded."""
    first = quiet().on("2026-03-10", news).on(date, what)
    second = quiet().on(date, what).on("2026-03-10", news)
    assert [("promoted" in world.open("2026-03-11T12:00")) for world in (first, second)] == [still, still]


def test_news_is_answered_on_its_day_by_doing_its_nudge_whatever_that_records() -> None:
    world = quiet("[rules.promoted]\nrecords = 'wrote'\n").on("2026-03-10", "promoted")
    assert "promoted" in world.open("2026-03-10T13:00")
    world.on("2026-03-10", "wrote", rule="promoted", occasion="event:1", subject="reference:1")
    assert "promoted" not in world.open("2026-03-10T13:00")


# ---- time zones


@given(zone=st.sampled_from(sorted(available_timezones())), hour=st.integers(0, 23), offset=st.integers(0, 730))
def test_a_birthday_is_due_on_its_local_date_in_every_zone(zone: str, hour: int, offset: int) -> None:
    if zone in ("Factory", "localtime"):
        return
    born = day("2026-01-01") + dt.timedelta(days=offset)
    world = World(zone).her(birthday=(None, born.month, born.day)).me(hour=dt.time(hour), digest=Digest.DAILY)
    due = dt.date.fromisoformat(world.due("2025-12-30T12:00")["birthday"])
    assert (due.month, due.day) == (born.month, born.day) or (born.month, born.day) == (2, 29)
    assert world.steps("2025-12-30T12:00", "birthday")[0][0].startswith(due.isoformat())


def test_what_was_skipped_swallows_no_check_in() -> None:
    world = World().on("2026-08-24", "wrote").on("2026-11-10", "promoted")
    assert "check-in" not in world.open("2026-11-20T12:00")
    world.skipped("promoted", "event:2")
    assert world.due("2026-11-20T12:00")["check-in"] == "2026-11-24"


@pytest.mark.parametrize(
    ("last", "year"), [("2026-11-20", "2028"), ("2026-10-27", "2028"), ("2026-10-26", "2027"), (None, "2027")]
)
def test_a_last_contact_that_was_only_said_counts_for_the_new_year_as_a_recorded_one_does(
    last: str | None, year: str
) -> None:
    said, recorded = World(), World()
    if last:
        said.her(last_contact_on=day(last))
        recorded.on(last, "met")
    for world in (said, recorded):
        assert world.open("2026-12-28T12:00")["new-year"].occasion == f"year:{year}"


@pytest.mark.parametrize(("last", "open_"), [("2026-03-12", False), ("2026-03-10", True), ("2026-02-01", True)])
def test_a_later_contact_that_was_only_said_leaves_nothing_to_congratulate_on(last: str, open_: bool) -> None:
    world = quiet().her(last_contact_on=day(last)).on("2026-03-10", "promoted")
    assert ("promoted" in world.open("2026-03-16T12:00")) is open_


@pytest.mark.parametrize(("last", "due"), [("2026-04-10", "2026-07-10"), ("2026-02-01", "2026-06-10")])
def test_the_later_of_what_was_said_and_what_was_recorded_is_the_last_contact(last: str, due: str) -> None:
    world = quiet().on("2026-03-10", "met").her(last_contact_on=day(last))
    assert world.due("2026-04-12T12:00") == {"check-in": due}


def test_a_check_in_that_comes_back_when_what_took_it_in_is_let_go_keeps_its_distance_from_the_new_year() -> None:
    world = World().on("2026-09-01", "met").on("2026-11-26", "promoted")
    before = world.open("2027-01-02T12:00")
    assert [reason.rule for reason in before["promoted"].reasons] == ["check-in"]
    after = world.open("2027-01-03T09:00")
    assert "promoted" not in after
    assert "check-in" not in after
    assert [reason.rule for reason in after["new-year"].reasons] == ["check-in"]


def test_a_check_in_that_comes_back_where_nothing_else_is_near_comes_by_itself() -> None:
    world = quiet().on("2026-09-01", "met").on("2026-11-26", "promoted")
    assert set(world.open("2027-01-03T09:00")) == {"check-in"}
