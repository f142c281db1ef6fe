"""Canaries: secrets are planted in every setting that takes one, and looked for in all that the program gives off."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from reminderd import logs
from reminderd.cli import units
from reminderd.message import Channel
from reminderd.settings import rows, write_env
from reminderd.signing import Purpose
from reminderd.store.database import Store
from reminderd.web.overview import Overview
from tests.cli.desk import Desk
from tests.flow.daemons import Daemon, wait_until
from tests.flow.parts import NOON, Mailbox, Recorder, Story, make_house, parsed, words_of
from tests.servers.certificates import Certificates
from tests.servers.oauth import CLIENT, FakeProvider
from tests.servers.twilio import ACCOUNT, FakeTwilio
from tests.web.parts import OWN, SETTINGS, make_desk

CANARY = "canary-7f3a"
COMMANDS = (
    ("status", "--json"),
    ("check", "--json"),
    ("check",),
    ("status",),
    ("overview",),
    ("upcoming", "--json"),
    ("show", "1", "--json"),
    ("explain", "1"),
    ("draft", "1", "--json"),
    ("db", "check", "--json"),
    ("send-test",),
    ("-v", "send-test"),
    ("-v", "--log-format", "json", "send-test"),
    ("user", "list", "--json"),
    ("rules", "list"),
    ("templates", "list", "--json"),
    ("health", "--json"),
    ("report",),
    ("page", "--print"),
    ("service", "install", "--dry-run"),
    ("backup", "copy.db"),
    ("--version",),
)
KEPT = (".env", "secret_key", "oauth_token")
"""Files that are there to hold secrets, for their owner alone."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    monkeypatch.chdir(path)
    Desk(path).set_up()
    return path


@pytest.fixture
def refusing(certificates: Certificates) -> Iterator[Mailbox]:
    """A mail server that takes no login."""
    context = certificates.server_context
    with Mailbox(security="starttls", context=context, accounts={}, access_tokens=lambda: ()) as server:
        yield server


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(rotates=True, mark=f"{CANARY}-") as server:
        server.refresh_tokens.append(f"{CANARY}-oauth_refresh_token")
        yield server


def canaries(*names: str) -> dict[str, str]:
    return {name: f"{CANARY}-{name.lower()}" for name in names}


@pytest.fixture(params=["password", "access token"])
def planted(
    request: pytest.FixtureRequest,
    home: Path,
    refusing: Mailbox,
    provider: FakeProvider,
    certificates: Certificates,
    fake_twilio: FakeTwilio,
) -> list[str]:
    """The canaries, each in a setting of its own in `.env`; the servers refuse all of them."""
    values = {
        "SMTP_HOST": "localhost",
        "SMTP_PORT": str(refusing.port),
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
        "OAUTH_CLIENT_ID": CLIENT,
        "OAUTH_TOKEN_URL": f"{provider.url}/token",
        "WEB": "on",
        "METRICS": "on",
        "LISTEN_ADDR": "127.0.0.1:0",
        "LOG_LEVEL": "debug",
        "BACKOFF_SECONDS": "1",
    }
    login = {
        "password": ("SMTP_PASSWORD", "IMAP_PASSWORD"),
        "access token": ("OAUTH_CLIENT_SECRET", "OAUTH_REFRESH_TOKEN"),
    }
    secrets = canaries("TWILIO_AUTH_TOKEN", "SECRET_KEY", *login[request.param])
    secrets["HEALTH_PING_URL"] = f"http://127.0.0.1:9/{CANARY}-ping"
    write_env(home / ".env", values | secrets)
    return list(secrets.values())


def test_every_secret_setting_is_planted_somewhere() -> None:
    text = Path(__file__).read_text("utf-8")
    assert not [row.name for row in rows() if row.secret and row.name not in text]


