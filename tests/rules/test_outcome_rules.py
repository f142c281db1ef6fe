"""What an offer, a no and everything between them start."""

from __future__ import annotations

import datetime as dt

import pytest

from reminderd.rules.calendar import QuietHours, add_span, parse_span
from tests.rules.world import World, day


def asked() -> World:
    return World().on("2026-11-20", "asked")


def test_an_accepted_offer_is_told_at_once_next_morning_and_by_text_on_the_last_day() -> None:
    world = asked().on("2026-11-24", "accepted")
    assert world.due("2026-11-24T12:00")["accepted"] == "2026-11-26"
    assert world.steps("2026-11-24T12:00", "accepted") == [
        ("2026-11-24 12:00", "email", "now"),
        ("2026-11-25 09:00", "email", "now"),
        ("2026-11-26 09:00", "sms", "now"),
    ]


def test_an_offer_alone_thanks_no_one() -> None:
    world = asked().on("2026-11-24", "offer")
    assert "accepted" not in world.open("2026-11-24T12:00")
    assert "gift" not in world.open("2026-11-24T12:00", whole=True)


def test_who_was_never_asked_hears_nothing_of_the_outcome() -> None:
    world = World().on("2026-11-24", "accepted")
    assert "accepted" not in world.open("2026-11-24T12:00")


@pytest.mark.parametrize("answer", ["declined", "no_answer"])
def test_who_declined_or_never_answered_hears_nothing_of_the_outcome(answer: str) -> None:
    world = asked().on("2026-11-21", answer, acme=1).on("2026-11-24", "accepted")
    assert "accepted" not in world.open("2026-11-24T12:00")


@pytest.mark.parametrize(
    ("recorded", "steps"),
    [
        # Next morning is at least ten hours after the first step.
        ("2026-11-24T21:00", ["2026-11-24 21:00", "2026-11-25 09:00", "2026-11-26 09:00"]),
        ("2026-11-24T23:30", ["2026-11-24 23:30", "2026-11-26 09:00"]),
        # Recorded a day late: next morning and the last day fall together; the text stands.
        ("2026-11-25T12:00", ["2026-11-25 12:00", "2026-11-26 09:00"]),
        # Recorded after the deadline: still open, at once and once more.
        ("2026-11-29T12:00", ["2026-11-29 12:00", "2026-11-30 09:00"]),
    ],
)
def test_steps_follow_the_moment_of_recording(recorded: str, steps: list[str]) -> None:
    world = asked().on("2026-11-24", "accepted", recorded=recorded)
    assert [step[0] for step in world.steps(recorded, "accepted")] == steps


def test_the_last_day_escalates_to_a_text() -> None:
    world = asked().on("2026-11-24", "accepted", recorded="2026-11-25T12:00")
    assert world.steps("2026-11-25T12:00", "accepted")[-1][1] == "sms"


def test_a_step_whose_channel_is_missing_goes_by_the_one_there_is() -> None:
    world = asked().me(channels=("email",)).on("2026-11-24", "accepted")
    assert [step[1] for step in world.steps("2026-11-24T12:00", "accepted")] == ["email"] * 3
    world = asked().me(channels=("sms",)).on("2026-11-24", "accepted")
    assert [step[1] for step in world.steps("2026-11-24T12:00", "accepted")] == ["sms"] * 3


def test_in_quiet_hours_only_the_mail_of_what_was_just_recorded_goes_out() -> None:
    quiet = QuietHours(dt.time(20), dt.time(10))
    world = asked().me(quiet=quiet).on("2026-11-24", "accepted", recorded="2026-11-24T22:00")
    assert world.steps("2026-11-24T22:00", "accepted") == [
        ("2026-11-24 22:00", "email", "now"),
        ("2026-11-25 10:00", "email", "now"),
        ("2026-11-26 10:00", "sms", "now"),
    ]


def test_an_outcome_recorded_too_late_starts_nothing() -> None:
    world = asked().on("2026-11-24", "accepted", recorded="2027-01-10T12:00")
    assert "accepted" not in world.open("2027-01-10T12:00")


def test_thanks_expire_thirty_days_after_they_were_due() -> None:
    world = asked().on("2026-11-24", "accepted")
    assert "accepted" in world.open("2026-12-26T23:00")
    assert "accepted" not in world.open("2026-12-27T00:01")


@pytest.mark.parametrize("kind", ["told", "thanked"])
def test_told_and_thanked_fulfil_alike(kind: str) -> None:
    world = asked().on("2026-11-24", "accepted").on("2026-11-25", kind)
    assert "accepted" not in world.open("2026-11-25T12:00")


