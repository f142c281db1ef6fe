"""The frame: the table of commands, global options, and how failures end."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import logging
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reminderd import __version__, logs
from reminderd.cli.main import COMMANDS, cli, load_command
from reminderd.store.database import Store
from tests.cli.desk import Desk


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_can_be_loaded_and_has_help(name: str, tmp_path: Path) -> None:
    assert isinstance(load_command(name), click.Command)
    assert "Usage: reminderd" in Desk(tmp_path).ok(name, "--help")


def test_help_and_version_need_neither_database_nor_rules() -> None:
    code = (
        "import sys; sys.argv = ['reminderd', sys.argv[1]]\n"
        "from reminderd.__main__ import main\n"
        "heavy = {'sqlalchemy', 'jinja2', 'phonenumbers', 'twilio', 'apscheduler', 'flask'}\n"
        "try: main()\n"
        "finally: print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    for flag in ("--help", "--version"):
        ran = subprocess.run([sys.executable, "-c", code, flag], capture_output=True, text=True, check=True)
        assert ran.stdout
        assert ran.stderr.strip() == "[]"


def test_version_begins_with_our_own_and_names_those_that_matter_for_a_question(tmp_path: Path) -> None:
    first, *more = Desk(tmp_path).ok("--version").splitlines()
    assert first == f"reminderd {__version__}"
    told = "\n".join(more)
    assert f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}\n" in told
    for library in ("SQLAlchemy", "APScheduler", "twilio", "Jinja2"):
        assert f"{library} {importlib.metadata.version(library)}" in told
    assert told.endswith(f"{platform.system()} {platform.release()} {platform.machine()}")


def test_a_command_logs_no_more_than_faults_unless_it_is_to_say_more(tmp_path: Path) -> None:
    desk = Desk(tmp_path, LOG_LEVEL="debug").set_up()
    for words, level in ((("status",), logging.ERROR), (("-v", "status"), logging.DEBUG)):
        desk.ok(*words)
        (handler,) = [one for one in logging.getLogger().handlers if one.name == logs.IDENTIFIER]
        assert handler.level == level


@pytest.mark.parametrize("words", [("--log-format", "json", "status"), ("status", "--log-format=json")])
def test_the_log_s_format_is_a_global_option(words: tuple[str, ...], tmp_path: Path) -> None:
    desk = Desk(tmp_path, LOG_FORMAT="human").set_up()
    desk.ok(*words)
    (handler,) = [one for one in logging.getLogger().handlers if one.name == logs.IDENTIFIER]
    record = logging.makeLogRecord({"name": "reminderd.test", "msg": "ready"})
    assert json.loads(handler.format(record))["event"] == "ready"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["recrod"], "There is no command 'recrod'. Did you mean record?"),
        (["reference", "ad"], "No such command 'ad'"),
        (["reference", "add"], "Missing argument 'NAME'"),
        (["--versoin"], "No such option '--versoin'"),
        (["status", "--jsn"], "No such option '--jsn'"),
        (["status", "--user"], "Option '--user' requires an argument"),
        (["send-test", "--channel", "fax"], "'fax'"),
    ],
)
def test_a_wrong_call_is_one_line_and_code_2(args: list[str], words: str, tmp_path: Path) -> None:
    assert words in Desk(tmp_path).refused(2, *args)


def test_global_options_may_stand_behind_the_command(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    assert "No user matches 'bob@example.org'" in desk.refused(2, "status", "--json", "--user", "bob@example.org")
    assert desk.run("status", "--json", "--user=ada@example.org").exit_code == 0


def test_without_a_database_a_command_says_how_to_start(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "Start with: reminderd init" in desk.refused(78, "reference", "list")
    assert not desk.database.exists()


def test_a_wrong_setting_names_it_and_never_shows_a_secret(tmp_path: Path) -> None:
    desk = Desk(tmp_path, SMTP_PORT="submission", SMTP_PASSWORD="hunter2")
    words = desk.refused(78, "status")
    assert "SMTP_PORT" in words
    assert "hunter2" not in words


@pytest.mark.parametrize("command", [["reference", "list"], ["reference", "add", "Maria Lopez"], ["send-test"]])
def test_a_database_of_a_newer_program_is_refused_and_left_alone(command: list[str], tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    desk.rows("UPDATE alembic_version SET version_num = '9999'")
    desk.rows("UPDATE schema_floor SET revision = '9999'")
    before = desk.rows("SELECT count(*) FROM events, nudges")
    assert "newer" in desk.refused(78, *command)
    assert desk.rows("SELECT version_num FROM alembic_version") == [("9999",)]
    assert desk.rows("SELECT count(*) FROM events, nudges") == before


def test_a_locked_database_is_code_75_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path).set_up()
    defaults = Store.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "busy_timeout", 0.01)
    with _held(desk.database):
        assert "locked" in desk.refused(75, "reference", "add", "Maria Lopez")
    assert desk.json("reference", "list") == []


def test_a_read_only_database_can_be_read_and_refuses_writing(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    desk.ok("reference", "add", "Maria Lopez")
    desk.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    _make_read_only(desk.database)
    assert [entry["name"] for entry in desk.json("reference", "list")] == ["Maria Lopez"]
    assert "read-only" in desk.refused(75, "reference", "add", "Ben Okafor")
    assert len(desk.json("reference", "list")) == 1


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        (
            'mount --bind "$0" "$1" && mount -o remount,bind,ro "$1"',
            "is on a file system that is mounted read-only; nothing was written.",
        ),
        (
            'mount -t tmpfs -o size=1m room "$1" && cp "$0"/reminderd.db "$1" && ! cat /dev/zero >"$1"/filling',
            "cannot grow, its disk or quota is full; nothing was written.",
        ),
    ],
    ids=["read-only", "full"],
)
def test_what_hinders_a_disk_is_told(tmp_path: Path, mount: str, words: str) -> None:
    Desk(tmp_path / "home").set_up()
    place = tmp_path / "place"
    place.mkdir()
    command = [sys.executable, "-m", "reminderd", "--home", str(place), "reference", "list"]
    ran = _where_mounted(f'{mount} && shift && exec "$@"', str(tmp_path / "home"), str(place), *command)
    assert (ran.returncode, ran.stdout) == (75, "")
    assert words in ran.stderr.splitlines()[-1]


def _where_mounted(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What became of a shell's script that may mount, which nobody else sees."""
    apart = ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",))]
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode != 0:
        why = "nothing can be mounted here"
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail(f"A mount of one's own is required here, but {why}.")
        pytest.skip(why)
    command = [*apart, "sh", "-c", script, *words]
    return subprocess.run(command, cwd=_checkout(), check=False, capture_output=True, text=True, timeout=60)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.database.write_bytes(b"Dear diary, " * 200)
    before = desk.database.read_bytes()
    assert "is not a SQLite database" in desk.refused(78, "reference", "list")
    assert desk.database.read_bytes() == before