@pytest.mark.parametrize("form", ["human", "json"])
def test_no_secret_is_in_anything_that_the_program_gives_off(
    home: Path, planted: list[str], provider: FakeProvider, refusing: Mailbox, form: str
) -> None:
    desk = Desk(home)
    desk.ok("add", "Ana Mueller", "ana@example.org", "--last-contact", "2026-11-01")
    desk.ok("opportunity", "add", "Acme")
    desk.ok("record", "asked", "Ana Mueller", "--for", "Acme")
    desk.ok("landed", "Acme")
    daemon = Daemon(home, {"LOG_FORMAT": form})
    daemon.wait_for("READY=1")
    wait_until(lambda: b"send_failed" in daemon.log.read_bytes())
    process = Path(f"/proc/{daemon.process.pid}")
    seen = {"its process": (process / "cmdline").read_bytes() + (process / "comm").read_bytes()}
    limits = (process / "limits").read_text()
    for command in COMMANDS:
        done = desk.run(*command)
        assert done.output, command
        seen[" ".join(command)] = done.output.encode()
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0
    daemon.close()
    files = [path for path in home.rglob("*") if path.is_file() and path.name not in KEPT]
    seen |= {str(path): path.read_bytes() for path in files}
    assert {"reminderd.db", "log", "copy.db"} <= {path.name for path in files}
    assert refusing.logins  # they were really used
    assert bool(provider.issued) == any("oauth" in value for value in planted)
    assert not [where for where, words in seen.items() if CANARY.encode() in words]
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["1", "1"]  # less than any core, and a word to programs that take them by a pipe


def test_what_holds_secrets_is_its_owner_s_alone(home: Path, planted: list[str], provider: FakeProvider) -> None:
    Desk(home).run("send-test")
    found = [home / name for name in (*KEPT, "reminderd.db") if (home / name).exists()]
    assert (home / "oauth_token" in found) == any("oauth" in value for value in planted)
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}


PAGES = ("/", "/style.css", "/healthz", "/metrics", "/nowhere", "/nudge/1", "/twilio/inbound", "/twilio/status")


