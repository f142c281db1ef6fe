"""The hardened service on a real systemd: it starts, sends, survives, stops, reloads and upgrades."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from reminderd.cli import units
from reminderd.store import migrate
from tests.deploy.dns import NameServer
from tests.deploy.machine import LAUNCHER, PATIENCE, PROGRAM, ROOT, Machine
from tests.flow.parts import Mailbox, words_of
from tests.servers.certificates import make_certificates

MAIL_NAME = "mail.reminderd.test"
NAME_SERVER = "127.0.0.53"
DATABASE = "/var/lib/reminderd/reminderd.db"
PASSWORD = "correct horse"
BRISK = """
[Service]
WatchdogSec=3
TimeoutAbortSec=2
RestartSec=100ms
StartLimitBurst=0
[Unit]
StartLimitIntervalSec=0
"""
"""What a test does not want to wait for."""

KNOWS_NOTIFY_RELOAD = 253
"""The first systemd that does."""

NEXT_VERSION = """
mkdir -p /opt/next
cp -r /opt/checkout/reminderd /opt/checkout/templates /opt/checkout/deploy /opt/next
cd /opt/next/reminderd/store
sed -i 's/^REVISIONS = (\\(.*\\),*)$/REVISIONS = (\\1, "next")/; s/,, /, /' migrate.py
cat >migrations/versions/next.py <<'END'
import sqlalchemy
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", "{head}", None, None


def upgrade():
    op.add_column("users", sqlalchemy.Column("news", sqlalchemy.Text()))
