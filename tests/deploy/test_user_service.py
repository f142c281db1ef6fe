"""The service of one person under a real systemd of theirs, from an account that nobody is logged in to."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.deploy.machine import PATIENCE, PROGRAM, Machine
from tests.flow.parts import Mailbox, words_of

HOME = "/home/ada"
DATABASE = f"{HOME}/.local/state/reminderd/reminderd.db"
UNIT = f"{HOME}/.config/systemd/user/reminderd.service"
LINGERS = "/var/lib/systemd/linger/ada"


class Account:
    """Commands of one person, who has a shell and no session."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.machine.try_run("runuser", "-u", "ada", "--", "env", f"HOME={HOME}", "USER=ada", *command)

    def run(self, *command: str) -> str:
        ran = self.try_run(*command)
        journal = self.machine.try_run("journalctl", "--no-pager", "-n", "60").stdout
        assert ran.returncode == 0, f"{command}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}\n{journal}"
        return ran.stdout

    def status(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.try_run(PROGRAM, "service", "status", "--user", "--json").stdout)
        return found


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        yield server


@pytest.fixture(scope="module")
def ada(machine: Machine, mailbox: Mailbox) -> Iterator[Account]:
    machine.run("useradd", "--create-home", "ada")
    machine.run("systemctl", "start", "systemd-logind")
    account = Account(machine)
    settings = {"HOST": "127.0.0.1", "PORT": mailbox.port, "SECURITY": "off", "FROM": "ada@example.org"}
    lines = "".join(f"SMTP_{name}={value}\n" for name, value in settings.items())
    machine.write(f"{HOME}/.config/reminderd/.env", lines, 0o600)
    machine.run("chown", "-R", "ada:ada", HOME)
    account.run(PROGRAM, "init", "--name", "Ada Byron", "--email", "ada@example.org", "--digest", "off")
    for name in ("Maria Lopez", "Sam Okoro"):
        account.run(PROGRAM, "add", name, f"{name.split()[0].lower()}@example.org")
    yield account
    account.try_run(PROGRAM, "service", "uninstall", "--user")  # while the mail server is there


def test_it_is_installed_runs_sends_and_is_taken_away_without_the_data(ada: Account, mailbox: Mailbox) -> None:
    dry = ada.try_run(PROGRAM, "service", "install", "--dry-run")
    assert f"write   {UNIT}\nrun     loginctl enable-linger ada\n" in dry.stdout
    assert "Nothing was done" in dry.stderr
    assert ada.machine.try_run("test", "-e", UNIT).returncode != 0

    assert ada.run(PROGRAM, "service", "install") == dry.stdout
    status = ada.status()
    assert (status["unit"], status["enabled"], status["active"]) == (UNIT, "enabled", "active")
    assert (status["says"], status["data"]) == ("Watching.", DATABASE)  # Type=notify: it has said READY=1
    ada.machine.run("test", "-e", LINGERS)

    ada.run(PROGRAM, "landed", "Acme", "--all")
    while "Acme" not in str((mail := mailbox.arrived.get(timeout=PATIENCE))["Subject"]):
        pass
    assert "Maria" in words_of(mail)

    other = ada.try_run(PROGRAM, "--home", f"{HOME}/other", "init", "--name", "Ada Byron", "--email", "ada@example.org")
    way = "env -u REMINDERD_HOME -u XDG_STATE_HOME -u XDG_CONFIG_HOME reminderd"
    for part in (f"{HOME}/other/reminderd.db", DATABASE, way):
        assert part in other.stderr

    ada.run(PROGRAM, "service", "uninstall")
    for gone in (UNIT, LINGERS, f"{HOME}/.config/systemd/user/default.target.wants/reminderd.service"):
        assert ada.machine.try_run("test", "-e", gone).returncode != 0, gone
    ada.machine.until(lambda: ada.status()["active"] != "active", "the end of the service")
    assert "Maria Lopez" in ada.run(PROGRAM, "reference", "list")
    ada.machine.run("test", "-e", f"{HOME}/.config/reminderd/.env")


def test_it_keeps_the_home_that_the_command_line_was_given(ada: Account) -> None:
    home = f"{HOME}/a place"
    ada.run(PROGRAM, "--home", home, "init", "--name", "Ada Byron", "--email", "ada@example.org")
    ada.run(PROGRAM, "--home", home, "service", "install")
    assert ada.status()["data"] == f"{home}/reminderd.db"
    said = ada.try_run(PROGRAM, "add", "Li Wei", "li@example.org").stderr
    assert f"reminderd --home '{home}' …" in said
    ada.run(PROGRAM, "service", "uninstall")


def test_where_lingering_is_not_ours_to_switch_on_the_way_by_root_is_named(ada: Account) -> None:
    rule = 'polkit.addRule(function (action) { if (action.id.indexOf("linger") > 0) return polkit.Result.NO; });\n'
    ada.machine.write("/etc/polkit-1/rules.d/00-test.rules", rule)
    ada.machine.run("systemctl", "restart", "polkit")
    try:
        refused = ada.try_run(PROGRAM, "service", "install")
        assert refused.returncode == 1
        assert "sudo loginctl enable-linger ada; then again: reminderd service install" in refused.stderr
        ada.machine.run("loginctl", "enable-linger", "ada")
        ada.run(PROGRAM, "service", "install")
        assert ada.status()["active"] == "active"
        ada.run(PROGRAM, "service", "uninstall")
    finally:
        ada.machine.run("rm", "/etc/polkit-1/rules.d/00-test.rules")
        ada.machine.run("systemctl", "restart", "polkit")
