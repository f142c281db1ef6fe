"""What is said beside what was recorded: somebody asked too often, or nobody asked at all."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli.context import Ctx
from reminderd.cli.output import listing
from reminderd.cli.words import quoted
from reminderd.rules.kinds import CONSENT, INVOLVING, OUTCOMES
from reminderd.rules.states import Status
from reminderd.store.lookup import list_references
from reminderd.store.tables import Event, Opportunity, Reference, User
from reminderd.store.usage import MANY, least_used_who_agreed, uses

USES = frozenset({"asked", "called", "needed"})
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def say_fatigue(ctx: Ctx, events: Sequence[Event]) -> None:
    """From the fourth use in ninety days on: who could be asked instead."""
    ids = [event.reference_id for event in events if event.kind in USES and event.reference_id]
    if not ids:
        return
    with ctx.reading() as (session, user):
        today = ctx.today(user)
        counts = uses(session, user, today)
        needed = {event.reference_id for event in events if event.kind == "needed"}
        for key in dict.fromkeys(ids):
            number = counts.get(key, 0) + (key in needed)
            if number >= MANY:
                ctx.tell(_fatigue_line(session, user, session.get_one(Reference, key), number, ctx))


def _fatigue_line(session: Session, user: User, person: Reference, number: int, ctx: Ctx) -> str:
    other = least_used_who_agreed(session, user, ctx.today(user), person.id)
    instead = f" {other.name} agreed before and was called on least." if other else ""
    return f"That is the {ordinal(number)} time in 90 days that you call on {person.name}.{instead}"


def say_nobody_asked(ctx: Ctx, events: Sequence[Event]) -> None:
    """Something that whoever vouches is to hear of, and nobody was asked: they can still be named."""
    news = [event for event in events if event.opportunity_id and (event.kind in OUTCOMES or _wants_briefing(event))]
    if not news:
        return
    what = "told" if news[-1].kind in OUTCOMES else "briefed"
    with ctx.reading() as (session, user):
        job = session.get_one(Opportunity, news[-1].opportunity_id)
        if ctx.house().actions.involved(session, user, job, ctx.now()):
            return
        asks = _asks(session, job)
        if asks:
            ctx.tell(f"Nobody is to be {what} for {job.company}: {_why_nobody(asks)}.")
            _say_how_all_the_same(ctx, asks, news[-1], job.company, ctx.today(user))
            return
        rows = list_references(session, user, active=True)
        if not rows:
            ctx.tell("You have no active references. Add one: reminderd add NAME EMAIL")
            return
        names = [row.name for row in rows if not row.keep_from_knowing]
        ctx.tell(f"Nobody was asked for {job.company}, so nobody is to be {what}. Your references:")
        for name in names:
            ctx.tell(f"  {name}")
        ctx.tell(f"Name those who vouched for you: {_command(news[-1].kind, job.company)}")


@dataclasses.dataclass(slots=True)
class _Ask:
    """How somebody stands who was asked for a job."""

    is_away: bool
    kinds: set[str] = dataclasses.field(default_factory=set)
    refused_on: dt.date | None = None
    """The last day of a no, or of no answer."""


def _asks(session: Session, job: Opportunity) -> dict[str, _Ask]:
    """Those who were asked for the job, none of whom vouches, by name."""
    query = select(Event.kind, Event.on, Reference).join(Reference, Reference.id == Event.reference_id)
    query = query.where(Event.opportunity_id == job.id, Event.kind.in_(INVOLVING | CONSENT))
    found: dict[str, _Ask] = {}
    for kind, on, row in session.execute(query.where(Event.retracted_at.is_(None)).order_by(Reference.name)):
        ask = found.setdefault(row.name, _Ask(row.status != Status.ACTIVE))
        ask.kinds.add(kind)
        if kind in ("declined", "no_answer"):
            ask.refused_on = max(on, ask.refused_on or on)
    return found


def _why_nobody(asks: Mapping[str, _Ask]) -> str:
    """What became of them."""
    gone = [name for name, ask in asks.items() if ask.is_away]
    refused = [name for name, ask in asks.items() if name not in gone and "declined" in ask.kinds]
    silent = [name for name in asks if name not in gone and name not in refused]
    said = [
        f"{listing(refused)} said no" if refused else "",
        f"{listing(silent)} {'was' if len(silent) == 1 else 'were'} asked and did not answer" if silent else "",
        f"{listing(gone)} {'is' if len(gone) == 1 else 'are'} not active" if gone else "",
    ]
    return "; ".join(filter(None, said))


def _say_how_all_the_same(ctx: Ctx, asks: Mapping[str, _Ask], news: Event, company: str, today: dt.date) -> None:
    """How to say that somebody vouched all the same. Naming them says that they were asked on the day of the news; a no
    of that day, or since, outweighs that, and only a yes of a later day outweighs the no."""
    asked_on = news.on if news.kind == "accepted" else today
    firm = {name: ask.refused_on for name, ask in asks.items() if ask.refused_on is not None}
    firm = {name: on for name, on in firm.items() if on >= asked_on and not asks[name].is_away}
    if firm:
        later = " --on tomorrow" if max(firm.values()) >= today else ""
        names = " ".join(quoted(name) for name in firm)
        ctx.tell(
            "If they vouched for you all the same, record a yes of a later day than the no: "
            f"reminderd record agreed {names} --for {quoted(company)}{later}"
        )
    if len(firm) < len(asks):
        ctx.tell(f"If somebody vouched for you all the same, name them: {_command(news.kind, company)}")


def say_waiting(ctx: Ctx, events: Sequence[Event]) -> None:
    """Good news that some are told only once it is signed: those who work where the user still does."""
    news = [event for event in events if event.kind == "accepted" and event.opportunity_id]
    if not news:
        return
    with ctx.reading() as (session, user):
        job = session.get_one(Opportunity, news[-1].opportunity_id)
        involved = ctx.house().actions.involved(session, user, job, ctx.now())
        inside = [row for row in list_references(session, user, active=True) if row.present_employer]
        signed = select(Event.id).where(
            Event.opportunity_id == job.id, Event.kind.in_(("signed", "started")), Event.retracted_at.is_(None)
        )
        names = [row.name for row in inside if row.id in involved]
        if names and session.scalar(signed.limit(1)) is None:
            ctx.tell(
                f"At your present employer, so told once it is signed: {listing(names)}. "
                f"Then: reminderd record signed --for {quoted(job.company)}"
            )


def say_secrets(ctx: Ctx, people: Sequence[Reference], what: str = "speaks of it") -> None:
    """Before a draft that lets somebody know of the search whom the user wants to keep from it, or who works where the
    user still does."""
    secret = [row.name for row in people if row.keep_from_knowing]
    if secret:
        ctx.tell(f"You want to keep {listing(secret)} from knowing of your search; the draft {what} all the same.")
    inside = [row.name for row in people if row.present_employer]
    if inside:
        ctx.tell(f"At your present employer: {listing(inside)}. Mind who hears of it.")


def say_left_out(ctx: Ctx, people: Sequence[Reference]) -> None:
    """Whom --all did not mean, as they are to know of no search."""
    if people:
        names = listing([row.name for row in people])
        ctx.tell(f"Left out, to be kept from knowing of your search: {names}. If you mean them too, name them.")


def _wants_briefing(event: Event) -> bool:
    return event.kind == "references_requested" or (event.kind == "interview" and bool(event.data.get("final")))


def _command(kind: str, company: str) -> str:
    if kind == "accepted":
        return f"reminderd landed {quoted(company)} NAME… (or --all)"
    return f"reminderd record asked NAME… --for {quoted(company)}"


def ordinal(number: int) -> str:
    """ "4th"."""
    ending = "th" if number % 100 in (11, 12, 13) else _ORDINALS.get(number % 10, "th")
    return f"{number}{ending}"
