"""Finding what a user names: by unique prefix, whatever the case or accents; several matches are listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from reminderd.errors import Ambiguous, NotFound, UsageError
from reminderd.rules.states import Status
from reminderd.store.tables import Event, Nudge, Opportunity, Reference, User

Row = TypeVar("Row")
_HAS_DIED = exists().where(Event.reference_id == Reference.id, Event.kind == "deceased", Event.retracted_at.is_(None))


def find_user(session: Session, email: str | None) -> User:
    """The user with this address; without one, the only user. Raises `UsageError` where that is not clear."""
    users = list(session.scalars(select(User).order_by(User.id)))
    if not users:
        raise UsageError("Nobody is set up yet. Start with: reminderd init")
    if email is not None:
        wanted = email.casefold()
        for user in users:
            if user.email.casefold() == wanted:
                return user
        raise NotFound("user", email, [user.email for user in users])
    if len(users) > 1:
        listing = ", ".join(user.email for user in users)
        raise UsageError(f"Several users share this database: say which with --user EMAIL ({listing}).")
    return users[0]


def find_reference(session: Session, user: User, name: str) -> Reference:
    """One reference by a unique prefix of the name or of a word of it. Raises `NotFound` or `Ambiguous`."""
    rows = list_references(session, user)
    return _one("reference", name, rows, lambda row: row.name)


def find_opportunity(session: Session, user: User, company: str) -> Opportunity:
    """One opportunity by a unique prefix of its company. Raises `NotFound` or `Ambiguous`."""
    rows = list(
        session.scalars(select(Opportunity).where(Opportunity.user_id == user.id).order_by(Opportunity.company))
    )
    return _one("opportunity", company, rows, lambda row: row.company)


def find_nudge(session: Session, user: User, number: int) -> Nudge:
    """The nudge with this number. Raises `NotFound`."""
    row = session.scalar(select(Nudge).where(Nudge.user_id == user.id, Nudge.number == number))
    if row is None:
        raise NotFound("nudge", str(number))
    return row


def list_references(session: Session, user: User, *, active: bool = False) -> list[Reference]:
    """All references of a user by name, or the active ones; whoever has died is none of these."""
    query = select(Reference).where(Reference.user_id == user.id)
    if active:
        query = query.where(Reference.status == Status.ACTIVE, ~_HAS_DIED)
    return list(session.scalars(query.order_by(Reference.name)))


def find_dead(session: Session, user: User) -> set[int]:
    """The ids of the references that have died."""
    return set(session.scalars(select(Reference.id).where(Reference.user_id == user.id, _HAS_DIED)))


def _one(what: str, wanted: str, rows: Sequence[Row], name_of: Callable[[Row], str]) -> Row:
    key = fold(wanted)
    exact = [row for row in rows if fold(name_of(row)) == key]
    if len(exact) == 1:
        return exact[0]
    matches = [row for row in rows if _matches(fold(name_of(row)), key)]
    if not matches:
        raise NotFound(what, wanted, [name_of(row) for row in rows])
    if len(matches) > 1:
        raise Ambiguous(what, wanted, [name_of(row) for row in matches])
    return matches[0]


def _matches(name: str, key: str) -> bool:
    return bool(key) and (name.startswith(key) or any(word.startswith(key) for word in name.split()))


def fold(text: str) -> str:
    """Letters without case or accents, single spaces."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())
