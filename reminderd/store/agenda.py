"""When each kind of work is next due: all that a pass looks for, in one statement, each part of it by an index."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, literal_column, select
from sqlalchemy.orm import Session

from reminderd.store.tables import Base

AHEAD = dt.timedelta(minutes=10)
"""How long before their moment a daemon makes messages, so that a busy minute finds them ready."""


class Agenda(NamedTuple):
    """The first moment of each kind of work; ``None`` where there is none."""

    user_at: dt.datetime | None
    """When a user is to be planned."""
    reference_at: dt.datetime | None
    """When a reference is to be planned."""
    step_at: dt.datetime | None
    """When a reminder is to be made into a message."""
    delivery_at: dt.datetime | None
    """When a message is to be sent, or looked for."""
    expiry_at: dt.datetime | None
    """When a lease runs out, unless it is renewed: what a dead node held is to be taken over then."""
    paused_at: dt.datetime | None
    """Since when a channel has been paused, of which the user may still have to be told."""

    def moments(self, *, sends: bool) -> list[dt.datetime]:
        """When something is due, in no order; with ``sends`` false all but messages to be sent."""
        found = (self.user_at, self.reference_at, self.step_at, self.expiry_at, self.delivery_at if sends else None)
        return [at for at in found if at is not None]

    def is_idle(self, now: dt.datetime) -> bool:
        """Whether there is nothing to do at ``now``."""
        return self.paused_at is None and all(at > now for at in self.moments(sends=True))


def load_agenda(session: Session) -> Agenda:
    """As the database is now."""
    return Agenda(*session.connection().execute(_QUERY).one())


def _first(column: ColumnElement[dt.datetime | None], where: str = "") -> ScalarSelect[dt.datetime | None]:
    """The least value of a column, in the rows of its partial index where there is one: the condition is written as the
    index has it, so that the index serves whatever plan is cached."""
    query = select(column).order_by(column).limit(1)
    return query.where(literal_column(where) if where else column.is_not(None)).scalar_subquery()


_TABLES = Base.metadata.tables
"""Not the mapped classes: a daemon that only looks needs no mappers."""
_QUERY = select(
    _first(_TABLES["users"].c.plan_again_at),
    _first(_TABLES["references"].c.plan_again_at),
    _first(_TABLES["steps"].c.at, "state = 'pending'"),
    _first(_TABLES["deliveries"].c.due_at, "state IN ('pending', 'unknown')"),
    _first(_TABLES["deliveries"].c.lease_until, "state = 'leased'"),
    _first(_TABLES["channel_health"].c.paused_at),
)
