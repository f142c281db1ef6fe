"""`run`, `status`, `check` and `send-test` on the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reminderd.drafts.library import Library
from tests.cli.desk import Desk
from tests.flow.parts import parsed
from tests.servers.smtp import SmtpServer
from tests.servers.twilio import SENDER, FakeTwilio

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path).set_up()


def _with_smtp(home: Path, server: SmtpServer, **more: str) -> Desk:
    values = {"SMTP_HOST": server.host, "SMTP_PORT": str(server.port), "SMTP_SECURITY": "off"}
    return Desk(home, **values, SMTP_FROM="reminders@example.org", **more)


def _with_twilio(home: Path, fake: FakeTwilio) -> Desk:
    return Desk(
        home,
        TWILIO_ACCOUNT_SID=fake.account,
        TWILIO_AUTH_TOKEN=fake.token,
        TWILIO_FROM=SENDER,
        TWILIO_API_URL=fake.url,
    )


@pytest.fixture
def no_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying all templates takes seconds; other tests do."""
    monkeypatch.setattr(Library, "check", lambda self: [])


# ---- status


def test_status_has_the_keys_that_programs_rely_on(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez", "--birthday", "04-12")
    found = desk.json("status")
    assert set(found["deliveries"]) == {"pending", "leased", "sent", "delivered", "failed", "cancelled", "unknown"}
    assert found["oldest_due_at"] is None
    assert found["next_due_at"] is not None
    assert found["channels"] == {"email": {"last_success_at": None, "paused": False, "words": None, "stopped": False}}
    desk.ok("run", "--once")
    assert {"plan", "compose", "dispatch"} <= set(desk.json("status")["jobs"])
    assert "Last dispatch" in desk.ok("status")


def test_status_counts_what_was_sent_and_when_the_channel_last_worked(desk: Desk) -> None:
    desk.ok("send-test")
    found = desk.json("status")
    assert found["deliveries"]["sent"] == 1
    assert found["channels"]["email"]["last_success_at"].endswith(("+01:00", "+02:00"))
    assert "1 sent" in desk.ok("status")


# ---- what every command says when the only channel is broken


def test_a_stopped_channel_is_told_by_every_command_when_there_is_no_other(desk: Desk) -> None:
    desk.rows(
        "INSERT INTO channel_health (user_id, channel, paused_at, code, words)"
        " VALUES (1, 'email', '2026-01-01 00:00:00.000000', '535', 'The server refused the password.')"
    )
    result = desk.run("reference", "list", "--json")
    assert result.exit_code == 0
    assert result.stdout == "[]\n"
    assert "E-mail stopped: The server refused the password. Once mended: reminderd send-test" in result.stderr
    found = desk.json("status")["channels"]["email"]
    assert (found["paused"], found["words"]) == (True, "The server refused the password.")
    assert "stopped: The server refused the password." in desk.run("status").stdout
    assert desk.run("status").stderr == ""


def test_a_failed_message_is_told_until_it_has_been_told_elsewhere(desk: Desk) -> None:
    desk.ok("send-test")
    desk.rows("UPDATE deliveries SET state = 'failed', failure_told = 0, fault_words = 'No such mailbox.'")
    assert "1 message to you could not be sent (No such mailbox.)" in desk.run("reference", "list").stderr
    desk.rows("UPDATE deliveries SET failure_told = 1")
    assert "could not be sent" not in desk.run("reference", "list").stderr


def test_with_two_channels_the_other_one_tells(tmp_path: Path) -> None:
    with FakeTwilio() as fake:
        desk = _with_twilio(tmp_path, fake).set_up()
        desk.ok("user", "edit", "--phone", "+14155550100")
        desk.rows(
            "INSERT INTO channel_health (user_id, channel, paused_at, code, words)"
            " VALUES (1, 'email', '2026-01-01 00:00:00.000000', '535', 'The server refused the password.')"
        )
        assert "stopped" not in desk.run("reference", "list").stderr


# ---- what the user stopped


@pytest.mark.usefixtures("no_templates")
def test_a_stop_is_shown_wherever_one_looks_with_what_starts_it_again(desk: Desk) -> None:
    desk.ok("add", "Maria Lopez")
    desk.ok("landed", "Acme", "Maria Lopez", "--quiet")
    assert "stopped" not in desk.ok("check") + desk.ok("user", "list")
    desk.rows("UPDATE users SET email_enabled = 0")
    again = "reminderd resume --channel email"
    listed = desk.run("upcoming")
    assert "by e-mail" not in listed.stdout
    assert "waits: you stopped every way to you" in listed.stdout
    assert again in listed.stderr
    assert {line["channel"] for line in desk.json("upcoming")} == {None}
    assert f"stopped by you; to start again: {again}" in desk.ok("status")
    assert desk.json("status")["channels"]["email"]["stopped"] is True
    assert desk.json("status")["next_due_at"] is None
    assert f"e-mail stopped by the user (again: {again})" in desk.run("user", "list").stdout
    assert desk.json("user", "list")[0]["stopped"] == ["email"]
    checked = desk.run("check")
    assert checked.exit_code == 1
    assert "FAIL ways: E-mail to ada@example.org: stopped by ada@example.org." in checked.stdout
    for channel in ((), ("--channel", "email")):
        assert again in desk.refused(78, "send-test", *channel)
    assert "stopped" not in desk.ok(*again.split()[1:])
    assert "stopped" not in desk.ok("check") + desk.ok("user", "list") + desk.ok("upcoming")
    assert desk.json("status")["next_due_at"] is not None


@pytest.mark.usefixtures("no_templates")
def test_among_several_what_starts_mail_again_says_whose(desk: Desk) -> None:
    desk.ok("user", "add", "--name", "Ben Okri", "--email", "ben@example.org")
    desk.rows("UPDATE users SET email_enabled = 0 WHERE email = 'ben@example.org'")
    again = "reminderd --user ben@example.org resume --channel email"
    assert again in desk.run("check").stdout
    assert again in desk.ok("user", "list")
    desk.ok(*again.split()[1:])
    assert "stopped" not in desk.ok("check") + desk.ok("user", "list")


@pytest.mark.usefixtures("no_templates")
def test_texts_that_were_stopped_are_shown_and_no_test_is_sent_by_them(tmp_path: Path) -> None:
    with FakeTwilio() as fake:
        desk = _with_twilio(tmp_path, fake).set_up()
        desk.ok("user", "edit", "--phone", "+14155550100")
        desk.rows("UPDATE users SET sms_enabled = 0")
        assert "stopped by you; to start again: text START" in desk.ok("status")
        assert "ok ways: Texts to ada@example.org: stopped by ada@example.org. To start again" in desk.ok("check")
        assert "text START" in desk.refused(78, "send-test", "--channel", "sms")
        assert fake.sent == []
        assert "stopped" not in desk.ok("upcoming")


# ---- check


@pytest.mark.usefixtures("no_templates")
def test_check_tries_everything_and_says_ok_line_by_line(desk: Desk) -> None:
    lines = desk.run("check").stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"ok {what}"
        for what in ("database", "files", "rules", "templates", "mail", "texts", "answers", "messages", "clock", "zone")
    ]
    assert "nothing leaves this machine" in lines[4]


