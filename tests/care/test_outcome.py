"""The outcome goes to exactly those who are involved."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.care.life import Life, about, plain_of

Begin = Callable[..., Life]
FIVE = ("Ana Lima", "Ben Okafor", "Cleo Ames", "Dana Wu", "Eli Roth")


@pytest.mark.parametrize(
    ("outcome", "rule"),
    [
        ("accepted", "accepted"),
        ("turned_down", "turned-down"),
        ("rejected", "rejected"),
        ("withdrawn", "withdrawn"),
    ],
)
def test_of_five_stored_three_asked_and_one_who_declined_two_hear(begin: Begin, outcome: str, rule: str) -> None:
    life = begin("2026-03-02T09:30", *FIVE)
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    life.at("2026-03-02T09:32", "record", "asked", "Ana", "Ben", "Cleo", "--for", "Acme", "--quiet")
    life.at("2026-03-03T09:32", "record", "declined", "Cleo", "--for", "Acme", "--quiet")
    life.at("2026-03-05T10:00", "record", outcome, "--for", "Acme", "--quiet")
    life.until("2026-03-05T10:05")
    heard = {reference for _, reference, _ in about(life.arrived, rule)}
    assert heard == {"Ana Lima", "Ben Okafor"}
    assert life.rows(f"select count(*) from nudges where rule = '{rule}'") == [(2,)]


def test_who_agreed_was_briefed_or_called_without_an_ask_on_record_hears_too(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", *FIVE)
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    for name, kind in (("Ana", "agreed"), ("Ben", "briefed"), ("Cleo", "called")):
        life.at("2026-03-02T09:32", "record", kind, name, "--for", "Acme", "--quiet")
    life.at("2026-03-05T10:00", "landed", "Acme", "--quiet")
    heard = {reference for rule, reference in life.open("2026-03-05T10:05") if rule == "accepted"}
    assert heard == {"Ana Lima", "Ben Okafor", "Cleo Ames"}


@pytest.mark.parametrize(("outcome", "rule"), [("turned_down", "turned-down"), ("rejected", "rejected")])
def test_nobody_is_told_to_post_what_is_no_news_to_post(begin: Begin, outcome: str, rule: str) -> None:
    life = begin("2026-03-02T09:30", *FIVE)
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    life.at("2026-03-02T09:32", "record", "asked", "Ana", "Ben", "--for", "Acme", "--quiet")
    said = life.at("2026-03-05T10:00", "record", outcome, "--for", "Acme", "--quiet")
    (mail,) = [one for one in life.until("2026-03-05T10:05") if one.nudges[0].rule == rule]
    assert "Still open: Ana and Ben." in plain_of(mail)
    assert "1 of 2 know; still: Ben Okafor." in life.done("2026-03-05T10:10", rule, "Ana Lima")
    both = life.done("2026-03-05T10:11", rule, "Ben Okafor")
    assert "both know." in both
    for text in (said, plain_of(mail), both):
        assert "you post" not in text
        assert "post away" not in text


def test_the_dead_and_those_who_hear_later_are_in_no_count_no_card_and_no_list(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", *FIVE)
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    life.at("2026-03-02T09:32", "record", "agreed", *(name.split()[0] for name in FIVE), "--for", "Acme", "--quiet")
    life.at("2026-03-03T09:32", "record", "deceased", "Ben")
    life.at("2026-03-03T09:33", "reference", "edit", "Cleo", "--present-employer")
    life.at("2026-03-03T09:34", "reference", "edit", "Eli", "--keep-from-knowing")
    said = life.at("2026-03-05T10:00", "landed", "Acme", "--starts", "2026-05-04")
    (mail,) = [one for one in life.until("2026-03-05T10:05") if one.nudges[0].rule == "accepted"]
    planned = life.at("2026-03-05T10:06", "record", "announcement", "Acme", "--on", "2026-03-20")
    listed = life.at("2026-03-05T10:07", "upcoming")
    assert "0 of 3 know; still: Ana Lima, Dana Wu and Eli Roth." in said
    assert "0 of 3 know; still: Ana Lima, Dana Wu and Eli Roth." in planned
    assert "0 of 3 know; still: Ana Lima, Dana Wu and Eli Roth." in listed
    assert "0 of 3 know; still: Ana, Dana and Eli." in plain_of(mail)
    card = life.at("2026-03-05T10:08", "draft", str(life.number("2026-03-05T10:08", "gift")))
    assert [name for name in FIVE if f"{name}:" in card] == ["Ana Lima", "Dana Wu"]
    life.at("2026-03-06T10:00", "record", "gift_sent", "Ana", "Dana", "--for", "Acme", "--quiet")
    assert "gift" not in [row["rule"] for row in life.json_at("2026-03-06T10:01", "upcoming")]
    life.at("2026-03-06T10:02", "record", "signed", "--for", "Acme", "--quiet")
    assert "0 of 4 know; still: Ana Lima, Cleo Ames, Dana Wu and Eli Roth." in life.at("2026-03-06T10:03", "upcoming")
    hello = life.at("2026-03-06T10:04", "draft", str(life.number("2026-03-06T10:04", "warm-up")))
    assert [name for name in FIVE if name in hello] == ["Ana Lima", "Cleo Ames", "Dana Wu"]


def test_who_knew_and_died_since_counts_no_more(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", *FIVE)
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    life.at("2026-03-02T09:32", "record", "agreed", "Ana", "Ben", "Cleo", "--for", "Acme", "--quiet")
    life.at("2026-03-05T10:00", "landed", "Acme", "--quiet")
    life.at("2026-03-05T10:01", "record", "told", "Ben", "--for", "Acme", "--quiet")
    assert "1 of 3 know; still: Ana Lima and Cleo Ames." in life.at("2026-03-05T10:02", "upcoming")
    life.at("2026-03-05T10:03", "record", "deceased", "Ben")
    assert "0 of 2 know; still: Ana Lima and Cleo Ames." in life.at("2026-03-05T10:04", "upcoming")


def test_who_is_paused_is_named_before_you_post_and_counts(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", *FIVE)
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    life.at("2026-03-02T09:32", "record", "asked", "Ana", "Ben", "Cleo", "--for", "Acme", "--quiet")
    life.at("2026-03-03T09:32", "reference", "pause", "Ben")
    life.at("2026-03-03T09:33", "reference", "pause", "Cleo")
    said = life.at("2026-03-05T10:00", "record", "accepted", "--for", "Acme", "--quiet")
    still = "Before you post: 0 of 3 know; still: {}, {} (paused) and {} (paused)."
    assert still.format("Ana Lima", "Ben Okafor", "Cleo Ames") in said
    (mail,) = [one for one in life.until("2026-03-05T10:05") if one.nudges[0].rule == "accepted"]
    assert still.format("Ana", "Ben", "Cleo") in plain_of(mail)
    life.at("2026-03-05T10:06", "record", "told", "Ben", "--for", "Acme", "--quiet")
    said = life.done("2026-03-05T10:07", "accepted", "Ana Lima")
    assert "still: Cleo Ames (paused)." in said


@pytest.mark.parametrize("outcome", ["", "turned_down", "rejected", "withdrawn"])
def test_before_you_post_comes_for_an_offer_that_stays_accepted_and_no_other(begin: Begin, outcome: str) -> None:
    life = begin("2026-11-10T09:30", *FIVE)
    life.at("2026-11-10T09:31", "landed", "Acme", "--all", "--starts", "2026-12-01", "--quiet")
    life.at("2026-11-10T09:32", "record", "announcement", "--for", "Acme", "--on", "2026-11-20", "--quiet")
    if outcome:
        life.at("2026-11-12T10:00", "record", outcome, "--for", "Acme", "--quiet")
    life.until("2026-11-20T20:00")
    days = [] if outcome else ["2026-11-19", "2026-11-20"]
    assert about(life.arrived, "before-you-post") == [(day, None, "email") for day in days]


def test_a_post_that_is_planned_without_an_accepted_offer_is_not_spoken_of(begin: Begin) -> None:
    life = begin("2026-11-10T09:30", *FIVE)
    life.at("2026-11-10T09:31", "opportunity", "add", "Acme")
    life.at("2026-11-10T09:32", "record", "asked", "--all", "--for", "Acme", "--quiet")
    life.at("2026-11-10T09:33", "record", "announcement", "--for", "Acme", "--on", "2026-11-20", "--quiet")
    life.until("2026-11-20T20:00")
    assert about(life.arrived, "before-you-post") == []


def test_the_subject_says_the_name_of_the_one_whom_the_mail_is_about(begin: Begin) -> None:
    life = begin("2026-11-24T09:30", "Ana Lima", "Ana Lim")
    life.at("2026-11-24T09:31", "landed", "Acme", "Ana Lima", "--quiet")
    life.until("2026-11-24T09:40")
    life.at("2026-11-24T10:00", "record", "agreed", "Ana Lim", "--for", "Acme", "--quiet")
    life.until("2026-11-24T10:10")
    told = {one.nudges[0].reference: one.subject for one in life.arrived if one.nudges[0].rule == "accepted"}
    assert told == {"Ana Lima": "Thank Ana Lima by Thu 26 Nov", "Ana Lim": "Thank Ana Lim by Thu 26 Nov"}


def test_the_subject_says_a_day_by_which_something_in_the_mail_is_due(begin: Begin) -> None:
    life = begin("2026-11-10T09:30", "Ana Lima", "Ben Okafor", "Cleo Ames")
    life.at("2026-11-10T09:31", "reference", "edit", "Cleo", "--present-employer")
    life.at("2026-11-10T09:32", "landed", "Acme", "--all", "--quiet")
    life.at("2026-11-23T10:00", "record", "signed", "--for", "Acme", "--quiet")
    life.until("2026-11-24T10:00")
    told = [(f"{one.at:%d}", one.subject) for one in life.arrived if one.nudges[0].rule == "accepted"]
    everyone, cleo = "Thank your Acme references by Thu 12 Nov", "Thank Cleo Ames by Wed 25 Nov"
    assert told == [("10", everyone), ("11", everyone), ("12", everyone), ("23", cleo), ("24", cleo)]


def test_after_the_day_of_the_post_no_draft_says_that_it_is_still_to_come(begin: Begin) -> None:
    life = begin("2026-11-10T09:30", *FIVE)
    life.at("2026-11-10T09:31", "landed", "Acme", "--all", "--quiet")
    life.at("2026-11-10T09:32", "record", "announcement", "--for", "Acme", "--on", "2026-11-11", "--quiet")
    life.until("2026-11-12T20:00")
    told = [(f"{one.at:%d}", plain_of(one)) for one in life.arrived if one.nudges[0].rule == "accepted"]
    secret = re.compile(r"\bpost(ed)?\b|public|announce|first to know|ahead of the news|rest of the world")
    assert [bool(secret.search(said.partition("-" * 20)[2])) for day, said in told if day != "12"] == [True, True]
    assert [secret.search(said.partition("-" * 20)[2]) for day, said in told if day == "12"] == [None]
