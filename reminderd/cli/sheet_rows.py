"""Who stands on a reference list, with what, and what is better settled before it is sent."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli.output import listing
from reminderd.cli.words import quoted
from reminderd.drafts.dates import day, month, upfirst
from reminderd.rules.calendar import add_span, local_day, parse_span
from reminderd.rules.consent import holds, last_word
from reminderd.rules.kinds import KINDS, TOUCHES
from reminderd.rules.states import Status
from reminderd.store.draft_assembly import assemble
from reminderd.store.draft_facts import Person, company_label
from reminderd.store.draft_shelf import Wanted, gather
from reminderd.store.lookup import find_dead, list_references
from reminderd.store.tables import Event, Opportunity, Reference, User

STALE = parse_span("2 years")
MOVES = frozenset({"changed_job", "promoted", "left_work"})
"""After these the title on file may be another one."""
THANKS = frozenset({"thanked", "told", "gift_sent"})
ENGLISH = {
    "heading": "References for",
    "phone": "Phone",
    "email": "E-mail",
    "confirmed": "Confirmed on",
    "nobody": "Nobody has agreed yet.",
    "at": "at",
    "until_now": "since",
    "to": "to",
    "as": "as",
}
GERMAN = {
    "heading": "Referenzen für",
    "phone": "Telefon",
    "email": "E-Mail",
    "confirmed": "Bestätigt am",
    "nobody": "Noch hat niemand zugesagt.",
    "at": "bei",
    "until_now": "seit",
    "to": "bis",
    "as": "als",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One person as an employer reads it."""

    name: str
    title: str
    employer: str
    position: str
    phone: str
    email: str
    together: str
    confirmed: str
    confirmed_on: dt.date | None


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """The list, with nothing in it that the employer must not read."""

    heading: str
    about: str
    own: tuple[str, ...]
    rows: tuple[Row, ...]
    language: str
    say: Mapping[str, str]


def load_sheet(session: Session, user: User, job: Opportunity, now: dt.datetime) -> Sheet:
    """The list of those who agreed to be called for ``job``; its name only where that may be named."""
    today = local_day(now, user.zone)
    language = "de" if user.language.startswith("de") else "en"
    say = GERMAN if language == "de" else ENGLISH
    people = listed_people(session, user, job, today)
    wanted = [Wanted(user_id=user.id, reference_id=row.id, opportunity_id=job.id, situation="sheet") for row in people]
    shelf = gather(session, wanted, now)
    rows = (
        _row(assemble(shelf, one).them, row.confirmed_on, say, language)
        for row, one in zip(people, wanted, strict=True)
    )
    company = company_label(job, _events(session, job), today)
    return Sheet(
        heading=f"{say['heading']} {user.name}",
        about=", ".join(part for part in (job.role if company else "", company) if part),
        own=tuple(part for part in (user.email, user.phone) if part),
        rows=tuple(rows),
        language=language,
        say=say,
    )


def listed_people(session: Session, user: User, job: Opportunity, today: dt.date) -> list[Reference]:
    """Those who agreed to be called and still can be, by name."""
    standing = _consents(session, job, today)
    dead = find_dead(session, user)
    return [
        row
        for row in list_references(session, user)
        if row.status != Status.RETIRED and row.id not in dead and holds(standing.get(row.id), today)
    ]


def _row(them: Person, confirmed_on: dt.date | None, say: Mapping[str, str], language: str) -> Row:
    return Row(
        name=them.name,
        title=them.title,
        employer=them.employer,
        position=", ".join(part for part in (them.title, them.employer) if part),
        phone=them.phone,
        email=them.email,
        together=_together(them, say, language),
        confirmed=day(confirmed_on, language) + (f" {confirmed_on.year}" if confirmed_on else ""),
        confirmed_on=confirmed_on,
    )


def _together(them: Person, say: Mapping[str, str], language: str) -> str:
    """ "Managed me at Initech as Engineering manager, March 2019 to August 2022"; nothing that is not known."""
    where = f"{say['at']} {them.worked_at}" if them.worked_at else ""
    role = f"{say['as']} {them.role}" if them.role and (them.relation or where) else them.role
    how = " ".join(part for part in (them.relation, where, role) if part)
    start, end = month(them.worked_from, language), month(them.worked_to, language)
    when = f"{start} {say['to']} {end}" if start and end else f"{say['until_now']} {start}" if start else ""
    return upfirst(", ".join(part for part in (how, when) if part))


# ---- what is better settled before


