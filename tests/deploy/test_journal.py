"""What the service's log looks like to somebody who asks a real journal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.deploy.machine import PROGRAM, Machine

CANARY = "canary-7f3a"
NAMES = ("Maria", "Lopez", "Ada", "Byron", "example.org", "Acme")


@pytest.fixture(scope="module")
def service(machine: Machine) -> Machine:
    """Running, with a user and a reference, on a mail server that nobody runs."""
    machine.run(PROGRAM, "service", "install", "--system")
    server = "SMTP_HOST=localhost\nSMTP_PORT=1\nSMTP_SECURITY=off\nSMTP_USERNAME=ada\nSMTP_FROM=ada@example.org\n"
    machine.write("/etc/reminderd/.env", f"{server}BACKOFF_SECONDS=1\nLOG_LEVEL=debug\n", 0o640)
    machine.write("/etc/credstore/reminderd.smtp_password", f"{CANARY}\n", 0o600)
    machine.run("chown", "-R", "reminderd:reminderd", "/etc/reminderd")
    machine.run(PROGRAM, "init", "--name", "Ada Byron", "--email", "ada@example.org", "--digest", "off")
    machine.run(PROGRAM, "add", "Maria Lopez", "maria@example.org")
    machine.run("systemctl", "restart", "reminderd")
    return machine


def entries(machine: Machine, event: str) -> list[dict[str, Any]]:
    said = machine.run("journalctl", "-u", "reminderd", "-o", "json", "--no-pager", f"REMINDERD_EVENT={event}")
    return [json.loads(line) for line in said.splitlines()]


def test_the_journal_finds_an_entry_by_its_event_and_knows_its_fields(service: Machine) -> None:
    service.run(PROGRAM, "landed", "Acme", "--all")
    service.until(lambda: bool(entries(service, "send_failed")), "a failed send")
    failed = entries(service, "send_failed")[0]
    assert failed["MESSAGE"].startswith(f"send_failed delivery={failed['REMINDERD_DELIVERY']} attempt=1 ")
    assert failed["REMINDERD_DELIVERY"].isdigit()
    assert (failed["REMINDERD_ATTEMPT"], failed["PRIORITY"]) == ("1", "4")
    assert failed["SYSLOG_IDENTIFIER"] == "reminderd"
    assert failed["_SYSTEMD_UNIT"] == "reminderd.service"
    assert failed["_TRANSPORT"] == "journal"
    assert entries(service, "ready")[0]["PRIORITY"] == "6"


def test_another_format_is_taken_where_the_unit_asks_for_it(service: Machine) -> None:
    service.write("/etc/systemd/system/reminderd.service.d/format.conf", "[Service]\nEnvironment=LOG_FORMAT=json\n")
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "restart", "reminderd")
    try:
        said = service.run("journalctl", "-u", "reminderd", "-o", "cat", "-n", "20", "--no-pager").splitlines()
        assert "ready" in [json.loads(line)["event"] for line in said if line.startswith("{")]
    finally:
        service.run("rm", "/etc/systemd/system/reminderd.service.d/format.conf")
        service.run("systemctl", "daemon-reload")
        service.run("systemctl", "restart", "reminderd")


def test_root_s_report_holds_the_log_of_the_unit_and_names_nobody(service: Machine) -> None:
    service.write("/etc/reminderd/rules.toml", "[rules.accepted]\nabout = 'Maria Lopez'\ncadence = 'often'\n")
    service.run("systemctl", "reload", "reminderd")
    service.until(lambda: bool(entries(service, "reload_refused")), "the refusal")
    service.run("rm", "/etc/reminderd/rules.toml")
    report = service.run(PROGRAM, "report")
    log = report[report.index("## Log") :]
    assert " info ready\n" in log
    assert " error reload_refused\n" in log
    assert " warning send_failed attempt=1 code=" in log
    assert "system: enabled enabled, active active" in report
    for name in (*NAMES, CANARY, "/var/lib/reminderd", "/etc/reminderd"):
        assert name not in report


def test_no_field_of_any_entry_holds_a_secret_or_a_name(service: Machine) -> None:
    service.until(lambda: bool(entries(service, "send_failed")), "a failed send")
    said = service.run("journalctl", "-u", "reminderd", "-o", "export", "--all", "--no-pager")
    assert "REMINDERD_EVENT=send_failed" in said
    assert not [word for word in (*NAMES, CANARY) if word in said]
