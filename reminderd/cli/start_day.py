"""The first day of work: set in one place, whichever command says it, and what moved along with it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.actions import Recorded, said_of_job
from reminderd.cli import output
from reminderd.cli.context import Ctx
from reminderd.cli.echo import Echo, event_lines, say_recorded
from reminderd.cli.words import due_words, initial, load_lines, quoted
from reminderd.rules.states import State
from reminderd.store.tables import Nudge, Opportunity, User

LONG_AGO = dt.timedelta(days=366)


@dataclasses.dataclass(slots=True)
class Started:
    """What another first day did: nudges that came and went, and the ids of those that only moved."""

    job_id: int
    was: dt.date | None
    result: Recorded = dataclasses.field(default_factory=Recorded)
    moved: tuple[int, ...] = ()


def start_data(job: Opportunity, starts_on: dt.date) -> dict[str, Any]:
    """What an event notes that says a job's first day: that, and the one that `set_start` is about to replace."""
    return said_of_job("starts", starts_on.isoformat(), job.starts_on.isoformat() if job.starts_on else None)


def set_start(
    ctx: Ctx, session: Session, user: User, job: Opportunity, starts_on: dt.date | None, now: dt.datetime
) -> tuple[Started, ...]:
    """Make a day the job's first and plan what hangs on it anew; nothing where it was that already."""
    if job.starts_on == starts_on:
        return ()
    started = Started(job.id, job.starts_on)
    before = _due(session, job)
    job.starts_on = starts_on
    started.result.changes.add(ctx.house().actions.changed_opportunity(session, user, job, now))
    after = _due(session, job)
    started.moved = tuple(key for key in after if key in before and after[key] != before[key])
    return (started,)


def say_with_start(ctx: Ctx, result: Recorded, starts: Sequence[Started], *, quiet: bool) -> None:
    """What was recorded, and each first day that made way for another, with what moved."""
    echo = Echo.of(result, *(started.result for started in starts))
    if starts and echo.known:
        with ctx.reading() as (session, user):
            for text in event_lines(session, user, echo.known, ctx.now()):
                ctx.say(f"{initial(text)}: already recorded.")
        echo = dataclasses.replace(echo, known=())
    for started in starts:
        _say_start(ctx, started)
    say_recorded(ctx, echo, quiet=quiet)
    for started in starts:
        _remark_on_the_past(ctx, started)


def _say_start(ctx: Ctx, started: Started) -> None:
    """A first day that is the first known needs no word."""
    if started.was is None:
        return
    now = ctx.now()
    with ctx.reading() as (session, user):
        job = session.get_one(Opportunity, started.job_id)
        today = ctx.today(user)
        was = output.day(started.was, today)
        if job.starts_on is None:
            ctx.say(f"{job.company}: the first day of work is not known any more; it was {was}.")
        else:
            ctx.say(f"{job.company}: the first day of work is {output.day(job.starts_on, today)}, and was {was}.")
        _say_moved(ctx, session, user, started, now)


def _remark_on_the_past(ctx: Ctx, started: Started) -> None:
    """A first day that lies more than a year back may be a slip."""
    with ctx.reading() as (session, user):
        job, today = session.get_one(Opportunity, started.job_id), ctx.today(user)
        if job.starts_on is not None and today - job.starts_on > LONG_AGO:
            ctx.tell(
                f"The first day of work, {output.day(job.starts_on, today)}, lies more than a year back. "
                f"Not meant? reminderd opportunity edit {quoted(job.company)} --starts DATE"
            )


def _say_moved(ctx: Ctx, session: Session, user: User, started: Started, now: dt.datetime) -> None:
    query = select(Nudge).where(Nudge.id.in_(started.moved)).order_by(Nudge.due_at, Nudge.number)
    head = None
    for line in load_lines(session, list(session.scalars(query)), now):
        if line.due_at != head:
            ctx.say(f"Moved with it, {due_words(line.due_at, user, now)}:")
            head = line.due_at
        ctx.say(f"  {line.number:>3}  {line.title}")


def _due(session: Session, job: Opportunity) -> dict[int, dt.datetime]:
    query = select(Nudge.id, Nudge.due_at).where(Nudge.opportunity_id == job.id, Nudge.state == State.OPEN)
    return {row.id: row.due_at for row in session.execute(query)}