@pytest.mark.usefixtures("no_templates")
@pytest.mark.usefixtures("no_templates")
@pytest.mark.parametrize(("key", "told"), [("only15letters.x", True), ("these16.letters.", False)])
def test_check_tells_of_a_key_that_could_be_guessed(tmp_path: Path, key: str, told: bool) -> None:
    assert ("SECRET_KEY is so short" in Desk(tmp_path, SECRET_KEY=key).set_up().ok("check")) is told


def test_check_before_init_fails_in_one_line_only(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    result = desk.run("check")
    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if line.startswith("FAIL")] == [
        f"FAIL database: there is no {desk.database} yet; start with: reminderd init"
    ]
    assert not desk.database.exists()


@pytest.mark.usefixtures("no_templates")
@pytest.mark.parametrize("is_empty", [False, True], ids=["removed", "empty"])
def test_a_database_that_is_gone_is_told_with_the_copy_that_brings_it_back(desk: Desk, is_empty: bool) -> None:
    desk.ok("add", "Maria Lopez", "maria@example.org")
    desk.ok("run", "--once")
    (copy,) = (desk.home / "backups").iterdir()
    desk.database.unlink()
    if is_empty:
        desk.database.touch(0o600)
    checked = desk.run("check")
    assert checked.exit_code == 1
    (failed,) = [line for line in checked.stdout.splitlines() if line.startswith("FAIL")]
    force = " --force" if is_empty else ""
    assert failed.endswith(f" Or bring the newest copy back: reminderd restore {copy}{force}")
    for command in (("run", "--once"), ("health",)):
        result = desk.run(*command)
        assert (result.exit_code, result.stdout) == (0, "ok\n" if command == ("health",) else "")
        assert result.stderr.startswith(f"reminderd: nobody is set up in the home {desk.home}. ")
        assert result.stderr.endswith(f" Or bring the newest copy back: reminderd restore {copy} --force\n")
    desk.ok("restore", str(copy), "--force")
    assert "Maria Lopez" in desk.ok("reference", "list")
    assert desk.run("run", "--once").stderr == desk.run("health").stderr == ""
    assert "FAIL" not in desk.ok("check")


