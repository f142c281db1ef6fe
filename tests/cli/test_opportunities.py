"""Opportunities on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path).set_up()


def test_an_opportunity_is_kept_with_its_flags(desk: Desk) -> None:
    flags = ("--role", "CTO", "--starts", "2027-01-04", "--contact", "Pat from HR", "--posting", "example.org/jobs/7")
    result = desk.run("opportunity", "add", "Acme", "Corp", *flags, "--embargo-until", "signed")
    assert result.exit_code == 0
    assert 'record asked NAME… --for "Acme Corp"' in result.stderr
    assert "Nothing leaves this machine" in result.stderr
    found = desk.json("opportunity", "show", "acme")
    assert found["company"] == "Acme Corp"
    assert found["starts_on"] == "2027-01-04"
    assert found["contact"] == "Pat from HR"
    assert found["posting"] == "https://example.org/jobs/7"
    assert found["embargo_until"] == "signed"
    assert "Not named until  signed" in desk.ok("opportunity", "show", "acme")


def test_the_list_shows_the_stage_and_how_each_reference_answered(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    desk.ok("add", "Ben Okafor")
    desk.ok("opportunity", "add", "Acme")
    desk.ok("record", "asked", "Maria", "Ben", "--for", "Acme", "--on", "2026-01-05")
    desk.ok("record", "declined", "Ben", "--for", "Acme", "--on", "2026-01-06")
    desk.ok("record", "interview", "--for", "Acme", "--on", "2026-01-07")
    desk.ok("record", "offer", "--for", "Acme", "--on", "in 30 days")
    (entry,) = desk.json("opportunity", "list")
    assert entry["stage"] == "interview"
    consents = {person["name"]: person["consent"] for person in entry["references"]}
    assert consents == {"Maria Lopez": "asked", "Ben Okafor": "declined"}


def test_edit_changes_what_is_given_and_an_embargo_can_be_dated_or_cleared(desk: Desk) -> None:
    desk.ok("opportunity", "add", "Acme", "--role", "CTO", "--embargo-until", "signed")
    desk.ok("opportunity", "edit", "Acme", "--embargo-until", "2050-02-01", "--starts", "2050-03-01")
    found = desk.json("opportunity", "show", "acme")
    assert (found["role"], found["embargo_until"], found["starts_on"]) == ("CTO", "2050-02-01", "2050-03-01")
    desk.ok("opportunity", "edit", "Acme", "--embargo-until", "", "--role", "")
    found = desk.json("opportunity", "show", "acme")
    assert (found["role"], found["embargo_until"], found["starts_on"]) == (None, None, "2050-03-01")


def test_closing_ends_and_reopening_brings_back(desk: Desk) -> None:
    desk.ok("opportunity", "add", "Acme")
    assert "is closed" in desk.ok("opportunity", "close", "acme")
    assert desk.json("opportunity", "list")[0]["closed"] is True
    assert "was closed already" in desk.ok("opportunity", "close", "acme")
    desk.ok("opportunity", "edit", "acme", "--reopen")
    assert desk.json("opportunity", "list")[0]["closed"] is False


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("add", "Acme"), "is there already"),
        (("add", "ACME"), "is there already"),
        (("add", "..."), "Expected a name"),
        (("add", "Globex", "--starts", "soonish"), "Expected a day"),
        (("add", "Globex", "--embargo-until", "later"), "Expected a day"),
        (("add", "Globex", "--posting", "the paper"), "--posting"),
        (("edit", "Acme"), "Say what to change"),
        (("edit", "Umbrella", "--role", "R"), "Known: Acme"),
        (("show", "Umbrella"), "Known: Acme"),
    ],
)
def test_a_bad_call_is_one_line_and_nothing_is_written(args: tuple[str, ...], words: str, desk: Desk) -> None:
    desk.ok("opportunity", "add", "Acme")
    assert words in desk.refused(2, "opportunity", *args)
    assert [entry["company"] for entry in desk.json("opportunity", "list")] == ["Acme"]
