"""What an action says back: what was recorded, what it started and ended, and the first draft in full."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.actions import Recorded, Standing
from reminderd.cli import output
from reminderd.cli.context import Ctx
from reminderd.cli.drafting import draft_of
from reminderd.cli.naming import SOON
from reminderd.cli.words import (
    Line,
    StepLine,
    draft_text,
    due_words,
    initial,
    load_lines,
    names_of,
    steps_words,
)
from reminderd.drafts import words
from reminderd.errors import TemplateBroken
from reminderd.rules.rule import Role
from reminderd.rules.states import State
from reminderd.store.tables import Event, Nudge, Opportunity, Reference, User

BEFORE_YOU_POST = "Before you post: "
NOTHING_CHANGED = "already recorded; nothing changed (--again for another)"
_ENDED = {
    State.DONE: "Done by this",
    State.SKIPPED: "Let go",
    State.EXPIRED: "Over",
    State.CANCELLED: "No longer needed",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Echo:
    """What is left of an action once it is committed: ids, so that it is read again as it then stands."""

    events: tuple[int, ...]
    known: tuple[int, ...]
    nudges: tuple[int, ...]

    @classmethod
    def of(cls, *results: Recorded) -> Echo:
        """What these results, of one command, come to."""
        nudges = (nudge.id for one in results for nudge in (*one.changes.opened, *one.changes.ended))
        return cls(
            tuple(event.id for one in results for event in one.events),
            tuple(event.id for one in results for event in one.known),
            tuple(dict.fromkeys(nudges)),
        )


def say_recorded(
    ctx: Ctx, echo: Echo, *, quiet: bool, drafts: int = 1, verb: str = "Recorded", head: str = "Started"
) -> None:
    """Say all of it. ``drafts`` is how many drafts are given in full."""
    now = ctx.now()
    with ctx.reading() as (session, user):
        for text in event_lines(session, user, echo.events, now):
            ctx.say(f"{verb}: {text}.")
        for text in event_lines(session, user, echo.known, now):
            ctx.say(f"{initial(text)}: {NOTHING_CHANGED}.")
        lines = load_lines(session, _nudges(session, echo.nudges), now)
        started = [line for line in lines if line.state == State.OPEN]
        say_ended(ctx, [line for line in lines if line.state != State.OPEN], started)
        say_started(ctx, user, started, echo.events, now, head=head)
        joined = _say_joined(ctx, session, user, echo, now)
        if echo.events and not lines and not joined:
            ctx.say("Nothing is to be done for it now.")
        say_standing(ctx, session, [one.nudge for one in started if one.nudge], only="accepted", lead=BEFORE_YOU_POST)
        say_announced(ctx, started)
        if not quiet:
            shown = first_drafts(started, echo.events, now)
            for line in shown[:drafts]:
                say_draft(ctx, session, line)
            _say_next(ctx, shown)


def event_lines(session: Session, user: User, ids: Sequence[int], now: dt.datetime) -> list[str]:
    """The events in words, those of one kind, company and day together."""
    events = list(session.scalars(select(Event).where(Event.id.in_(ids)).order_by(Event.id)))
    people = names_of(session, Reference, {event.reference_id for event in events})
    companies = names_of(session, Opportunity, {event.opportunity_id for event in events})
    groups: dict[tuple[str, int | None, dt.date, dt.time | None], list[Event]] = {}
    for event in events:
        groups.setdefault((event.kind, event.opportunity_id, event.on, event.at), []).append(event)
    today = output.local(now, user.zone)
    assert today is not None
    lines = []
    for (kind, job, on, at), group in groups.items():
        about = f" for {companies[job]}" if job else ""
        hour = f" at {at:%H:%M}" if at else ""
        names = output.listing(sorted(people[one.reference_id] for one in group if one.reference_id), most=12)
        lines.append(f"{kind}{about}, {output.day(on, today.date())}{hour}" + (f": {names}" if names else ""))
    return lines


def put_back_lines(result: Recorded, today: dt.date) -> list[str]:
    """What a job has again that what was taken back had changed."""
    lines = []
    for job, key in result.put_back:
        what, value = ("role", job.role) if key == "role" else ("first day of work", output.day(job.starts_on, today))
        lines.append(f"{job.company}: the {what} is {f'{value} again' if value else 'not known any more'}.")
    return lines


def say_started(
    ctx: Ctx, user: User, lines: Sequence[Line], events: Sequence[int], now: dt.datetime, *, head: str = "Started"
) -> None:
    """What is to do now, or later, and when each reminder comes; alike ones together. Beside what an event of now
    started, the quiet rules' next turns are only counted."""
    caused = [line for line in lines if line.nudge is not None and line.nudge.event_id in events]
    shown = caused or list(lines)
    groups: dict[tuple[str, dt.datetime, tuple[StepLine, ...]], list[Line]] = {}
    for line in sorted(shown, key=_soonest):
        groups.setdefault((line.rule, line.due_at, line.steps), []).append(line)
    for (_, due_at, steps), group in groups.items():
        ctx.say(f"{head}, {due_words(due_at, user, now)}:")
        for line in group:
            ctx.say(f"  {line.number:>3}  {line.title}")
        ctx.say(f"       {steps_words(steps, user, now)}")
    if len(shown) < len(lines):
        ctx.say(f"And {len(lines) - len(shown)} more, later: reminderd upcoming")


