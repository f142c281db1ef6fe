"""Several users of one database: add, list, edit, pause, resume, remove; and all of them as counts."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import TYPE_CHECKING

import click

from reminderd.cli import dates, habits
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.output import count, day, json_option, local, table
from reminderd.errors import UsageError
from reminderd.rules.states import is_still_paused
from reminderd.store.draft_shelf import is_shared

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.store.tables import User


@click.group()
def user() -> None:
    """Who receives the reminders. EMAIL may be left out where there is one user, or --user names them."""


@user.command("add")
@click.argument("address", metavar="[EMAIL]", required=False)
@habits.with_habits
@pass_ctx
def add(ctx: Ctx, /, address: str | None, **flags: str | None) -> None:
    """Add a user."""
    if address is not None:
        if flags["email"] is not None:
            raise UsageError(f"{address!r} and --email {flags['email']}: give one of the two.")
        flags["email"] = address
    missing = [f"--{flag}" for flag in ("name", "email") if not flags[flag]]
    if missing:
        raise UsageError(f"Missing: {' and '.join(missing)}.")
    columns = habits.columns_of(flags, ctx.settings.default_region)
    with ctx.house(create=True).store.writing(wake=True) as session:
        if habits.find_by_email(session, columns["email"]) is not None:
            way = f"reminderd user edit {shlex.quote(columns['email'])}"
            raise UsageError(f"{columns['email']} is there already. To change it: {way}")
        row = habits.save(ctx, session, columns, None)
        ctx.whose = row.email if is_shared(session) else None
    ctx.tell(f"{row.name} is added: {habits.words(row)}. Next: reminderd reference add NAME")
    ctx.tell_local()


@user.command("list")
@json_option
@pass_ctx
def list_(ctx: Ctx) -> None:
    """All users."""
    with ctx.house().store.reading() as session:
        users = _all(session)
        if ctx.json:
            ctx.say_json([_json(row, ctx.house().ways, ctx.today(row)) for row in users])
        elif users:
            rows = [_line(ctx, row, is_alone=len(users) == 1) for row in users]
            ctx.say(table(("E-mail", "Name", "Hears", "State"), rows))
        else:
            ctx.tell("Nobody yet. Start with: reminderd init")


@user.command("edit")
@click.argument("address", metavar="[EMAIL]", required=False)
@habits.with_habits
@pass_ctx
def edit(ctx: Ctx, /, address: str | None, **flags: str | None) -> None:
    """Change what is given, and nothing else."""
    columns = habits.columns_of(flags, ctx.settings.default_region)
    if not columns:
        raise UsageError("Say what to change, such as --hour 08:00. See: reminderd user edit --help")
    _name(ctx, address)
    with ctx.writing() as (session, row):
        other = habits.find_by_email(session, columns.get("email", row.email))
        if other is not None and other.id != row.id:
            raise UsageError(f"{columns['email']} belongs to another user, {other.name}.")
        habits.save(ctx, session, columns, row)
        ctx.whose = row.email if is_shared(session) else None
    ctx.tell(f"{row.name}: {habits.words(row)}. Next: reminderd upcoming")


@user.command("pause")
@click.argument("address", metavar="[EMAIL]", required=False)
@click.option("--until", metavar="DATE", help="The day on which reminders begin again.")
@click.option("--all", "everything", is_flag=True, help="Hold back outcome and thanks too.")
@pass_ctx
def pause(ctx: Ctx, address: str | None, until: str | None, everything: bool) -> None:
    """A user rests; outcome and thanks still come unless --all."""
    _name(ctx, address)
    with ctx.writing() as (session, row):
        today = ctx.today(row)
        ends_on = dates.parse_day(until, today) if until else None
        if ends_on is not None and ends_on <= today:
            raise UsageError(f"--until: expected a day to come, not {ends_on}.")
        ctx.house().actions.pause(session, row, ends_on, everything, ctx.now())
    rest = "nothing comes" if everything else "only outcome and thanks come"
    ctx.tell(
        f"{row.name} rests, {rest}, {f'until {day(ends_on, today)}' if ends_on else 'until resumed'}."
        f" Next: reminderd user resume {shlex.quote(row.email)}"
    )


@user.command("resume")
@click.argument("address", metavar="[EMAIL]", required=False)
@pass_ctx
def resume(ctx: Ctx, address: str | None) -> None:
    """A user is back."""
    _name(ctx, address)
    with ctx.writing() as (session, row):
        changes = ctx.house().actions.resume(session, row, ctx.now())
    ctx.tell(f"{row.name} is back; {count(len(changes.opened), 'reminder')} opened again. Next: reminderd upcoming")


@user.command("remove")
@click.argument("address", metavar="EMAIL")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_ctx
def remove(ctx: Ctx, address: str, yes: bool) -> None:
    """Delete a user with references, events and messages."""
    from reminderd.cli import removal
    from reminderd.store.lookup import list_references

    _name(ctx, address)
    with ctx.reading() as (session, row):
        people = len(list_references(session, row))
    if not ctx.confirmed(f"Delete {row.name} <{row.email}> with {count(people, 'reference')} and all messages?", yes):
        ctx.tell(f"{row.email} stays.")
        return
    with ctx.writing() as (session, row):
        removal.remove_user(session, row)
    ctx.tell(f"{row.email} is deleted. Next: reminderd user list")


@click.command()
@json_option
@pass_ctx
def overview(ctx: Ctx) -> None:
    """All users, as counts; no names of references, no texts."""
    from reminderd.cli.counts import counts_by_user

    with ctx.house().store.reading() as session:
        found = counts_by_user(session, ctx.now())
        if ctx.json:
            ctx.say_json([{"user": row.email, **counts} for row, counts in found])
        elif found:
            names = [name.replace("_", " ").capitalize() for name in found[0][1]]
            ctx.say(table(("User", *names), [(row.email, *map(str, counts.values())) for row, counts in found]))
        else:
            ctx.tell("Nobody yet. Start with: reminderd init")


# ---- helpers


def _name(ctx: Ctx, address: str | None) -> None:
    """Let an address given as argument stand for --user."""
    if address is not None:
        ctx.user = address


def _all(session: Session) -> list[User]:
    from sqlalchemy import select

    from reminderd.store.tables import User

    return list(session.scalars(select(User).order_by(User.email)))


def _json(row: User, ways: frozenset[str], today: dt.date) -> dict[str, object]:
    from reminderd.cli.faults import stopped_by

    quiet = None
    rests = row.paused and is_still_paused(row.paused_until, today)
    if row.quiet_begins is not None and row.quiet_ends is not None:
        quiet = f"{row.quiet_begins:%H:%M}-{row.quiet_ends:%H:%M}"
    return {
        "email": row.email,
        "name": row.name,
        "phone": row.phone,
        "timezone": row.zone,
        "hour": f"{row.hour:%H:%M}",
        "quiet": quiet,
        "digest": row.digest,
        "language": row.language,
        "texts": "full" if row.full_texts else "short",
        "paused": rests,
        "paused_until": row.paused_until if rests else None,
        "stopped": stopped_by(row, ways),
        "created_at": local(row.created_at, row.zone),
    }


def _line(ctx: Ctx, row: User, *, is_alone: bool) -> tuple[str, str, str, str]:
    from reminderd.cli.faults import START_AGAIN, stopped_by
    from reminderd.drafts.commands import with_user

    state = "active"
    if row.paused and is_still_paused(row.paused_until, ctx.today(row)):
        state = f"rests until {day(row.paused_until, ctx.today(row))}" if row.paused_until else "rests"
    stops = [
        f"{'e-mail' if channel == 'email' else 'texts'} stopped by the user (again: {START_AGAIN[channel]})"
        for channel in stopped_by(row, ctx.house().ways)
    ]
    state = "; ".join((state, *stops))
    return row.email, row.name, habits.words(row), state if is_alone else with_user(state, row.email)