def test_no_secret_is_on_any_page_nor_in_what_a_page_logs(
    sqlite_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = canaries("SECRET_KEY", "TWILIO_AUTH_TOKEN", "SMTP_PASSWORD", "OAUTH_REFRESH_TOKEN", "OAUTH_CLIENT_SECRET")
    mail = {"SMTP_HOST": "localhost", "SMTP_USERNAME": "ada", "SMTP_FROM": "ada@example.org", "OAUTH_CLIENT_ID": "ada"}
    more = {"METRICS": "on", "OAUTH_TOKEN_URL": "http://127.0.0.1:9/"}
    desk = make_desk(sqlite_store, tmp_path, SETTINGS | mail | more | secrets)
    logs.configure("debug", "json")
    number = desk.story.nudges("accepted")[0].number
    tokens = [desk.token(purpose, number) for purpose in Purpose]
    seen = [str(desk.client.get("/").headers), desk.client.get("/").text]
    desk.enter()
    cookie = desk.client.get_cookie("reminderd")
    assert cookie is not None
    for path in (*PAGES, *(f"/{start}/{token}" for start in ("a", "u", "in") for token in tokens)):
        for answer in (desk.client.get(path), desk.client.post(path, headers=OWN), desk.client.post(path)):
            seen += [answer.text, answer.headers.get("Location", "")]
    monkeypatch.setattr(Overview, "names", failing)
    broken = desk.client.get("/")
    assert broken.status_code == 500
    logged = capsys.readouterr().err
    assert "page_broke" in logged
    assert "link_used" in logged
    everything = "\n".join([*seen, broken.text, logged])
    assert CANARY not in everything
    assert cookie.value not in everything
    assert "Maria" not in logged
    assert not [token for token in tokens if token in logged]
    desk.story.stop()


def failing(*_: object) -> None:
    raise RuntimeError(f"{CANARY}: Maria Lopez")


def test_a_postgresql_password_is_nowhere_in_an_error(home: Path) -> None:
    desk = Desk(home, DATABASE_URL=f"postgresql://ada:{CANARY}@127.0.0.1:1/notes")
    for command in ("status", "check", "upcoming", "backup x"):
        assert CANARY not in desk.run(*command.split()).output


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
    "a log line": "Eve\nready\n<2>uncaught",
    "a format": "%s%n{0.__class__}%(levelname)s",
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


@pytest.mark.parametrize("what", EVIL)
def test_nothing_that_somebody_types_is_carried_out_wherever_they_type_it(home: Path, what: str) -> None:
    evil, desk = EVIL[what], Desk(home, LOG_FORMAT="json", LOG_LEVEL="debug")
    desk.run("add", "Ana Mueller", "ana@example.org", "--last-contact", "2026-11-01")
    for option in ("--relation", "--worked-at", "--role", "--speaks-to", "--note", "--title", "--employer"):
        desk.run("reference", "edit", "Ana Mueller", option, evil)
    desk.run("opportunity", "add", evil, "--role", evil, "--contact", evil)
    desk.run("record", "asked", "Ana Mueller", "--for", evil, "--note", evil)
    desk.run("landed", evil, "Ana Mueller")
    desk.run("done", evil)
    desk.run("--user", evil, "upcoming")
    desk.run("draft", evil)
    done = desk.run("run", "--once")
    assert done.exit_code == 0, done.output
    for line in done.stderr.splitlines():
        assert evil not in json.loads(line)["message"]
    assert desk.rows("SELECT count(*) FROM users") == [(1,)]
    mails = [parsed(path.read_bytes()) for path in (home / "Maildir" / "new").iterdir()]
    assert mails
    for mail in mails:
        assert mail["Bcc"] is None
        assert [one.addr_spec for one in mail["To"].addresses] == ["ada@example.org"]
        assert len(str(mail["Subject"]).splitlines()) == 1
        page = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert "<script>" not in page
        assert "<class" not in page + words_of(mail)
        assert "4949" not in page + words_of(mail)


PLANT = "what lies outside"
PATHS = ("../outside", "../../outside", "/etc/passwd", "drafts/../../outside", "web/../../../outside", "..", "a\0b", "")


@pytest.mark.parametrize("path", PATHS)
def test_no_name_of_a_template_leads_out_of_the_folder(home: Path, path: str) -> None:
    for outside in (home / "outside.j2", home.parent / "outside.j2", home / "templates" / "outside.j2"):
        outside.parent.mkdir(exist_ok=True)
        outside.write_text(PLANT)
    before = sorted(home.parent.rglob("*"))
    desk = Desk(home)
    desk.ok("add", "Ana Mueller", "ana@example.org")
    (home / "rules.toml").write_text(f"[rules.accepted]\ndraft = {json.dumps(path)}\n")
    ran = [desk.run("templates", "copy", path), desk.run("rules", "check"), desk.run("landed", "Acme", "Ana Mueller")]
    (home / "rules.toml").unlink()
    ran += [desk.run("preview", path), desk.run("draft", path, "--reference", "Ana Mueller")]
    ran += [desk.run("user", "edit", "--language", path), desk.run("landed", "Acme", "Ana Mueller")]
    ran += [desk.run("draft", "Ana Mueller"), desk.run("templates", "list")]
    assert not [one.output for one in ran if PLANT in one.output or "root:" in one.output]
    assert {one.exit_code for one in ran} <= {0, 1, 2, 78}
    new = {file for file in home.parent.rglob("*.j2") if file not in before}
    assert not new


def test_a_home_with_a_line_break_adds_no_line_to_the_unit(home: Path) -> None:
    evil = f"{home}\nExecStartPre=/bin/false"
    text = units.rendered(units.shipped("user/reminderd.service"), ["/usr/bin/reminderd"], {"REMINDERD_HOME": evil})
    assert not [line for line in text.splitlines() if line.startswith("ExecStartPre")]
    assert f'Environment="REMINDERD_HOME={home}\\nExecStartPre=/bin/false"' in text


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
