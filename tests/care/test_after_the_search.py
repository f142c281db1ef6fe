"""After the search: last thank-yous, one note at ninety days, then the slow cadence; a year and a half on, a hello."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reminderd.simulation import act_on
from tests.care.life import Life, about, moment, plain_of

Begin = Callable[..., Life]
SIX = ("Ana Lima", "Ben Okafor", "Cleo Ames", "Dana Wu", "Eli Roth", "Sam Ode")
SEARCH = {"ask", "ask-follow-up", "ask-unanswered", "heads-up", "agreed", "called"}


@pytest.fixture
def life(begin: Begin) -> Life:
    """All six vouched."""
    life = begin("2026-03-02T09:30", *SIX)
    life.at("2026-03-02T09:31", "landed", "Acme", "--all", "--starts", "2026-04-01", "--quiet")
    return life


def live(life: Life, until: str) -> None:
    """The user does each nudge when it first speaks."""
    for one in life.simulation.advance(moment(until)):
        life.arrived.append(one)
        act_on(life.house, one, life.simulation.now)


def test_a_start_date_leaves_thanks_one_note_at_ninety_days_and_the_slow_cadence(life: Life) -> None:
    live(life, "2027-01-10T10:00")
    mine = [
        (f"{one.at:%Y-%m-%d}", nudge.rule)
        for one in life.arrived
        for nudge in one.nudges
        if nudge.reference == "Ana Lima" or nudge.reference is None
    ]
    assert mine == [
        ("2026-03-02", "accepted"),
        ("2026-03-09", "gift"),
        ("2026-05-04", "first-month"),
        ("2026-06-29", "ninety-days"),
        ("2026-09-28", "check-in"),
        ("2026-12-28", "new-year"),
    ]
    notes = [one for one in life.arrived if one.nudges[0].rule == "ninety-days"]
    assert len(about(life.arrived, "ninety-days")) == 6
    assert "Ninety days in" in plain_of(notes[0]) or "ninety days" in plain_of(notes[0])


def test_nothing_of_the_search_goes_on_for_the_job_that_was_won(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", *SIX)
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    life.at("2026-03-02T09:32", "record", "asked", "--all", "--for", "Acme", "--quiet")
    life.at("2026-03-03T09:32", "record", "interview", "--final", "--on", "2026-03-20", "--for", "Acme", "--quiet")
    life.at("2026-03-04T09:32", "record", "accepted", "--for", "Acme", "--starts", "2026-04-01", "--quiet")
    life.until("2026-03-04T09:33")
    arrived = life.until("2026-06-01T10:00")
    assert {nudge.rule for one in arrived for nudge in one.nudges} & SEARCH == set()


def test_eighteen_months_on_one_gentle_mail_names_the_six(life: Life) -> None:
    live(life, "2027-12-31T10:00")
    (mail,) = (one for one in life.arrived for nudge in one.nudges if nudge.rule == "warm-up")
    assert moment("2027-09-25T00:00") < mail.at < moment("2027-11-05T00:00")
    said = " ".join(plain_of(mail).split())
    assert "People change jobs every couple of years" in said
    assert all(name in said for name in SIX)


def ninety_days(life: Life) -> list[tuple[int, str]]:
    """Number and local due day of each open note at ninety days."""
    rows = life.rows("select number, due_at from nudges where rule = 'ninety-days' and state = 'open' order by number")
    return [(number, str(due_at)[:10]) for number, due_at in rows]


@pytest.mark.parametrize(
    "moving",
    [
        ("opportunity", "edit", "Acme", "--starts", "2026-06-01"),
        ("landed", "Acme", "--starts", "2026-06-01", "--quiet"),
        ("record", "accepted", "--for", "Acme", "--starts", "2026-06-01", "--quiet"),
    ],
)
def test_a_start_that_moves_takes_along_what_hangs_on_it(life: Life, moving: tuple[str, ...]) -> None:
    numbers = [number for number, _ in ninety_days(life)]
    said = life.at("2026-03-02T10:00", *moving)
    assert ninety_days(life) == [(number, "2026-08-30") for number in numbers]
    assert "Acme: the first day of work is Mon 1 Jun, and was Wed 1 Apr." in said
    assert "nothing changed" not in said
    assert "Moved with it, by Sun 30 Aug:" in said
    assert f"  {numbers[0]:>3}  " in said
    again = life.at("2026-03-02T10:01", *moving)
    assert "Moved" not in again
    assert "first day of work" not in again


def test_a_start_on_the_day_of_another_acceptance_is_the_newest_word(life: Life) -> None:
    life.at("2026-03-02T10:00", "opportunity", "edit", "Acme", "--starts", "2026-06-01")
    life.at("2026-03-03T10:00", "record", "accepted", "--for", "Acme", "--starts", "2026-05-01", "--quiet")
    assert {day for _, day in ninety_days(life)} == {"2026-07-30"}


def test_a_start_that_is_not_known_any_more_ends_what_hung_on_it_until_there_is_another(life: Life) -> None:
    before = ninety_days(life)
    said = life.at("2026-03-02T10:00", "opportunity", "edit", "Acme", "--starts", "")
    assert "Acme: the first day of work is not known any more; it was Wed 1 Apr." in said
    assert "No longer needed: " in said
    assert ninety_days(life) == []
    life.at("2026-03-02T10:01", "opportunity", "edit", "Acme", "--starts", "2026-04-01")
    assert ninety_days(life) == before
