"""`db` on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.servers.postgres import PostgresServer

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


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
    desk.rows("UPDATE schema_floor SET revision = '9999'")
    result = desk.run("db", "check")
    assert result.exit_code == 78
    assert "install the newer program" in result.stdout
    assert "newer" in desk.refused(78, "db", "upgrade")


def test_a_newer_database_that_was_only_expanded_is_worked_with(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    desk.rows("UPDATE alembic_version SET version_num = '9999'")
    desk.rows("ALTER TABLE users ADD COLUMN nickname VARCHAR(20)")
    assert desk.ok("db", "check").startswith("ok ")
    assert "at 9999 already" in desk.ok("db", "upgrade")
    desk.ok("add", "Maria Lopez")
    desk.ok("backup", str(tmp_path / "copy.db"))
    desk.ok("restore", str(tmp_path / "copy.db"), "--force")
    assert [one["name"] for one in desk.json("reference", "list")] == ["Maria Lopez"]


def test_check_without_a_database_makes_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "reminderd init" in desk.refused(78, "db", "check")
    assert not desk.database.exists()


def test_on_postgresql_the_upgrade_is_asked_for_and_everything_else_is_the_same(
    tmp_path: Path, empty_postgres: str
) -> None:
    desk = Desk(tmp_path, DATABASE_URL=empty_postgres)
    assert "Run: reminderd db upgrade" in _refused_process(tmp_path, empty_postgres)
    assert "was made" in desk.ok("db", "upgrade")
    desk.set_up()
    desk.ok("init", "--email", "ada@example.org", "--hour", "8")
    desk.ok("add", "Maria Lopez", "maria@example.org", "--birthday", "04-12")
    desk.ok("opportunity", "add", "Acme")
    desk.ok("record", "asked", "Maria", "--for", "Acme")
    desk.ok("reference", "edit", "Maria", "--tier", "network")
    assert desk.json("reference", "list")[0]["tier"] == "network"
    assert desk.json("opportunity", "list")[0]["references"] == [{"name": "Maria Lopez", "consent": "asked"}]
    desk.ok("send-test")
    assert desk.json("status")["deliveries"]["sent"] == 1
    assert desk.json("overview")[0]["references"] == 1
    assert any(entry["name"] == "ask" for entry in desk.json("rules", "list"))
    assert desk.ok("db", "check").startswith("ok ")
    desk.ok("reference", "remove", "Maria", "--yes")
    desk.ok("user", "remove", "ada@example.org", "--yes")
    assert desk.json("user", "list") == []
    assert not desk.database.exists()


def _refused_process(home: Path, url: str) -> str:
    command = [sys.executable, "-m", "reminderd", "init", "--name", "Ada", "--email", "ada@example.org"]
    environ = os.environ | {"REMINDERD_HOME": str(home), "DATABASE_URL": url, "PYTHONPATH": str(CHECKOUT)}
    ran = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert ran.returncode == 78
    return ran.stderr
