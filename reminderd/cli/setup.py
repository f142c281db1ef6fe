"""Setting up: by flags, or by a few questions on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reminderd.cli import first_env, habits
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.errors import UsageError

if TYPE_CHECKING:
    from reminderd.store.tables import User


@click.command()
@habits.with_habits
@pass_ctx
def init(ctx: Ctx, /, **flags: str | None) -> None:
    """Set up, or change what was set up.

    With --name and --email nothing is asked; without them, on a terminal, a few questions are. A known address changes
    that user, a new one adds another.
    """
    if not (flags["name"] and flags["email"]) and ctx.is_terminal():
        from reminderd.cli.interview import Interview

        make_env(ctx)
        Interview(ctx, flags).hold()
        return
    _refuse_missing(ctx, flags)
    columns = habits.columns_of(flags, _region(ctx))
    make_env(ctx)
    ctx.tell(summary(*save(ctx, columns)))
    ctx.tell_local()


def save(ctx: Ctx, columns: dict[str, object]) -> tuple[User, bool]:
    """Add or change the user with the address in ``columns``: the row, and whether it is new."""
    from reminderd.store.draft_shelf import is_shared

    with ctx.house(create=True).store.writing(wake=True) as session:
        known = habits.find_by_email(session, str(columns["email"]))
        if known is None and "name" not in columns:
            raise UsageError(f"Missing: --name. Nobody here has the address {columns['email']} yet.")
        row = habits.save(ctx, session, columns, known)
        ctx.whose = row.email if is_shared(session) else None
        return row, known is None


def summary(row: User, is_new: bool) -> str:
    """One line: what was done, and what comes next."""
    done = "is set up" if is_new else "was set up before; changed as you said"
    return f'{row.name} {done}: {habits.words(row)}. Next: reminderd add "Maria Lopez" maria@example.org'


def make_env(ctx: Ctx) -> None:
    """The first `.env`; where it cannot be written the environment has to do."""
    path = ctx.env_file or ctx.load_settings().env_file
    try:
        if first_env.make_first_env(path):
            ctx.forget_settings()
            ctx.tell(f"Wrote {path}, where settings go.")
    except OSError as error:
        ctx.tell(f"{path} was not written ({error.strerror}); settings come from the environment.")


def _refuse_missing(ctx: Ctx, flags: dict[str, str | None]) -> None:
    """A name is needed for a new user only, which `save` finds out."""
    missing = [f"--{flag}" for flag in ("name", "email") if not flags[flag]]
    if missing == ["--name"] and _is_set_up(ctx):
        return
    if missing:
        raise UsageError(f"Missing: {' and '.join(missing)}; there is no terminal to ask on.")


def _is_set_up(ctx: Ctx) -> bool:
    if ctx.env_file is not None and not ctx.env_file.exists():
        return False
    path = ctx.settings.database_path
    return path is None or path.exists()


def _region(ctx: Ctx) -> str | None:
    if ctx.env_file is not None and not ctx.env_file.exists():
        return ctx.environ.get("DEFAULT_REGION")
    return ctx.settings.default_region
