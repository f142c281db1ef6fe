"""What a command or an idle daemon has in memory: nothing that it does not use."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import event

from reminderd.cli.open_lines import load_open_lines
from reminderd.clock import utc_now
from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.tables import User
from tests.flow.parts import NOON, Story, make_house, recorders

COMMAND = """
import sys
from reminderd.__main__ import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
DAEMON = """
import os, signal, socket, sys, threading

told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(os.environ["NOTIFY_SOCKET"])

def stop():
    while b"READY=1" not in told.recv(1000):
        pass
    print(*sys.modules, file=sys.stderr)
    if sys.modules["reminderd.store.tables"].User.__mapper__.configured:
        print("mappers", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=stop).start()
from reminderd.__main__ import main
main()
"""
NEVER = {
    "alembic",
    "babel",
    "flask",
    "icalendar",
    "imaplib",
    "psycopg",
    "phonenumbers",
    "requests",
    "reminderd.replies.door",
    "reminderd.web",
    "sqlalchemy.dialects.postgresql",
    "starlette",
    "twilio",
    "uvicorn",
    "waitress",
}
"""What no idle daemon needs that has neither texts, mailbox nor page."""
MESSAGES = {
    "jinja2",
    "reminderd.carrier",
    "reminderd.composer",
    "reminderd.dispatcher",
    "reminderd.drafts",
    "reminderd.store.outbox",
    "reminderd.transports.maildir",
    "smtplib",
}
"""What making and sending needs, and waiting for the first message does not."""
RECORDS = {"difflib", "reminderd.cli.naming", "reminderd.rules.facts", "unicodedata"}
"""What neither a look nor a daemon that waits has to do with."""
PLANS = {
    "mappers",
    "reminderd.planner",
    "reminderd.replies",
    "reminderd.rules.book",
    "reminderd.rules.rule",
    "tomllib",
}
"""What planning needs, and a start on what is planned already does not: "mappers" are those of SQLAlchemy in working
order."""
WORK = {"apscheduler", "jinja2", "reminderd.actions", "reminderd.composer", "reminderd.dispatcher", "reminderd.planner"}
"""What looking needs no more than `NEVER`."""
PLAIN = {"sqlalchemy", "zoneinfo", "json", "traceback", "tempfile", "reminderd.settings", "reminderd.rules"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One in which six references are planned, and nothing is due for hours."""
    store = Store(f"sqlite:///{tmp_path / 'reminderd.db'}")
    migrate.create(store)
    now = utc_now()
    far = dt.time((now.hour + 12) % 24)
    house = make_house(store, tmp_path, ways=["email"])
    story = Story.begin(house, recorders(), now=now, phone=None, created_at=now, zone="UTC", hour=far)
    with store.writing() as session:
        house.refresh_marks(session, now)  # as a daemon's start does, which then has nothing left to plan
    story.pass_at(now)
    story.stop()
    store.dispose()
    return tmp_path


def loaded(home: Path, code: str, *args: str, **settings: str) -> set[str]:
    """The modules in memory when it ended, or, of the daemon, when it was ready."""
    environ = {
        "PATH": os.environ["PATH"],
        "REMINDERD_HOME": str(home),
        "NOTIFY_SOCKET": str(home / "notify"),
    } | settings
    ran = subprocess.run(
        [sys.executable, "-c", code, *args], env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    return set(ran.stderr.split())


@pytest.mark.parametrize(
    ("code", "args", "without"),
    [
        (COMMAND, ["--help"], NEVER | WORK | PLAIN),
        (COMMAND, ["upcoming"], NEVER | WORK | RECORDS),
        (COMMAND, ["today"], NEVER | WORK | RECORDS),
        (DAEMON, ["run"], NEVER | MESSAGES | PLANS | RECORDS),
    ],
    ids=["--help", "upcoming", "today", "run"],
)
def test_what_is_not_used_is_not_loaded(home: Path, code: str, args: Sequence[str], without: set[str]) -> None:
    assert sorted(loaded(home, code, *args) & without) == []


def test_what_speaks_smtp_is_loaded_with_the_first_mail(home: Path) -> None:
    mail = {"SMTP_HOST": "localhost", "SMTP_SECURITY": "off", "SMTP_FROM": "reminders@example.org"}
    modules = loaded(home, DAEMON, "run", **mail)
    assert "reminderd.transports.smtp" in modules
    assert sorted(modules & (MESSAGES | {"reminderd.transports.smtp_session", "reminderd.transports.smtp_wire"})) == []


def test_upcoming_asks_as_much_of_many_references_as_of_few(tmp_path: Path) -> None:
    asked = []
    for count in (3, 30):
        store = Store(f"sqlite:///{tmp_path / f'{count}.db'}")
        migrate.create(store)
        story = Story.begin(make_house(store, tmp_path), recorders(), [f"Person {number}" for number in range(count)])
        story.land(NOON)
        found: list[str] = []
        with store.reading() as session:
            user = session.get_one(User, story.user_id)
            event.listen(store.engine, "before_cursor_execute", lambda *given, found=found: found.append(given[2]))
            assert len(load_open_lines(session, user, NOON)) >= count
        story.stop()
        store.dispose()
        asked.append(found)
    assert asked[0] == asked[1]
    assert len(asked[0]) <= 6