def warnings(session: Session, user: User, job: Opportunity, now: dt.datetime) -> list[str]:
    """One line for each thing: unconfirmed, unthanked, unasked, or not to be listed any more."""
    today = local_day(now, user.zone)
    standing = _consents(session, job, today)
    people = list_references(session, user)
    listed = {row.id for row in listed_people(session, user, job, today)}
    found = [
        line
        for row in people
        if row.id in listed
        for line in _of_listed(row, _own_events(session, row, today), standing[row.id], job, today)
    ]
    off = listed | find_dead(session, user)
    others = [row for row in people if row.id not in off and row.status == Status.ACTIVE]
    return [*found, *_of_others(others, standing, job)]


def _of_listed(row: Reference, own: Sequence[Event], agreed: Event, job: Opportunity, today: dt.date) -> list[str]:
    found = [f"{row.name} agreed to: {limits}."] if (limits := _limits(agreed)) else []
    if why := _unconfirmed(row, own, today):
        found.append(
            f"{row.name}: {why}; confirm title and phone before you list them: reminderd draft confirm_details "
            f"--reference {quoted(row.name)}; then reminderd sheet {quoted(job.company)} --confirm {quoted(row.name)}"
        )
    if not (row.phone or row.email):
        found.append(f"{row.name}: neither phone nor e-mail is known.")
    if row.present_employer:
        found.append(f"{row.name} is at your present employer.")
    if _unthanked(own, job):
        found.append(
            f"{row.name} was not thanked yet: reminderd record thanked {quoted(row.name)} --for {quoted(job.company)}"
        )
    return found


def _limits(agreed: Event) -> str:
    """What the agreement is limited to, for the user alone: the employer does not read it."""
    scope, until = agreed.data.get("scope"), agreed.data.get("until")
    return ", ".join(part for part in (scope, f"until {until}" if until else "") if part)


def _unconfirmed(row: Reference, own: Sequence[Event], today: dt.date) -> str:
    since = row.confirmed_on or dt.date.min
    moved = [event for event in own if event.kind in MOVES and event.on > since]
    if moved:
        return f"{moved[-1].kind.replace('_', ' ')} on {moved[-1].on}"
    touches = [event.on for event in own if event.kind in TOUCHES]
    last = max([*touches, *filter(None, (row.last_contact_on, row.confirmed_on))], default=None)
    if last is None:
        return "no contact is known"
    return f"no contact since {last}" if add_span(last, STALE) < today else ""


def _unthanked(own: Sequence[Event], job: Opportunity) -> bool:
    """Whether neither their yes nor their talk with the employer was thanked for."""
    given = [event for event in own if event.kind in ("agreed", "called") and event.opportunity_id == job.id]
    if not given:
        return False
    thanks = THANKS if given[-1].kind == "called" else THANKS | {"briefed"}
    return not any(
        (event.kind in thanks and _order(event) > _order(given[-1])) or _took_in(event, given[-1]) for event in own
    )


def _took_in(event: Event, given: Event) -> bool:
    """Whether what was sent took in the thanks, as a birthday wish does."""
    return [given.kind, f"event:{given.id}"] in ((event.data or {}).get("took_in") or [])


def _of_others(people: Sequence[Reference], standing: Mapping[int, Event], job: Opportunity) -> list[str]:
    """Why those who are not listed are not; whoever said no is passed over in silence."""
    unasked = [row.name for row in people if row.id not in standing]
    waiting = [row.name for row in people if row.id in standing and standing[row.id].kind == "asked"]
    over = [row.name for row in people if row.id in standing and standing[row.id].kind == "agreed"]
    company = quoted(job.company)
    found = []
    if over:
        found.append(f"Agreed for a time that is over, so not listed: {listing(over)}.")
    if waiting:
        found.append(f"Asked, but not answered yet, so not listed: {listing(waiting)}.")
    if unasked:
        found.append(f"Not asked, so not listed: {listing(unasked)}. To ask: reminderd need {company} --by DATE NAME")
    return found


def _consents(session: Session, job: Opportunity, today: dt.date) -> dict[int, Event]:
    """The word that stands between the user and each reference."""
    own: dict[int, list[Event]] = {}
    for event in _events(session, job):
        if event.reference_id:
            own.setdefault(event.reference_id, []).append(event)
    found = ((key, last_word(events, today)) for key, events in own.items())
    return {key: event for key, event in found if event is not None}


def _events(session: Session, job: Opportunity) -> list[Event]:
    query = select(Event).where(Event.opportunity_id == job.id, Event.retracted_at.is_(None))
    return sorted(session.scalars(query), key=_order)


def _own_events(session: Session, row: Reference, today: dt.date) -> list[Event]:
    query = select(Event).where(Event.reference_id == row.id, Event.retracted_at.is_(None), Event.on <= today)
    return sorted(session.scalars(query), key=_order)


def _order(event: Event) -> tuple[dt.date, int, int]:
    return (event.on, KINDS[event.kind].rank, event.id)
