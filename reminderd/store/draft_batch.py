"""What the composer reads once for all users of a batch, and not again for each."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from reminderd.store import due
from reminderd.store.draft_shelf import ALTERNATES_FOR, Shelf, Wanted, gather
from reminderd.store.tables import Nudge, Step, User

_DAY = dt.timedelta(days=2)
"""Longer than any local day: what was made today was made within it."""
_ONE_BY_ONE = ALTERNATES_FOR | {"look_in"}
"""Situations whose facts name other people: of those only so many are read, whoever they belong to."""


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """As it was before anything of the batch was made: it holds for a user until something is made for that user."""

    users: Mapping[int, User]
    paused: Mapping[int, frozenset[str]]
    """By user: the channels that are paused."""
    sent: Mapping[int, int]
    """By nudge: how many reminders have gone out or are on their way."""
    made: Mapping[int, Sequence[tuple[str, dt.datetime]]]
    """By user: channel and moment of each message made of late."""
    rings: Mapping[int, tuple[dt.datetime, ...]]
    """By nudge: when its further reminders come, and those that are due."""
    untold: Mapping[int, Sequence[Nudge]]
    """By user: nudges whose end no message has told yet."""
    shelf: Shelf
    shelved: frozenset[int]
    """The nudges whose facts the shelf is for."""

    @classmethod
    def read(cls, session: Session, pairs: Sequence[tuple[Step, Nudge]], now: dt.datetime) -> Batch:
        """All of it, in a fixed number of statements."""
        users = due.users_by_id(session, {step.user_id for step, _ in pairs})
        nudges = {nudge.id: nudge for _, nudge in pairs}
        paused: dict[int, set[str]] = defaultdict(set)
        for health in due.paused_channels(session):
            paused[health.user_id].add(health.channel)
        alike = [nudge for nudge in nudges.values() if nudge.draft not in _ONE_BY_ONE]
        return cls(
            users=users,
            paused={user_id: frozenset(paused[user_id]) for user_id in users},
            sent=due.sent_positions(session, list(nudges)),
            made=due.made_since(session, list(users), now - _DAY),
            rings=due.pending_moments(session, list(nudges)),
            untold=due.untold(session, list(users)),
            shelf=gather(session, [Wanted.of(nudge) for nudge in alike], now),
            shelved=frozenset(nudge.id for nudge in alike),
        )
