"""`init`: by flags, and by questions on a terminal."""

from __future__ import annotations

import email
import os
import stat
from pathlib import Path

import pytest

from reminderd.cli.context import Ctx
from reminderd.cli.first_env import first_env
from reminderd.settings import read_env, rows
from tests.cli.desk import Desk
from tests.servers.smtp import SmtpServer


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


FLAGS = ("--name", "Ada Byron", "--email", "ada@example.org")


def test_flags_set_up_a_user_and_a_file_for_settings_that_only_its_owner_reads(desk: Desk) -> None:
    more = ("--phone", "+1 415 555 0100", "--timezone", "Europe/Berlin", "--quiet", "21:00-08:00", "--hour", "8:30")
    result = desk.run("init", *FLAGS, *more, "--digest", "daily")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "Nothing leaves this machine while SMTP_HOST is unset" in result.stderr
    assert "Next: reminderd add" in result.stderr
    assert desk.json("user", "list")[0] | {"created_at": ""} == {
        "email": "ada@example.org",
        "name": "Ada Byron",
        "phone": "+14155550100",
        "timezone": "Europe/Berlin",
        "hour": "08:30",
        "quiet": "21:00-08:00",
        "digest": "daily",
        "language": "en",
        "texts": "short",
        "paused": False,
        "paused_until": None,
        "stopped": [],
        "created_at": "",
    }
    for path, mode in ((desk.home, 0o700), (desk.home / ".env", 0o600), (desk.database, 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_the_first_env_names_every_setting_and_sets_none(desk: Desk) -> None:
    desk.ok("init", *FLAGS)
    assert read_env(desk.home / ".env") == {}
    for row in rows():
        assert f"#{row.name}={row.default}\n" in first_env()


def test_an_env_file_that_is_there_is_left_alone(desk: Desk) -> None:
    desk.home.mkdir()
    (desk.home / ".env").write_text("LOG_LEVEL=debug\n")
    desk.ok("init", *FLAGS)
    assert (desk.home / ".env").read_text() == "LOG_LEVEL=debug\n"


def test_an_env_file_named_and_missing_is_made(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "settings"
    desk.ok("--env-file", str(path), "init", *FLAGS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_zone_is_the_systems_where_none_is_given(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TZ="Pacific/Auckland")
    desk.ok("init", *FLAGS)
    assert desk.json("user", "list")[0]["timezone"] == "Pacific/Auckland"


def test_a_known_address_changes_only_what_is_given(desk: Desk) -> None:
    desk.ok("init", *FLAGS, "--quiet", "21:00-08:00", "--phone", "+14155550100")
    desk.ok("init", "--email", "ADA@example.org", "--hour", "18")
    (user,) = desk.json("user", "list")
    assert (user["name"], user["hour"], user["quiet"]) == ("Ada Byron", "18:00", "21:00-08:00")
    desk.ok("init", "--email", "ada@example.org", "--phone", "", "--quiet", "none")
    (user,) = desk.json("user", "list")
    assert (user["phone"], user["quiet"], user["hour"]) == (None, None, "18:00")


def test_a_new_address_adds_another_user_and_says_how_to_tell_them_apart(desk: Desk) -> None:
    desk.ok("init", *FLAGS)
    assert "--user bob@example.org" in desk.ok("init", "--name", "Bob", "--email", "bob@example.org")
    assert len(desk.json("user", "list")) == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "Missing: --name and --email"),
        (("--name", "Ada"), "Missing: --email"),
        (("--email", "ada@example.org"), "Missing: --name"),
        ((*FLAGS, "--timezone", "Mars/Olympus"), "no time zone"),
        ((*FLAGS, "--phone", "12"), "12"),
        ((*FLAGS, "--quiet", "late"), "Expected quiet hours"),
        ((*FLAGS, "--quiet", "08:00-08:00"), "cover nothing or everything"),
        ((*FLAGS, "--hour", "25:00"), "Expected a time of day"),
        ((*FLAGS, "--digest", "hourly"), "weekly, daily or off"),
        (("--name", "Ada", "--email", "ada"), "must have an @-sign"),
        (("--name", "...", "--email", "ada@example.org"), "Expected a name"),
    ],
)
def test_off_a_terminal_nothing_is_asked_and_nothing_half_made(args: tuple[str, ...], words: str, desk: Desk) -> None:
    assert words in desk.refused(2, "init", *args)
    assert not desk.home.exists()


def test_a_missing_name_is_told_where_others_are_set_up(desk: Desk) -> None:
    desk.ok("init", *FLAGS)
    assert "Missing: --name" in desk.refused(2, "init", "--email", "bob@example.org")


# ---- on a terminal


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ctx, "is_terminal", lambda self: True)


