"""Canaries: secrets are planted in every setting that takes one, and looked for in all that the program gives off."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reminderd.message import Channel
from reminderd.settings import rows, write_env
from reminderd.store.database import Store
from tests.cli.desk import Desk
from tests.flow.parts import NOON, Mailbox, Recorder, Story, make_house, parsed, words_of
from tests.flow.daemons import Daemon, wait_until
from tests.servers.certificates import Certificates
from tests.servers.twilio import ACCOUNT, FakeTwilio

CHECKOUT = Path(__file__).resolve().parents[2]
CANARY = "canary-7f3a"
COMMANDS = (
    ("status", "--json"),
    ("check", "--json"),
    ("status",),
    ("overview",),
    ("upcoming", "--json"),
    ("db", "check", "--json"),
    ("send-test",),
    ("-v", "send-test"),
    ("user", "list", "--json"),
    ("rules", "list"),
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    Desk(path).set_up()
    return path


@pytest.fixture
def planted(home: Path, mailbox: Mailbox, certificates: Certificates, fake_twilio: FakeTwilio) -> list[str]:
    """The canaries, each in a setting of its own in `.env`; the servers refuse all of them."""
    secrets = {row.name: f"{CANARY}-{row.name.lower()}" for row in rows() if row.secret and row.name != "DATABASE_URL"}
    values = {
        "SMTP_HOST": "localhost",
        "SMTP_PORT": str(mailbox.port),
        "SMTP_USERNAME": "ada",
        "SMTP_FROM": "reminderd@example.org",
        "SMTP_CA_FILE": str(certificates.ca_file),
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_MESSAGING_SERVICE_SID": "MG1",
        "TWILIO_API_URL": fake_twilio.url,
        "IMAP_HOST": "localhost",
        "IMAP_PORT": "1",
        "IMAP_SECURITY": "off",
        "IMAP_USERNAME": "ada",
        "LOG_LEVEL": "debug",
        "BACKOFF_SECONDS": "1",
    }
    wanted = ("SMTP_PASSWORD", "TWILIO_AUTH_TOKEN", "IMAP_PASSWORD", "SECRET_KEY")
    secrets = {name: value for name, value in secrets.items() if name in wanted}
    secrets["HEALTH_PING_URL"] = f"http://127.0.0.1:9/{CANARY}-ping"
    write_env(home / ".env", values | secrets)
    return list(secrets.values())


def test_no_secret_is_in_anything_that_the_program_gives_off(home: Path, planted: list[str]) -> None:
    desk = Desk(home)
    desk.ok("add", "Ana Mueller", "ana@example.org", "--last-contact", "2026-11-01")
    desk.ok("opportunity", "add", "Acme")
    desk.ok("record", "asked", "Ana Mueller", "--for", "Acme")
    desk.ok("landed", "Acme")
    daemon = Daemon(home, {})
    daemon.wait_for("READY=1")
    wait_until(lambda: b"send_failed" in daemon.log.read_bytes())
    seen = [Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()]
    limits = Path(f"/proc/{daemon.process.pid}/limits").read_text()
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "reminderd", "--home", str(home), *command],
            cwd=CHECKOUT,
            env=os.environ,
            capture_output=True,
            timeout=60,
            check=False,
        )
        seen += [done.stdout, done.stderr]
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0
    daemon.close()
    files = [path for path in home.rglob("*") if path.is_file() and path.name not in (".env", "secret_key")]
    seen += [path.read_bytes() for path in files]
    assert {"reminderd.db", "log"} <= {path.name for path in files}
    assert not [words for words in seen if CANARY.encode() in words]
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["1", "1"]  # less than any core, and a word to programs that take them by a pipe


def test_a_postgresql_password_is_nowhere_in_an_error(home: Path) -> None:
    desk = Desk(home, DATABASE_URL=f"postgresql://ada:{CANARY}@127.0.0.1:1/notes")
    for command in ("status", "check", "upcoming", "backup x"):
        assert CANARY not in desk.run(*command.split()).output


def test_what_is_made_is_its_owners_alone(home: Path, planted: list[str]) -> None:
    for name in (".env", "reminderd.db"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [".env", "reminderd.db"])
def test_check_warns_of_a_file_that_others_may_read(home: Path, name: str) -> None:
    if name == ".env":
        write_env(home / ".env", {"LOG_LEVEL": "info"})
    (home / name).chmod(0o644)
    lines = Desk(home).run("check").stdout.splitlines()
    assert f"FAIL files: {home / name} is open to others of this machine; chmod 600 {home / name}" in lines
    (home / name).chmod(0o600)
    assert not [line for line in Desk(home).run("check").stdout.splitlines() if line.startswith("FAIL files")]


EVIL = {
    "a header": "Eve\r\nBcc: all@example.org",
    "a template": "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "SQL": "Robert'); DROP TABLE users;--",
    "a formula": "=cmd|' /C calc'!A0",
    "a path": "../../../../etc/passwd",
    "HTML": "<script>alert(1)</script>",
}


@pytest.mark.parametrize("what", EVIL)
def test_nothing_that_a_name_holds_is_carried_out(sqlite_store: Store, tmp_path: Path, what: str) -> None:
    recorder = Recorder()
    story = Story.begin(
        make_house(sqlite_store, tmp_path, ways=["email"]), {Channel.EMAIL: recorder}, [EVIL[what]], NOON, phone=None
    )
    story.land(NOON)
    story.pass_at(NOON)
    (mail,) = recorder.taken
    message = parsed(mail.content)
    assert message["Bcc"] is None
    assert message["To"].addresses[0].addr_spec == "ada@example.org"
    assert len(str(message["Subject"]).splitlines()) == 1
    assert "49" not in words_of(mail).replace(str(NOON.year), "")
    html = message.get_body(("html",)).get_content()
    assert "<script>alert" not in html
    with sqlite_store.reading():
        assert story.deliveries()[0].state == "sent"
    story.stop()


def test_a_refused_book_is_told_once_by_a_notice(
    home: Path, mailbox: Mailbox, certificates: Certificates, tmp_path: Path
) -> None:
    write_env(
        home / ".env",
        {
            "SMTP_HOST": "localhost",
            "SMTP_PORT": str(mailbox.port),
            "SMTP_USERNAME": "ada",
            "SMTP_PASSWORD": "correct horse",
            "SMTP_FROM": "reminderd@example.org",
            "SMTP_CA_FILE": str(certificates.ca_file),
        },
    )
    daemon = Daemon(home, {})
    daemon.wait_for("READY=1")
    (home / "rules.toml").write_text("[rules.accepted]\ncadence = 'often'\n")
    for _ in range(2):
        daemon.said.clear()
        daemon.ask_to(signal.SIGHUP)
        daemon.wait_for("STATUS=Reload refused")
    mail = mailbox.arrived.get(timeout=20)
    assert mail["Subject"] == "reminderd: rules or settings refused"
    assert "rules.toml" in words_of(mail)
    assert "stay in force" in words_of(mail)
    wait_until(lambda: Desk(home).rows("SELECT count(*) FROM deliveries WHERE state = 'sent'") == [(1,)])
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0
    daemon.close()
    assert mailbox.arrived.empty()
