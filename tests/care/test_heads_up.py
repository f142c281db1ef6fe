"""A heads-up before the employer calls: who, when, what to stress, and in time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reminderd.message import Channel
from tests.care.life import Life, about, by, plain_of

Begin = Callable[..., Life]


@pytest.fixture
def life(begin: Begin) -> Life:
    life = begin("2026-03-02T09:30", "Dana Wu", "Ben Okafor", phone="+14155550100")
    points = "the migration, how I lead a team, incidents, tooling"
    life.at("2026-03-02T09:31", "reference", "edit", "Dana", "--speaks-to", points)
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme", "--role", "Staff Engineer", "--contact", "Priya Shah")
    life.at("2026-03-02T09:31", "record", "agreed", "Dana", "--for", "Acme", "--quiet")
    return life


def test_a_final_interview_briefs_before_the_event_with_role_company_caller_and_three_points(life: Life) -> None:
    interview = ("record", "interview", "--final", "--at", "14:30", "--on", "2026-03-13", "--for", "Acme")
    said = life.at("2026-03-10T10:00", *interview)
    assert "Tell Dana Wu that a call may come from Acme" in said
    for part in ("Acme", "Staff Engineer", "Priya Shah", "The migration", "How I lead a team", "Incidents"):
        assert part in said
    assert "ooling" not in said
    arrived = life.until("2026-03-13T20:00")
    assert about(arrived, "heads-up") == [("2026-03-10", "Dana Wu", "email"), ("2026-03-12", "Dana Wu", "sms")]
    assert max(one.at for one in arrived).isoformat() < "2026-03-13T13:30"
    assert ("heads-up", "Dana Wu") not in life.open("2026-03-13T15:00")


def test_with_less_than_a_day_left_it_is_a_text_at_once(life: Life) -> None:
    life.at(
        "2026-03-10T16:00", "record", "interview", "--final", "--at", "09:30", "--on", "2026-03-11", "--for", "Acme"
    )
    arrived = life.until("2026-03-10T16:05")
    assert about(arrived, "heads-up") == [("2026-03-10", "Dana Wu", "sms")]
    (text,) = by(arrived, Channel.SMS)
    assert "D.W. - brief" in plain_of(text)


def test_references_requested_starts_it_the_same_day(life: Life) -> None:
    life.at("2026-03-10T08:00", "record", "references_requested", "--for", "Acme", "--quiet")
    arrived = life.until("2026-03-10T23:00")
    assert about(arrived, "heads-up")[0][0] == "2026-03-10"


def test_once_briefed_nothing_more_comes(life: Life) -> None:
    life.at("2026-03-10T10:00", "record", "interview", "--final", "--on", "2026-03-13", "--for", "Acme", "--quiet")
    life.until("2026-03-10T10:05")
    life.at("2026-03-10T11:00", "record", "briefed", "Dana", "--for", "Acme", "--quiet")
    assert about(life.until("2026-03-14T10:00"), "heads-up") == []


def test_once_briefed_nothing_more_comes_however_far_off_the_interview_is(life: Life) -> None:
    life.at("2026-03-10T10:00", "record", "interview", "--final", "--on", "2026-03-24", "--for", "Acme", "--quiet")
    life.until("2026-03-10T10:05")
    life.at("2026-03-10T11:00", "record", "briefed", "Dana", "--for", "Acme", "--quiet")
    assert ("heads-up", "Dana Wu") not in life.open("2026-03-10T12:00")
    assert about(life.until("2026-03-25T10:00"), "heads-up") == []


def test_an_interview_that_is_not_the_last_bothers_nobody(life: Life) -> None:
    life.at("2026-03-10T10:00", "record", "interview", "--on", "2026-03-13", "--for", "Acme", "--quiet")
    assert about(life.until("2026-03-14T10:00"), "heads-up") == []


def test_where_nobody_was_asked_it_does_not_fall_silent(life: Life) -> None:
    life.at("2026-03-02T10:00", "opportunity", "add", "Globex")
    said = life.at("2026-03-10T10:00", "record", "references_requested", "--for", "Globex")
    assert "Nobody was asked for Globex, so nobody is to be briefed." in said
    assert "Dana Wu" in said