def say_ended(ctx: Ctx, lines: Iterable[Line], started: Sequence[Line]) -> None:
    """What is done with or no longer wanted; not what only moved to another day."""
    moved = {(line.rule, line.reference) for line in started}
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line.state == State.DONE or (line.rule, line.reference) not in moved:
            groups.setdefault((line.state, line.rule), []).append(line)
    for (state, _), group in groups.items():
        numbers = ", ".join(str(line.number) for line in group)
        more = f" and {len(group) - 1} more like it" if len(group) > 1 else ""
        ctx.say(f"{_ENDED[State(state)]}: {numbers}  {group[0].title}{more}")


def _say_joined(ctx: Ctx, session: Session, user: User, echo: Echo, now: dt.datetime) -> bool:
    """What the events only add a sentence to, as it comes soon anyhow."""
    people = select(Event.reference_id).where(Event.id.in_(echo.events), Event.reference_id.is_not(None))
    query = select(Nudge).where(Nudge.user_id == user.id, Nudge.state == State.OPEN, Nudge.reference_id.in_(people))
    hosts = [nudge for nudge in session.scalars(query.order_by(Nudge.number)) if _takes_in(nudge, echo.events)]
    for line in load_lines(session, hosts, now):
        ctx.say(f"Goes along with: {line.number}  {line.title}")
    return bool(hosts)


def _takes_in(nudge: Nudge, events: Sequence[int]) -> bool:
    return any(reason.get("event_id") in events for reason in nudge.reasons)


def first_drafts(lines: Iterable[Line], events: Sequence[int], now: dt.datetime) -> list[Line]:
    """Those that a draft to a reference goes with and that are of now, the soonest first."""
    near = [
        line
        for line in lines
        if line.nudge is not None and (line.nudge.event_id in events or line.starts_at < now + SOON)
    ]
    return sorted((line for line in near if line.reference), key=_soonest)


def say_draft(ctx: Ctx, session: Session, line: Line) -> None:
    """The draft of one nudge in full. A broken template is told, and spoils nothing that was recorded."""
    try:
        draft = draft_of(ctx.house().library, session, line, ctx.now())
    except TemplateBroken as error:
        ctx.tell(f"The draft of {line.number} cannot be shown: {error}")
        return
    ctx.say()
    ctx.say(f"--- {line.number}  {line.title} ---")
    ctx.say(draft_text(draft))
    ctx.say("---")
    if draft.question:
        ctx.tell(f'{draft.question} Your answer goes in as a sentence: reminderd draft {line.number} --answer "…"')
    for question in draft.missing:
        ctx.tell(f"Not known yet: {question}")


def _say_next(ctx: Ctx, lines: Sequence[Line]) -> None:
    """The command for when it is done: of the first, and of those like it."""
    if lines:
        alike = [str(line.number) for line in lines if (line.rule, line.due_at) == (lines[0].rule, lines[0].due_at)]
        ctx.tell(f"Open it in your mail: reminderd send {alike[0]}. When it is done: reminderd done {' '.join(alike)}")


def say_standing(
    ctx: Ctx, session: Session, nudges: Sequence[Nudge], *, only: str | None = None, lead: str = ""
) -> None:
    """How many of those who are to hear of an outcome know, once for each outcome, or of the rule ``only``."""
    house = ctx.house()
    seen = set()
    for nudge in nudges:
        rule = house.book.rules.get(nudge.rule)
        if rule is None or rule.role is not Role.OUTCOME or only not in (None, nudge.rule):
            continue
        if (nudge.rule, nudge.occasion) in seen:
            continue
        seen.add((nudge.rule, nudge.occasion))
        standing = house.actions.standing(session, nudge, ctx.now())
        if standing is not None:
            job = session.get(Opportunity, nudge.opportunity_id or 0)
            about = lead or (f"{job.company}: " if job is not None else "")
            known = words.knows(standing.told, standing.total, post=standing.is_news)
            ctx.say(f"{about}{known}{_still(standing.left, standing.paused)}.")


def say_announced(ctx: Ctx, lines: Iterable[Line]) -> None:
    """The same before a post that is planned."""
    for line in lines:
        if line.nudge is not None and line.nudge.draft == "announcement" and line.facts is not None:
            found = Standing.of(line.facts.involved)
            known = words.knows(found.told, found.total)
            ctx.say(f"{BEFORE_YOU_POST}{known}{_still(found.left, found.paused)}.")


def _still(left: Sequence[str], paused: Sequence[str]) -> str:
    names = [*left, *(words.marked(name, True) for name in paused)]
    return f"; still: {output.listing(names)}" if names else ""


def _nudges(session: Session, ids: Sequence[int]) -> list[Nudge]:
    return list(session.scalars(select(Nudge).where(Nudge.id.in_(ids)).order_by(Nudge.number)))


def _soonest(line: Line) -> tuple[dt.datetime, int]:
    step = line.next_step
    return (step.at if step else line.due_at, line.number or 0)
