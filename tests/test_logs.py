"""The logs: event names and ids, never what people are called or wrote."""

from __future__ import annotations

import ast
import datetime as dt
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reminderd import logs
from tests.flow.daemons import CHECKOUT

MONITORING = (CHECKOUT / "docs" / "monitoring.md").read_text("utf-8")
FORMS = ["human", "journal", "json", "auto"]


def fail() -> None:
    name, address = "Maria Lopez", "maria@example.org"
    try:
        try:
            raise KeyError(name)
        except KeyError as error:
            raise ValueError(f"cannot write to {address}") from error
    except ValueError:
        logging.getLogger("reminderd.test").exception("compose_broke user=%s", 7)


class Journald:
    """The socket of a journal, and what was sent to it."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(10)

    def taken(self) -> dict[str, str]:
        """The next entry, read as systemd's JOURNAL_NATIVE_PROTOCOL says."""
        data, found = self.socket.recv(1 << 20), {}
        while data:
            line, _, data = data.partition(b"\n")
            name, is_short, value = line.partition(b"=")
            if not is_short:
                length = int.from_bytes(data[:8], "little")
                value, data = data[8 : 8 + length], data[8 + length + 1 :]
            found[name.decode()] = value.decode()
        return found


@pytest.fixture
def journald(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journald]:
    path = tmp_path / "journal"
    monkeypatch.setattr(logs, "JOURNAL", str(path))
    journal = Journald(path)
    yield journal
    journal.socket.close()


