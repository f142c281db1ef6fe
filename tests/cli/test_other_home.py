"""What is said while a service runs that works with other data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reminderd.cli import other_home
from reminderd.cli.main import COMMANDS
from tests.cli.desk import Desk

WRITING = (
    ("init", "--name", "Ada Byron", "--email", "ada@example.org"),
    ("add", "Sam Okoro", "sam@example.org"),
    ("landed", "Globex", "Maria"),
    ("need", "Initech", "--by", "3d", "Maria"),
    ("record", "met", "Maria"),
    ("undo",),
    ("done", "3"),
    ("skip", "3"),
    ("snooze", "3", "3d"),
    ("reference", "edit", "Maria", "--title", "CTO"),
    ("opportunity", "add", "Initech"),
    ("pause",),
    ("resume",),
    ("run", "--once"),
    ("send-test",),
    ("user", "edit", "--name", "Ada King"),
    ("restore", "copy.db", "--force"),
    ("db", "upgrade"),
)
"""A command of each group that writes."""
READING = (
    ("upcoming",),
    ("today",),
    ("show", "1"),
    ("draft", "1"),
    ("explain", "1"),
    ("reference", "list"),
    ("simulate", "--until", "3d"),
    ("status",),
    ("rules", "list"),
    ("overview",),
    ("db", "check"),
    ("backup", "again.db"),
)
ELSEWHERE = {"send", "sheet", "page", "service", "health", "report", "check", "login", "templates", "preview", "demo"}
"""They write nothing that a service works with, or (`login`) want a provider: `tests/cli/test_login.py`."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One nudge is open, and there is a copy; a service of the same person runs on other data."""
    desk = Desk(tmp_path / "mine", XDG_RUNTIME_DIR=str(tmp_path / "run")).set_up()
    desk.ok("add", "Maria Lopez", "maria@example.org")
    desk.ok("landed", "Acme", "Maria")
    desk.ok("backup", "copy.db")
    run_by(desk, tmp_path / "theirs", tmp_path / "theirs")
    return desk


def run_by(desk: Desk, home: Path, config: Path) -> None:
    """What a service says of itself while it runs."""
    folder = Path(desk.environ["XDG_RUNTIME_DIR"]) / "reminderd"
    folder.mkdir(parents=True, exist_ok=True)
    said = {"data": str(home / "reminderd.db"), "home": str(home), "config": str(config)}
    (folder / other_home.FILE).write_text(json.dumps(said))


def test_every_group_of_commands_is_here() -> None:
    known = {words[0] for words in (*WRITING, *READING)} | ELSEWHERE | {"completion"}
    assert known == set(COMMANDS)


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_a_command_that_writes_names_both_places_and_the_way_to_the_service(
    desk: Desk, tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = desk.run(*words)
    assert said.exit_code == 0, said.output
    theirs = tmp_path / "theirs"
    line = (
        f"reminderd: this went to {desk.database}, but the running service works with {theirs / 'reminderd.db'}."
        f" To reach that one: reminderd --home {theirs} …\n"
    )
    assert said.stderr.count(line) == 1


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_only_reads_says_nothing_of_it(desk: Desk, words: tuple[str, ...]) -> None:
    said = desk.run(*words)
    assert said.exit_code == 0, said.output
    assert "running service" not in said.output


def test_a_command_that_was_refused_went_nowhere(desk: Desk) -> None:
    assert desk.refused(2, "snooze", "99", "3d")


def test_nothing_is_said_when_the_service_has_the_same_data(desk: Desk) -> None:
    run_by(desk, desk.home, desk.home)
    assert "running service" not in desk.ok("record", "met", "Maria")


def test_a_service_in_the_usual_places_is_reached_without_what_leads_elsewhere(desk: Desk) -> None:
    run_by(desk, Path.home() / ".local/state/reminderd", Path.home() / ".config/reminderd")
    way = "env -u REMINDERD_HOME -u XDG_STATE_HOME -u XDG_CONFIG_HOME reminderd …"
    assert way in desk.ok("record", "met", "Maria")


def test_a_service_in_two_places_of_its_own_is_reached_by_naming_both(desk: Desk) -> None:
    run_by(desk, Path("/srv/state/reminderd"), Path("/srv/set up/reminderd"))
    way = "env -u REMINDERD_HOME XDG_STATE_HOME=/srv/state 'XDG_CONFIG_HOME=/srv/set up' reminderd …"
    assert way in desk.ok("record", "met", "Maria")
