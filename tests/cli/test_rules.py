"""Rules on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.desk import Desk


def test_the_list_needs_no_database(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    entries = desk.json("rules", "list")
    on = {entry["name"]: entry["on"] for entry in entries}
    assert on["accepted"] is True
    assert on["progress"] is False
    assert set(entries[0]) == {"name", "about", "on", "done", "done_later", "let_go"}
    assert not desk.database.exists()


def test_the_list_has_each_rules_record(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    for name in ("Ana", "Ben", "Cem", "Dee"):
        desk.ok("add", name)
    desk.rows("UPDATE nudges SET state = 'done' WHERE rule = 'new-year'")
    desk.rows("UPDATE nudges SET state = 'skipped' WHERE rule = 'new-year' AND number = 1")
    desk.rows("UPDATE nudges SET due_at = '2020-01-01 00:00:00.000000' WHERE rule = 'new-year' AND number IN (1, 3)")
    record = next(entry for entry in desk.json("rules", "list") if entry["name"] == "new-year")
    assert (record["done"], record["done_later"], record["let_go"]) == (2, 1, 1)


def test_a_rule_is_shown_in_words(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    shown = desk.ok("rules", "show", "accepted")
    assert "when accepted is recorded" in shown
    assert "at once by e-mail, the next morning by e-mail and on the last day by text" in shown
    for entry in desk.json("rules", "list"):
        assert entry["about"] in desk.ok("rules", "show", entry["name"])
    assert "off; on with" in desk.ok("rules", "show", "progress")
    assert "begins several rules" in desk.refused(2, "rules", "show", "re")
    assert "No rule matches 'zzz'" in desk.refused(2, "rules", "show", "zzz")


def test_a_rule_has_the_same_keys_for_programs_whatever_it_says(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    shown = [desk.json("rules", "show", name) for name in ("accepted", "progress")]
    assert set(shown[0]) == set(shown[1])
    assert all(key == key.lower() and key.isidentifier() for key in shown[0])
    assert [one["on"] for one in shown] == [True, False]
    assert shown[0]["starts"].startswith("when accepted is recorded")
    assert isinstance(shown[0]["weight"], int)
    assert None in shown[0].values()


def test_your_own_book_changes_the_list_and_is_checked(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "rules.toml").write_text("[rules.new-year]\nenabled = false\n")
    on = {entry["name"]: entry["on"] for entry in desk.json("rules", "list")}
    assert on["new-year"] is False
    assert f"ok {tmp_path / 'rules.toml'}" in desk.ok("rules", "check")


def test_without_a_book_of_yours_the_default_one_is_checked(tmp_path: Path) -> None:
    assert "ok book.toml" in Desk(tmp_path).ok("rules", "check")


@pytest.mark.parametrize(
    ("book", "words"),
    [
        ("[rules.new-year]\nenabeld = false\n", "rule 'new-year': key 'enabeld'"),
        ("[rules.new-yaer]\nenabled = false\n", "rule 'new-yaer'"),
        ("[rules.new-year\nenabled = false\n", "expected TOML"),
        ("[rules.new-year]\ndraft = 'haiku'\n", "key 'draft': expected a template, but none is called 'haiku'"),
        ("[rules.new-year]\nwhen = 'weather.nice'\n", "weather"),
        ("[rules.new-year]\nexpires = 'soon'\n", "key 'expires'"),
        ("[rules.new-year]\nexpires = '-3 days'\n", "key 'expires': expected a length of time that leads ahead"),
        ("[rules.promoted]\nwhen = 'reference.since > event.on'\n", "where reference.since is not known"),
        ("[rules.promoted]\nwhen = 'reference.nope == 1'\n", "'reference.nope', which there is not"),
    ],
)
def test_a_book_with_a_mistake_is_refused_with_file_rule_and_key(book: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(book)
    refused = Desk(tmp_path).refused(78, "rules", "check", str(path))
    assert str(path) in refused
    assert words in refused


def test_what_cannot_be_asked_after_all_is_told_in_a_line_and_what_was_recorded_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(tmp_path).set_up()
    desk.ok("add", "Maria Lopez", "--birthday", "04-12")
    born = "reference.birthday"
    (tmp_path / "rules.toml").write_text(f'[rules.promoted]\nwhen = "{born} and {born}[2] > 12 // ({born}[1] - 5)"\n')
    desk.ok("rules", "check")
    desk.ok("reference", "edit", "Maria Lopez", "--birthday", "05-12")
    result = desk.run("record", "promoted", "Maria Lopez")
    assert result.exit_code == 0
    assert "Traceback" not in result.output
    assert caplog.messages == ["condition_failed rule=promoted error='integer division or modulo by zero'"]
    assert desk.rows("SELECT kind FROM events WHERE kind = 'promoted'") == [("promoted",)]


def test_a_wrong_book_stops_every_command_before_it_writes(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    (tmp_path / "rules.toml").write_text("[rules.new-year]\nenabeld = false\n")
    assert "enabeld" in desk.refused(78, "add", "Maria Lopez")
    (tmp_path / "rules.toml").unlink()
    assert desk.json("reference", "list") == []


def test_a_missing_or_unreadable_book_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "there is no such file" in desk.refused(2, "rules", "check", str(tmp_path / "none.toml"))
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    assert "UTF-8" in desk.refused(78, "rules", "check", str(tmp_path / "latin.toml"))
