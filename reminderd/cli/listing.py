"""What is there to do: `today`, `upcoming`, `show`, `explain`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli import output
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.open_lines import load_open_lines
from reminderd.cli.output import json_option
from reminderd.cli.words import STATE_WORDS, Line, due_words, lines_table, load_lines, step_words
from reminderd.rules.states import State, is_still_paused
from reminderd.store.tables import Delivery, Nudge, Step, StoredMessage, User

NEXT = 3


@click.command()
@json_option
@pass_ctx
def today(ctx: Ctx) -> None:
    """What is due, and the next three."""
    now = ctx.now()
    with ctx.reading() as (session, user):
        lines = _open_lines(session, user, now)
        begun = [line for line in lines if line.starts_at <= now]
        later = [line for line in lines if line.starts_at > now][:NEXT]
        if ctx.json:
            ctx.say_json([line.to_json(user.zone) for line in [*begun, *later]])
            return
        begun.sort(key=lambda line: (line.due_at, line.number or 0))
        if begun:
            ctx.say("To do:")
            ctx.say(lines_table(begun, user, now))
            _say_news(ctx, session, user, begun)
        else:
            ctx.say("Nothing is due.")
        if later:
            ctx.say()
            ctx.say("Next:")
            ctx.say(lines_table(later, user, now))
        if user.paused and is_still_paused(user.paused_until, ctx.today(user)):
            end = output.day(user.paused_until, ctx.today(user))
            ctx.tell(f"You are resting{f' until {end}' if end else ''}. Back: reminderd resume")


@click.command()
@click.option("--until", metavar="DATE", help="Look so far ahead, as if you did each on its first day.")
@json_option
@pass_ctx
def upcoming(ctx: Ctx, until: str | None) -> None:
    """What is open, by next reminder; with --until also what would come by then."""
    now = ctx.now()
    with ctx.reading() as (session, user):
        lines = _open_lines(session, user, now)
        if until is not None:
            from reminderd.cli.ahead import foreseen_lines
            from reminderd.cli.naming import find_last_day

            day = find_last_day(until, ctx.today(user))
            lines = sorted([*lines, *foreseen_lines(ctx.house(), session, user, day, now)], key=_order)
            lines = [line for line in lines if _order(line)[0] <= _end(day, user)]
        if ctx.json:
            ctx.say_json([line.to_json(user.zone) for line in lines])
        elif lines:
            ctx.say(lines_table(lines, user, now))
            _say_news(ctx, session, user, lines)
        else:
            ctx.say("Nothing is open.")


@click.command()
@click.argument("nudge", metavar="NUDGE|NAME")
@json_option
@pass_ctx
def show(ctx: Ctx, nudge: str) -> None:
    """One nudge: what, when, and what was sent."""
    from reminderd.cli.naming import find_nudges

    now = ctx.now()
    with ctx.reading() as (session, user):
        row = find_nudges(session, user, [nudge], now)[0]
        line = load_lines(session, [row], now)[0]
        deliveries = _deliveries(session, row)
        if ctx.json:
            ctx.say_json({**line.to_json(user.zone), "deliveries": [_delivery_json(*one) for one in deliveries]})
            return
        ctx.say(f"{line.number}  {line.title}")
        steps = [step for step in line.steps if line.state == State.OPEN or not step.waits]
        reminders = [("", step_words(step, user, now)) for step in steps]
        messages = [("", _delivery_words(one, user, now)) for one, _ in deliveries]
        about = _facts(user, line, row, now)
        ctx.say(output.facts([*about, *_headed("Reminders", reminders), *_headed("Messages", messages)]))
        ctx.tell(f"The draft: reminderd draft {line.number}. Why: reminderd explain {line.number}")


@click.command()
@click.argument("nudge", metavar="NUDGE|NAME")
@json_option
@pass_ctx
def explain(ctx: Ctx, nudge: str) -> None:
    """Why this nudge, and why now."""
    from reminderd.cli import reasons
    from reminderd.cli.naming import find_nudges

    now = ctx.now()
    with ctx.reading() as (session, user):
        row = find_nudges(session, user, [nudge], now)[0]
        line = load_lines(session, [row], now)[0]
        book = ctx.house().book
        if ctx.json:
            ctx.say_json(reasons.to_json(session, user, book, line, now))
            return
        ctx.say(f"{line.number}  {line.title}")
        ctx.say(output.facts(reasons.reasons_of(session, user, book, line, now)))


def _open_lines(session: Session, user: User, now: dt.datetime) -> list[Line]:
    return sorted(load_open_lines(session, user, now), key=_order)


def _order(line: Line) -> tuple[dt.datetime, int]:
    """By next reminder; those without one by when they are due; what is foreseen after what is there."""
    step = line.next_step
    return (step.at if step else line.due_at, line.number or 10**9)


def _end(day: dt.date, user: User) -> dt.datetime:
    from reminderd.rules.calendar import end_of_day

    return end_of_day(day, user.zone)


def _say_news(ctx: Ctx, session: Session, user: User, lines: Sequence[Line]) -> None:
    """How many of those who are to hear of an outcome know."""
    numbers = [line.number for line in lines if line.number and line.reference and line.opportunity]
    if not numbers:
        return
    from reminderd.cli.echo import say_standing

    rows = session.scalars(select(Nudge).where(Nudge.user_id == user.id, Nudge.number.in_(numbers)))
    say_standing(ctx, session, sorted(rows, key=lambda row: numbers.index(row.number)))


# ---- one nudge


def _facts(user: User, line: Line, row: Nudge, now: dt.datetime) -> list[tuple[str, str | None]]:
    state = STATE_WORDS[State(row.state)]
    since = "" if row.state == State.OPEN else f", {output.moment(row.state_at, user.zone, now)}"
    return [
        ("State", state + since),
        ("About", line.reference),
        ("Company", line.opportunity),
        ("Due", due_words(row.due_at, user, now)),
        ("Ends", output.moment(row.expires_at, user.zone, now)),
        ("Quiet", _quiet(row, user, now)),
        ("Answer", row.answer),
        ("Notes", "; ".join(row.note.splitlines()) if row.note else None),
    ]


def _headed(name: str, rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, rows[0][1]), *rows[1:]] if rows else []


def _delivery_words(row: Delivery, user: User, now: dt.datetime) -> str:
    sent = f", {output.moment(row.sent_at, user.zone, now)}" if row.sent_at else ""
    tries = f", {output.count(row.attempts, 'attempt')}" if row.attempts != 1 else ""
    return f"{row.channel}: {row.state}{sent}{tries}"


def _quiet(row: Nudge, user: User, now: dt.datetime) -> str | None:
    if row.snoozed_until is None or row.snoozed_until <= now or row.state != State.OPEN:
        return None
    return f"until {output.moment(row.snoozed_until, user.zone, now)}"


def _deliveries(session: Session, row: Nudge) -> list[tuple[Delivery, str | None]]:
    """Each with its Message-ID."""
    steps = select(Step.delivery_id).where(Step.nudge_id == row.id, Step.delivery_id.is_not(None))
    query = select(Delivery, StoredMessage.message_id).outerjoin(
        StoredMessage, StoredMessage.delivery_id == Delivery.id
    )
    return [(one, key) for one, key in session.execute(query.where(Delivery.id.in_(steps)).order_by(Delivery.id))]


def _delivery_json(row: Delivery, message_id: str | None) -> dict[str, object]:
    return {"channel": row.channel, "state": row.state, "message_id": message_id, "attempts": row.attempts}