END
"""
"""The program as it will be: with one more migration."""


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer(MAIL_NAME, NAME_SERVER) as server:
        yield server


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mailbox, str]]:
    """A mail server that wants STARTTLS and a login, and whom to trust."""
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"), MAIL_NAME)
    with Mailbox(security="starttls", context=certificates.server_context, accounts={"ada": PASSWORD}) as server:
        yield server, certificates.ca_file.read_text("utf-8")
        server.answer.set()


@pytest.fixture(scope="module")
def installed(machine: Machine, mail: tuple[Mailbox, str], names: NameServer) -> Iterator[Machine]:
    """The unit, installed by its own command, with a mail server that it has to look up."""
    mailbox, authority = mail
    machine.write("/etc/resolv.conf", f"nameserver {NAME_SERVER}\noptions timeout:2 attempts:2\n")
    machine.run("sh", "-c", "sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf")
    machine.write("/etc/systemd/system/reminderd.service.d/brisk.conf", BRISK)
    machine.run(PROGRAM, "service", "install", "--system")
    settings = {
        "SMTP_HOST": MAIL_NAME,
        "SMTP_PORT": mailbox.port,
        "SMTP_USERNAME": "ada",
        "SMTP_FROM": "ada@example.org",
        "SMTP_CA_FILE": "/etc/reminderd/ca.pem",
        "STOP_SECONDS": 3,
        "POLL_SECONDS": 1,
        "BACKOFF_SECONDS": "1,1,2",
        "RECONCILE_SECONDS": 1,
    }
    machine.write("/etc/reminderd/.env", "".join(f"{name}={value}\n" for name, value in settings.items()), 0o640)
    machine.write("/etc/reminderd/ca.pem", authority)
    machine.run("chown", "-R", "reminderd:reminderd", "/etc/reminderd")
    machine.write("/etc/credstore/reminderd.smtp_password", PASSWORD + "\n", 0o600)
    yield machine
    machine.run("systemctl", "stop", "reminderd")  # while the mail server is there, which else ends with it connected


@pytest.fixture
def service(installed: Machine, mail: tuple[Mailbox, str]) -> Machine:
    """Running, with a fresh database: one user, three references."""
    mail[0].answer.set()
    mail[0].holding.clear()
    installed.run("systemctl", "stop", "reminderd")
    installed.try_run("systemctl", "reset-failed", "reminderd")
    installed.run("sh", "-c", "rm -rf /var/lib/reminderd/* /etc/reminderd/rules.toml")
    installed.run(PROGRAM, "init", "--name", "Ada Byron", "--email", "ada@example.org", "--digest", "off")
    for name in ("Maria Lopez", "Sam Okoro", "Li Wei"):
        installed.run(PROGRAM, "add", name, f"{name.split()[0].lower()}@example.org")
    installed.run("systemctl", "start", "reminderd")
    while not mail[0].arrived.empty():
        mail[0].arrived.get_nowait()
    return installed


def offer_mail(mailbox: Mailbox, company: str) -> str:
    """Waits for the mail about an offer."""
    while True:
        message = mailbox.arrived.get(timeout=PATIENCE)
        if company in str(message["Subject"]):
            return words_of(message)


def process_of(machine: Machine) -> str:
    return machine.shown("MainPID")


def is_back(machine: Machine, former: str) -> bool:
    return machine.shown("ActiveState") == "active" and process_of(machine) not in ("0", former)


def systemd_version(machine: Machine) -> int:
    return int(machine.run("systemctl", "show", "--property=Version", "--value").split()[0].split(".")[0])


def rules_in_force(machine: Machine) -> str:
    return machine.shown("StatusText")


def test_it_starts_and_the_offer_mail_arrives(service: Machine, mail: tuple[Mailbox, str], names: NameServer) -> None:
    assert service.shown("ActiveState") == "active"
    assert service.shown("Type") == "notify"
    assert service.shown("UnitFileState") == "enabled"
    service.run(PROGRAM, "landed", "Acme", "--all")
    words = offer_mail(mail[0], "Acme")
    assert "Maria" in words  # a rendered template
    assert MAIL_NAME in names.asked
    assert mail[0].logins  # the password came as a credential
    assert PASSWORD not in service.run("cat", f"/proc/{process_of(service)}/environ")


def test_it_is_limited_as_declared_and_reaches_what_it_needs(service: Machine) -> None:
    pid = process_of(service)
    status = dict(
        line.split(":\t", 1) for line in service.run("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line
    )
    assert status["CapBnd"].strip("0\n") == ""
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    inside = ("nsenter", "--target", pid, "--mount", "--")
    for place in ("/etc/reminderd/x", "/usr/x", "/etc/x"):
        assert service.try_run(*inside, "touch", place).returncode != 0, place
    service.run(*inside, "touch", "/var/lib/reminderd/x")
    assert service.run("stat", "-c", "%U %a", DATABASE).split() == ["reminderd", "600"]
    assert json.loads(service.run("cat", "/run/reminderd/home"))["data"] == DATABASE


def test_a_hanging_process_is_restarted_by_the_watchdog(service: Machine) -> None:
    former = process_of(service)
    service.run("kill", "-STOP", former)
    service.until(lambda: is_back(service, former), "a restart by the watchdog")
    assert "watchdog" in service.run("journalctl", "-u", "reminderd", "--no-pager", "--boot").lower()


def test_a_killed_process_is_restarted_and_loses_nothing(service: Machine, mail: tuple[Mailbox, str]) -> None:
    mailbox = mail[0]
    mailbox.hold()
    service.run(PROGRAM, "landed", "Globex", "--all")
    assert mailbox.holding.wait(PATIENCE)
    former = process_of(service)
    service.run("kill", "-KILL", former)
    service.until(lambda: is_back(service, former), "a restart")
    mailbox.answer.set()
    assert "Maria" in offer_mail(mailbox, "Globex")
    status = json.loads(service.run(PROGRAM, "status", "--json"))
    assert not status["deliveries"].get("failed")


def test_a_stop_during_a_send_ends_within_its_limit_and_the_mail_comes_later(
    service: Machine, mail: tuple[Mailbox, str]
) -> None:
    mailbox = mail[0]
    mailbox.hold()
    service.run(PROGRAM, "landed", "Initech", "--all")
    assert mailbox.holding.wait(PATIENCE)
    service.run("systemctl", "stop", "reminderd")
    assert (service.shown("Result"), service.shown("ExecMainStatus")) == ("success", "0")
    assert service.try_run("test", "-e", "/run/reminderd").returncode != 0
    mailbox.answer.set()
    service.run("systemctl", "start", "reminderd")
    assert "Maria" in offer_mail(mailbox, "Initech")


def test_a_pass_by_the_timer_in_place_of_the_daemon_sends_what_is_due_and_ends(
    service: Machine, mail: tuple[Mailbox, str]
) -> None:
    names = [f"reminderd-once.{kind}" for kind in ("service", "timer")]
    for name in names:
        text = (ROOT / "deploy" / "timer" / name).read_text("utf-8")
        service.write(f"/etc/systemd/system/{name}", units.rendered(text, [PROGRAM]))
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "stop", "reminderd")
    service.run(PROGRAM, "landed", "Hooli", "--all")
    service.run("systemctl", "start", names[0])
    assert (service.shown("Result", names[0]), service.shown("ActiveState", names[0])) == ("success", "inactive")
    assert "Maria" in offer_mail(mail[0], "Hooli")
    service.run("systemctl", "start", names[1])
    assert service.shown("NextElapseUSecRealtime", names[1])
    service.run("systemctl", "stop", names[1])


def test_a_reload_brings_a_changed_rule_book_and_refuses_a_wrong_one(service: Machine) -> None:
    former = process_of(service)
    service.write("/etc/reminderd/rules.toml", "[rules.accepted]\nenabled = false\n")
    service.run("systemctl", "reload", "reminderd")
    service.until(lambda: "anew" in rules_in_force(service), "the reload")
    service.write("/etc/reminderd/rules.toml", "[rules.accepted]\nenabled = 'perhaps'\n")
    service.run("systemctl", "reload", "reminderd")
    service.until(lambda: "refused" in rules_in_force(service), "the refusal")
    assert process_of(service) == former
    assert "rules.toml" in service.journal()


def test_systemd_hears_when_a_reload_begins_and_ends(service: Machine) -> None:
    """By a signal that systemd did not send, so that all it knows of the reload is what the service says."""
    before = service.shown("StateChangeTimestampMonotonic")
    service.run("kill", "-HUP", process_of(service))
    service.until(lambda: "anew" in rules_in_force(service), "the reload")
    service.until(lambda: service.shown("ActiveState") == "active", "the end of the reload")
    assert service.shown("StateChangeTimestampMonotonic") != before


def test_with_the_drop_in_a_reload_returns_once_the_rules_are_in_force(service: Machine) -> None:
    """Older systemds say that they do not know the type, and keep the one of the unit."""
    former = process_of(service)
    service.run("cp", "/opt/checkout/deploy/dropins/notify-reload.conf", "/etc/systemd/system/reminderd.service.d/")
    service.run("systemctl", "daemon-reload")
    try:
        if systemd_version(service) < KNOWS_NOTIFY_RELOAD:
            assert service.shown("Type") == "notify"
            assert "notify-reload" in service.run("journalctl", "--no-pager", "--boot")
            return
        assert service.shown("Type") == "notify-reload"
        service.write("/etc/reminderd/rules.toml", "[rules.accepted]\nenabled = false\n")
        service.run("systemctl", "reload", "reminderd")
        assert "anew" in rules_in_force(service)
        service.write("/etc/reminderd/rules.toml", "[rules.accepted]\nenabled = 'perhaps'\n")
        service.run("systemctl", "reload", "reminderd")
        assert "refused" in rules_in_force(service)
        assert process_of(service) == former
    finally:
        service.run("rm", "/etc/systemd/system/reminderd.service.d/notify-reload.conf")
        service.run("systemctl", "daemon-reload")


def test_a_wrong_setting_stops_it_for_good_and_says_why(service: Machine) -> None:
    service.run("systemctl", "stop", "reminderd")
    service.write("/etc/systemd/system/reminderd.service.d/wrong.conf", "[Service]\nEnvironment=SENDERS=many\n")
    service.run("systemctl", "daemon-reload")
    try:
        service.try_run("systemctl", "start", "reminderd")
        assert service.shown("ActiveState") == "failed"
        assert (service.shown("ExecMainStatus"), service.shown("NRestarts")) == ("78", "0")
        assert "SENDERS" in service.journal()
    finally:
        service.run("rm", "/etc/systemd/system/reminderd.service.d/wrong.conf")
        service.run("systemctl", "daemon-reload")


def test_an_upgrade_with_a_migration_keeps_what_was_there(service: Machine, mail: tuple[Mailbox, str]) -> None:
    launcher = service.run("cat", LAUNCHER)
    service.run("sh", "-c", NEXT_VERSION.format(head=migrate.head()))
    service.write(LAUNCHER, launcher.replace("/opt/checkout", "/opt/next"))
    service.run("systemctl", "restart", "reminderd")
    assert service.shown("ActiveState") == "active"
    assert "reminderd.db.before-next-" in service.run("ls", "/var/lib/reminderd")
    people = json.loads(service.run(PROGRAM, "reference", "list", "--json"))
    assert {one["name"] for one in people} == {"Maria Lopez", "Sam Okoro", "Li Wei"}
    service.run(PROGRAM, "landed", "Umbrella", "--all")
    assert "Maria" in offer_mail(mail[0], "Umbrella")
    service.write(LAUNCHER, launcher)


def test_a_database_of_a_newer_program_is_refused_for_good_and_left_as_it_is(service: Machine) -> None:
    service.run("systemctl", "stop", "reminderd")
    raise_floor = "UPDATE alembic_version SET version_num = 'next'; UPDATE schema_floor SET revision = 'next'"
    service.run("python3", "-c", f"import sqlite3; sqlite3.connect({DATABASE!r}).executescript({raise_floor!r})")
    before = service.run("sha256sum", DATABASE)
    assert service.try_run("systemctl", "start", "reminderd").returncode != 0
    assert service.shown("ActiveState") == "failed"
    assert (service.shown("ExecMainStatus"), service.shown("NRestarts")) == ("78", "0")
    assert "newer" in service.journal()
    assert service.run("sha256sum", DATABASE) == before


def test_root_s_commands_become_the_service_s_user_and_say_so(service: Machine) -> None:
    ran = service.try_run(PROGRAM, "reference", "list")
    assert ran.returncode == 0
    assert "/var/lib/reminderd" in ran.stderr
    assert "as user reminderd" in ran.stderr
    owners = service.run("sh", "-c", "stat -c %U /var/lib/reminderd/*").split()
    assert set(owners) == {"reminderd"}


def test_root_is_no_longer_root_when_the_settings_are_opened(service: Machine) -> None:
    service.run("chown", "root:root", "/etc/reminderd/.env")
    try:
        ran = service.try_run(PROGRAM, "reference", "list")
        assert ran.returncode == 78
        assert "/etc/reminderd/.env: cannot be read (Permission denied)" in ran.stderr
    finally:
        service.run("chown", "reminderd:reminderd", "/etc/reminderd/.env")


def test_a_command_with_another_home_names_both_places_and_the_way_to_the_service(service: Machine) -> None:
    ran = service.try_run(PROGRAM, "--home", "/srv/other", "init", "--name", "Ada Byron", "--email", "ada@example.org")
    assert ran.returncode == 0
    for part in ("/srv/other/reminderd.db", DATABASE, "sudo reminderd"):
        assert part in ran.stderr


def test_uninstalling_keeps_the_data(service: Machine) -> None:
    dry = service.try_run(PROGRAM, "service", "uninstall", "--system", "--dry-run")
    assert "Nothing was done" in dry.stderr
    assert service.shown("ActiveState") == "active"
    service.run(PROGRAM, "service", "uninstall", "--system")
    assert service.try_run("test", "-e", "/etc/systemd/system/reminderd.service").returncode != 0
    service.run("test", "-e", DATABASE)
    service.run("test", "-e", "/etc/reminderd/.env")
    service.run(PROGRAM, "service", "install", "--system")
    people = json.loads(service.run(PROGRAM, "reference", "list", "--json"))
    assert len(people) == 3
