"""A diagnosis to send along with a question: nothing in it names a person, an address or a secret."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

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
    except (ReminderdError, OSError) as error:
        yield f"not to be had: {type(error).__name__}"


def _settings(ctx: Ctx) -> Iterator[str]:
    for row in rows():
        value = getattr(ctx.settings, row.name.lower())
        if row.name == "DATABASE_URL":
            yield f"DATABASE_URL: {str(value).partition(':')[0]}"
        elif row.name in SHOWN and not row.secret:
            yield f"{row.name}: {value}"
        else:
            yield f"{row.name}: {'set' if value not in (None, '', ()) else 'unset'}"


def _rules(ctx: Ctx) -> Iterator[str]:
    from reminderd.rules.book import default_book
    from reminderd.wiring import load_book

    book, default = load_book(ctx.settings).rules, default_book().rules
    yield f"{len(book)}, of them {sum(not rule.enabled for rule in book.values())} off"
    yield f"changed or added: {sum(default.get(name) != rule for name, rule in book.items())}"


def _database(ctx: Ctx) -> Iterator[str]:
    from sqlalchemy import func, select

    from reminderd import metrics
    from reminderd.store import migrate
    from reminderd.store.tables import Event, Nudge, Reference, User

    store = ctx.house().store
    yield f"revision {migrate.current(store)}, this program {migrate.head()}"
    with store.reading() as session:
        counts = {
            table.__tablename__: session.scalar(select(func.count()).select_from(table))
            for table in (User, Reference, Event, Nudge)
        }
        standing = metrics.load_standing(session)
    yield ", ".join(f"{count} {name}" for name, count in counts.items())
    states = [f"{count} {state}" for state, count in standing.deliveries.items() if count]
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
    """The last lines of the journal: events and ids, as the program logs nothing else. Places are cut off."""
    if not Path("/run/systemd/system").is_dir():
        yield "no journal"
        return
    command = [
        "journalctl",
        "-t",
        "reminderd",
        "-n",
        str(LINES),
        "-o",
        "short-iso",
        "--no-hostname",
        "-q",
        "--no-pager",
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    homes = {str(ctx.settings.home), str(ctx.settings.config_dir), os.environ.get("HOME", "")}
    for line in ran.stdout.splitlines():
        if "reminderd: " in line.split("]: ", 1)[-1]:  # a sentence for people, which may quote what they wrote
            continue
        for home in sorted(filter(None, homes), key=len, reverse=True):
            line = line.replace(home, "HOME")
        yield line
