"""The short ways: `landed` makes what is missing and records the news; `need` asks for a reference by a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.actions import Happening, said_of_job
from reminderd.cli import values
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.echo import Echo, say_recorded
from reminderd.cli.hints import say_fatigue, say_left_out, say_nobody_asked, say_secrets, say_waiting
from reminderd.cli.naming import find_day, find_or_add_job, find_people
from reminderd.cli.output import day as day_words
from reminderd.cli.output import listing
from reminderd.cli.start_day import say_with_start, set_start, start_data
from reminderd.cli.suggest import reasons_against, suggest
from reminderd.cli.words import quoted
from reminderd.errors import NotFound, UsageError
from reminderd.rules.kinds import CONSENT, KINDS, OUTCOMES
from reminderd.store.lookup import find_opportunity, list_references
from reminderd.store.tables import Event, Opportunity, Reference, User

# ---- landed


@click.command()
@click.argument("company")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everyone", is_flag=True, help="All active references vouched.")
@click.option("--starts", metavar="DATE", help="The first day of work.")
@click.option("--on", metavar="DATE", help="When you accepted; today unless given.")
@click.option("--note", metavar="TEXT", help="A word to remember it by.")
@click.option("--quiet", is_flag=True, help="Without the draft.")
@pass_ctx
def landed(
    ctx: Ctx,
    company: str,
    names: tuple[str, ...],
    everyone: bool,
    starts: str | None,
    on: str | None,
    note: str | None,
    quiet: bool,
) -> None:
    """You got the job: tell and thank everyone who vouched for you.

    Adds the job at COMPANY if it is missing, records that you had asked those named, and that you accepted.
    """
    now = ctx.now()
    with ctx.writing() as (session, user):
        job, added = find_or_add_job(session, user, company, now)
        day = _accepted_on(session, job, on, ctx.today(user))
        first = find_day(starts, ctx.today(user), "--starts") if starts is not None else job.starts_on
        data = start_data(job, first) if starts and first else {}
        moved = set_start(ctx, session, user, job, first, now)
        people, left_out = _people(session, user, names, everyone)
        asked = _not_asked_yet(session, job, people, named=not everyone)
        happenings = [Happening("asked", day, tuple(asked), job)] if asked else []
        happenings.append(Happening("accepted", day, (), job, note=note, data=data))
        result = ctx.house().actions.record(session, user, happenings, now)
        involved = ctx.house().actions.involved(session, user, job, now) if left_out else []
    if added:
        ctx.say(f"Added the opportunity {job.company}.")
    say_secrets(ctx, asked)
    say_with_start(ctx, result, moved, quiet=quiet)
    say_left_out(ctx, [row for row in left_out if row.id not in involved])
    say_nobody_asked(ctx, [*result.events, *result.known])
    say_waiting(ctx, [*result.events, *result.known])
    ctx.tell_local()


def _accepted_on(session: Session, job: Opportunity, on: str | None, today: dt.date) -> dt.date:
    """The day given, else that of the acceptance already recorded, else today."""
    if on is not None:
        return find_day(on, today)
    news = _outcome(session, job, today)
    return news.on if news is not None and news.kind == "accepted" else today


def _outcome(session: Session, job: Opportunity, today: dt.date) -> Event | None:
    """The newest outcome recorded of the job."""
    query = select(Event).where(
        Event.opportunity_id == job.id, Event.kind.in_(OUTCOMES), Event.retracted_at.is_(None), Event.on <= today
    )
    return max(session.scalars(query), key=lambda event: (event.on, KINDS[event.kind].rank), default=None)


def _people(
    session: Session, user: User, names: Sequence[str], everyone: bool
) -> tuple[list[Reference], list[Reference]]:
    """Those meant, and those whom --all leaves out: whoever must not know of the search, unless named."""
    named = find_people(session, user, names) if names else []
    if not everyone:
        return named, []
    rows = {row.id: row for row in [*named, *list_references(session, user, active=True)]}
    left_out = [row for row in rows.values() if row.keep_from_knowing and row not in named]
    return [row for row in rows.values() if row not in left_out], left_out


def _not_asked_yet(session: Session, job: Opportunity, people: Sequence[Reference], *, named: bool) -> list[Reference]:
    """Those whom nothing is recorded of for the job; whoever said no is left in peace unless named."""
    query = select(Event).where(
        Event.opportunity_id == job.id, Event.kind.in_(CONSENT | {"briefed", "called"}), Event.retracted_at.is_(None)
    )
    newest: dict[int | None, Event] = {}
    for event in sorted(session.scalars(query), key=lambda one: (one.on, KINDS[one.kind].rank)):
        newest[event.reference_id] = event
    refused = ("declined", "no_answer") if named else ()
    return [row for row in people if row.id not in newest or newest[row.id].kind in refused]


# ---- need


@click.command()
@click.argument("company")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--by", required=True, metavar="DATE", help="When it is needed.")
@click.option("--kind", type=click.Choice(["call", "letter", "form", "linkedin"]), help="Which kind of reference.")
@click.option("--role", metavar="TEXT", help="For which role.")
@click.option("--note", metavar="TEXT", help="A word to remember it by.")
@click.option("--again", is_flag=True, help="Once more on the same day.")
@click.option("--quiet", is_flag=True, help="Without the drafts.")
@pass_ctx
def need(
    ctx: Ctx,
    company: str,
    names: tuple[str, ...],
    by: str,
    kind: str | None,
    role: str | None,
    note: str | None,
    again: bool,
    quiet: bool,
) -> None:
    """You need a reference by a date: the drafts at once, the follow-up and plan B when they are due.

    Without a NAME it suggests whom to ask.
    """
    now = ctx.now()
    chosen = names or _whom(ctx, company, by)
    with ctx.writing() as (session, user):
        today = ctx.today(user)
        day = _day_to_come(by, today)
        job, added = find_or_add_job(session, user, company, now)
        people = find_people(session, user, chosen)
        role = values.text("--role", role, 200) if role else None
        data = {
            "by": day.isoformat(),
            **({"kind": kind} if kind else {}),
            **(said_of_job("role", role, job.role) if role else {}),
        }
        changed = _set_role(ctx, session, user, job, role, now) if role else None
        happening = Happening("needed", today, tuple(people), job, note=note, data=data)
        result = ctx.house().actions.record(session, user, [happening], now, again=again)
    if added:
        ctx.say(f"Added the opportunity {job.company}.")
    if changed is not None:
        ctx.say(changed)
    say_secrets(ctx, people, "asks")
    say_recorded(ctx, Echo.of(result), quiet=quiet, drafts=len(people))
    say_fatigue(ctx, result.events)
    ctx.tell_local()


def _set_role(ctx: Ctx, session: Session, user: User, job: Opportunity, role: str, now: dt.datetime) -> str | None:
    """Make it the job's role. Returns what to say where that was another: also how the job ended that had it, as a
    company has one opportunity at a time."""
    was, job.role = job.role, role
    if not was or was == role:
        return None
    ctx.house().actions.changed_opportunity(session, user, job, now)
    today = ctx.today(user)
    news = _outcome(session, job, today)
    ended = (
        f"{news.kind.replace('_', ' ')} {day_words(news.on, today)}"
        if news is not None
        else "closed"
        if job.closed
        else ""
    )
    return f"{job.company}: the role is {role}, and was {was}{f' ({ended})' if ended else ''}."


def _whom(ctx: Ctx, company: str, by: str) -> list[str]:
    """On a terminal whoever is chosen of those suggested, else `UsageError` with the command. Nothing is locked while
    somebody thinks."""
    with ctx.reading() as (session, user):
        today = ctx.today(user)
        _day_to_come(by, today)
        job = _known_job(session, user, company)
        ideas = suggest(session, user, job, today)
        against = [] if ideas else reasons_against(session, user, job, today)
    if against:
        way = f"Name somebody: reminderd need {quoted(company)} --by {quoted(by)} NAME"
        raise UsageError(f"Whom? Nobody is to be suggested: {listing(against)}. {way}")
    if not ideas:
        raise UsageError("Whom do you want to ask? You have no references yet. Add one: reminderd add NAME EMAIL")
    if not ctx.is_terminal():
        reasons = "; ".join(f"{idea.person.name} ({idea.why})" for idea in ideas)
        name = quoted(ideas[0].person.name)
        raise UsageError(f"Whom? {reasons}. So: reminderd need {quoted(company)} --by {quoted(by)} {name}")
    for idea in ideas:
        ctx.tell(f"  {idea.person.name}: {idea.why}")
    answer = click.prompt("Whom do you want to ask", default=ideas[0].person.name, err=True)
    return [part.strip() for part in answer.split(",") if part.strip()]


def _known_job(session: Session, user: User, company: str) -> Opportunity | None:
    try:
        return find_opportunity(session, user, company)
    except NotFound:
        return None


def _day_to_come(by: str, today: dt.date) -> dt.date:
    day = find_day(by, today, "--by")
    if day < today:
        raise UsageError(f"--by {by}: expected a day to come, not {day}.")
    return day
