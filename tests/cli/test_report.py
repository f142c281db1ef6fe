"""`health`, `report` and `service … --dry-run`, as somebody types them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "there is no database yet"),
        ({"DATABASE_URL": "postgresql://ada:hush@127.0.0.1:1/house"}, "cannot be reached"),
        ({"SENDERS": "many"}, "SENDERS: expected"),
    ],
)
def test_health_that_cannot_look_says_why_and_ends_with_1(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    ran = call("--home", str(tmp_path), "health", "--json", **environ)
    assert ran.exit_code == 1
    found = json.loads(ran.stdout)
    assert found["ok"] is False
    (problem,) = found["problems"]
    assert words in problem
    assert "hush" not in ran.output
    assert ran.stderr == ""


def test_health_does_not_mind_a_rule_book_that_the_daemon_would_refuse(home: Path) -> None:
    assert call("--home", str(home), "run", "--once").exit_code == 0
    (home / "rules.toml").write_text("no book")
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
    for line in (
        "SMTP_PASSWORD: set",
        "IMAP_HOST: unset",
        "DEFAULT_REGION: unset",
        "SENDERS: 4",
        "1 references",
        "## Log",
        "DATABASE_URL: sqlite",
    ):
        assert line in ran.stdout
    assert ": None" not in ran.stdout


def entry(**fields: Any) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": "1795521600123456", "SYSLOG_IDENTIFIER": "reminderd"} | fields)


def test_a_report_s_log_has_events_and_ids_and_what_systemd_did_and_no_words(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = f"  {home}/reminderd/composer.py:7 in compose\nbuiltins.ValueError"
    failed = {"REMINDERD_EVENT": "send_failed", "REMINDERD_DELIVERY": "3", "REMINDERD_CODE": "451", "PRIORITY": "4"}
    refused = {"REMINDERD_EVENT": "reload_refused", "MESSAGE": "reload_refused SMTP_FROM: not 'ada@example.org'"}
    lines = [
        entry(MESSAGE="send_failed delivery=3 code=451", **failed),
        entry(**refused, PRIORITY="3"),
        entry(REMINDERD_EVENT="compose_broke", REMINDERD_USER="7", REMINDERD_ERROR=list(trace.encode()), PRIORITY="3"),
        entry(MESSAGE="reminderd: SMTP_FROM: not 'ada@example.org'", PRIORITY="6"),
        entry(MESSAGE="reminderd.service: Watchdog timeout!", SYSLOG_IDENTIFIER="systemd", PRIORITY="3"),
    ]
    (tmp_path / "lines").write_text("\n".join(lines), "utf-8")
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\ncat {tmp_path}/lines\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    told = call("--home", str(home), "report").stdout
    assert told[told.index("## Log") :].splitlines()[1:] == [
        "2026-11-24 12:00:00 warning send_failed code=451 delivery=3",
        "2026-11-24 12:00:00 error reload_refused",
        "2026-11-24 12:00:00 error compose_broke user=7",
        "  HOME/reminderd/composer.py:7 in compose",
        "builtins.ValueError",
        "2026-11-24 12:00:00 (words, left out)",
        "2026-11-24 12:00:00 error systemd: reminderd.service: Watchdog timeout!",
        "",
    ]
    assert "--unit=reminderd*" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize("says", ["", "no JSON"])
def test_a_journal_that_says_nonsense_does_not_stop_a_report(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    program = tmp_path / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert call("--home", str(home), "report").exit_code == 0


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


def test_a_setting_stands_in_the_report_as_it_is_written(home: Path) -> None:
    ran = call("--home", str(home), "report", BACKOFF_SECONDS="2, 3,4")
    assert "BACKOFF_SECONDS: 2,3,4\n" in ran.stdout