def _typed(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.usefixtures("terminal")
def test_the_questions_lead_from_nothing_to_a_test_message(desk: Desk) -> None:
    answers = _typed("ada", "ada@example.org", "Ada Byron", "Berlin", "Europe/Berlin", "8", "", "21:00-08:00")
    vouchers = _typed("Maria Lopez, maria@example.org", "Ben Okafor", "maria lopez, m@example.org", "x, y@", "")
    output = desk.ok("init", input=answers + _typed("") + vouchers)
    assert "must have an @-sign" in output
    assert "Did you mean Europe/Berlin?" in output
    assert "When do you have five quiet minutes?" in output
    assert "Maria Lopez is there already" in output
    people = [(entry["name"], entry["email"]) for entry in desk.json("reference", "list")]
    assert people == [("Ben Okafor", None), ("Maria Lopez", "maria@example.org")]
    (user,) = desk.json("user", "list")
    assert (user["timezone"], user["hour"], user["quiet"], user["phone"]) == (
        "Europe/Berlin",
        "08:00",
        "21:00-08:00",
        None,
    )
    assert f"The test message lies in {desk.home / 'Maildir'}" in output
    (mail,) = (desk.home / "Maildir" / "new").iterdir()
    assert email.message_from_bytes(mail.read_bytes())["To"] == "Ada Byron <ada@example.org>"


@pytest.mark.usefixtures("terminal")
def test_questions_that_a_flag_answers_are_not_asked(desk: Desk) -> None:
    flags = ("--name", "Ada Byron", "--timezone", "Europe/Berlin", "--hour", "8", "--phone", "", "--quiet", "none")
    output = desk.ok("init", *flags, input=_typed("ada@example.org", "", ""))
    assert "Your name" not in output
    assert "Your time zone" not in output
    assert desk.json("user", "list")[0]["timezone"] == "Europe/Berlin"


@pytest.mark.usefixtures("terminal")
def test_a_known_address_is_greeted_and_enter_keeps_what_was(desk: Desk) -> None:
    desk.ok("init", *FLAGS, "--hour", "18:30", "--quiet", "21:00-08:00", "--timezone", "Asia/Tokyo")
    before = desk.json("user", "list")
    output = desk.ok("init", input=_typed("ada@example.org", "", "", "", "", "", "", ""))
    assert "Welcome back, Ada Byron" in output
    assert desk.json("user", "list") == before


@pytest.mark.usefixtures("terminal")
def test_of_a_known_provider_only_the_app_password_is_asked(desk: Desk) -> None:
    output = desk.ok("init", input=_typed("ada@outlook.com", "Ada", "UTC", "9", "", "none", "", ""))
    assert "https://account.live.com/proofs/AppPassword" in output
    assert "reminderd login microsoft" in output
    assert "outgoing mail server" not in output
    assert "SMTP_HOST" not in read_env(desk.home / ".env")


@pytest.mark.usefixtures("terminal")
def test_a_mail_server_is_tried_kept_and_used_for_the_test_message(desk: Desk) -> None:
    with SmtpServer(accounts={"ada": "right"}) as server:
        place = f"{server.host}:{server.port}"
        wrong, right = (_typed(place, "off", "ada", password) for password in ("hunter2", "right"))
        who = _typed("ada@example.org", "Ada", "UTC", "9", "", "none")
        output = desk.ok("init", input=who + wrong + right + _typed("", "n"))
        assert "That did not work" in output
        assert "hunter2" not in output
        assert "Did it arrive?" in output
        assert "Look among the spam" in output
        assert [mail.recipients for mail in server.received] == [("ada@example.org",)]
        kept = read_env(desk.home / ".env")
        assert kept == {
            "SMTP_HOST": server.host,
            "SMTP_PORT": str(server.port),
            "SMTP_SECURITY": "off",
            "SMTP_USERNAME": "ada",
            "SMTP_PASSWORD": "right",
            "SMTP_FROM": "ada@example.org",
        }
        assert stat.S_IMODE((desk.home / ".env").stat().st_mode) == 0o600
        assert "Nothing leaves" not in desk.ok("add", "Maria Lopez")


@pytest.mark.usefixtures("terminal")
def test_a_server_that_never_lets_us_in_leaves_the_settings_unset(desk: Desk) -> None:
    with SmtpServer(accounts={"ada": "right"}) as server:
        tries = _typed(*[f"{server.host}:{server.port}", "off", "ada", "hunter2"] * 3)
        who = _typed("ada@example.org", "Ada", "UTC", "9", "", "none")
        output = desk.ok("init", input=who + tries + _typed(""))
    assert output.count("That did not work") == 3
    assert read_env(desk.home / ".env") == {}
    assert "SMTP_HOST is unset, so nothing left this machine" in output


@pytest.mark.usefixtures("terminal")
def test_ctrl_c_ends_in_one_line_and_keeps_what_was_saved(desk: Desk) -> None:
    result = desk.run("init", input=_typed("ada@example.org", "Ada", "UTC", "9", "", "none"))
    assert result.exit_code == 130
    assert "reminderd: Stopped" in result.stderr
    assert len(desk.json("user", "list")) == 1


def test_settings_come_from_the_environment_where_the_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / ".env"  # below a file nobody can write, root included
    desk = Desk(tmp_path / "home")
    result = desk.run("--env-file", str(path), "init", *FLAGS)
    assert result.exit_code == 78
    assert os.fspath(path) in result.stderr
