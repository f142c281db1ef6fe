"""A diagnosis to send along with a question: nothing in it names a person, an address or a secret."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from reminderd.cli import versions
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.errors import ReminderdError
from reminderd.settings import rows

SHOWN = frozenset(
    {"SMTP_PORT", "SMTP_SECURITY", "IMAP_PORT", "IMAP_SECURITY", "IMAP_PLUS", "IMAP_BCC", "DEFAULT_REGION", "LOG_LEVEL"}
    | {"LOG_FORMAT", "SENDERS", "LEASE_SECONDS", "RECONCILE_SECONDS", "BACKOFF_SECONDS", "STOP_SECONDS"}
    | {"POLL_SECONDS", "SMS_SEGMENTS", "MESSAGES_PER_DAY", "KEEP_IN_TOUCH_PER_WEEK", "TWILIO_POLL_SECONDS"}
)
"""Settings whose value tells of the set-up and of nobody; of all others only whether they are set."""
LINES = 60
JOURNAL = (
    "journalctl", "--unit=reminderd*", "--user-unit=reminderd*", "--output=json", "--all", "--quiet", "--no-pager"
)  # fmt: skip
LEVELS = {"2": "critical", "3": "error", "4": "warning", "6": "info", "7": "debug"}
_SHOWN_ELSEWHERE = ("REMINDERD_EVENT", "REMINDERD_ERROR")


@click.command()
@pass_ctx
def report(ctx: Ctx) -> None:
    """A diagnosis without names, addresses, texts or secrets. Read it, then send it along with your question."""
    ctx.tells_faults = False
    for title, section in (
        ("Versions", lambda ctx: versions.lines()),
        ("Settings", _settings),
        ("Rules", _rules),
        ("Database", _database),
        ("Service", _service),
        ("Log", _log),
    ):
        ctx.say(f"## {title}")
        for line in _lines(section, ctx):
            ctx.say(line)
        ctx.say()


def _lines(section: Callable[[Ctx], Iterator[str]], ctx: Ctx) -> Iterator[str]:
    """A section; what cannot be told says so by the kind of its fault, whose words may name something."""
    try:
        yield from section(ctx)
    except (ReminderdError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        yield f"not to be had: {type(error).__name__}"


def _settings(ctx: Ctx) -> Iterator[str]:
    for row in rows():
        value = getattr(ctx.settings, row.name.lower())
        if row.name == "DATABASE_URL":
            yield f"DATABASE_URL: {str(value).partition(':')[0]}"
        elif value in (None, "", ()):
            yield f"{row.name}: unset"
        elif row.name in SHOWN and not row.secret:
            yield f"{row.name}: {_as_written(value)}"
        else:
            yield f"{row.name}: set"


def _as_written(value: object) -> str:
    """A value as it stands in `.env`."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _rules(ctx: Ctx) -> Iterator[str]:
    from reminderd.rules.book import default_book
    from reminderd.wiring import load_book

    book, default = load_book(ctx.settings).rules, default_book().rules
    yield f"{len(book)}, of them {sum(not rule.enabled for rule in book.values())} off"
    yield f"changed or added: {sum(default.get(name) != rule for name, rule in book.items())}"


def _database(ctx: Ctx) -> Iterator[str]:
    from sqlalchemy import func, select

    from reminderd import metrics
    from reminderd.store import migrate, outbox
    from reminderd.store.tables import Event, Nudge, Reference, User

    store = ctx.house().store
    yield f"revision {migrate.current(store)}, this program {migrate.head()}"
    with store.reading() as session:
        counts = {
            table.__tablename__: session.scalar(select(func.count()).select_from(table))
            for table in (User, Reference, Event, Nudge)
        }
        standing, deliveries = metrics.load_standing(session), outbox.counts(session)
    yield ", ".join(f"{count} {name}" for name, count in counts.items())
    states = [f"{count} {state}" for state, count in deliveries.items() if count]
    yield f"deliveries: {', '.join(states) or 'none'}"
    for name, at in sorted(standing.passes.items()):
        yield f"last {name}: {at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"health: {'; '.join(metrics.problems(standing, ctx.now())) or 'ok'}"


def _service(ctx: Ctx) -> Iterator[str]:
    if not Path("/run/systemd/system").is_dir():
        yield "no systemd"
        return
    from reminderd.cli.install import state_of

    for is_system in (True, False):
        state = state_of(ctx, is_system=is_system)
        words = ", ".join(f"{name} {state[name]}" for name in ("enabled", "active", "restarts"))
        yield f"{'system' if is_system else 'user'}: {words}"


def _log(ctx: Ctx) -> Iterator[str]:
    """The journal's last entries about the units: events and ids, and what systemd did. Words are left out, as they
    may quote what somebody wrote."""
    if shutil.which("journalctl") is None:
        yield "no journal"
        return
    homes = {str(ctx.settings.home), str(ctx.settings.config_dir), os.environ.get("HOME", "")}
    ran = subprocess.run([*JOURNAL, f"--lines={LINES}"], capture_output=True, text=True, check=False, timeout=30)
    for line in ran.stdout.splitlines():
        for told in _told(json.loads(line)):
            for home in sorted(filter(None, homes), key=len, reverse=True):
                told = told.replace(home, "HOME")
            yield told


def _told(entry: dict[str, Any]) -> Iterator[str]:
    at = dt.datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1_000_000, dt.UTC)
    event = entry.get("REMINDERD_EVENT")
    if event is None and entry.get("SYSLOG_IDENTIFIER") != "systemd":
        yield f"{at:%Y-%m-%d %H:%M:%S} (words, left out)"
        return
    names = sorted(name for name in entry if name.startswith("REMINDERD_") and name not in _SHOWN_ELSEWHERE)
    fields = (f" {name.removeprefix('REMINDERD_').lower()}={_text(entry[name])}" for name in names)
    what = f"{event}{''.join(fields)}" if event else f"systemd: {_text(entry.get('MESSAGE'))}"
    yield f"{at:%Y-%m-%d %H:%M:%S} {LEVELS.get(str(entry.get('PRIORITY')), 'info')} {what}"
    yield from _text(entry.get("REMINDERD_ERROR")).splitlines()


def _text(value: Any) -> str:
    """A field as `journalctl -o json` gives it: bytes that are no plain text come as numbers."""
    if isinstance(value, list):
        return bytes(value).decode("utf-8", "replace") if all(isinstance(one, int) for one in value) else ""
    return str(value or "")
