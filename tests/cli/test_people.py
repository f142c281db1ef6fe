"""References on the command line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from freezegun import freeze_time

from tests.cli.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path).set_up()


FULL = (
    *("--email", "maria@example.org", "--phone", "+14155550100", "--first-name", "Mari", "--relation", "managed me"),
    *("--worked-at", "Initech", "--role", "Engineering manager", "--from", "2019-03", "--to", "2022-08"),
    *("--employer", "Globex", "--title", "CTO", "--since", "2024-05", "--speaks-to", "leading under pressure"),
    *("--via", "linkedin", "--profile", "https://example.org/in/maria", "--address", "1 Main St"),
    *("--birthday", "1980-02-29", "--leap-day", "1", "--every", "4 months", "--at-most", "8 months"),
    *("--tier", "network", "--keep-from-knowing", "--present-employer", "--last-contact", "2026-01-05"),
    *("--note", "likes tea"),
)


def test_every_flag_of_a_reference_is_kept(desk: Desk) -> None:
    desk.ok("reference", "add", "Maria Lopez", *FULL)
    found = desk.json("reference", "show", "maria")
    expected = {
        "name": "Maria Lopez",
        "email": "maria@example.org",
        "phone": "+14155550100",
        "first_name": "Mari",
        "relation": "managed me",
        "worked_at": "Initech",
        "role": "Engineering manager",
        "worked_from": "2019-03-01",
        "worked_to": "2022-08-01",
        "employer": "Globex",
        "title": "CTO",
        "since": "2024-05-01",
        "speaks_to": "leading under pressure",
        "via": "linkedin",
        "profile": "https://example.org/in/maria",
        "address": "1 Main St",
        "birthday": "1980-02-29",
        "leap_day": 1,
        "every": "4 months",
        "at_most": "8 months",
        "tier": "network",
        "keep_from_knowing": True,
        "present_employer": True,
        "last_contact_on": "2026-01-05",
        "note": "likes tea",
        "status": "active",
    }
    assert {key: found[key] for key in expected} == expected
    shown = desk.ok("reference", "show", "maria")
    for words in ("Engineering manager at Initech (Mar 2019 to Aug 2022)", "CTO, Globex since May 2024", "1980-02-29"):
        assert words in shown


def test_adding_says_what_comes_next_and_that_nothing_leaves(desk: Desk) -> None:
    result = desk.run("add", "Maria", "Lopez", "maria@example.org", "--birthday", "04-12")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "Maria Lopez is added" in result.stderr
    assert "Next: reminderd upcoming" in result.stderr
    assert result.stderr.count("Nothing leaves this machine while SMTP_HOST is unset") == 1
    rules = {entry["rule"] for entry in desk.json("reference", "show", "Maria")["open"]}
    assert "birthday" in rules


def test_the_list_has_the_keys_that_programs_rely_on(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez", "maria@example.org")
    (entry,) = desk.json("reference", "list")
    assert list(entry) == ["name", "email", "phone", "status", "tier", "last_touch_on", "next_due_at"]
    assert dt.datetime.fromisoformat(entry["next_due_at"]).utcoffset() is not None


def test_the_last_touch_is_the_newest_contact_recorded(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez", "--last-contact", "2026-01-05")
    assert desk.json("reference", "list")[0]["last_touch_on"] == "2026-01-05"
    desk.ok("record", "met", "Maria", "--on", "2026-02-03")
    desk.ok("record", "promoted", "Maria", "--on", "2026-03-03")
    assert desk.json("reference", "list")[0]["last_touch_on"] == "2026-02-03"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--email", "maria"), "must have an @-sign"),
        (("--email", "maria@"), "after the @-sign"),
        (("--phone", "+15551234567"), "numbering plan"),
        (("--phone", "0171 5550100"), "DEFAULT_REGION"),
        (("--from", "last spring"), "Expected a month"),
        (("--from", "2022-08", "--to", "2019-03"), "lies before --from"),
        (("--birthday", "02-30"), "no day 30 in February"),
        (("--birthday", "2199-01-01"), "future"),
        (("--leap-day", "3"), "28 or 1"),
        (("--every", "now and then"), "--every"),
        (("--via", "fax"), "email, text, call, linkedin or letter"),
        (("--tier", "vip"), "inner, network or dormant"),
        (("--last-contact", "tomorrow"), "lies in the future"),
        (("--last-contact", "31 feb"), "no day 31 in February"),
        (("--profile", "javascript:alert(1)"), "--profile"),
        (("--note", "x" * 2001), "at most 2000 characters"),
        (("--relation", "two\nlines"), "one line"),
    ],
)
def test_a_bad_value_is_one_line_and_nothing_is_written(flags: tuple[str, ...], words: str, desk: Desk) -> None:
    assert words in desk.refused(2, "reference", "add", "Maria Lopez", *flags)
    assert desk.json("reference", "list") == []


def test_a_name_that_is_there_already_is_refused_whatever_its_case(desk: Desk) -> None:
    desk.ok("add", "María López")
    words = desk.refused(2, "add", "maria lopez", "new@example.org")
    assert "reminderd reference edit" in words
    assert desk.json("reference", "list")[0]["email"] is None


def test_names_are_found_by_a_unique_prefix_and_several_are_listed(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    desk.ok("add", "Marcus Chen")
    assert desk.json("reference", "show", "lop")["name"] == "Maria Lopez"
    words = desk.refused(2, "reference", "show", "mar")
    assert "Marcus Chen, Maria Lopez" in words
    assert "Known: Marcus Chen, Maria Lopez" in desk.refused(2, "reference", "show", "Zoe")


def test_many_names_are_listed_by_the_first_few(desk: Desk) -> None:
    for number in range(9):
        desk.ok("add", f"Maria N{number}")
        desk.ok("opportunity", "add", f"Acme {number}")
    few = "Maria N0, Maria N1, Maria N2, Maria N3, Maria N4, Maria N5 and 3 more."
    assert f"matches several references: {few} Give more" in desk.refused(2, "reference", "show", "mar")
    assert f"Known: {few}" in desk.refused(2, "reference", "show", "Zoe")
    assert "matches several opportunities: Acme 0, Acme 1" in desk.refused(2, "opportunity", "show", "acm")


def test_a_limit_below_the_target_is_refused(desk: Desk) -> None:
    line = desk.refused(2, "add", "Maria Lopez", "--every", "6 months", "--at-most", "2 months")
    assert "--at-most 2 months is shorter than --every 6 months" in line
    assert desk.json("reference", "list") == []
    desk.ok("add", "Maria Lopez", "--every", "6 months", "--at-most", "6 months")
    assert "shorter than" in desk.refused(2, "reference", "edit", "Maria", "--every", "1 year")
    desk.ok("reference", "edit", "Maria", "--every", "30 days", "--at-most", "1 month")


def test_a_reference_who_has_died_is_shown_as_such_and_meant_by_no_all(desk: Desk) -> None:
    for name in ("Maria Lopez", "Ben Okafor"):
        desk.ok("add", name)
    desk.ok("record", "deceased", "Maria")
    assert "Status        deceased\n" in desk.ok("reference", "show", "Maria")
    assert "deceased" in desk.ok("reference", "list")
    assert "asked for Acme, today: Ben Okafor." in desk.ok("landed", "Acme", "--all")
    assert "Maria" not in desk.refused(2, "need", "Globex", "--by", "friday")
    desk.ok("undo")
    desk.ok("undo")
    assert "Status        active\n" in desk.ok("reference", "show", "Maria")


def test_one_time_is_said_as_one(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    desk.ok("landed", "Acme", "Maria", "--quiet")
    assert "called on or written to 1 time\n" in desk.ok("reference", "show", "Maria")


def test_edit_changes_only_what_is_given_and_an_empty_value_clears(desk: Desk) -> None:
    desk.ok("reference", "add", "Maria Lopez", *FULL)
    before = desk.json("reference", "show", "maria")
    desk.ok("reference", "edit", "maria", "--email", "", "--birthday", "", "--tier", "inner", "--no-keep-from-knowing")
    after = desk.json("reference", "show", "maria")
    changed = {key for key in before if before[key] != after[key]} - {"open", "next_due_at"}
    assert changed == {"email", "birthday", "tier", "keep_from_knowing"}
    assert (after["email"], after["birthday"], after["tier"]) == (None, None, "inner")
    assert not {entry["rule"] for entry in after["open"]} & {"birthday"}


def test_edit_without_anything_to_change_is_a_usage_error(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    assert "Say what to change" in desk.refused(2, "reference", "edit", "Maria Lopez")


def test_a_name_can_be_changed_but_not_to_one_that_is_taken(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    desk.ok("add", "Ben Okafor")
    assert "is there already" in desk.refused(2, "reference", "edit", "maria", "--name", "ben okafor")
    desk.ok("reference", "edit", "maria", "--name", "Maria Lopez-Ruiz")
    assert [entry["name"] for entry in desk.json("reference", "list")] == ["Ben Okafor", "Maria Lopez-Ruiz"]


def test_a_pause_silences_and_resume_brings_back(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez", "--birthday", "04-12")
    assert "rests until Sat 1 Jan 2050" in desk.ok("reference", "pause", "maria", "--until", "2050-01-01")
    (entry,) = desk.json("reference", "list")
    assert (entry["status"], entry["next_due_at"]) == ("paused", None)
    assert "is active" in desk.ok("reference", "resume", "maria")
    assert desk.json("reference", "list")[0]["next_due_at"] is not None
    assert "a day to come" in desk.refused(2, "reference", "pause", "maria", "--until", "yesterday")


def test_a_pause_that_is_over_is_not_shown(desk: Desk) -> None:
    with freeze_time("2026-12-01 12:00") as clock:
        desk.ok("add", "Maria Lopez", "--birthday", "04-12")
        desk.ok("reference", "pause", "maria", "--until", "2026-12-12")
        clock.move_to("2026-12-11 12:00")
        assert "paused until tomorrow" in desk.ok("reference", "list")
        clock.move_to("2026-12-12 12:00")
        assert "paused" not in desk.ok("reference", "list")
        assert "paused" not in desk.ok("reference", "show", "maria")
        assert desk.json("reference", "list")[0]["status"] == "active"


def test_a_retired_reference_stays_on_record(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    desk.ok("reference", "retire", "maria")
    (entry,) = desk.json("reference", "list")
    assert (entry["status"], entry["next_due_at"]) == ("retired", None)


def test_removing_needs_a_yes_and_takes_all_that_was_recorded(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    desk.ok("record", "met", "Maria")
    assert "--yes" in desk.refused(2, "reference", "remove", "maria")
    assert len(desk.json("reference", "list")) == 1
    assert "with 1 event" in desk.ok("reference", "remove", "maria", "--yes")
    assert desk.json("reference", "list") == []
    assert desk.rows("SELECT count(*) FROM events") == [(0,)]
    assert desk.rows("SELECT count(*) FROM nudges WHERE reference_id IS NOT NULL") == [(0,)]


def test_a_waiting_message_that_names_somebody_removed_is_composed_anew(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    desk.ok("add", "Ben Okafor")
    desk.ok("send-test")
    desk.rows("UPDATE deliveries SET state = 'pending', sent_at = NULL, attempts = 0")
    desk.rows("UPDATE steps SET state = 'sent', delivery_id = 1 WHERE position = 1")
    desk.ok("reference", "remove", "maria", "--yes")
    assert desk.rows("SELECT state FROM deliveries") == [("cancelled",)]
    assert desk.rows("SELECT DISTINCT state, delivery_id FROM steps") == [("pending", None)]


def test_an_empty_list_says_how_to_begin(desk: Desk) -> None:
    result = desk.run("reference", "list")
    assert result.stdout == ""
    assert "reminderd add" in result.stderr
