"""The database: upgrade, check."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.output import json_option

if TYPE_CHECKING:
    from reminderd.store.database import Store


@click.group()
def db() -> None:
    """The database."""


@db.command()
@pass_ctx
def upgrade(ctx: Ctx) -> None:
    """Bring it to the schema of this program; a SQLite file is copied first."""
    from reminderd.store import migrate

    with _store(ctx) as store:
        before = migrate.current(store)
        copy = migrate.upgrade(store, now=ctx.now())
        ctx.writes = True
        if migrate.current(store) == before:
            ctx.tell(f"{store.place} is at {before} already.")
            return
        kept = f" A copy of what was is {copy}." if copy else ""
        came = f"was brought from {before} to {migrate.head()}" if before else f"was made, at {migrate.head()}"
        ctx.tell(f"{store.place} {came}.{kept} Next: reminderd check")


@db.command()
@json_option
@pass_ctx
def check(ctx: Ctx) -> int:
    """Look for damage and for rows that contradict each other; nothing is changed."""
    from reminderd.errors import ConfigError
    from reminderd.store import impossible, migrate

    path = ctx.settings.database_path
    if path is not None and not path.exists():
        raise ConfigError(f"{path}: there is no database yet. Start with: reminderd init")
    with _store(ctx, read_only=True) as store:
        revision = migrate.current(store)
        ready = migrate.is_ready(store)
        problems = impossible.find(store) if ready else [_unready(revision, revision in migrate.REVISIONS)]
        if ctx.json:
            ctx.say_json({"revision": revision, "head": migrate.head(), "problems": problems})
        else:
            ctx.say("\n".join(f"FAIL {line}" for line in problems) or f"ok {store.place} at {revision}")
        return 0 if not problems else 1 if ready else 78


def _unready(revision: str | None, known: bool) -> str:
    if revision is None:
        return "it has no tables yet; run: reminderd db upgrade"
    if known:
        return f"it is at {revision}, older than this program; run: reminderd db upgrade"
    return f"it is at {revision}, which this program does not know; install the newer program"


@contextlib.contextmanager
def _store(ctx: Ctx, *, read_only: bool = False) -> Iterator[Store]:
    from reminderd.store.database import Store

    store = Store(ctx.settings.database_url, read_only=read_only)
    try:
        yield store
    finally:
        store.dispose()
