"""The references: add, list, show, edit, pause, resume, retire, remove."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from reminderd.cli import dates, fields, values
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.output import count, day, json_option, local
from reminderd.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.store.tables import Reference, User


@click.group()
def reference() -> None:
    """The people who vouch for you."""


@click.command()
@click.argument("words", metavar="NAME [EMAIL|PHONE]", nargs=-1, required=True)
@fields.with_fields
@pass_ctx
def add(ctx: Ctx, /, words: tuple[str, ...], **flags: Any) -> None:
    """Add a reference.

    What has an @ is the e-mail address, what is made of digits the phone number, the rest the name.
    """
    _add(ctx, words, flags)


@reference.command("add")
@click.argument("words", metavar="NAME", nargs=-1, required=True)
@fields.with_fields
@pass_ctx
def reference_add(ctx: Ctx, /, words: tuple[str, ...], **flags: Any) -> None:
    """Add a reference."""
    _add(ctx, words, flags)


@reference.command("list")
@json_option
@pass_ctx
def list_(ctx: Ctx) -> None:
    """All of them, with the last contact and what is due next."""
    from reminderd.cli import people_view

    with ctx.reading() as (session, user):
        today = ctx.today(user)
        entries = people_view.entries(session, user, today)
        if ctx.json:
            ctx.say_json(people_view.entries_json(entries, user, today))
        elif entries:
            ctx.say(people_view.entries_table(entries, user, ctx.now()))
        else:
            ctx.tell('Nobody yet. Add someone: reminderd add "Maria Lopez" maria@example.org')


@reference.command("show")
@click.argument("name", nargs=-1, required=True)
@json_option
@pass_ctx
def show(ctx: Ctx, name: tuple[str, ...]) -> None:
    """Everything known of one, and what is open."""
    from reminderd.cli import people_view
    from reminderd.store.lookup import find_reference

    with ctx.reading() as (session, user):
        today = ctx.today(user)
        page = people_view.page(session, user, find_reference(session, user, " ".join(name)), today)
        if ctx.json:
            ctx.say_json(people_view.page_json(page, user, today))
        else:
            ctx.say(people_view.page_text(page, user, ctx.now()))


@reference.command("edit")
@click.argument("name", nargs=-1, required=True)
@click.option("--name", "new_name", metavar="NAME", help="Another name.")
@fields.with_fields
@pass_ctx
def edit(ctx: Ctx, /, name: tuple[str, ...], new_name: str | None, **flags: Any) -> None:
    """Change what is given, and nothing else; an empty value (--email "") clears."""
    from reminderd.store.lookup import find_reference

    with ctx.writing() as (session, user):
        row = find_reference(session, user, " ".join(name))
        changed = fields.columns_of(flags, _given(ctx, user))
        if new_name is not None:
            changed["name"] = values.name(new_name)
            _refuse_taken(session, user, changed["name"], but=row)
        if not changed:
            raise UsageError(f"Say what to change of {row.name}, such as --email E. See: reminderd reference edit -h")
        changed = {column: value for column, value in changed.items() if getattr(row, column) != value}
        _set(row, changed)
        _replan(ctx, session, user, [row])
        done = f"{row.name}: {'changed' if changed else 'nothing to change; it was so already'}."
    ctx.tell(f'{done} Next: reminderd reference show "{row.name}"')


@reference.command("pause")
@click.argument("name", nargs=-1, required=True)
@click.option("--until", metavar="DATE", help="The day on which they count again.")
@pass_ctx
def pause(ctx: Ctx, name: tuple[str, ...], until: str | None) -> None:
    """Leave one in peace for a while."""
    with ctx.writing() as (session, user):
        day_ = _future_day(until, ctx.today(user)) if until else None
        row = _turn(ctx, session, user, name, "paused", day_)
        ending = f"until {day(day_, ctx.today(user))}" if day_ else "until you say"
    ctx.tell(f'{row.name} rests {ending}. Next: reminderd reference resume "{row.name}"')


@reference.command("resume")
@click.argument("name", nargs=-1, required=True)
@pass_ctx
def resume(ctx: Ctx, name: tuple[str, ...]) -> None:
    """End a pause, or a retirement."""
    with ctx.writing() as (session, user):
        row = _turn(ctx, session, user, name, "active", None)
    ctx.tell(f"{row.name} is active. Next: reminderd upcoming")


@reference.command("retire")
@click.argument("name", nargs=-1, required=True)
@pass_ctx
def retire(ctx: Ctx, name: tuple[str, ...]) -> None:
    """No reminders any more; everything recorded stays."""
    with ctx.writing() as (session, user):
        row = _turn(ctx, session, user, name, "retired", None)
    ctx.tell(f'{row.name} is retired; the record stays. Back again: reminderd reference resume "{row.name}"')


@reference.command("remove")
@click.argument("name", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_ctx
def remove(ctx: Ctx, name: tuple[str, ...], yes: bool) -> None:
    """Delete one with all that was recorded; `retire` keeps the record."""
    from reminderd.cli import removal
    from reminderd.store.lookup import find_reference

    with ctx.reading() as (session, user):
        found = find_reference(session, user, " ".join(name))
        events = removal.events_of(session, found)
    question = f"Delete {found.name} and {count(events, 'recorded event')}?"
    if not ctx.confirmed(question, yes):
        ctx.tell(f"{found.name} stays.")
        return
    with ctx.writing() as (session, user):
        removal.remove_reference(session, find_reference(session, user, found.name))
        _replan(ctx, session, user, [])
    ctx.tell(f"{found.name} is deleted, with {count(events, 'event')}. Next: reminderd reference list")


def add_reference(ctx: Ctx, session: Session, user: User, name: str, columns: fields.Columns) -> Reference:
    """Add one, in the caller's transaction, and plan it. A name that is taken raises `UsageError`."""
    from reminderd.store.tables import Reference

    _refuse_taken(session, user, name)
    row = Reference(user_id=user.id, name=name, created_on=ctx.today(user), created_at=ctx.now())
    _set(row, columns)
    session.add(row)
    _replan(ctx, session, user, [row])
    return row


