"""Nobody is called on too often without a word: calls, asks and planned messages of ninety days."""

from __future__ import annotations

from collections.abc import Callable

from tests.care.life import Life, plain_of

Begin = Callable[..., Life]


def test_the_fourth_use_warns_and_names_who_agreed_and_is_least_used(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Dana Wu", "Ben Okafor", "Cleo Ames", "Eve Silent")
    for company in ("One", "Two", "Three", "Four", "Five"):
        life.at("2026-03-02T09:31", "opportunity", "add", company)
    for name, company in (("Ben", "One"), ("Cleo", "One"), ("Eve", "One")):
        life.at("2026-03-02T09:32", "record", "agreed", name, "--for", company, "--quiet")
    life.at("2026-03-02T09:33", "reference", "edit", "Eve", "--keep-from-knowing")
    life.at("2026-03-02T09:33", "record", "called", "Ben", "--for", "One", "--quiet")
    life.at("2026-03-02T09:34", "record", "agreed", "Dana", "--for", "One", "--quiet")
    warning = "time in 90 days that you call on Dana Wu"
    assert warning not in life.done("2026-03-03T10:00", "agreed", "Dana Wu")  # a planned message
    assert warning not in life.at("2026-03-03T10:01", "record", "called", "Dana", "--for", "One", "--quiet")
    assert warning not in life.at("2026-03-03T10:02", "record", "asked", "Dana", "--for", "Two", "--quiet")
    said = life.at("2026-03-03T10:03", "record", "asked", "Dana", "--for", "Three", "--quiet")
    assert f"That is the 4th {warning}. Cleo Ames agreed before and was called on least." in said
    assert f"5th {warning}" in life.at("2026-03-03T10:04", "need", "Four", "--by", "2026-03-30", "Dana", "--quiet")
    (mail,) = (one for one in life.until("2026-03-03T10:05") if one.nudges[0].rule == "ask")
    assert "agreed before: Cleo Ames, Ben Okafor" in " ".join(plain_of(mail).split())
    # After ninety days the slate is clean.
    assert warning not in life.at("2026-06-15T10:00", "record", "asked", "Dana", "--for", "Five", "--quiet")


def test_only_what_reaches_the_reference_counts(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Dana Wu", "Ben Okafor")
    life.at("2026-03-02T09:31", "opportunity", "add", "One")
    life.at("2026-03-02T09:32", "record", "planned", "Dana", "--on", "2026-03-04", "--quiet")
    life.done("2026-03-03T10:00", "plan-ahead")  # something for the user alone
    life.at("2026-03-03T10:01", "record", "wrote", "Dana", "--quiet")  # of the user's own accord
    assert life.json_at("2026-03-03T10:02", "reference", "show", "Dana")["uses_in_90_days"] == 0
