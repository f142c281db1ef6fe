"""The demo: half a year in ./demo by the real pipeline, without the environment and without a socket."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import itertools
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reminderd.cli import demo_play
from reminderd.cli.demo_story import Calendar
from reminderd.cli.main import cli

FIRST = "2026-10-05"
"""A Monday."""
NO_SOCKETS = """
import sys
def refuse(event, arguments):
    if event.startswith("socket.") and event not in ("socket.gethostname",):
        print("opened a socket:", event, file=sys.stderr)
        import os; os._exit(99)
sys.addaudithook(refuse)
from reminderd.cli.main import cli
cli.main(["demo", "--now", "2026-10-05"])
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the demo has run once, and what it said."""
    folder = tmp_path_factory.mktemp("played")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = run("--now", FIRST)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return folder / "demo", result.stdout


def test_the_story_is_told_from_the_ask_after_a_silence_to_the_ninety_days(played: tuple[Path, str]) -> None:
    _, said = played
    told = [line.strip() for line in said.splitlines()]
    beats = [
        "It has been over three years since we were last in touch. I should",
        "Tell your Hooli references how it went by Thu 8 Oct",
        "Brief your Acme references by Fri 16 Oct",
        "Tell your Northwind references how it went by Sat 17 Oct",
        "$ reminderd landed Acme --starts 2026-11-23",
        "Thank your Acme references by Thu 22 Oct",
        "| Hi Maria,",
        "Sends 5 of the 6, and does not get round to Dana.",
        "2nd reminder: Dana White",
        "reminderd: D.W. - thank by Thu 22 Oct.",
        "Thanks Dana too: all six have heard it from her.",
        "Snoozes the cards and gifts for 1 day.",
        "Wish Maria Lopez a happy birthday by Thu 10 Dec",
    ]
    places = [next((i for i, line in enumerate(told) if beat in line), None) for beat in beats]
    assert None not in places, [beat for beat, place in zip(beats, places, strict=True) if place is None]
    assert places == sorted(places)


def test_the_sixth_is_named_alone_the_next_morning_and_by_text_on_the_last_day(played: tuple[Path, str]) -> None:
    rows = query(
        played[0],
        "SELECT d.channel, d.sent_at, group_concat(r.name) FROM deliveries d JOIN steps s ON s.delivery_id = d.id"
        " JOIN nudges n ON n.id = s.nudge_id JOIN 'references' r ON r.id = n.reference_id"
        " WHERE n.rule = 'accepted' AND s.state = 'sent' GROUP BY d.id ORDER BY d.id",
    )
    assert [(channel, at[:16]) for channel, at, _ in rows] == [
        ("email", "2026-10-20 10:00"),
        ("email", "2026-10-21 07:00"),
        ("sms", "2026-10-22 07:00"),
    ]
    assert rows[0][2].count(",") == 5
    assert [names for _, _, names in rows[1:]] == ["Dana White", "Dana White"]


def test_what_was_told_of_lies_in_the_folder(played: tuple[Path, str]) -> None:
    folder, said = played
    mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in new(folder)]
    assert f"{len(mails)} mails and 1 text (1 segment) in half a year:" in said
    assert {mail["To"] for mail in mails} == {"Ada Byron <ada@example.org>"}
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    texts = (folder / "texts.log").read_text(encoding="utf-8")
    assert texts.count("(1 segment, GSM-7)\nreminderd: D.W. - thank by Thu 22 Oct.") == 1
    assert query(folder, "SELECT DISTINCT state FROM deliveries WHERE state <> 'cancelled'") == [("sent",)]
    assert query(folder, "SELECT count(*) FROM nudges WHERE rule = 'accepted' AND state = 'done'") == [(6,)]


def test_it_is_short_enough_to_read_and_ends_with_three_commands(played: tuple[Path, str]) -> None:
    lines = played[1].rstrip().splitlines()
    assert len(lines) <= 140
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in played[1]
    assert [line.split("reminderd ")[-1].split()[0] for line in lines[-3:]] == ["init", "add", "landed"]


def test_run_again_it_sends_nothing_and_says_so(played: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, said = played
    monkeypatch.chdir(folder.parent)
    before = [path.name for path in new(folder)], (folder / "texts.log").read_bytes(), sent(folder)
    for arguments in ((), ("--now", FIRST)):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
        note = "Nothing was sent this time: all of this had arrived in an earlier run.\n"
        assert note in result.stdout
        assert result.stdout.replace(note, "") == said
        assert ([path.name for path in new(folder)], (folder / "texts.log").read_bytes(), sent(folder)) == before


def test_another_first_day_is_refused_with_what_to_remove(
    played: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(played[0].parent)
    result = run("--now", "2026-10-06")
    assert result.exit_code == 2
    assert (
        result.stderr == "reminderd: demo/ began on 2026-10-05; to begin on 2026-10-06, remove it first: rm -r demo\n"
    )
    assert result.stdout == ""


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "slides.odp").write_bytes(b"mine")
    result = run()
    assert result.exit_code == 2
    assert "run it in another folder" in result.stderr
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["slides.odp"]


@pytest.mark.parametrize("stops_after", [3, 45, 80])
def test_stopped_anywhere_it_goes_on_from_there(played: tuple[Path, str], tmp_path: Path, stops_after: int) -> None:
    days = Calendar(dt.date.fromisoformat(FIRST))
    with demo_play.opened(tmp_path / "demo", days) as play:
        list(itertools.islice(play.lines(), stops_after))
    with demo_play.opened(tmp_path / "demo", days) as play:
        told = list(play.lines())
    assert "\n".join(told) in played[1]
    assert sent(tmp_path / "demo") == sent(played[0])
    assert len(new(tmp_path / "demo")) == len(new(played[0]))


@pytest.mark.parametrize("first", ["2027-03-27", "2028-02-29"])
def test_it_works_on_any_first_day(tmp_path: Path, first: str) -> None:
    """The Saturday before the clocks change, and 29 February."""
    with demo_play.opened(tmp_path / "demo", Calendar(dt.date.fromisoformat(first))) as play:
        told = "\n".join(play.lines())
    assert "It has been over three years since we were last in touch." in told
    assert told.count("2nd reminder: Dana White") == 1
    assert told.count("a happy birthday") == 3
    assert 15 <= len(new(tmp_path / "demo")) <= 35


def test_it_opens_no_socket_and_reads_neither_the_environment_nor_a_file_of_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SMTP_HOST=mail.example.org\nSMTP_SECURITY=nonsense\n", encoding="utf-8")
    environ = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "REMINDERD_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql://nobody@192.0.2.1/none",
        "SMTP_HOST": "192.0.2.1",
        "SMTP_PORT": "no port",
        "TWILIO_ACCOUNT_SID": "nonsense",
    }
    ran = subprocess.run(
        [sys.executable, "-c", NO_SOCKETS], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert len(new(tmp_path / "demo")) > 15
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "demo"]


def test_the_guard_against_sockets_would_notice_one() -> None:
    hook = NO_SOCKETS.partition("from reminderd")[0]
    ran = subprocess.run(
        [sys.executable, "-c", f"{hook}\nimport socket\nsocket.socket()"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 99
    assert socket.socket.__name__ in ran.stderr


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["demo", *arguments])


def new(folder: Path) -> list[Path]:
    return sorted((folder / "Maildir" / "new").iterdir())


def sent(folder: Path) -> list[tuple[object, ...]]:
    return query(folder, "SELECT channel, dedupe_key, subject, sent_at, attempts FROM deliveries ORDER BY id")


def query(folder: Path, text: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "reminderd.db") as connection:
        return connection.execute(text).fetchall()
