"""After two asks the next contact of one's own gives, and asks nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.care.life import Life, plain_of

Begin = Callable[..., Life]
ASKED = (("One", "2026-03-02"), ("Two", "2026-03-10"))


@pytest.fixture
def life(begin: Begin) -> Life:
    """Dana was asked twice, for jobs that came to nothing, and thanked."""
    life = begin("2026-03-01T09:30", "Dana Wu")
    for company, on in ASKED:
        life.at(f"{on}T10:00", "opportunity", "add", company)
        for kind in ("asked", "agreed", "briefed", "rejected"):
            who = () if kind == "rejected" else ("Dana",)
            life.at(f"{on}T10:01", "record", kind, *who, "--for", company, "--quiet")
        life.at(f"{on}T10:02", "record", "thanked", "Dana", "--for", company, "--quiet")
    return life


def the_draft(life: Life, day: str, rule: str) -> dict[str, str]:
    number = life.number(day, rule, "Dana Wu")
    found: dict[str, str] = life.json_at(day, "draft", str(number))
    return found


def test_the_next_check_in_gives_and_asks_nothing(life: Life) -> None:
    draft = the_draft(life, "2026-06-09T10:00", "check-in")
    assert "?" not in draft["subject"] + draft["body"]
    assert any(word in draft["body"] for word in ("can do for you", "be of use", "a hand"))


def test_once_something_was_given_the_next_may_ask_again(life: Life) -> None:
    life.at("2026-06-08T09:30", "upcoming")
    life.done("2026-06-09T10:00", "check-in", "Dana Wu")
    assert life.rows("select json_extract(data, '$.approach') from events where kind = 'wrote'") == [("share",)]
    mails = [one for one in life.until("2026-09-30T10:00") if one.nudges[0].rule == "check-in"]
    assert "can do for you" not in plain_of(mails[0])


def test_one_ask_owes_nothing_yet(begin: Begin) -> None:
    life = begin("2026-03-01T09:30", "Dana Wu")
    life.at("2026-03-02T10:00", "opportunity", "add", "One")
    life.at("2026-03-02T10:00", "record", "declined", "Dana", "--for", "One", "--quiet")
    life.at("2026-03-02T10:00", "record", "asked", "Dana", "--for", "One", "--quiet")
    life.at("2026-03-02T10:00", "record", "thanked", "Dana", "--for", "One", "--quiet")
    assert "wondering how you are" in the_draft(life, "2026-05-27T10:00", "check-in")["body"]


def test_getting_back_in_touch_after_two_asks_gives_as_well(life: Life) -> None:
    life.at("2026-03-11T09:30", "reference", "edit", "Dana", "--tier", "network")
    life.at("2027-03-01T09:30", "upcoming")
    rows = [r for r in life.json_at("2027-03-05T10:00", "upcoming") if r["reference"] == "Dana Wu"]
    (number,) = (row["nudge"] for row in rows if row["rule"] == "reconnect")
    draft = life.json_at("2027-03-05T10:00", "draft", str(number))
    assert draft["situation"] == "give"
    assert "?" not in draft["subject"] + draft["body"]
