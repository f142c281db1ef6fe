"""Several users of one database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.desk import Desk


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
