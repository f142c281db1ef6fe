"""What `check` tries, one line each."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reminderd.cli.context import Ctx
from reminderd.errors import ConfigError, ReminderdError

if TYPE_CHECKING:
    from reminderd.transports.base import Transport

PROGRAM_IS_FROM = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""No right clock shows less."""
LEAST_KEY = 16
"""Characters of a SECRET_KEY that is not found by trying."""
BEHIND_FOR = dt.timedelta(minutes=2)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check."""

    what: str
    is_ok: bool
    words: str

    def __str__(self) -> str:
        return f"{'ok' if self.is_ok else 'FAIL'} {self.what}: {self.words}"


def findings(ctx: Ctx) -> Iterator[Finding]:
    """Everything tried, one after the other; what fails hinders no other. Without settings there is nothing to try."""
    try:
        _ = ctx.settings
    except ConfigError as error:
        yield Finding("setting", False, str(error))
        return
    for what, attempt in (
        ("database", _database),
        ("users", _users),
        ("files", _files),
        ("rules", _rules),
        ("templates", _templates),
        ("mail", _mail),
        ("texts", _texts),
        ("answers", _answers),
        ("ways", _ways),
        ("messages", _messages),
        ("clock", _clock),
        ("zone", _zone),
    ):
        yield from _tried(what, attempt, ctx)
    yield from (Finding("setting", False, line) for line in _suggestions(ctx))


def _tried(what: str, attempt: Callable[[Ctx], list[str]], ctx: Ctx) -> Iterator[Finding]:
    try:
        yield from (Finding(what, True, line) for line in attempt(ctx))
    except _Wrong as wrong:
        yield from (Finding(what, False, line) for line in wrong.lines)
    except ReminderdError as error:
        yield Finding(what, False, str(error))


class _Wrong(Exception):
    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


def _database(ctx: Ctx) -> list[str]:
    from reminderd.store import impossible, migrate

    path = ctx.settings.database_path
    if path is not None and not path.exists():
        raise ConfigError(f"there is no {path} yet; start with: reminderd init{_back(ctx)}")
    store = ctx.house(own_rules=False).store
    if problems := impossible.find(store):
        raise _Wrong(*problems)
    with store.writing():  # says at once when it is read-only, full or locked
        pass
    if path is not None and not _writable(path):
        raise _Wrong(f"{path} is read-only for this user")
    return [f"{store.place} at {migrate.current(store)}"]


def _back(ctx: Ctx) -> str:
    from reminderd.cli import nobody

    way = nobody.back(ctx.settings)
    return f".{way}" if way else ""


def _users(ctx: Ctx) -> list[str]:
    """Said only where there are none."""
    from reminderd.cli import nobody
    from reminderd.store.backup import is_anybody

    try:
        is_set_up = is_anybody(ctx.house(own_rules=False).store)
    except ReminderdError:
        return []  # told by the database's own line
    if not is_set_up:
        raise _Wrong(nobody.words(ctx.settings))
    return []


def _files(ctx: Ctx) -> list[str]:
    from reminderd.secret import FILE

    settings = ctx.settings
    database = settings.database_path
    private = [settings.env_file, settings.home / FILE, settings.maildir]
    if database is not None:
        private += [database.with_name(database.name + rest) for rest in ("", "-wal", "-shm")]
    found = [path for path in private if path.exists()]
    loose = [path for path in found if path.stat().st_mode & 0o077]
    if loose:
        mode = {path: "700" if path.is_dir() else "600" for path in loose}
        raise _Wrong(*(f"{path} is open to others of this machine; chmod {mode[path]} {path}" for path in loose))
    said = [f"{len(found)} files and folders are yours alone"]
    if settings.secret_key and len(settings.secret_key) < LEAST_KEY:
        said.append("SECRET_KEY is so short that links could be forged: openssl rand -base64 32 makes a better one")
    return said


def _writable(path: Path) -> bool:
    import os

    return os.access(path, os.W_OK)


def _rules(ctx: Ctx) -> list[str]:
    from reminderd.cli.rules import check_drafts
    from reminderd.wiring import load_book

    book = load_book(ctx.settings)
    check_drafts(ctx, book, "the rule book")
    on = sum(rule.enabled for rule in book.rules.values())
    return [f"{len(book.rules)}, {on} of them on"]


def _templates(ctx: Ctx) -> list[str]:
    from reminderd.drafts.library import Library

    library = Library(ctx.settings.config_dir / "templates")
    if problems := library.check():
        raise _Wrong(*map(str, problems))
    return [f"{len(library.names())} drafts rendered over sample facts"]


def _mail(ctx: Ctx) -> list[str]:
    from reminderd.transports import registry

    found = _probed(registry.make_email(ctx.settings))
    if ctx.settings.smtp_host is None:
        return [f"{found}; nothing leaves this machine while SMTP_HOST is unset"]
    return [found]


def _texts(ctx: Ctx) -> list[str]:
    from reminderd.transports import registry

    transport = registry.make_sms(ctx.settings)
    return [_probed(transport) if transport else "not set up (TWILIO_ACCOUNT_SID); every step goes by e-mail"]


def _answers(ctx: Ctx) -> list[str]:
    settings = ctx.settings
    by_text = "by text" if settings.twilio_account_sid and settings.twilio_from else ""
    if settings.imap_host is None:
        return [f"{by_text or 'neither by text nor by mail'}; IMAP_HOST has answers by mail read"]
    from reminderd.replies.mailbox import Mailbox, account_of
    from reminderd.transports import registry

    tokens = None if settings.imap_password else registry.make_tokens(settings)
    found = Mailbox(account_of(settings, tokens)).probe()
    return [f"{found}; answers go to {settings.imap_address}"]


def _probed(transport: Transport) -> str:
    from reminderd.rules.retry import Verdict
    from reminderd.transports.base import SendFailed

    try:
        return transport.probe()
    except SendFailed as failed:
        if failed.fault.verdict is Verdict.RECONCILE:  # its words speak of a message, and here is none
            raise _Wrong(f"The other side did not answer as it should ({failed.fault.code}).") from failed
        raise
    finally:
        transport.close()


def _ways(ctx: Ctx) -> list[str]:
    """Of all users: what they stopped themselves."""
    from sqlalchemy import select

    from reminderd.cli.faults import channels_of, lines_of_stops
    from reminderd.drafts.commands import with_user
    from reminderd.store.tables import User

    silent: list[str] = []
    told: list[str] = []
    try:
        house = ctx.house()
        with house.store.reading() as session:
            users = session.scalars(select(User).order_by(User.id)).all()
            for user in users:
                lines = lines_of_stops(user, house.ways, user.email)
                if len(users) > 1:
                    lines = [with_user(line, user.email) for line in lines]
                (told if channels_of(user, house.ways) else silent).extend(lines)
    except ReminderdError:
        return []  # told by the database's own line
    if silent:
        raise _Wrong(*silent, *told)
    return told


def _messages(ctx: Ctx) -> list[str]:
    """Of all users."""
    from sqlalchemy import select

    from reminderd.cli.faults import channels_of, failures_of
    from reminderd.drafts.commands import with_user
    from reminderd.store.tables import User

    failed = []
    try:
        house = ctx.house()
        with house.store.reading() as session:
            users = session.scalars(select(User).order_by(User.id)).all()
            for user in users:
                lines = failures_of(session, user, channels_of(user, house.ways), user.email)
                failed += [with_user(line, user.email) if len(users) > 1 else line for line in lines]
    except ReminderdError:
        return []  # told by the database's own line
    if failed:
        raise _Wrong(*failed)
    return ["none failed that was not seen to"]


def _clock(ctx: Ctx) -> list[str]:
    now = ctx.now()
    if now < PROGRAM_IS_FROM:
        raise _Wrong(f"it shows {now:%Y-%m-%d %H:%M} UTC, which lies before this program was made")
    newest = _newest_pass(ctx)
    if newest is not None and newest - now > BEHIND_FOR:
        raise _Wrong(f"it shows {now:%Y-%m-%d %H:%M} UTC, but the daemon's last pass is from {newest:%Y-%m-%d %H:%M}")
    return [f"{now:%Y-%m-%d %H:%M} UTC"]


def _newest_pass(ctx: Ctx) -> dt.datetime | None:
    from sqlalchemy import func, select

    from reminderd.store.tables import Job

    try:
        with ctx.house().store.reading() as session:
            return session.scalar(select(func.max(Job.last_pass_at)))
    except ReminderdError:
        return None  # told by the database's own line


def _zone(ctx: Ctx) -> list[str]:
    from reminderd.cli.output import local
    from reminderd.cli.values import guessed_zone
    from reminderd.rules.calendar import zone_exists

    try:
        with ctx.reading() as (_, user):
            zone, whose = user.zone, user.name
    except ReminderdError:
        zone, whose = guessed_zone(ctx.environ), "this machine"
    if not zone_exists(zone):
        raise _Wrong(f"{zone} is not among the zones of this machine")
    here = local(ctx.now(), zone)
    assert here is not None
    return [f"{zone}, where it is {here:%H:%M} ({whose})"]


def _suggestions(ctx: Ctx) -> list[str]:
    from reminderd.settings import read_env, suggestions

    path = ctx.settings.env_file
    in_file = read_env(path) if path.is_file() else {}
    return suggestions({**in_file, **ctx.environ})