def test_several_users_have_to_be_told_apart(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    desk.ok("init", "--name", "Bob", "--email", "bob@example.org")
    assert "--user EMAIL" in desk.refused(2, "reference", "list")
    assert desk.json("--user", "bob@example.org", "reference", "list") == []


def test_a_reader_who_leaves_early_sees_no_traceback(tmp_path: Path) -> None:
    Desk(tmp_path).set_up()
    command = f"{sys.executable} -m reminderd --home {tmp_path} rules list | true"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, cwd=_checkout())
    assert ran.stderr == ""


def test_no_color_is_kept(tmp_path: Path) -> None:
    desk = Desk(tmp_path, NO_COLOR="1").set_up()
    desk.ok("add", "Maria Lopez")
    args = ["--home", str(tmp_path), "reference", "list"]
    assert "\x1b" in CliRunner().invoke(cli, args, color=True).stdout
    assert "\x1b" not in CliRunner().invoke(cli, args, color=True, env={"NO_COLOR": "1"}).stdout


def test_completion_gives_a_script_for_each_shell(tmp_path: Path) -> None:
    desk = Desk(tmp_path, SHELL="/bin/zsh")
    for shell in ("bash", "zsh", "fish"):
        assert "_REMINDERD_COMPLETE" in desk.run("completion", shell).stdout
    assert "#compdef reminderd" in desk.run("completion").stdout


@contextlib.contextmanager
def _held(database: Path) -> Iterator[None]:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def _make_read_only(database: Path) -> None:
    """Root may write anywhere, so the file says it itself: a write version that SQLite does not know."""
    content = bytearray(database.read_bytes())
    content[18] = 3
    database.write_bytes(content)


def _checkout() -> Path:
    return Path(__file__).resolve().parents[2]
