"""The look ahead: what would come if the user did each nudge on the day of its first step."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from reminderd.rules.facts import PlannedNudge
from reminderd.rules.projection import FIRST_ID, project
from reminderd.rules.states import Status
from tests.rules.world import World, day, local


def ahead(world: World, now: str, until: str) -> list[tuple[str, str]]:
    """Rule and local day of the first step, in order."""
    found = project(world.facts(), world.book, local(now), local(until))
    return [(nudge.rule, first_day(nudge)) for nudge in found]


def first_day(nudge: PlannedNudge) -> str:
    return nudge.steps[0].at.astimezone(ZoneInfo("Europe/Berlin")).date().isoformat()


def test_each_contact_starts_the_next_cycle() -> None:
    world = World().on("2026-03-02", "met").with_rules("[rules.new-year]\nenabled = false")
    assert ahead(world, "2026-03-02T12:00", "2026-12-31T23:59") == [
        ("check-in", "2026-06-01"),
        ("check-in", "2026-08-31"),
        ("check-in", "2026-11-30"),
    ]


def test_yearly_dates_come_every_year() -> None:
    world = World().her(birthday=(None, 4, 12), tier="dormant")
    days = [day for rule, day in ahead(world, "2026-03-02T12:00", "2029-01-01T00:00") if rule == "birthday"]
    assert days == ["2026-04-12", "2027-04-12", "2028-04-12"]


def test_an_ask_leads_to_its_follow_up_with_the_date_that_it_is_needed_by() -> None:
    world = World().on("2026-03-02", "met").on("2026-03-02", "needed", by="2026-03-06")
    found = ahead(world, "2026-03-02T12:30", "2026-03-31T00:00")
    assert found[:2] == [("ask", "2026-03-02"), ("ask-follow-up", "2026-03-04")]


def test_what_a_nudge_took_in_is_done_with_it() -> None:
    world = (
        World().her(birthday=(None, 12, 4)).on("2026-11-27", "agreed").with_rules("[rules.new-year]\nenabled = false")
    )
    assert ahead(world, "2026-11-27T12:00", "2027-01-01T00:00") == [("birthday", "2026-12-04")]


def test_whoever_is_paused_is_reminded_of_when_the_pause_is_over() -> None:
    world = World().on("2026-09-09", "met").with_rules("[rules.new-year]\nenabled = false")
    assert ahead(world, "2026-11-27T12:00", "2026-12-31T00:00") == [("check-in", "2026-12-07")]
    world.her(status=Status.PAUSED, paused_until=day("2026-12-12"))
    (check_in,) = project(world.facts(), world.book, local("2026-11-27T12:00"), local("2026-12-31T00:00"))
    assert [step.at for step in check_in.steps] == [local("2026-12-12T00:00"), local("2026-12-14T09:00")]


def test_nothing_comes_twice_and_nothing_after_the_end() -> None:
    world = World().on("2026-03-02", "asked").on("2026-03-09", "accepted").acme(starts_on=day("2026-04-01"))
    found = project(world.facts(), world.book, local("2026-03-09T12:00"), local("2027-12-31T00:00"))
    keys = [nudge.key for nudge in found]
    assert len(keys) == len(set(keys))
    assert max(first_day(nudge) for nudge in found) <= "2027-12-31"
    assert [nudge.rule for nudge in found[:3]] == ["accepted", "first-month", "ninety-days"]


@pytest.mark.parametrize("lead", [20, 75])
def test_a_month_in_comes_a_word_whatever_the_first_day_and_whatever_else_comes(lead: int) -> None:
    without = []
    for number in range(365):
        first = day("2026-06-01") + dt.timedelta(days=number)
        accepted = (first - dt.timedelta(days=lead)).isoformat()
        world = World().on(accepted, "asked").on(accepted, "accepted").acme(starts_on=first)
        until = f"{first + dt.timedelta(days=50)}T00:00"
        if "first-month" not in {rule for rule, _ in ahead(world, f"{accepted}T12:00", until)}:
            without.append(first.isoformat())
    assert without == []


def test_what_was_skipped_stays_away() -> None:
    world = World().on("2026-03-02", "asked").on("2026-03-09", "accepted").skipped("accepted", "event:2")
    assert "accepted" not in {rule for rule, _ in ahead(world, "2026-03-09T12:00", "2026-06-01T00:00")}


def test_supposed_events_are_told_from_stored_ones() -> None:
    world = World().on("2026-03-02", "met")
    later = project(world.facts(), world.book, local("2026-03-02T12:00"), local("2026-12-31T00:00"))[1:]
    assert all(int(nudge.occasion.split(":")[1].split("#")[0]) >= FIRST_ID for nudge in later if ":" in nudge.occasion)


def test_a_hundred_years_end_somewhere() -> None:
    world = World().on("2026-03-02", "met")
    assert project(world.facts(), world.book, local("2026-03-02T12:00"), local("2126-03-02T12:00"))
