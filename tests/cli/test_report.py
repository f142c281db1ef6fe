"""`health`, `report` and `service … --dry-run`, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import click.testing
import pytest

from reminderd.cli.main import cli


def call(*words: str, **environ: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(cli, words, env=environ, catch_exceptions=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "house"
    ran = call("--home", str(home), "init", "--name", "Ada Byron", "--email", "ada@example.org")
    assert ran.exit_code == 0
    assert call("--home", str(home), "add", "Maria Lopez", "maria@example.org").exit_code == 0
    return home


def test_health_fails_until_the_daemon_made_a_pass(home: Path) -> None:
    ran = call("--home", str(home), "health", "--json")
    assert json.loads(ran.stdout) == {"ok": False, "problems": ["the daemon has made no pass yet"]}
    assert call("--home", str(home), "run", "--once").exit_code == 0
    assert call("--home", str(home), "health").stdout == "ok\n"


def test_a_report_names_nobody_and_no_secret(home: Path) -> None:
    secrets = {
        "SMTP_HOST": "mail.example.org",
        "SMTP_USERNAME": "ada.byron",
        "SMTP_PASSWORD": "correct horse",
        "SMTP_FROM": "ada@example.org",
        "SITE_ROOT": "https://ada.example.org",
    }
    ran = call("--home", str(home), "report", **secrets)
    assert ran.exit_code == 0
    for word in (*secrets.values(), "Ada", "Maria", "maria", "example.org", str(home)):
        assert word not in ran.stdout
    for line in ("SMTP_PASSWORD: set", "IMAP_HOST: unset", "1 references", "## Log", "DATABASE_URL: sqlite"):
        assert line in ran.stdout


def test_a_report_comes_even_where_nothing_is_set_up(tmp_path: Path) -> None:
    ran = call("--home", str(tmp_path / "none"), "report")
    assert ran.exit_code == 0
    assert "not to be had: ConfigError" in ran.stdout


def test_installing_shows_each_step_and_with_dry_run_does_none(home: Path) -> None:
    ran = call("--home", str(home), "service", "install", "--user", "--dry-run")
    assert ran.exit_code == 0
    unit = Path.home() / ".config" / "systemd" / "user" / "reminderd.service"
    for step in ("reminderd.service", "daemon-reload", "enable reminderd.service", "restart reminderd.service"):
        assert step in ran.stdout
    assert "Nothing was done" in ran.stderr
    assert not unit.exists()


def test_the_global_user_option_still_works_behind_other_commands(home: Path) -> None:
    ran = call("--home", str(home), "upcoming", "--user", "ada@example.org", "--json")
    assert ran.exit_code == 0
