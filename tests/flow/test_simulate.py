"""`simulate`: what would arrive, on a copy, by the real planner and composer."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from tests.cli.desk import Desk
from tests.flow.parts import SIX

NOW = "2026-11-24 11:00:00"
"""A Tuesday; noon in Berlin."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Ada, who has just accepted Acme's offer and told nobody yet."""
    made = Desk(tmp_path / "home")
    with freeze_time(NOW):
        made.set_up()
        for name in SIX:
            address = f"{name.split()[0].lower()}@example.org"
            made.ok("reference", "add", name, "--email", address, "--last-contact", "2026-10-01")
        made.ok("landed", "Acme", "--all", "--starts", "2026-12-07")
    return made


def simulated(desk: Desk, *arguments: str) -> list[dict[str, Any]]:
    with freeze_time(NOW):
        result = desk.run("simulate", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def who(entry: dict[str, Any], rule: str = "accepted") -> list[str]:
    return sorted(nudge["reference"] for nudge in entry["nudges"] if nudge["rule"] == rule)


def test_each_nudge_is_done_on_the_day_of_its_first_step(desk: Desk) -> None:
    entries = [entry for entry in simulated(desk, "--until", "2026-12-31") if who(entry)]
    assert [(entry["at"], entry["channel"]) for entry in entries] == [("2026-11-24T12:00:00+01:00", "email")]
    assert who(entries[0]) == sorted(SIX)
    assert entries[0]["subject"] == "Thank your Acme references by Thu 26 Nov"


def test_with_ignore_the_reminders_escalate(desk: Desk) -> None:
    entries = [entry for entry in simulated(desk, "--until", "2026-12-31", "--ignore") if who(entry)]
    assert [entry["at"] for entry in entries] == [
        "2026-11-24T12:00:00+01:00",
        "2026-11-25T09:00:00+01:00",
        "2026-11-26T09:00:00+01:00",
    ]
    assert all(who(entry) == sorted(SIX) for entry in entries)


def test_what_is_done_has_its_follow_up(desk: Desk) -> None:
    rules = [nudge["rule"] for entry in simulated(desk, "--until", "2027-06-30") for nudge in entry["nudges"]]
    assert rules.count("gift") == 1
    assert rules.count("check-in") >= len(SIX)
    ats = [entry["at"] for entry in simulated(desk, "--until", "2027-06-30")]
    assert ats == sorted(ats, key=dt.datetime.fromisoformat)


def test_it_ends_with_the_last_day(desk: Desk) -> None:
    entries = simulated(desk, "--until", "2026-11-25", "--ignore")
    assert [entry["at"][:10] for entry in entries] == ["2026-11-24", "2026-11-25"]


def test_nothing_is_sent_or_stored(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("a socket was opened")

    before = contents(desk)
    monkeypatch.setattr(socket, "socket", refuse)
    assert simulated(desk, "--until", "2027-02-28")
    assert contents(desk) == before
    assert not (desk.home / "Maildir").exists()


def test_it_reads_as_a_timeline(desk: Desk) -> None:
    with freeze_time(NOW):
        result = desk.run("simulate", "--until", "2026-12-31")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1] == "November 2026"
    assert lines[2] == "Tue 24 12:00  mail   Thank your Acme references by Thu 26 Nov"
    assert lines[3].strip().startswith("6 drafts: ")
    assert result.stderr.splitlines()[-1].endswith("Nothing was sent or stored.")


def test_a_changed_rule_book_shows_its_effect(desk: Desk) -> None:
    (desk.home / "rules.toml").write_text("[rules.gift]\nenabled = false\n", encoding="utf-8")
    rules = {nudge["rule"] for entry in simulated(desk, "--until", "2026-12-31") for nudge in entry["nudges"]}
    assert "accepted" in rules
    assert "gift" not in rules


def test_a_day_that_is_past_is_refused(desk: Desk) -> None:
    with freeze_time(NOW):
        assert "--until" in desk.refused(2, "simulate", "--until", "2026-11-01")


def contents(desk: Desk) -> dict[str, str]:
    """Every table's rows, as one hash each."""
    tables = [name for (name,) in desk.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: hashlib.sha256(repr(desk.rows(f"SELECT * FROM '{name}' ORDER BY rowid")).encode()).hexdigest()
        for name in tables
    }
