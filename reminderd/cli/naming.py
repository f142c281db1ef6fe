"""What the user names: event kinds, people, companies, nudges. Each failure says what could have been meant."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.cli.dates import parse_day
from reminderd.cli.words import quoted
from reminderd.errors import NotFound, UsageError
from reminderd.rules.kinds import ALIASES, RECORDABLE
from reminderd.rules.states import State
from reminderd.store.lookup import find_nudge, find_opportunity, find_reference, fold, list_references
from reminderd.store.tables import Nudge, Opportunity, Reference, User

if TYPE_CHECKING:
    from reminderd.drafts.library import Library
    from reminderd.rules.rule import Book

FIRST_DAY = dt.date(1950, 1, 1)
YEARS_AHEAD = 10
SOON = dt.timedelta(days=8)
"""What an event started and begins within so long is of now."""
LATELY = dt.timedelta(days=30)
"""Until so long after it was done, a nudge is what somebody means who says again that they did it."""


def find_kind(word: str) -> str:
    """The event kind that a word means. Raises `UsageError` with the nearest ones."""
    kind = fold(word).replace("-", "_").replace(" ", "_")
    kind = ALIASES.get(kind, kind)
    if kind in RECORDABLE:
        return kind
    known = [*RECORDABLE, *ALIASES]
    near = difflib.get_close_matches(kind, known, n=3, cutoff=0.6)
    near = near or [name for name in known if len(kind) >= 3 and name.startswith(kind)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f"There is no event kind {word!r}.{hint} All kinds: reminderd record --help")


def find_situation(library: Library, book: Book, word: str) -> str:
    """The situation of a draft: by its own name, or as the draft that an event kind or a rule leads to. Raises
    `UsageError` with the nearest ones."""
    name = fold(word).replace("-", "_").replace(" ", "_")
    known = library.names()
    if name in known:
        return name
    kind = ALIASES.get(name, name)
    by_rule = {rule.name.replace("-", "_"): rule.draft for rule in book.rules.values()}
    by_kind = {event: rule.draft for rule in reversed(book.rules.values()) for event in rule.on}
    found = {**by_kind, "asked": "ask", **by_rule}.get(kind)
    if found in known:
        return str(found)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f"There is no draft for {word!r}.{hint} All of them: reminderd templates list")


def find_people(session: Session, user: User, names: Sequence[str]) -> list[Reference]:
    """The references named, each once; several words may be one whole name. Raises `NotFound`, `Ambiguous`."""
    whole = fold(" ".join(names))
    exact = [row for row in list_references(session, user) if fold(row.name) == whole]
    if exact:
        return exact
    found = (find_reference(session, user, name) for name in names)
    return list({row.id: row for row in found}.values())


def find_job(session: Session, user: User, company: str) -> Opportunity:
    """The opportunity at a company. Raises `UsageError` with the command that adds it, `Ambiguous`."""
    try:
        return find_opportunity(session, user, company)
    except NotFound as error:
        raise UsageError(f"{error} Add it: reminderd opportunity add {quoted(company)}") from error


def find_or_add_job(session: Session, user: User, company: str, now: dt.datetime) -> tuple[Opportunity, bool]:
    """The opportunity at a company, and whether it had to be added. Raises `Ambiguous`."""
    try:
        return find_opportunity(session, user, company), False
    except NotFound:
        row = Opportunity(user_id=user.id, company=" ".join(company.split()), created_at=now)
        if not row.company:
            raise UsageError("Expected the name of a company.") from None
        session.add(row)
        session.flush()
        return row, True


def open_jobs(session: Session, user: User) -> list[Opportunity]:
    """The opportunities that are not closed, by company."""
    query = select(Opportunity).where(Opportunity.user_id == user.id, Opportunity.closed.is_(False))
    return list(session.scalars(query.order_by(Opportunity.company)))


def find_nudges(session: Session, user: User, words: Sequence[str], now: dt.datetime) -> list[Nudge]:
    """The nudges meant: by number, or by name where the reference has exactly one that is of now: begun, else begun
    soon for something that happened, else settled lately. Raises `UsageError`, which lists them where there are
    several."""
    numbers = [word for word in words if _number(word) is not None]
    names = [word for word in words if _number(word) is None]
    found = [find_nudge(session, user, _number(word) or 0) for word in numbers]
    if names:
        found += [_nudge_of(session, user, person, now) for person in find_people(session, user, names)]
    return list({nudge.id: nudge for nudge in found}.values())


def _number(word: str) -> int | None:
    match = re.fullmatch(r"#?([0-9]{1,9})", word)
    return int(match[1]) if match else None


def _nudge_of(session: Session, user: User, person: Reference, now: dt.datetime) -> Nudge:
    query = select(Nudge).where(Nudge.user_id == user.id, Nudge.reference_id == person.id).order_by(Nudge.number)
    rows = list(session.scalars(query))
    waiting = [row for row in rows if row.state == State.OPEN]
    begun = [row for row in waiting if row.starts_at <= now]
    current = begun or [row for row in waiting if row.event_id and row.starts_at < now + SOON]
    if len(current) == 1:
        return current[0]
    if current:
        raise UsageError(f"{person.name} has several: {_listed(session, current, now)}. Say which by its number.")
    settled = [row for row in rows if row.state in (State.DONE, State.SKIPPED) and now - row.state_at < LATELY]
    if settled:
        return max(settled, key=lambda row: (row.state_at, row.number))
    later = f" Later: {_listed(session, waiting, now)}; its number does it now." if waiting else ""
    raise UsageError(f"Nothing is open for {person.name}.{later}")


def _listed(session: Session, nudges: Sequence[Nudge], now: dt.datetime) -> str:
    from reminderd.cli.words import load_lines

    return ", ".join(f"{line.number} ({line.title})" for line in load_lines(session, nudges, now))


def find_day(text: str | None, today: dt.date, option: str = "--on") -> dt.date:
    """The day that a word means, today without one. Raises `UsageError` for one that cannot be meant."""
    if text is None:
        return today
    found = parse_day(text, today)
    latest = today.replace(year=today.year + YEARS_AHEAD, day=min(today.day, 28))
    if not FIRST_DAY <= found <= latest:
        expected = f"from {FIRST_DAY.year} to {YEARS_AHEAD} years from now"
        raise UsageError(f"{option} {text}: expected a day {expected}, not {found}.")
    return found


def find_last_day(text: str, today: dt.date) -> dt.date:
    """The day that --until means of something that looks ahead. Raises `UsageError` for one that is over."""
    found = find_day(text, today, "--until")
    if found < today:
        raise UsageError(f"--until {text}: expected a day from today on, not {found}.")
    return found