def connect_to_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemd tells a service that its stderr is read by the journal."""
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")


def test_a_line_for_people_has_a_moment_a_level_and_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "human")
    logging.getLogger("reminderd.test").info("ready")
    logging.getLogger("reminderd.test").debug("not shown")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("INFO    ready\n")
    assert err.count("\n") == 1


def test_json_is_one_object_for_each_line_with_a_key_for_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("reminderd.test").warning("send_failed delivery=%s code=%s", 3, "4 5 1=x")
    fail()
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert dt.datetime.fromisoformat(first.pop("at")).utcoffset() == dt.timedelta(0)
    message = "send_failed delivery=3 code=4 5 1=x"
    assert first == {"level": "warning", "event": "send_failed", "delivery": "3", "code": "4 5 1=x", "message": message}
    assert (second["event"], second["user"]) == ("compose_broke", "7")
    assert "ValueError" in second["message"]


def test_the_journal_gets_an_entry_with_a_field_for_each_thing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, journald: Journald
) -> None:
    connect_to_journal(monkeypatch)
    logs.configure("info", "auto")
    logging.getLogger("reminderd.test").warning("send_failed delivery=%s code=%s", 3, "4\n51")
    assert journald.taken() == {
        "MESSAGE": "send_failed delivery=3 code=4\n51",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "reminderd",
        "REMINDERD_EVENT": "send_failed",
        "REMINDERD_DELIVERY": "3",
        "REMINDERD_CODE": "4\n51",
    }
    fail()
    broken = journald.taken()
    assert broken["PRIORITY"] == "3"
    assert broken["MESSAGE"].startswith("compose_broke user=7\n")
    assert broken["REMINDERD_ERROR"].endswith("\nbuiltins.ValueError")
    assert capsys.readouterr().err == ""


def test_where_the_journal_does_not_answer_every_line_has_its_priority(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(logs, "JOURNAL", str(tmp_path / "nobody"))
    connect_to_journal(monkeypatch)
    logs.configure("info", "auto")
    fail()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 3
    assert all(line.startswith("<3>") for line in lines)
    assert lines[0] == "<3>compose_broke user=7"


def test_an_entry_that_is_too_large_for_the_journal_goes_to_stderr(
    capsys: pytest.CaptureFixture[str], journald: Journald
) -> None:
    logs.configure("info", "journal")
    logging.getLogger("reminderd.test").warning("put_off deliveries=%s", "1," * 1_000_000)
    assert capsys.readouterr().err.startswith("<4>put_off deliveries=1,1,")


@pytest.mark.parametrize("stream", ["", "8:1", "nonsense"])
def test_stderr_that_leads_elsewhere_gets_lines_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, journald: Journald, stream: str
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", stream)
    logs.configure("info", "auto")
    logging.getLogger("reminderd.test").info("ready")
    assert capsys.readouterr().err.endswith("INFO    ready\n")


def everything(err: str, journal: Mapping[str, str]) -> str:
    return err + "\n".join(f"{name}={value}" for name, value in journal.items())


@pytest.mark.parametrize("form", FORMS)
def test_an_error_is_told_by_its_kind_and_place_and_not_by_its_words(
    capsys: pytest.CaptureFixture[str], journald: Journald, form: str
) -> None:
    logs.configure("info", form)
    fail()
    told = everything(capsys.readouterr().err, journald.taken() if form == "journal" else {})
    for word in ("compose_broke user=7", "KeyError", "ValueError", "in fail"):
        assert word in told
    assert "Maria" not in told
    assert "maria@" not in told


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_connection_that_broke_is_told_by_whoever_used_it_and_not_by_the_pool(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.configure("info", form)
    try:
        raise ConnectionError
    except ConnectionError:
        logging.getLogger("sqlalchemy.pool.impl.QueuePool").error("Exception during reset or similar", exc_info=True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("form", FORMS)
def test_what_a_library_says_is_told_by_its_place_alone(
    capsys: pytest.CaptureFixture[str], journald: Journald, form: str
) -> None:
    logs.configure("debug", form)
    library = logging.getLogger("urllib3.connectionpool")
    library.info("not shown")
    library.warning("Retrying after %s: /Messages.json?To=%s", "a loss", "+14155550100")
    told = everything(capsys.readouterr().err, journald.taken() if form == "journal" else {})
    assert "library logger=urllib3.connectionpool place=test_logs:" in told
    assert "4155550100" not in told
    assert "not shown" not in told


def test_what_nobody_catches_is_logged_like_all_else() -> None:
    code = (
        "import threading; from reminderd import logs; logs.configure('info', 'json'); logs.take_uncaught()\n"
        "def work(): raise ValueError('Maria Lopez')\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join(); work()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert ran.returncode == 1
    events = [json.loads(line)["event"] for line in ran.stderr.splitlines()]
    assert events == ["thread_broke", "uncaught"]
    assert "Maria" not in ran.stderr
    assert "in work" in ran.stderr


def test_entries_of_several_threads_come_whole(journald: Journald) -> None:
    logs.configure("info", "journal")
    threads = [
        threading.Thread(target=logging.getLogger("reminderd.test").info, args=("sent delivery=%s", number))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert {journald.taken()["REMINDERD_DELIVERY"] for _ in threads} == set(map(str, range(8)))


WITH_WORDS = {"reload_refused %s", "page_not_served %s"}
"""Of a `ConfigError`, or of who keeps a port busy."""


def logged() -> Iterator[tuple[str, str]]:
    """The level and the form of every entry that the program makes."""
    for path in sorted((CHECKOUT / "reminderd").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Attribute(ast.Name("log"), level), [ast.Constant(str(form)), *_]):
                    yield level.replace("exception", "error"), form
                case ast.Call(ast.Attribute(ast.Name("log"), "debug" | "info" | "warning" | "error" | "exception")):
                    raise AssertionError(f"{path}:{node.lineno}: an entry begins with its event, in plain letters")


def test_every_entry_is_an_event_and_fields() -> None:
    forms = {form for _, form in logged()}
    assert forms >= WITH_WORDS
    for form in forms - WITH_WORDS:
        assert re.fullmatch(r"[a-z_]+( [a-z_]+=%s)*", form), form


def test_the_page_on_monitoring_tells_of_every_event_with_its_fields_and_level() -> None:
    table = re.findall(
        r"^\| (`[a-z_`, ]+`) \| ([a-z_`, ]*) ?\| (info|warning|error|critical) \|", MONITORING, re.MULTILINE
    )
    told = {
        event: (level, set(re.findall("[a-z_]+", fields)))
        for events, fields, level in table
        for event in re.findall("[a-z_]+", events)
    }
    made = {form.partition(" ")[0] for _, form in logged()} | {"library"}
    assert set(told) == made
    for level, form in logged():
        event, _, rest = form.partition(" ")
        assert told[event][0] == level
        assert set(re.findall(r"([a-z_]+)=", rest)) <= told[event][1], form