@pytest.mark.usefixtures("no_templates")
def test_check_signs_in_to_the_mail_server(tmp_path: Path) -> None:
    with SmtpServer(accounts={"ada": "right"}) as server:
        good = _with_smtp(tmp_path, server, SMTP_USERNAME="ada", SMTP_PASSWORD="right").set_up()
        assert f"ok mail: {server.host}:{server.port}" in good.ok("check")
        bad = _with_smtp(tmp_path, server, SMTP_USERNAME="ada", SMTP_PASSWORD="hunter2").run("check")
        assert bad.exit_code == 1
        assert "FAIL mail: " in bad.stdout
        assert "hunter2" not in bad.output
        assert not server.received


@pytest.mark.usefixtures("no_templates")
def test_check_asks_twilio_for_the_account(tmp_path: Path) -> None:
    with FakeTwilio() as fake:
        desk = _with_twilio(tmp_path, fake).set_up()
        assert "ok texts: Twilio account is active" in desk.ok("check")
        fake.force(status=401, code=20003)
        assert "FAIL texts: " in desk.run("check").stdout
        assert not fake.sent


def test_check_finds_wrong_books_templates_and_settings_names_each_by_its_line(tmp_path: Path) -> None:
    desk = Desk(tmp_path, EMAIL_HOST="mail.example.org").set_up()
    (tmp_path / "rules.toml").write_text("[rules.new-year]\nenabeld = false\n")
    (tmp_path / "templates" / "drafts").mkdir(parents=True)
    (tmp_path / "templates" / "drafts" / "new_year.j2").write_text("{{ nobody.name }}")
    result = desk.run("check")
    assert result.exit_code == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert any(line.startswith("FAIL rules: ") and "enabeld" in line for line in failed)
    assert any(line.startswith("FAIL templates: ") and "new_year.j2" in line for line in failed)
    assert "FAIL setting: EMAIL_HOST is set, but reminderd reads SMTP_HOST." in failed


@pytest.mark.usefixtures("no_templates")
@pytest.mark.parametrize(
    ("environ", "book", "label", "words"),
    [
        ({}, "no book", "rules", "rules.toml: expected TOML"),
        ({"SMTP_PASSWORD_FILE": "/gone"}, "", "setting", "SMTP_PASSWORD_FILE: expected a readable text file"),
        ({"SENDERS": "many"}, "no book", "setting", "SENDERS: expected"),
    ],
)
def test_check_tells_one_mistake_once_and_under_its_name(
    desk: Desk, environ: dict[str, str], book: str, label: str, words: str
) -> None:
    (desk.home / "rules.toml").write_text(book)
    result = Desk(desk.home, **environ).run("check")
    assert result.exit_code == 1
    (failed,) = [line for line in result.output.splitlines() if "FAIL" in line or line.startswith("reminderd: ")]
    assert failed.startswith(f"FAIL {label}: ")
    assert words in failed


@pytest.mark.usefixtures("no_templates")
def test_check_speaks_of_servers_and_not_of_messages_that_there_are_none_of(tmp_path: Path) -> None:
    away = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": "1", "SMTP_SECURITY": "off", "SMTP_FROM": "reminders@example.org"}
    with FakeTwilio() as fake:
        desk = _with_twilio(tmp_path, fake)
        desk.environ |= away
        desk.set_up()
        fake.force(status=503)
        failed = [line for line in desk.run("check").stdout.splitlines() if line.startswith("FAIL")]
        waiting = desk.run("send-test")
    assert failed == [
        "FAIL mail: The mail server could not be reached, or the connection broke.",
        "FAIL texts: The other side did not answer as it should (503).",
    ]
    assert waiting.exit_code == 75
    assert "or the connection broke. It will be tried again. See: reminderd status" in waiting.stderr


