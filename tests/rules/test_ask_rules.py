"""Asking, consent, the heads-up before a call, and thanks after it."""

from __future__ import annotations

import pytest

from tests.rules.world import World, day


def test_a_need_asks_at_once_and_ends_at_its_date() -> None:
    world = World().on("2026-11-24", "needed", by="2026-11-27", kind="call")
    assert world.due("2026-11-24T12:00")["ask"] == "2026-11-25"
    assert world.steps("2026-11-24T12:00", "ask")[0] == ("2026-11-24 12:00", "email", "now")
    assert "ask" not in world.open("2026-11-28T00:01")


@pytest.mark.parametrize(
    ("last", "draft"), [("2026-06-01", "ask"), ("2025-11-24", "ask_after_silence"), ("2023-11-01", "ask_after_silence")]
)
def test_the_ask_owns_up_to_a_year_of_silence(last: str, draft: str) -> None:
    world = World().her(last_contact_on=day(last)).on("2026-11-24", "needed")
    assert world.open("2026-11-24T12:00")["ask"].draft == draft


def test_an_ask_unanswered_for_five_working_days_gets_one_follow_up() -> None:
    world = World().on("2026-11-20", "asked")  # a Friday
    assert world.steps("2026-11-20T12:00", "ask-follow-up") == [("2026-11-27 09:00", "email", "now")]


def test_half_the_time_to_the_need_by_date_is_waited_when_that_is_sooner() -> None:
    world = World().on("2026-11-20", "asked", by="2026-11-26")
    assert world.steps("2026-11-20T12:00", "ask-follow-up") == [("2026-11-23 09:00", "email", "now")]
    assert world.due("2026-11-20T12:00")["ask-unanswered"] == "2026-11-25"


@pytest.mark.parametrize("answer", ["agreed", "declined", "no_answer", "briefed", "called"])
def test_an_answer_ends_the_follow_up_and_plan_b(answer: str) -> None:
    world = World().on("2026-11-20", "asked").on("2026-11-23", answer, acme=1)
    assert not {"ask-follow-up", "ask-unanswered"} & set(world.open("2026-11-23T13:00"))


def test_an_outcome_silences_asks() -> None:
    world = World().on("2026-11-20", "asked").on("2026-11-24", "rejected")
    assert not {"ask-follow-up", "ask-unanswered"} & set(world.open("2026-11-24T13:00"))


def test_who_never_answered_rests_for_a_year() -> None:
    world = World().her(birthday=(None, 12, 4)).on("2026-11-20", "asked").on("2026-12-01", "no_answer", acme=1)
    assert world.open("2026-12-04T12:00") == {}
    assert "birthday" in world.open("2027-12-02T12:00")


def test_contact_ends_the_rest() -> None:
    world = World().her(birthday=(None, 12, 24)).on("2026-12-01", "no_answer", acme=1).on("2026-12-10", "reached_out")
    assert "birthday" in world.open("2026-12-11T12:00")


def test_agreeing_is_thanked_and_briefed_in_one_draft() -> None:
    world = World().on("2026-11-20", "asked").on("2026-11-24", "agreed")
    assert world.open("2026-11-24T12:00")["agreed"].draft == "brief_and_thanks"
    assert "agreed" not in world.on("2026-11-25", "briefed").open("2026-11-25T12:00")


def test_a_no_is_thanked_and_nothing_more() -> None:
    world = World().on("2026-11-20", "asked").on("2026-11-24", "declined")
    assert set(world.open("2026-11-24T12:00")) == {"declined", "check-in", "new-year"}


@pytest.mark.parametrize("no_on", ["2026-11-24", "2026-11-25"])
def test_who_agreed_and_then_says_no_is_thanked_for_the_no_alone(no_on: str) -> None:
    world = World().on("2026-11-24", "agreed").on(no_on, "declined")
    nudges = world.open(f"{no_on}T13:00")
    assert "agreed" not in nudges
    assert nudges["declined"].reasons == ()


def test_a_no_takes_the_briefing_out_of_what_had_taken_it_in() -> None:
    world = World().on("2026-11-23", "agreed").on("2026-11-24", "called")
    assert "agreed" in [reason.rule for reason in world.open("2026-11-24T13:00")["called"].reasons]
    nudges = world.on("2026-11-25", "declined").open("2026-11-25T13:00")
    assert "agreed" not in [reason.rule for nudge in nudges.values() for reason in nudge.reasons]


def test_a_no_for_another_job_leaves_the_briefing() -> None:
    world = World().on("2026-11-24", "agreed").on("2026-11-25", "declined", acme=2)
    assert "agreed" in world.open("2026-11-25T13:00")


def test_a_no_that_became_a_yes_is_briefed_and_no_longer_thanked_for_the_no() -> None:
    nudges = World().on("2026-11-24", "declined").on("2026-11-25", "agreed").open("2026-11-25T13:00")
    assert "agreed" in nudges
    assert "declined" not in nudges


