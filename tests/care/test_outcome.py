"""The outcome goes to exactly those who are involved."""

from __future__ import annotations

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
