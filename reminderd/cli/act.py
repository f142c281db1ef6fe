"""What the user does with nudges: `done`, `skip`, `snooze`, `send`; and the user's own rest: `pause`, `resume`."""

from __future__ import annotations

import datetime as dt

import click

from reminderd.actions import Recorded
from reminderd.cli import output
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.dates import parse_day, parse_duration
from reminderd.cli.echo import Echo, say_recorded, say_standing
from reminderd.cli.naming import find_day, find_nudges
from reminderd.cli.words import STATE_WORDS, due_words, load_lines
from reminderd.errors import UsageError
from reminderd.rules.calendar import Span
from reminderd.rules.states import State
from reminderd.store.tables import Nudge, User

NUDGES = "NUDGE|NAME..."


@click.command()
@click.argument("nudges", nargs=-1, required=True, metavar=NUDGES)
@click.option("--answer", metavar="TEXT", help="Your answer to the question above the draft.")
@pass_ctx
def done(ctx: Ctx, nudges: tuple[str, ...], answer: str | None) -> None:
    """Say that you did it: by its number, or by the name of whom it is about."""
    now = ctx.now()
    with ctx.writing() as (session, user):
        rows = find_nudges(session, user, nudges, now)
        before = [row for row in rows if row.state == State.DONE]
        for row in rows:
            row.answer = answer or row.answer
        result = ctx.house().actions.done(session, user, rows, now)
    _say_settled(ctx, before, "already done; nothing changed")
    fresh = [row for row in rows if row not in before]
    _say_settled(ctx, fresh, "done")
    say_recorded(ctx, _rest(result, rows), quiet=True)
    with ctx.reading() as (session, _):
        say_standing(ctx, session, rows)


def _rest(result: Recorded, rows: list[Nudge]) -> Echo:
    """What it brought about besides: what started, and what else ended with it."""
    own = {row.id for row in rows}
    echo = Echo.of(result)
    return Echo((), (), tuple(key for key in echo.nudges if key not in own))


@click.command()
@click.argument("nudges", nargs=-1, required=True, metavar=NUDGES)
@pass_ctx
def skip(ctx: Ctx, nudges: tuple[str, ...]) -> None:
    """Let it go: nothing is recorded, and it does not come back."""
    now = ctx.now()
    with ctx.writing() as (session, user):
        rows = find_nudges(session, user, nudges, now)
        states = {row.id: State(row.state) for row in rows}
        skipped = ctx.house().actions.skip(session, user, rows, now)
    _say_settled(ctx, skipped, "let go")
    for row in rows:
        if row not in skipped:
            _say_settled(ctx, [row], f"already {STATE_WORDS[states[row.id]]}; nothing changed")


@click.command()
@click.argument("nudge", metavar="NUDGE|NAME")
@click.argument("duration", nargs=-1, required=True, metavar="DURATION")
@pass_ctx
def snooze(ctx: Ctx, nudge: str, duration: tuple[str, ...]) -> None:
    """Hear of it later: after 3d, 2w or 4h, or on a day such as monday."""
    now = ctx.now()
    with ctx.writing() as (session, user):
        row = find_nudges(session, user, [nudge], now)[0]
        span = _span(" ".join(duration), ctx.today(user))
        until = ctx.house().actions.snooze(session, user, row, span, now)
    with ctx.reading() as (session, user):
        line = load_lines(session, [row], now)[0]
        ctx.say(f"{line.number}  {line.title}: quiet until {output.moment(until, user.zone, now)}.")
        if until >= row.expires_at:
            ctx.say(f"It ends then, so it will not come again. {_deadline(row, user, now)}")
        elif until > row.due_at:
            ctx.say(f"That is past its deadline. {_deadline(row, user, now)}")


def _span(text: str, today: dt.date) -> Span:
    try:
        span = parse_duration(text)
    except UsageError as error:
        try:
            span = Span(days=(parse_day(text, today) - today).days)
        except UsageError:
            raise error from None
    if min(span.months, span.days, span.working_days, span.hours, span.minutes) < 0 or span == Span():
        raise UsageError(f"{text}: expected a time to come, such as 3d, 2 weeks or monday.")
    return span


def _deadline(row: Nudge, user: User, now: dt.datetime) -> str:
    return f"It is due {due_words(row.due_at, user, now)}."


@click.command()
@click.argument("nudge", metavar="NUDGE|NAME")
@click.option("--text", is_flag=True, help="As a text message, where a phone number is known.")
@click.option("--print", "only_print", is_flag=True, help="Print the link, open nothing.")
@pass_ctx
def send(ctx: Ctx, nudge: str, text: bool, only_print: bool) -> None:
    """Open the draft in your own mail or message program; nothing is sent by reminderd."""
    from reminderd.cli.sending import link_of

    now = ctx.now()
    with ctx.reading() as (session, user):
        row = find_nudges(session, user, [nudge], now)[0]
        line = load_lines(session, [row], now)[0]
        link, shortened = link_of(ctx.house().library, session, line, now, as_text=text)
    ctx.say(link)
    if shortened:
        ctx.tell(f"The text is too long for such a link and was shortened; in full: reminderd draft {row.number}")
    if ctx.is_terminal() and not only_print:
        click.launch(link)
    ctx.tell(f"Sent it? reminderd done {row.number}")


# ---- the user's rest


@click.command()
@click.option("--until", metavar="DATE", help="Until when; until `resume` otherwise.")
@click.option("--all", "everything", is_flag=True, help="Outcome and thanks rest too.")
@pass_ctx
def pause(ctx: Ctx, until: str | None, everything: bool) -> None:
    """Rest: nothing comes, save outcome and thanks."""
    with ctx.writing() as (session, user):
        today = ctx.today(user)
        day = find_day(until, today, "--until") if until else None
        if day is not None and day <= today:
            raise UsageError(f"--until {until}: expected a day to come, not {day}.")
        ctx.house().actions.pause(session, user, day, everything, ctx.now())
    kept = "Nothing comes, outcome and thanks included" if everything else "Only outcome and thanks still come"
    end = f"until {output.day(day, today)}" if day else "until: reminderd resume"
    ctx.say(f"{kept}, {end}.")


@click.command()
@click.option("--channel", type=click.Choice(("email", "sms")), help="Hear by this way again, after you stopped it.")
@pass_ctx
def resume(ctx: Ctx, channel: str | None) -> None:
    """Be back: what is still wanted opens again. With --channel: what you stopped comes again."""
    if channel is not None:
        ctx.tells_faults = False
        with ctx.writing() as (session, user):
            started = ctx.house().actions.start_channel(session, user, channel)
        way = "E-mail" if channel == "email" else "Texts"
        ctx.say(f"{way} to you: on again." if started else f"{way} to you: on already; nothing changed.")
        return
    with ctx.writing() as (session, user):
        rested = user.paused
        changes = ctx.house().actions.resume(session, user, ctx.now())
    ctx.say("Welcome back." if rested else "You were not resting; nothing changed.")
    say_recorded(ctx, Echo.of(Recorded(changes=changes)), quiet=True, head="Open again")


def _say_settled(ctx: Ctx, rows: list[Nudge], how: str) -> None:
    with ctx.reading() as (session, _):
        for line in load_lines(session, rows, ctx.now()):
            ctx.say(f"{line.number}  {line.title}: {how}.")
