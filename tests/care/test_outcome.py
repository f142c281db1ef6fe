"""The outcome goes to exactly those who are involved."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.care.life import Life, about

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