def test_a_word_of_thanks_for_another_job_fulfils_nothing() -> None:
    world = asked().on("2026-11-24", "accepted").on("2026-11-25", "told", acme=2)
    assert "accepted" in world.open("2026-11-25T12:00")


def test_a_future_touch_fulfils_only_when_its_day_has_come() -> None:
    world = asked().on("2026-11-24", "accepted").on("2026-11-25", "told", recorded="2026-11-24T13:00")
    assert "accepted" in world.open("2026-11-24T14:00")
    assert "accepted" not in world.open("2026-11-25T08:00")


@pytest.mark.parametrize("outcome", ["turned_down", "rejected", "withdrawn"])
def test_every_other_outcome_is_told_within_two_days(outcome: str) -> None:
    world = asked().on("2026-11-24", outcome)
    rule = outcome.replace("_", "-")
    assert world.due("2026-11-24T12:00")[rule] == "2026-11-26"
    assert [step[1] for step in world.steps("2026-11-24T12:00", rule)] == ["email", "email"]


def test_accepted_then_turned_down_withdraws_the_good_news() -> None:
    world = asked().on("2026-11-24", "accepted").on("2026-11-24", "turned_down")
    assert "accepted" not in world.open("2026-11-24T13:00")
    assert "turned-down" in world.open("2026-11-24T13:00")
    assert "gift" not in world.open("2026-11-24T13:00", whole=True)


def test_good_news_told_on_the_same_day_does_not_fulfil_what_followed_it() -> None:
    world = asked().on("2026-11-24", "accepted")
    world.on("2026-11-24", "told", rule="accepted", occasion="event:2", subject="reference:1")
    world.on("2026-11-24", "turned_down")
    assert "turned-down" in world.open("2026-11-24T13:00")


def test_the_gift_is_one_item_for_everyone_in_the_next_digest() -> None:
    world = asked().on("2026-11-24", "accepted")
    assert world.due("2026-11-24T12:00", whole=True)["gift"] == "2026-12-01"
    assert world.steps("2026-11-24T12:00", "gift", whole=True) == [("2026-11-30 09:00", "email", "digest")]


def test_the_gift_is_done_once_everyone_involved_has_one() -> None:
    world = asked().on("2026-11-20", "asked", person=2).on("2026-11-24", "accepted")
    world.on("2026-11-26", "gift_sent", acme=1)
    assert "gift" in world.open("2026-11-26T13:00", whole=True)
    world.on("2026-11-26", "gift_sent", acme=1, person=2)
    assert "gift" not in world.open("2026-11-26T13:00", whole=True)


@pytest.mark.parametrize("apart", ["gone", "inside", "kept_out"])
def test_the_gift_waits_for_nobody_whom_it_is_not_for(apart: str) -> None:
    world = asked().on("2026-11-20", "asked", person=2).on("2026-11-24", "accepted").but(**{apart: frozenset({2})})
    assert "gift" in world.open("2026-11-25T13:00", whole=True)
    world.on("2026-11-26", "gift_sent", acme=1)
    assert "gift" not in world.open("2026-11-26T13:00", whole=True)


@pytest.mark.parametrize(("apart", "post"), [("gone", False), ("inside", False), ("kept_out", True)])
def test_where_nobody_is_left_to_hear_there_is_no_gift_no_warm_up_and_no_look_at_who_knows(
    apart: str, post: bool
) -> None:
    world = asked().on("2026-11-24", "accepted").on("2026-11-30", "announcement", recorded="2026-11-24T12:00")
    assert {"gift", "before-you-post"} <= set(world.open("2026-11-25T13:00", whole=True))
    nudges = world.but(**{apart: frozenset({1})}).open("2026-11-25T13:00", whole=True)
    assert "gift" not in nudges
    assert ("before-you-post" in nudges) is post


@pytest.mark.parametrize("outcome", ["turned_down", "rejected", "withdrawn"])
def test_who_knows_is_not_asked_before_a_post_about_what_came_to_nothing(outcome: str) -> None:
    world = asked().on("2026-11-24", "accepted").on("2026-12-04", "announcement", recorded="2026-11-24T12:00")
    assert "before-you-post" in world.open("2026-11-25T13:00", whole=True)
    world.on("2026-11-26", outcome)
    assert "before-you-post" not in world.open("2026-11-26T13:00", whole=True)
    assert "before-you-post" not in world.open("2026-12-03T13:00", whole=True)


