"""Several users of one database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from freezegun import freeze_time

from reminderd.cli.main import COMMANDS
from reminderd.drafts.commands import WHOSE, with_user
from tests.cli.desk import Desk
from tests.cli.story import MONDAY, with_acme


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path).set_up()
    desk.ok("user", "add", "bob@example.org", "--name", "Bob", "--timezone", "Asia/Tokyo")
    return desk


def test_users_are_added_and_listed(desk: Desk) -> None:
    users = desk.json("user", "list")
    assert [(user["email"], user["timezone"]) for user in users] == [
        ("ada@example.org", "Europe/Berlin"),
        ("bob@example.org", "Asia/Tokyo"),
    ]
    assert "09:00 Asia/Tokyo" in desk.ok("user", "list")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("add", "bob@example.org", "--name", "Bob"), "is there already"),
        (("add", "cem@example.org"), "Missing: --name"),
        (("add", "cem@example.org", "--email", "c@example.org", "--name", "C"), "give one of the two"),
        (("edit", "bob@example.org"), "Say what to change"),
        (("edit", "bob@example.org", "--email", "ada@example.org"), "belongs to another user"),
        (("edit", "cem@example.org", "--hour", "8"), "No user matches"),
        (("edit", "--hour", "8"), "--user EMAIL"),
        (("pause", "bob@example.org", "--until", "yesterday"), "a day to come"),
        (("remove", "bob@example.org"), "--yes"),
    ],
)
def test_a_bad_call_is_one_line(args: tuple[str, ...], words: str, desk: Desk) -> None:
    assert words in desk.refused(2, "user", *args)
    assert len(desk.json("user", "list")) == 2


def test_an_edit_concerns_one_user_only(desk: Desk) -> None:
    desk.ok("user", "edit", "bob@example.org", "--hour", "18", "--email", "robert@example.org")
    assert [(user["email"], user["hour"]) for user in desk.json("user", "list")] == [
        ("ada@example.org", "09:00"),
        ("robert@example.org", "18:00"),
    ]


def test_a_user_rests_and_comes_back(desk: Desk) -> None:
    assert "only outcome and thanks come" in desk.ok("user", "pause", "bob@example.org", "--until", "2050-01-01")
    assert [user["paused_until"] for user in desk.json("user", "list")] == [None, "2050-01-01"]
    desk.ok("--user", "bob@example.org", "user", "resume")
    assert [user["paused"] for user in desk.json("user", "list")] == [False, False]


def test_a_rest_is_over_on_the_day_it_lasts_until_though_nobody_has_planned_since(desk: Desk) -> None:
    with freeze_time(MONDAY):
        desk.ok("user", "pause", "bob@example.org", "--until", "2026-12-12")
        assert "rests until" in desk.ok("user", "list")
    with freeze_time("2026-12-12T12:00:00Z"):
        assert "rests" not in desk.ok("user", "list")
        assert [(user["paused"], user["paused_until"]) for user in desk.json("user", "list")] == [(False, None)] * 2


def test_removing_a_user_leaves_the_others_alone(desk: Desk) -> None:
    for who in ("ada@example.org", "bob@example.org"):
        desk.ok("--user", who, "add", "Maria Lopez")
    desk.ok("user", "remove", "bob@example.org", "--yes")
    assert [entry["name"] for entry in desk.json("reference", "list")] == ["Maria Lopez"]
    assert desk.rows("SELECT count(*) FROM nudges WHERE user_id = 2") == [(0,)]


def test_the_overview_is_counts_only(desk: Desk) -> None:
    desk.ok("--user", "bob@example.org", "add", "Maria Lopez")
    ada, bob = desk.json("overview")
    assert list(ada) == ["user", "references", "open", "past_due", "waiting_messages", "failed_messages"]
    assert (ada["references"], bob["references"]) == (0, 1)
    assert bob["open"] > 0
    assert "Maria" not in desk.ok("overview")


# ---- the commands that are said

NEIL = "o'neil+tag@example.org"
QUOTED = """'o'"'"'neil+tag@example.org'"""


def test_with_several_users_each_command_that_is_said_names_its_user(tmp_path: Path) -> None:
    with freeze_time(MONDAY):
        desk = with_acme(tmp_path)
        assert "Next: reminderd opportunity show" in desk.ok("opportunity", "edit", "Acme", "--role", "CTO")
        said = desk.ok("user", "add", NEIL, "--name", "Neil")
        assert f"Next: reminderd --user {QUOTED} reference add NAME" in said
        said = desk.ok("init", "--email", NEIL, "--hour", "8")
        assert f'Next: reminderd --user {QUOTED} add "Maria Lopez"' in said
        said = desk.ok("--user", NEIL, "landed", "Acme")
        assert f"reminderd --user {QUOTED} add NAME EMAIL" in said
        ada = ("--user", "ada@example.org")
        whose = "reminderd --user ada@example.org"
        said = desk.ok(*ada, "record", "asked", "Ana", "Ben", "--for", "Acme")
        assert f" more, later: {whose} upcoming" in said
        found = re.search(f"{whose} send ([0-9]+). When it is done: {whose} done ([0-9]+) [0-9]+", said)
        assert found is not None
        number = found[1]
        assert f'{whose} draft {number} --answer "…"' in said
        assert f"{whose} done {number}; {whose} skip {number}" in desk.ok(*ada, "explain", number)
        assert f"Add it: {whose} opportunity add Globex" in desk.refused(
            2, *ada, "record", "asked", "Ana", "--for", "Globex"
        )
        assert f"Next: {whose} upcoming" in desk.ok("user", "edit", "ada@example.org", "--hour", "8")
        assert f"{whose} done {number}" in desk.ok(*ada, "preview", number)


def test_a_user_alone_reads_short_commands_even_when_named(tmp_path: Path) -> None:
    with freeze_time(MONDAY):
        desk = with_acme(tmp_path)
        said = desk.ok("--user", "ada@example.org", "opportunity", "edit", "Acme", "--role", "CTO")
        assert "Next: reminderd opportunity show" in said


def test_each_command_that_is_refused_without_a_user_is_known_to_need_one(desk: Desk) -> None:
    assert set(WHOSE) <= set(COMMANDS)
    for name in ("undo", "upcoming", "pause", "resume", "status", "send-test", "today"):
        assert "--user EMAIL" in desk.refused(2, name)
        assert with_user(f"reminderd {name}", "a@b.example") == f"reminderd --user a@b.example {name}"


@pytest.mark.parametrize(
    "text",
    [
        "reminderd runs",
        "reminderd record --help",
        "reminderd user edit --help",
        "reminderd user list",
        "reminderd --user a@b.example done 7",
        "reminderd sender",
    ],
)
def test_what_needs_no_user_stays_as_it_is(text: str) -> None:
    assert with_user(text, "ada@example.org") == text
