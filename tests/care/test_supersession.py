"""Later news merges with earlier nudges, or calls them off. That any order of recording ends in the same open nudges is
shown for the store in tests/test_planner.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.care.life import Life, about, plain_of, words_of

Begin = Callable[..., Life]


@pytest.fixture
def life(begin: Begin) -> Life:
    """Both agreed, and Acme called both."""
    life = begin("2026-03-02T09:30", "Ana Lima", "Ben Okafor")
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    for kind in ("asked", "agreed", "briefed", "called"):
        life.at("2026-03-02T09:32", "record", kind, "Ana", "Ben", "--for", "Acme", "--quiet")
    return life


def test_an_offer_after_thanks_for_the_call_makes_one_draft(life: Life) -> None:
    assert ("called", "Ana Lima") in life.open("2026-03-03T09:00")
    life.at("2026-03-03T10:00", "record", "accepted", "--for", "Acme", "--quiet")
    assert {rule for rule, reference in life.open("2026-03-03T10:01") if reference} == {"accepted"}
    arrived = life.until("2026-03-16T10:00")
    assert about(arrived, "called") == []
    first = next(one for one in arrived if one.nudges[0].rule == "accepted")
    assert "thank you for talking to Acme" in plain_of(first)


def test_accepted_then_turned_down_withdraws_the_good_news_before_it_is_sent(life: Life) -> None:
    life.at("2026-03-03T10:00", "record", "accepted", "--for", "Acme", "--on", "2026-03-03", "--quiet")
    said = life.at("2026-03-03T10:00", "record", "turned_down", "--for", "Acme", "--on", "2026-03-03")
    assert "No longer needed" in said
    arrived = life.until("2026-03-05T10:00")
    assert about(arrived, "accepted") == []
    assert {reference for _, reference, _ in about(arrived, "turned-down")} == {"Ana Lima", "Ben Okafor"}
    assert "I got the job" not in "".join(map(words_of, arrived))


def test_the_good_news_that_was_heard_of_is_named_as_withdrawn_once(life: Life) -> None:
    life.at("2026-03-03T10:00", "record", "accepted", "--for", "Acme", "--quiet")
    life.until("2026-03-03T10:05")
    life.at("2026-03-04T10:00", "record", "withdrawn", "--for", "Acme", "--quiet")
    arrived = [plain_of(one) for one in life.until("2026-03-12T10:00")]
    assert sum("No longer needed: " in text for text in arrived) == 1


def test_an_offer_that_was_not_accepted_yet_tells_nobody(life: Life) -> None:
    life.done("2026-03-09T09:05", "called", "Ana Lima")
    life.at("2026-03-10T10:00", "record", "offer", "--for", "Acme", "--quiet")
    assert [rule for rule, _ in life.open("2026-03-10T10:01") if rule in ("accepted", "offer")] == []


def body(life: Life, day: str, rule: str, who: str, *more: str) -> str:
    """The draft of the one open nudge, in a row."""
    draft = life.json_at(day, "draft", str(life.number(day, rule, who)), *more)
    return " ".join(draft["body"].split())


@pytest.mark.parametrize(
    ("first", "then", "day", "said"),
    [
        ("accepted", "turned_down", "2026-03-03", "Before, I told you that I had the job."),
        ("accepted", "withdrawn", "2026-03-05", "Before, I told you that I had the job."),
        ("rejected", "accepted", "2026-03-05", "Before, I told you that they had said no."),
        ("turned_down", "accepted", "2026-03-05", "Before, I told you that I had turned the offer down."),
        ("withdrawn", "rejected", "2026-03-05", "Before, I told you that I had withdrawn."),
    ],
)
def test_who_was_told_otherwise_before_hears_that_owned_up_to_once_and_nobody_else(
    life: Life, first: str, then: str, day: str, said: str
) -> None:
    life.at("2026-03-03T10:00", "record", first, "--for", "Acme", "--quiet")
    life.done("2026-03-03T10:01", first.replace("_", "-"), "Ana Lima")
    life.at(f"{day}T11:00", "record", then, "--for", "Acme", "--quiet")
    rule = then.replace("_", "-")
    assert body(life, f"{day}T11:01", rule, "Ana Lima").count(said) == 1
    assert "old you" not in body(life, f"{day}T11:01", rule, "Ben Okafor")


def test_who_was_told_by_a_word_of_their_own_hears_it_too(life: Life) -> None:
    life.at("2026-03-03T10:00", "record", "accepted", "--for", "Acme", "--quiet")
    life.at("2026-03-04T10:00", "record", "told", "Ana", "--for", "Acme", "--quiet")
    life.at("2026-03-05T10:00", "record", "turned_down", "--for", "Acme", "--quiet")
    assert "Before, I told you that I had the job." in body(life, "2026-03-05T10:01", "turned-down", "Ana Lima")
    short = body(life, "2026-03-05T10:01", "turned-down", "Ana Lima", "--length", "short")
    assert "I told you otherwise before, sorry." in short
    call = body(life, "2026-03-05T10:01", "turned-down", "Ana Lima", "--length", "call")
    assert "Own up to it: before, you told Ana that you had the job." in call


def test_it_is_owned_up_to_in_german(life: Life) -> None:
    life.at("2026-03-03T10:00", "user", "edit", "--language", "de")
    life.at("2026-03-03T10:00", "record", "accepted", "--for", "Acme", "--quiet")
    life.done("2026-03-03T10:01", "accepted", "Ana Lima")
    life.at("2026-03-05T10:00", "record", "turned_down", "--for", "Acme", "--quiet")
    said = "Vorher hatte ich dir gesagt, dass ich die Stelle habe."
    assert said in body(life, "2026-03-05T10:01", "turned-down", "Ana Lima")
    assert "Vorher" not in body(life, "2026-03-05T10:01", "turned-down", "Ben Okafor")
