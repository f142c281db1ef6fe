"""What, besides events, a user's plans depend on, as a mark: when it changes, everything of that user is due.

Asked at each start of the daemon, so that it knows neither rules nor mapped classes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Set
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from reminderd.store.tables import Base, User

if TYPE_CHECKING:

    class Habits(Protocol):
        """The columns of a user that plans depend on."""

        @property
        def zone(self) -> str: ...
        @property
        def hour(self) -> dt.time: ...
        @property
        def quiet_begins(self) -> dt.time | None: ...
        @property
        def quiet_ends(self) -> dt.time | None: ...
        @property
        def digest(self) -> str: ...
        @property
        def digest_weekday(self) -> int: ...
        @property
        def phone(self) -> str | None: ...


_USERS = Base.metadata.tables[User.__tablename__]
_READ = ("id", "settings_mark", "zone", "hour", "quiet_begins", "quiet_ends", "digest", "digest_weekday", "phone")
_HABITS = select(*(_USERS.c[name] for name in _READ))
_MAKE_DUE = update(_USERS).where(_USERS.c.id == bindparam("changed")).values(plan_again_at=bindparam("now"))
PART = 10_000
"""Users that are held in memory at a time."""


def make_mark(user: Habits, book_mark: str, ways: Set[str]) -> str:
    """Of a user's row, by one book, in an installation that has the channels ``ways``."""
    quiet = f"{user.quiet_begins}-{user.quiet_ends}"
    habits = (user.zone, str(user.hour), quiet, user.digest, str(user.digest_weekday), user.phone or "")
    text = "|".join((book_mark, *habits, *sorted(ways)))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def refresh(session: Session, book_mark: str, ways: Set[str], now: dt.datetime) -> int:
    """Make due every user whose book, zone, hours or channels are others than at the last plan. Returns how many."""
    connection = session.connection()
    part = _HABITS.where(_USERS.c.id > bindparam("after")).order_by(_USERS.c.id).limit(PART)
    count, after = 0, 0
    while rows := connection.execute(part, {"after": after}).all():
        changed = [row.id for row in rows if row.settings_mark != make_mark(row, book_mark, ways)]
        if changed:
            connection.execute(_MAKE_DUE, [{"changed": user_id, "now": now} for user_id in changed])
        count += len(changed)
        after = rows[-1].id
    return count