@pytest.mark.usefixtures("no_templates")
def test_check_fails_for_a_failed_message_until_somebody_tries_its_channel_anew(tmp_path: Path) -> None:
    with SmtpServer() as server:
        desk = _with_smtp(tmp_path, server).set_up()
        server.refuse("RCPT", "550 5.1.1 No such mailbox")
        desk.run("send-test")
        words = "1 message to ada@example.org could not be sent (The mail server rejected the address"
        for _ in range(2):  # a look does not take it away
            result = desk.run("check")
            assert result.exit_code == 1
            (failed,) = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
            assert failed.startswith(f"FAIL messages: {words}")
            assert failed.endswith("Once mended: reminderd send-test")
        assert "1 failed" in desk.run("status").stdout
        assert "1 message to you could not be sent" in desk.run("reference", "list").stderr
        desk.run("send-test")
        assert f"FAIL messages: {words}" in desk.run("check").stdout  # that one failed, too
        server.relent()
        desk.ok("send-test")
        assert "ok messages: " in desk.ok("check")
        assert "could not be sent" not in desk.run("reference", "list").stderr


@pytest.mark.usefixtures("no_templates")
def test_check_tells_whose_message_failed_and_by_which_channel(tmp_path: Path) -> None:
    with FakeTwilio() as fake:
        desk = _with_twilio(tmp_path, fake).set_up()
        desk.ok("user", "edit", "--phone", "+14155550100")
        desk.ok("user", "add", "--name", "Ben Okri", "--email", "ben@example.org")
        desk.ok("send-test", "--user", "ada@example.org", "--channel", "sms")
        desk.rows(
            "UPDATE deliveries SET state = 'failed', failure_told = 0,"
            " fault_code = '30005', fault_words = 'No such number.'"
        )
        (failed,) = [line for line in desk.run("check").stdout.splitlines() if line.startswith("FAIL")]
        assert "1 message to ada@example.org could not be sent (No such number.)" in failed
        assert failed.endswith("reminderd --user ada@example.org send-test --channel sms")
        desk.ok("user", "edit", "ada@example.org", "--phone", "")
        assert "ok messages: " in desk.ok("check")  # a channel that is not used any more


# ---- send-test


def test_a_test_message_goes_by_mail(tmp_path: Path) -> None:
    with SmtpServer() as server:
        desk = _with_smtp(tmp_path, server).set_up()
        assert "on its way to ada@example.org" in desk.ok("send-test")
        (mail,) = server.received
        assert mail.recipients == ("ada@example.org",)


def test_a_test_message_goes_by_text(tmp_path: Path) -> None:
    with FakeTwilio() as fake:
        desk = _with_twilio(tmp_path, fake).set_up()
        assert "no phone number" in desk.refused(2, "send-test", "--channel", "sms")
        desk.ok("user", "edit", "--phone", "+14155550100")
        assert "on its way to +14155550100" in desk.ok("send-test", "--channel", "sms")
        assert [message.to for message in fake.sent] == ["+14155550100"]


def test_a_channel_that_is_not_set_up_is_code_78(desk: Desk) -> None:
    assert "TWILIO_ACCOUNT_SID" in desk.refused(78, "send-test", "--channel", "sms")


def test_a_refused_password_fails_the_test_and_the_next_one_tries_again(tmp_path: Path) -> None:
    with SmtpServer(accounts={"ada": "right"}) as server:
        bad = _with_smtp(tmp_path, server, SMTP_USERNAME="ada", SMTP_PASSWORD="hunter2").set_up()
        words = bad.refused(1, "send-test")
        assert "could not be sent" in words
        assert "hunter2" not in words
        assert bad.json("status")["channels"]["email"]["paused"] is True
        good = _with_smtp(tmp_path, server, SMTP_USERNAME="ada", SMTP_PASSWORD="right")
        good.ok("send-test")
        assert good.json("status")["channels"]["email"]["paused"] is False


def test_a_server_that_is_busy_is_code_75(tmp_path: Path) -> None:
    with SmtpServer() as server:
        server.refuse("MAIL", "451 4.3.0 Try again later")
        desk = _with_smtp(tmp_path, server).set_up()
        assert "not out yet" in desk.refused(75, "send-test")


