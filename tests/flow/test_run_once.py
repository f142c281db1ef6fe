"""One pass, for cron: its exit code says what is left."""

from __future__ import annotations

import datetime as dt
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from freezegun import freeze_time

from reminderd.clock import utc_now
from reminderd.daemon import run_once
from reminderd.errors import ReminderdError
from reminderd.settings import Settings, load
from reminderd.store import lock
from reminderd.store.database import Store
from reminderd.store.tables import DeliveryState
from tests.flow.parts import NOON, SIX, Mailbox, Story, make_house
from tests.servers.certificates import Certificates
from tests.servers.twilio import ACCOUNT, SENDER, TOKEN, FakeTwilio

TRANSIENT = "451 4.3.0 Try again later"
FOR_GOOD = "554 5.7.1 Spam"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def environ(mailbox: Mailbox, certificates: Certificates, store: Store) -> dict[str, str]:
    url = f"sqlite:///{store.path}" if store.path else store.engine.url.render_as_string(hide_password=False)
    return {
        "DATABASE_URL": url,
        "SMTP_HOST": "localhost",
        "SMTP_PORT": str(mailbox.port),
        "SMTP_USERNAME": "ada",
        "SMTP_PASSWORD": "correct horse",
        "SMTP_FROM": "reminderd@example.org",
        "SMTP_CA_FILE": str(certificates.ca_file),
    }


@pytest.fixture
def settings(environ: dict[str, str], tmp_path: Path) -> Settings:
    return load(environ, None, tmp_path)


@pytest.fixture
def story(store: Store, tmp_path: Path) -> Story:
    """Landed, by mail only."""
    made = Story.begin(make_house(store, tmp_path, ways=["email"]), {}, SIX[:2], phone=None)
    made.land(NOON)
    return made


def once(settings: Settings, now: dt.datetime = NOON) -> int:
    with freeze_time(now, ignore=["asyncio", "aiosmtpd"]):
        return run_once(settings)


def test_zero_when_nothing_due_is_left(story: Story, settings: Settings, mailbox: Mailbox) -> None:
    assert once(settings) == 0
    assert mailbox.arrived.qsize() == 1
    assert once(settings) == 0
    assert mailbox.arrived.qsize() == 1


def test_75_when_something_waits_for_a_retry(story: Story, settings: Settings, mailbox: Mailbox) -> None:
    mailbox.refuse("RCPT", TRANSIENT)
    assert once(settings) == 75
    mailbox.relent()
    assert once(settings) == 75  # its time has not come
    assert once(settings, NOON + dt.timedelta(minutes=2)) == 0
    assert mailbox.arrived.qsize() == 1


def test_1_when_something_failed_for_good(story: Story, settings: Settings, mailbox: Mailbox) -> None:
    mailbox.refuse("DATA", FOR_GOOD)
    assert once(settings) == 1
    assert once(settings) == 0


def test_0_when_the_other_channel_took_what_mail_refused(
    sqlite_store: Store, environ: dict[str, str], tmp_path: Path, mailbox: Mailbox, fake_twilio: FakeTwilio
) -> None:
    twilio = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": SENDER}
    url = {"DATABASE_URL": f"sqlite:///{sqlite_store.path}", "TWILIO_API_URL": fake_twilio.url}
    made = Story.begin(make_house(sqlite_store, tmp_path), {}, SIX[:2])
    made.land(NOON)
    mailbox.refuse("DATA", FOR_GOOD)
    assert once(load(environ | url | twilio, None, tmp_path)) == 0
    assert len(fake_twilio.sent) == 1


def test_a_wrong_password_is_not_tried_by_every_pass(story: Story, environ: dict[str, str], tmp_path: Path) -> None:
    wrong = load(environ | {"SMTP_PASSWORD": "wrong"}, None, tmp_path)
    for minutes in range(0, 60, 5):
        assert once(wrong, NOON + dt.timedelta(minutes=minutes)) == 75
    assert story.deliveries()[0].attempts == 1
    assert once(wrong, NOON + dt.timedelta(minutes=60)) == 75
    assert story.deliveries()[0].attempts == 2


def test_a_mended_settings_file_is_tried_at_once(
    sqlite_store: Store, environ: dict[str, str], tmp_path: Path, mailbox: Mailbox
) -> None:
    made = Story.begin(make_house(sqlite_store, tmp_path, ways=["email"]), {}, SIX[:2], phone=None)
    made.land(NOON)
    environ["DATABASE_URL"] = f"sqlite:///{sqlite_store.path}"
    assert once(load(environ | {"SMTP_PASSWORD": "wrong"}, None, tmp_path)) == 75
    file = tmp_path / ".env"
    file.write_text("SMTP_FROM_NAME=Reminders\n")
    later = NOON + dt.timedelta(minutes=5)
    os.utime(file, (later.timestamp(), later.timestamp()))
    assert once(load(environ, None, tmp_path), later) == 0
    assert mailbox.arrived.qsize() == 1


def test_it_refuses_a_file_that_a_daemon_has(sqlite_store: Store, tmp_path: Path) -> None:
    settings = load({"DATABASE_URL": f"sqlite:///{sqlite_store.path}"}, None, tmp_path)
    with lock.own(sqlite_store), pytest.raises(ReminderdError, match="has a daemon already"):
        run_once(settings)


def test_the_command_does_the_same(environ: dict[str, str], tmp_path: Path, store: Store, mailbox: Mailbox) -> None:
    now = utc_now()
    made = Story.begin(make_house(store, tmp_path, ways=["email"]), {}, SIX, now=now, phone=None, created_at=now)
    made.land(now)
    command = [sys.executable, "-m", "reminderd", "--home", str(tmp_path), "run", "--once"]
    done = subprocess.run(command, env=os.environ | environ, cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert done.returncode == 0
    assert mailbox.arrived.qsize() == 1
    assert [row.state for row in made.deliveries()] == [DeliveryState.SENT]