def test_a_post_that_is_planned_before_there_is_an_accepted_offer_waits_for_one() -> None:
    world = asked().on("2026-12-04", "announcement", recorded="2026-11-24T12:00")
    assert "before-you-post" not in world.open("2026-11-25T13:00", whole=True)
    world.on("2026-11-26", "accepted")
    assert "before-you-post" in world.open("2026-11-26T13:00", whole=True)


def test_the_signature_makes_those_inside_part_of_the_group() -> None:
    world = asked().on("2026-11-24", "accepted").but(inside=frozenset({1}))
    assert "gift" not in world.open("2026-11-25T13:00", whole=True)
    assert "gift" in world.on("2026-11-26", "signed").open("2026-11-26T13:00", whole=True)


def test_nobody_who_died_is_said_hello_to_eighteen_months_on() -> None:
    world = asked().on("2026-11-24", "accepted").acme(starts_on=day("2026-12-07"))
    assert "warm-up" in world.open("2026-12-08T12:00", whole=True)
    assert "warm-up" not in world.but(gone=frozenset({1})).open("2026-12-08T12:00", whole=True)


def test_a_digest_item_whose_deadline_comes_before_the_next_digest_goes_by_itself() -> None:
    world = asked().me(digest_weekday=2).on("2026-11-25", "accepted", recorded="2026-11-25T12:00")
    # The next Wednesday is 2 December, the gift is due on the 2nd: the digest is in time.
    assert world.steps("2026-11-25T12:00", "gift", whole=True) == [("2026-12-02 09:00", "email", "digest")]
    late = asked().me(digest_weekday=2).on("2026-11-24", "accepted", recorded="2026-11-25T12:00")
    assert late.steps("2026-11-25T12:00", "gift", whole=True) == [("2026-11-26 09:00", "email", "now")]


def test_with_digest_off_each_comes_by_itself_at_the_hour() -> None:
    from reminderd.rules.states import Digest

    world = asked().me(digest=Digest.OFF).on("2026-11-24", "accepted")
    assert world.steps("2026-11-24T12:00", "gift", whole=True) == [("2026-11-25 09:00", "email", "now")]


def test_within_two_days_means_the_end_of_the_second_local_day_across_a_clock_change() -> None:
    world = World("America/New_York").on("2026-10-20", "asked").on("2026-10-30", "accepted")
    nudge = world.open("2026-10-30T12:00")["accepted"]
    # The clocks go back on 1 November; the day ends at 23:59:59 in winter time.
    assert nudge.due_at == dt.datetime(2026, 11, 2, 4, 59, 59, tzinfo=dt.UTC)
    spring = World("America/New_York").on("2027-03-01", "asked").on("2027-03-13", "accepted")
    assert spring.steps("2027-03-13T12:00", "accepted")[1][0] == "2027-03-14 09:00"


def test_a_start_date_leaves_the_thanks_and_adds_one_note_at_ninety_days() -> None:
    world = asked().on("2026-11-24", "accepted").acme(starts_on=day("2026-12-07"))
    assert world.due("2026-12-08T12:00")["accepted"] == "2026-11-26"
    assert world.due("2026-12-08T12:00")["ninety-days"] == "2027-03-07"
    assert world.due("2026-12-08T12:00", whole=True)["warm-up"] == "2028-07-07"


def test_a_word_a_month_in_comes_whatever_the_length_of_the_month() -> None:
    without = []
    for number in range(731):
        first = day("2027-01-01") + dt.timedelta(days=number)  # to the end of a leap year
        accepted = (first - dt.timedelta(days=20)).isoformat()
        world = World().on(accepted, "asked").on(accepted, "accepted").acme(starts_on=first)
        if "first-month" not in world.open(f"{add_span(first, parse_span('1 month'))}T12:00"):
            without.append(first.isoformat())
    assert without == []


def test_the_start_date_is_the_one_the_job_has_now_whatever_was_said_with_the_acceptance() -> None:
    world = asked().on("2026-11-24", "accepted", starts="2026-12-07").acme(starts_on=day("2027-03-01"))
    assert world.due("2026-12-08T12:00")["ninety-days"] == "2027-05-30"
    assert "ninety-days" not in world.acme(starts_on=None).due("2026-12-08T12:00")


def test_the_order_of_recording_does_not_matter() -> None:
    kinds = [("2026-11-20", "asked"), ("2026-11-24", "accepted"), ("2026-11-24", "turned_down")]
    plans = []
    for order in (kinds, kinds[::-1]):
        world = World()
        for date, kind in order:
            world.on(date, kind, recorded="2026-11-24T12:00")
        plans.append(world.due("2026-11-24T13:00"))
    assert plans[0] == plans[1]