def told_apart(words: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """The name, and what of ``words`` is an address or number by its shape."""
    contact: dict[str, str] = {}
    rest: list[str] = []
    for word in words:
        key = "email" if values.looks_like_email(word) else "phone" if values.looks_like_phone(word) else None
        if key is None:
            if len(words) > 1 and values.looks_like_host(word):
                raise UsageError(f"{word!r} is no e-mail address, as it has no @, and no phone number.")
            rest.append(word)
        elif key in contact:
            raise UsageError(f"{contact[key]!r} and {word!r}: give one {'address' if key == 'email' else 'number'}.")
        else:
            contact[key] = word
    if not rest:
        raise UsageError('Give a name too, such as: reminderd add "Maria Lopez" maria@example.org')
    return values.name(" ".join(rest)), contact


# ---- helpers


def _add(ctx: Ctx, words: tuple[str, ...], flags: dict[str, Any]) -> None:
    from reminderd.cli import people_view

    name, contact = told_apart(words)
    for key, value in contact.items():
        if flags[f"v_{key}"] is not None:
            raise UsageError(f"{value!r} and --{key} {flags[f'v_{key}']}: give one of the two.")
        flags[f"v_{key}"] = value
    with ctx.writing() as (session, user):
        row = add_reference(ctx, session, user, name, fields.columns_of(flags, _given(ctx, user)))
        due_at = people_view.next_due_at(session, row)
        due_on = local(due_at, user.zone)
        when = f"; the first thing is due {day(due_on.date(), ctx.today(user))}" if due_on else ""
    ctx.tell(f"{row.name} is added{when}. Next: reminderd upcoming")
    ctx.tell_local()


def _given(ctx: Ctx, user: User) -> fields.Given:
    return fields.Given(ctx.today(user), ctx.settings.default_region)


def _set(row: Reference, columns: fields.Columns) -> None:
    for column, value in columns.items():
        setattr(row, column, value)
    fields.check_order(row.worked_from, row.worked_to)
    if columns.keys() & {"every", "at_most"}:
        fields.check_pace(row.every, row.at_most)


def _refuse_taken(session: Session, user: User, name: str, but: Reference | None = None) -> None:
    from reminderd.store.lookup import fold, list_references

    for other in list_references(session, user):
        if other is not but and fold(other.name) == fold(name):
            way = f'reminderd reference edit "{other.name}"'
            raise UsageError(f"{other.name} is there already; nothing was changed. To change it: {way}")


def _turn(
    ctx: Ctx, session: Session, user: User, name: tuple[str, ...], status: str, until: dt.date | None
) -> Reference:
    from reminderd.store.lookup import find_reference

    row = find_reference(session, user, " ".join(name))
    row.status, row.paused_until = status, until
    _replan(ctx, session, user, [row])
    return row


def _future_day(text: str, today: dt.date) -> dt.date:
    found = dates.parse_day(text, today)
    if found <= today:
        raise UsageError(f"--until: expected a day to come, not {found}.")
    return found


def _replan(ctx: Ctx, session: Session, user: User, rows: list[Reference]) -> None:
    ctx.house().actions.changed(session, user, rows, ctx.now())