def test_once_a_channel_is_mended_what_failed_on_it_goes_again_and_only_once(tmp_path: Path) -> None:
    with SmtpServer() as server:
        desk = _with_smtp(tmp_path, server).set_up()
        desk.ok("add", "Maria Lopez")
        desk.ok("landed", "Acme", "Maria Lopez", "--quiet")
        server.refuse("RCPT", "550 5.1.1 No such mailbox")
        assert desk.run("run", "--once").exit_code == 1
        (number,) = [line["nudge"] for line in desk.json("upcoming") if line["rule"] == "accepted"]
        shown = desk.ok("show", str(number))
        assert "could not be sent by e-mail" in shown
        assert "sent by e-mail" not in shown.replace("be sent by e-mail", "")
        server.relent()
        desk.ok("send-test")
        for _ in range(2):
            desk.ok("send-test")
            desk.ok("run", "--once")
        subjects = [parsed(mail.content)["Subject"] for mail in server.received]
        assert [subject.split(" by ")[0] for subject in subjects if "test" not in subject] == ["Thank Maria Lopez"]
        assert "could not be sent" not in desk.ok("show", str(number))


def test_what_failed_is_left_when_it_is_of_no_use_any_more(tmp_path: Path) -> None:
    with SmtpServer() as server:
        desk = _with_smtp(tmp_path, server).set_up()
        desk.ok("add", "Maria Lopez")
        desk.ok("landed", "Acme", "Maria Lopez", "--quiet")
        server.refuse("RCPT", "550 5.1.1 No such mailbox")
        desk.run("run", "--once")
        server.relent()
        desk.ok("done", "Maria")
        desk.ok("send-test")
        desk.ok("run", "--once")
        assert not any("Thank" in parsed(mail.content)["Subject"] for mail in server.received)


def test_what_waits_for_a_paused_channel_is_due_once_it_is_mended(tmp_path: Path) -> None:
    with SmtpServer(accounts={"ada": "right"}) as server:
        bad = _with_smtp(tmp_path, server, SMTP_USERNAME="ada", SMTP_PASSWORD="hunter2").set_up()
        bad.ok("add", "Maria Lopez")
        bad.ok("landed", "Acme", "Maria Lopez", "--quiet")
        assert bad.run("run", "--once").exit_code == 75
        good = _with_smtp(tmp_path, server, SMTP_USERNAME="ada", SMTP_PASSWORD="right")
        waiting = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND due_at > strftime('%Y-%m-%d %H:%M:%f')"
        assert good.rows(waiting) == [(1,)]
        good.ok("send-test")
        assert good.rows(waiting) == [(0,)]
        good.ok("run", "--once")
        assert any("Thank" in parsed(mail.content)["Subject"] for mail in server.received)


# ---- run


def test_one_pass_ends_with_0_when_nothing_due_is_left(desk: Desk) -> None:
    assert desk.run("run", "--once").exit_code == 0


def test_one_pass_where_nobody_is_set_up_says_so_and_which_home_that_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "typo" / "hoem")
    result = desk.run("run", "--once")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        f"reminderd: nobody is set up in the home {desk.home}. Start with: reminderd init. "
        "Or is it another home? See: --home, REMINDERD_HOME.\n"
    )


def test_one_pass_where_nobody_is_set_up_names_a_database_that_lies_elsewhere(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    said = desk.run("run", "--once").stderr
    assert f"in the home {desk.home}, whose database is {tmp_path}/other.db." in said


def test_one_pass_ends_with_75_when_something_waits(tmp_path: Path) -> None:
    with SmtpServer() as server:
        server.refuse("MAIL", "451 4.3.0 Try again later")
        desk = _with_smtp(tmp_path, server).set_up()
        assert desk.run("send-test").exit_code == 75
        assert desk.run("run", "--once").exit_code == 75


def test_the_daemon_starts_as_a_process_and_stops_on_sigterm(desk: Desk) -> None:
    environ = os.environ | {"REMINDERD_HOME": str(desk.home), "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "reminderd", "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        assert any("ready" in line for line in process.stderr)
        assert desk.json("status")["daemon"] == process.pid
        refused = desk.run("run", "--once")
        assert refused.exit_code == 1
        assert f"has a daemon already (process {process.pid})" in refused.stderr
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(timeout=60) == 0
