"""`db` on the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.desk import Desk


def test_upgrade_makes_a_database_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "was made" in desk.ok("db", "upgrade")
    assert "already" in desk.ok("db", "upgrade")


def test_check_is_quiet_about_a_good_database(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    desk.ok("add", "Maria Lopez")
    assert desk.ok("db", "check").startswith("ok ")
    assert desk.json("db", "check")["problems"] == []


def test_check_names_each_row_that_contradicts_another(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    desk.ok("add", "Maria Lopez")
    desk.rows("UPDATE nudges SET reference_id = 99 WHERE number = 1")
    result = desk.run("db", "check")
    assert result.exit_code == 1
    assert "FAIL nudges: row 1 points to a row of references that is not there" in result.stdout


def test_check_says_of_a_newer_database_what_to_do_and_leaves_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    desk.rows("UPDATE alembic_version SET version_num = '9999'")
    result = desk.run("db", "check")
    assert result.exit_code == 78
    assert "install the newer program" in result.stdout
    assert "newer" in desk.refused(78, "db", "upgrade")


def test_check_without_a_database_makes_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "reminderd init" in desk.refused(78, "db", "check")
    assert not desk.database.exists()