@pytest.mark.parametrize("answer", ["agreed", "declined", "no_answer", "briefed", "called"])
def test_an_answer_for_one_job_ends_no_ask_for_another(answer: str) -> None:
    world = World().on("2026-11-20", "asked").on("2026-11-20", "asked", acme=2).on("2026-11-23", answer, acme=2)
    asks = {"ask-follow-up", "ask-unanswered"}
    waiting = [(one.rule, one.opportunity_id) for one in world.plan("2026-11-23T13:00").nudges if one.state == "open"]
    assert {one for one in waiting if one[0] in asks} == {("ask-follow-up", 1), ("ask-unanswered", 1)}


def test_a_final_interview_starts_a_heads_up_due_before_it() -> None:
    world = (
        World()
        .on("2026-11-20", "asked")
        .on("2026-12-02", "interview", recorded="2026-11-24T12:00", final=True, at="14:30")
    )
    nudge = world.open("2026-11-24T12:00")["heads-up"]
    assert nudge.due_at.isoformat() == "2026-12-02T13:30:00+00:00"
    assert world.steps("2026-11-24T12:00", "heads-up") == [
        ("2026-11-24 12:00", "email", "now"),
        ("2026-12-01 09:00", "sms", "now"),
    ]
    assert "heads-up" not in world.open("2026-12-02T14:31")


def test_an_interview_that_is_not_the_last_starts_none() -> None:
    world = World().on("2026-11-20", "asked").on("2026-12-02", "interview", recorded="2026-11-24T12:00")
    assert "heads-up" not in world.open("2026-11-24T12:00")


def test_with_less_than_a_day_left_the_heads_up_is_a_text_at_once() -> None:
    world = (
        World()
        .on("2026-11-20", "asked")
        .on("2026-11-25", "interview", recorded="2026-11-24T15:00", final=True, at="09:30")
    )
    assert world.steps("2026-11-24T15:00", "heads-up") == [("2026-11-24 15:00", "sms", "now")]


@pytest.mark.parametrize(
    ("kind", "on", "ended"),
    [
        ("briefed", "2026-11-20", False),
        ("briefed", "2026-11-21", True),
        ("briefed", "2026-11-24", True),
        ("called", "2026-11-25", True),
        ("briefed", "2026-12-02", True),
    ],
)
def test_a_briefing_counts_from_three_days_before_the_interview_was_recorded(kind: str, on: str, ended: bool) -> None:
    world = World().on("2026-11-10", "agreed")
    world.on("2026-12-02", "interview", recorded="2026-11-24T12:00", final=True, at="14:30").on(on, kind)
    assert ("heads-up" not in world.open("2026-12-02T09:00")) is ended


def test_a_call_long_before_the_interview_is_thanked_by_itself() -> None:
    world = World().on("2026-11-10", "agreed")
    world.on("2026-12-02", "interview", recorded="2026-11-20T12:00", final=True).on("2026-11-24", "called")
    assert "called" in world.open("2026-11-26T12:00")


def test_references_requested_starts_one_due_the_same_day() -> None:
    world = World().on("2026-11-20", "asked").on("2026-11-24", "references_requested")
    assert world.due("2026-11-24T12:00")["heads-up"] == "2026-11-24"


def test_thanks_after_a_call_wait_two_working_days() -> None:
    world = World().me(digest_weekday=0).on("2026-11-20", "asked").on("2026-11-26", "called")  # a Thursday
    nudge = world.open("2026-11-26T12:00")["called"]
    assert nudge.starts_at.date() == day("2026-11-30")


def test_the_outcome_takes_the_thanks_for_a_call_in() -> None:
    world = World().on("2026-11-20", "asked").on("2026-11-23", "called").on("2026-11-24", "accepted")
    nudges = world.open("2026-11-24T12:00")
    assert "called" not in nudges
    assert [reason.rule for reason in nudges["accepted"].reasons] == ["called"]


def test_a_call_for_another_job_keeps_its_own_thanks() -> None:
    world = World().on("2026-11-20", "asked").on("2026-11-23", "called", acme=2).on("2026-11-24", "accepted")
    assert "called" in world.open("2026-11-24T12:00")


@pytest.mark.parametrize(("outcome", "open_"), [("2026-11-25", False), ("2026-06-01", True)])
def test_an_outcome_calls_off_an_interview_still_to_come_but_not_that_of_another_try(outcome: str, open_: bool) -> None:
    world = World().on("2026-05-02", "agreed").on(outcome, "rejected")
    world.on("2026-12-10", "interview", recorded="2026-11-20T12:00", final=True)
    assert ("heads-up" in world.open("2026-11-26T12:00")) is open_
    assert ("heads-up" in world.open("2026-12-10T08:00")) is open_
