"""The opportunities: add, edit, list, show, close."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reminderd.cli import dates, values
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.output import json_option
from reminderd.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.store.tables import Opportunity, User

Command = TypeVar("Command", bound=Callable[..., Any])
SIGNED = "signed"
FLAGS: tuple[tuple[str, str, str], ...] = (
    ("--role", "R", "The job's title."),
    ("--starts", "DATE", "The first day of work, once known."),
    ("--contact", "WHO", "Who calls the references."),
    ("--posting", "URL", "The advertisement."),
    ("--resume", "URL", "The résumé that you sent."),
    ("--embargo-until", "DATE|signed", "Until then no draft names the company to whoever is not part of it."),
)


def with_flags(command: Command) -> Command:
    """Adds the flags of the table; `None` where not given."""
    for flag, metavar, help in reversed(FLAGS):
        command = click.option(flag, metavar=metavar, help=help)(command)
    return command


@click.group()
def opportunity() -> None:
    """The jobs that you apply for."""


@opportunity.command("add")
@click.argument("company", nargs=-1, required=True)
@with_flags
@pass_ctx
def add(ctx: Ctx, /, company: tuple[str, ...], **flags: str | None) -> None:
    """Add a job that you apply for."""
    from reminderd.store.tables import Opportunity

    with ctx.writing() as (session, user):
        name = values.name(" ".join(company))
        _refuse_taken(session, user, name)
        row = Opportunity(user_id=user.id, company=name, created_at=ctx.now())
        _set(row, flags, ctx.today(user))
        session.add(row)
        _replan(ctx, session, user, row)
    ctx.tell(f'{row.company} is added. Next, for those you asked: reminderd record asked NAME… --for "{row.company}"')
    ctx.tell_local()


@opportunity.command("edit")
@click.argument("company", nargs=-1, required=True)
@click.option("--company", "new_name", metavar="NAME", help="Another name.")
@click.option("--reopen", is_flag=True, help="Take back that it is closed.")
@with_flags
@pass_ctx
def edit(ctx: Ctx, /, company: tuple[str, ...], new_name: str | None, reopen: bool, **flags: str | None) -> None:
    """Change what is given, and nothing else; an empty value (--role "") clears."""
    if new_name is None and not reopen and all(text is None for text in flags.values()):
        raise UsageError("Say what to change, such as --starts DATE. See: reminderd opportunity edit --help")
    from reminderd.actions import Recorded
    from reminderd.cli.start_day import say_with_start, set_start
    from reminderd.store.lookup import find_opportunity

    with ctx.writing() as (session, user):
        row = find_opportunity(session, user, " ".join(company))
        if new_name is not None:
            name = values.name(new_name)
            _refuse_taken(session, user, name, but=row)
            row.company = name
        if reopen:
            row.closed = False
        was = row.starts_on
        _set(row, flags, ctx.today(user))
        first, row.starts_on = row.starts_on, was
        _replan(ctx, session, user, row)
        moved = set_start(ctx, session, user, row, first, ctx.now())
    say_with_start(ctx, Recorded(), moved, quiet=True)
    ctx.tell(f'{row.company}: changed. Next: reminderd opportunity show "{row.company}"')


@opportunity.command("list")
@json_option
@pass_ctx
def list_(ctx: Ctx) -> None:
    """All of them, with their stage and who was asked."""
    from reminderd.cli import opportunities_view as view

    with ctx.reading() as (session, user):
        entries = view.entries(session, user, ctx.today(user))
        if ctx.json:
            ctx.say_json([view.entry_json(entry) for entry in entries])
        elif entries:
            ctx.say(view.entries_table(entries, ctx.today(user)))
        else:
            ctx.tell("None yet. Add one: reminderd opportunity add COMPANY")


@opportunity.command("show")
@click.argument("company", nargs=-1, required=True)
@json_option
@pass_ctx
def show(ctx: Ctx, company: tuple[str, ...]) -> None:
    """One of them: its facts, who vouches for it, and what happened."""
    from reminderd.cli import opportunities_view as view
    from reminderd.store.lookup import find_opportunity

    with ctx.reading() as (session, user):
        row = find_opportunity(session, user, " ".join(company))
        page = view.page(session, user, row, ctx.today(user))
        if ctx.json:
            ctx.say_json(view.page_json(page))
        else:
            ctx.say(view.page_text(page, ctx.today(user)))


@opportunity.command("close")
@click.argument("company", nargs=-1, required=True)
@pass_ctx
def close(ctx: Ctx, company: tuple[str, ...]) -> None:
    """Nothing more comes of it; what is open for it ends. Tell an outcome with `record` first."""
    from reminderd.store.lookup import find_opportunity

    with ctx.writing() as (session, user):
        row = find_opportunity(session, user, " ".join(company))
        was_closed, row.closed = row.closed, True
        _replan(ctx, session, user, row)
    done = "was closed already" if was_closed else "is closed"
    ctx.tell(f'{row.company} {done}. Back again: reminderd opportunity edit "{row.company}" --reopen')


# ---- helpers


def _set(row: Opportunity, flags: dict[str, str | None], today: dt.date) -> None:
    for flag, given in flags.items():
        if given is None:
            continue
        text = given.strip()
        match flag:
            case "role" | "contact":
                setattr(row, flag, values.text(f"--{flag}", text, 200) or None)
            case "posting" | "resume":
                setattr(row, flag, values.url(f"--{flag}", text) or None)
            case "starts":
                row.starts_on = dates.parse_day(text, today) if text else None
            case _:
                row.embargo_until_signed = text.casefold() == SIGNED
                dated = text and not row.embargo_until_signed
                row.embargo_until = dates.parse_day(text, today) if dated else None


def _refuse_taken(session: Session, user: User, name: str, but: Opportunity | None = None) -> None:
    from sqlalchemy import select

    from reminderd.store.lookup import fold
    from reminderd.store.tables import Opportunity

    for other in session.scalars(select(Opportunity).where(Opportunity.user_id == user.id)):
        if other is not but and fold(other.company) == fold(name):
            way = f'reminderd opportunity edit "{other.company}"'
            raise UsageError(f"{other.company} is there already; nothing was changed. To change it: {way}")


def _replan(ctx: Ctx, session: Session, user: User, row: Opportunity) -> None:
    ctx.house().actions.changed_opportunity(session, user, row, ctx.now())
