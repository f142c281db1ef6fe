"""What happened, or will: `record`, its short ways `landed` and `need`, and `undo`."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

import click
from sqlalchemy.orm import Session

from reminderd.actions import Happening
from reminderd.cli.context import Ctx, pass_ctx
from reminderd.cli.dates import parse_clock
from reminderd.cli.echo import Echo, put_back_lines, say_recorded
from reminderd.cli.hints import say_fatigue, say_left_out, say_nobody_asked, say_waiting
from reminderd.cli.kinds import KindsCommand, refuse_foreign_options
from reminderd.cli.naming import find_day, find_job, find_kind, find_people, open_jobs
from reminderd.cli.short import landed, need
from reminderd.cli.start_day import Started, say_with_start, set_start, start_data
from reminderd.cli.wanting import wanted_job
from reminderd.cli.words import quoted
from reminderd.errors import UsageError
from reminderd.rules.kinds import KINDS, Scope
from reminderd.rules.states import Status
from reminderd.store.lookup import list_references
from reminderd.store.tables import Opportunity, Reference, User

__all__ = ["landed", "need", "record", "undo"]

BEFORE_INVOLVED = frozenset({"needed", "asked", "no_answer"})
"""Kinds whose --all means everybody, also with a company: nobody vouches yet."""
TELLING = frozenset({"needed", "asked"})
"""Kinds that let somebody know of the search, so that their --all leaves out whoever is to be kept from it."""
TWO_MEANINGS = (
    "called: did the employer call them? Then add --for COMPANY{hint}. Did you phone them? Then: reminderd record "
    "contacted {names}"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """What stood on the command line, as it stood there."""

    names: tuple[str, ...]
    references: tuple[str, ...]
    everyone: bool
    company: str | None
    on: str | None
    at: str | None
    final: bool
    starts: str | None
    scope: str | None
    until: str | None
    note: str | None


@click.command(cls=KindsCommand)
@click.argument("kind")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--reference", "references", multiple=True, metavar="NAME", help="Whom it is about; may be repeated.")
@click.option("--all", "everyone", is_flag=True, help="All active references; with a company those who vouch for it.")
@click.option("--opportunity", "--for", "company", metavar="COMPANY", help="Which job it is about.")
@click.option("--on", metavar="DATE", help="When: today unless given; also a day to come.")
@click.option("--at", metavar="HH:MM", help="At what time.")
@click.option("--final", is_flag=True, help="An interview that is the last one.")
@click.option("--starts", metavar="DATE", help="The first day of work.")
@click.option("--scope", metavar="TEXT", help="What they agreed to: which roles, which employers.")
@click.option("--until", metavar="DATE", help="Until when they agreed.")
@click.option("--note", metavar="TEXT", help="A word to remember it by.")
@click.option("--again", is_flag=True, help="It happened once more on the same day.")
@click.option("--quiet", is_flag=True, help="Without the draft.")
@pass_ctx
def record(ctx: Ctx, /, kind: str, again: bool, quiet: bool, **given: Any) -> None:
    """Record what happened to a reference, a job, or both."""
    _record(ctx, find_kind(kind), Given(**given), again=again, quiet=quiet)
    ctx.tell_local()


def _record(ctx: Ctx, kind: str, given: Given, *, again: bool, quiet: bool) -> None:
    now = ctx.now()
    refuse_foreign_options(kind, given)
    if kind == "called" and given.company is None:
        kind, given = _one_meaning(ctx, kind, given)
    with ctx.writing() as (session, user):
        happenings = _happenings(ctx, session, user, kind, given, now)
        moved = _set_start(ctx, session, user, happenings, now)
        result = ctx.house().actions.record(session, user, happenings, now, again=again)
    say_with_start(ctx, result, moved, quiet=quiet)
    if result.events:
        say_fatigue(ctx, result.events)
        say_nobody_asked(ctx, result.events)
        say_waiting(ctx, result.events)


@click.command()
@pass_ctx
def undo(ctx: Ctx) -> None:
    """Take back what was recorded or let go last, `done` included."""
    with ctx.writing() as (session, user):
        result = ctx.house().actions.undo(session, user, ctx.now())
        put_back = put_back_lines(result, ctx.today(user))
    say_recorded(ctx, Echo.of(result), quiet=True, verb="Taken back", head="Open again")
    for text in put_back:
        ctx.say(text)


# ---- what is meant


def _one_meaning(ctx: Ctx, kind: str, given: Given) -> tuple[str, Given]:
    """`called` without a company is asked about: the employer called them, or the user did. Nothing is locked while
    somebody thinks."""
    with ctx.reading() as (session, user):
        jobs = [job.company for job in open_jobs(session, user)]
    if not ctx.is_terminal():
        hint = f" ({', '.join(jobs)})" if jobs else ""
        names = " ".join(quoted(name) for name in (*given.names, *given.references)) or "NAME"
        raise UsageError(TWO_MEANINGS.format(hint=hint, names=names))
    employer = click.confirm("Did the employer call them? (No: you phoned them)", default=True, err=True)
    if not employer:
        return "contacted", given
    company = jobs[0] if len(jobs) == 1 else click.prompt("Which employer", err=True)
    return kind, dataclasses.replace(given, company=company)


def _happenings(ctx: Ctx, session: Session, user: User, kind: str, given: Given, now: dt.datetime) -> list[Happening]:
    today = ctx.today(user)
    on = find_day(given.on, today)
    at = parse_clock(given.at) if given.at else None
    data = _data(given, today, on)
    starts = find_day(given.starts, today, "--starts") if given.starts else None
    return [
        Happening(
            kind=kind,
            on=on,
            references=tuple(people),
            opportunity=job,
            at=at,
            note=given.note,
            data=data | (start_data(job, starts) if starts is not None and job is not None else {}),
        )
        for job, people in _jobs(ctx, session, user, kind, given, now)
    ]


def _data(given: Given, today: dt.date, on: dt.date) -> dict[str, Any]:
    data: dict[str, Any] = {"final": True} if given.final else {}
    if given.until:
        until = find_day(given.until, today, "--until")
        if until < on:
            raise UsageError(f"--until {given.until}: expected a day after {on}, not {until}.")
        data["until"] = until.isoformat()
    if given.scope:
        data["scope"] = given.scope
    return data


def _jobs(
    ctx: Ctx, session: Session, user: User, kind: str, given: Given, now: dt.datetime
) -> list[tuple[Opportunity | None, list[Reference]]]:
    """Whom it is about, by job."""
    names = [*given.names, *given.references]
    if KINDS[kind].scope is Scope.OPPORTUNITY:
        return [(_job_alone(session, user, kind, given.company, names), [])]
    job = find_job(session, user, given.company) if given.company else None
    people = _people(ctx, session, user, kind, given, job)
    if job is not None or not people:
        if job is None and KINDS[kind].scope is Scope.BOTH:
            raise _lacks_company(session, user, kind)
        return [(job, people)]
    found: dict[int, tuple[Opportunity | None, list[Reference]]] = {}
    for person in people:
        own = wanted_job(session, user, ctx.house().book, person, kind, now)
        if own is None and KINDS[kind].scope is Scope.BOTH:
            raise _lacks_company(session, user, kind)
        found.setdefault(own.id if own else 0, (own, []))[1].append(person)
    return list(found.values())


def _job_alone(session: Session, user: User, kind: str, company: str | None, names: Sequence[str]) -> Opportunity:
    """The job of a kind that is about no reference: `record accepted Acme` is understood too."""
    if company is None and names:
        return find_job(session, user, " ".join(names))
    if names:
        raise UsageError(f"{kind} is about the job alone: leave out {', '.join(names)}.")
    if company is None:
        raise _lacks_company(session, user, kind)
    return find_job(session, user, company)


def _people(
    ctx: Ctx, session: Session, user: User, kind: str, given: Given, job: Opportunity | None
) -> list[Reference]:
    found: dict[int, Reference] = {}
    secret: list[Reference] = []
    if given.everyone:
        found = {row.id: row for row in list_references(session, user, active=True)}
        if kind in TELLING:
            secret = [row for row in found.values() if row.keep_from_knowing]
            found = {key: row for key, row in found.items() if row not in secret}
        if job is not None and kind not in BEFORE_INVOLVED:
            ids = ctx.house().actions.involved(session, user, job, ctx.now())
            found = {key: row for key, row in found.items() if key in ids}
        if not found:
            whom = f"who vouch for {job.company}" if job is not None else "who are active"
            raise UsageError(f"--all: there are no references {whom}. Name them, or see: reminderd reference list")
    for row in find_people(session, user, given.names) if given.names else []:
        found.setdefault(row.id, row)
    for name in given.references:
        for row in find_people(session, user, [name]):
            found.setdefault(row.id, row)
    say_left_out(ctx, [row for row in secret if row.id not in found])
    if not found:
        raise UsageError(f"{kind} is about a reference: name one, or --all.")
    if kind != "deceased" and len(found) == 1 and next(iter(found.values())).status == Status.RETIRED:
        ctx.tell(f"{next(iter(found.values())).name} is retired: nothing is planned.")
    return list(found.values())


def _lacks_company(session: Session, user: User, kind: str) -> UsageError:
    jobs = [job.company for job in open_jobs(session, user)]
    hint = f" (open: {', '.join(jobs)})" if jobs else "; first: reminderd opportunity add COMPANY"
    return UsageError(f"{kind} is about an opportunity: add --for COMPANY{hint}.")


def _set_start(
    ctx: Ctx, session: Session, user: User, happenings: Sequence[Happening], now: dt.datetime
) -> list[Started]:
    """The first day of work belongs to the opportunity."""
    moved: list[Started] = []
    for happening in happenings:
        starts = happening.data.get("starts")
        job = happening.opportunity
        if starts and job is not None:
            moved += set_start(ctx, session, user, job, dt.date.fromisoformat(starts), now)
    return moved
