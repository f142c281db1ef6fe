"""From one's own home to the machine's service: what moves along, what is said before, and when it is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.deploy.machine import PROGRAM, Machine
from tests.servers.certificates import make_certificates

HOME = "/home/ada"
STATE = f"{HOME}/.local/state/reminderd"
CONFIG = f"{HOME}/.config/reminderd"
OWN = f"{HOME}/data/mine.db"
MOVED = "/var/lib/reminderd/reminderd.db"
ENV = f"""\
# mine
DATABASE_URL=sqlite:///{OWN}
SMTP_HOST=localhost
SMTP_FROM=ada@example.org
SMTP_USERNAME=ada
SMTP_PASSWORD_FILE=password
SMTP_CA_FILE={CONFIG}/ca.pem
MAILDIR={HOME}/Mail
"""
NAMED = "SMTP_PASSWORD_FILE=/etc/reminderd/password, SMTP_CA_FILE=/etc/reminderd/ca.pem"
ADA = ("runuser", "-u", "ada", "--", "env", f"HOME={HOME}", "USER=ada", PROGRAM)
SUDO = ("env", "SUDO_USER=ada", "HOME=/root", PROGRAM)
INSTALL = ("service", "install", "--system")


@pytest.fixture(scope="module")
def home(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """One person with a reference, settings, rules and a database in a place of their own."""
    machine.run("useradd", "--create-home", "ada")
    machine.write(f"{CONFIG}/.env", ENV, 0o600)
    machine.write(f"{CONFIG}/password", "correct horse\n", 0o600)
    authority = make_certificates(tmp_path_factory.mktemp("certificates"), "localhost").ca_file
    machine.write(f"{CONFIG}/ca.pem", authority.read_text("utf-8"))
    machine.write(f"{CONFIG}/rules.toml", "[rules.accepted]\nenabled = false\n")
    machine.run("mkdir", f"{HOME}/data")
    machine.run("chown", "-R", "ada:ada", HOME)
    machine.run(*ADA, "init", "--name", "Ada Byron", "--email", "ada@example.org")
    machine.run(*ADA, "add", "Maria Lopez", "maria@example.org")
    return machine


@pytest.fixture
def daemon(home: Machine) -> Iterator[str]:
    """A daemon of their own that works with the data."""
    options = ("--unit=own", "--uid=ada", f"--setenv=HOME={HOME}", "--property=Type=notify")
    home.run("systemd-run", "--quiet", *options, PROGRAM, "run")
    yield home.shown("MainPID", "own")
    home.run("systemctl", "stop", "own")


def refused(home: Machine, *command: str) -> str:
    ran = home.try_run(*command)
    assert ran.returncode == 1, ran.stderr
    assert home.try_run("test", "-e", "/etc/systemd/system/reminderd.service").returncode != 0
    home.run("test", "-e", OWN)
    return ran.stderr


def test_it_is_refused_while_a_service_of_one_s_own_is_there(home: Machine) -> None:
    unit = f"{HOME}/.config/systemd/user/reminderd.service"
    home.write(unit, "[Service]\nExecStart=/bin/true\n")
    try:
        assert "First: reminderd service uninstall --user" in refused(home, *SUDO, *INSTALL)
    finally:
        home.run("rm", unit)


def test_it_is_refused_while_a_daemon_works_with_the_data(home: Machine, daemon: str) -> None:
    assert f"{OWN} is in use by process {daemon}" in refused(home, *SUDO, *INSTALL)


def test_everything_moves_along_as_the_dry_run_says_and_the_way_is_told_from_then_on(home: Machine) -> None:
    dry = home.try_run(*ADA, *INSTALL, "--dry-run")
    assert "Nothing was done" in dry.stderr
    for step in (
        f"copy    {CONFIG}/.env to /etc/reminderd/.env",
        f"copy    {CONFIG}/rules.toml to /etc/reminderd/rules.toml",
        f"copy    {CONFIG}/password to /etc/reminderd/password",
        f"copy    {CONFIG}/ca.pem to /etc/reminderd/ca.pem",
        f"change  /etc/reminderd/.env: {NAMED}, without DATABASE_URL, without MAILDIR",
        f"move    {OWN} to {MOVED} (the original stays as mine.db.moved)",
    ):
        assert step in dry.stdout
    assert home.try_run("test", "-e", "/etc/reminderd").returncode != 0

    assert home.run(*SUDO, *INSTALL) == dry.stdout
    assert home.shown("ActiveState") == "active"
    told = home.run("cat", "/etc/reminderd/.env")
    assert told.startswith("# mine\n")
    assert "DATABASE_URL" not in told
    owners = home.run(
        "sh", "-c", "stat -c '%U %a %n' /etc/reminderd/.env /etc/reminderd/password /var/lib/reminderd/*.db"
    )
    assert [line.split()[:2] for line in owners.splitlines()] == [["reminderd", "600"]] * 3
    people = home.try_run(*SUDO, "reference", "list", "--json")
    assert [one["name"] for one in json.loads(people.stdout)] == ["Maria Lopez"]
    assert f"the system service's data: {MOVED.rpartition('/')[0]}" in people.stderr

    home.run("test", "-e", f"{OWN}.moved")
    home.run("test", "-e", f"{CONFIG}/.env")
    again = home.try_run(*ADA, "init", "--name", "Ada Byron", "--email", "ada@example.org")
    for part in (OWN, MOVED, "To reach that one: sudo reminderd …"):
        assert part in again.stderr
    both = home.try_run(*SUDO, *INSTALL)
    assert both.returncode == 1
    assert f"Both {OWN} and {MOVED} exist" in both.stderr
    home.run("rm", OWN)
    kept = home.try_run(*SUDO, *INSTALL)
    assert kept.returncode == 0
    assert f"/etc/reminderd/.env is there already and stays; {CONFIG}/.env is not taken." in kept.stderr
