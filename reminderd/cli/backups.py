"""Copies of the database: backup, restore."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.cli.words import Line
    from reminderd.rules.facts import UserFact
    from reminderd.store.database import Store
    from reminderd.store.tables import Nudge, User
    from reminderd.wiring import House

DAY = dt.timedelta(days=1)
NOT_IN_IT = ".env, rules.toml, templates/ and secret_key are not in it: keep them too"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@pass_ctx
def backup(ctx: Ctx, file: Path, force: bool) -> None:
    """Copy the database to FILE, consistent while the daemon runs."""
    from reminderd.store.backup import copy_to

    store = _store(ctx, read_only=True)
    try:
        if store.path is None:
            raise UsageError(_pg_words("pg_dump --format=custom", store, f" --file={file}"))
        if not store.path.exists():
            raise ConfigError(f"{store.path}: there is no database yet. Start with: reminderd init")
        made = copy_to(store, file, replace=force)
    finally:
        store.dispose()
    ctx.tell(f"{store.place} was copied to {made}. {NOT_IN_IT}. Back: reminderd restore {file}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--force", is_flag=True, help="Replace the database that is there; it is set aside.")
@click.option("--review", is_flag=True, help="Without FILE: the database was restored by other means (pg_restore).")
@pass_ctx
def restore(ctx: Ctx, file: Path | None, force: bool, review: bool) -> None:
    """Put the copy FILE in the database's place; what is overdue by now is held for your review."""
    if (file is None) != review:
        raise UsageError("Name the FILE to restore, or --review after pg_restore.")
    store = _store(ctx, read_only=True)
    if file is None:
        with ctx.house().store.writing(wake=True) as session:
            ctx.tell(_held_words(_review(ctx.house(), session, ctx.now(), None)))
        ctx.writes = True
        return
    if store.path is None:
        raise UsageError(_pg_words("pg_restore", store, f" {file}") + " Then: reminderd restore --review")
    _restore_file(ctx, store, file, force)


def _restore_file(ctx: Ctx, store: Store, file: Path, force: bool) -> None:
    from reminderd.store import backup, lock

    assert store.path is not None
    backup.verify(file)
    if store.path.exists() and not force:
        raise UsageError(f"{store.path} is there already; it was left as it is. To replace it: --force")
    store.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.own(store), tempfile.TemporaryDirectory(prefix=".restoring-", dir=store.path.parent) as folder:
        new = Path(folder) / store.path.name
        backup.copy_to(_on_file(file), new)
        held = _prepare(ctx, new, dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC))
        aside = backup.put_in_place(new, store.path, ctx.now())
    ctx.writes = True
    kept = f" What was there before is {aside}." if aside else ""
    ctx.tell(f"{store.place} is what {file} holds.{kept} {_held_words(held)}")


def _prepare(ctx: Ctx, new: Path, made_at: dt.datetime) -> int:
    """Bring the copy up to date before anybody sends from it, and hold what is overdue. Returns how many nudges."""
    from reminderd.store.database import Store
    from reminderd.wiring import furnish, load_book

    house = furnish(ctx.settings, load_book(ctx.settings), Store(_url(new)), ctx.now())
    try:
        with house.store.writing() as session:
            held = _review(house, session, ctx.now(), made_at)
    finally:
        house.store.dispose()  # the last one to close writes what lies beside the file into it
    os.chmod(new, 0o600)
    return held


def _review(house: House, session: Session, now: dt.datetime, made_at: dt.datetime | None) -> int:
    """Plan, hold and tell each user of it in one message. Returns how many nudges are held."""
    from sqlalchemy import select

    from reminderd.store import held
    from reminderd.store.facts import load_user
    from reminderd.store.tables import User

    held.withdraw_deliveries(session, now)
    count = 0
    for user in session.scalars(select(User).order_by(User.id)):
        house.planner.plan_all(session, user, now)
        habits = load_user(session, user, house.planner.ways)
        nudges = held.hold_overdue(session, user, now, functools.partial(_slot, habits, now))
        if nudges:
            _tell(house, session, user, nudges, now, made_at)
        count += len(nudges)
    return count


def _slot(habits: UserFact, now: dt.datetime, nudge: Nudge) -> dt.datetime:
    """The first digest that leaves a day to look through it; the first morning that leaves half a day where that is
    past the deadline, and earlier still for what is over by then."""
    from reminderd.rules.states import Digest
    from reminderd.rules.steps import digest_slot

    slot = digest_slot(now + DAY, habits)
    if slot >= nudge.due_at:
        slot = digest_slot(now + DAY / 2, dataclasses.replace(habits, digest=Digest.DAILY))
    return slot if slot < nudge.expires_at else max(now + DAY / 2, nudge.expires_at - DAY / 2)


def _tell(
    house: House,
    session: Session,
    user: User,
    nudges: list[tuple[Nudge, dt.datetime]],
    now: dt.datetime,
    made_at: dt.datetime | None,
) -> None:
    from reminderd.carrier import enqueue
    from reminderd.cli.output import moment
    from reminderd.cli.words import due_words, load_lines
    from reminderd.message import Channel
    from reminderd.rules.steps import best_channel
    from reminderd.store.facts import load_user
    from reminderd.store.tables import DeliveryKind

    habits = load_user(session, user, house.planner.ways)
    if not habits.wanted:
        return
    channel = Channel(best_channel(Channel.EMAIL, habits))
    when = f" of {moment(made_at, user.zone, now)}" if made_at else ""
    lines = [
        f"The database is a copy{when}; what happened since is not in it.",
        "These were due and are held, as you may have had them already. Say done or skip where you have;",
        "what is still open comes again when it says.",
        *[
            f"{line.number}  {line.title} {due_words(line.due_at, user, now)}; {_again(line, user, now)}"
            for line in load_lines(session, [nudge for nudge, _ in nudges], now)
        ],
    ]
    letter = house.composer.carrier.answer(
        user, channel, lines, now, subject="reminderd: restored from a copy", key="restored", kind=DeliveryKind.NOTICE
    )
    enqueue(session, user, DeliveryKind.NOTICE, channel, f"restored:{now.isoformat()}", [letter], now)


def _again(line: Line, user: User, now: dt.datetime) -> str:
    from reminderd.cli.words import step_words

    return step_words(line.next_step, user, now) if line.next_step else "no more reminders"


def _held_words(count: int) -> str:
    if not count:
        return "Nothing came due meanwhile."
    what = "1 reminder is" if count == 1 else f"{count} reminders are"
    return f"{what} held that came due meanwhile; one message tells of them. See: reminderd upcoming"


def _pg_words(command: str, store: Store, rest: str) -> str:
    url = store.engine.url
    parts = {"--host": url.host, "--port": url.port, "--username": url.username, "--dbname": url.database}
    options = "".join(f" {name}={value}" for name, value in parts.items() if value)
    return f"PostgreSQL has a tool of its own for that: {command}{options}{rest}"


def _store(ctx: Ctx, *, read_only: bool) -> Store:
    from reminderd.store.database import Store

    return Store(ctx.settings.database_url, read_only=read_only)


def _on_file(path: Path) -> Store:
    from reminderd.store.database import Store

    return Store(_url(path), read_only=True)


def _url(path: Path) -> str:
    return "sqlite:///" + str(path.absolute()).replace("%", "%25").replace("?", "%3F")
