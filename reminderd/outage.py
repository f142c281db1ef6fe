"""While the database does not answer: when to try again, and when to say so again."""

from __future__ import annotations

import datetime as dt

SOON_FOR = dt.timedelta(seconds=2)
"""The first wait; each further one is twice as long."""
LONGEST_FOR = dt.timedelta(seconds=30)
SAID_FOR = dt.timedelta(minutes=10)
"""How long one word of it holds while nothing about it changes."""


class Outage:
    """What the passes met since the last good one. One thread at a time."""

    def __init__(self) -> None:
        self._failures = 0
        self._said: tuple[str, dt.datetime] | None = None

    def failed(self, reason: str, now: dt.datetime) -> bool:
        """Note a pass that failed. Returns whether that is worth a line of the log: the first time, for another reason,
        and now and then."""
        self._failures += 1
        if self._said is not None and self._said[0] == reason and now - self._said[1] < SAID_FOR:
            return False
        self._said = (reason, now)
        return True

    def over(self) -> bool:
        """Note a good pass. Returns whether there was an outage until now."""
        was_on = self._failures > 0
        self._failures, self._said = 0, None
        return was_on

    def wait_for(self, *, urgent: bool) -> dt.timedelta:
        """How long to wait before the next try; what has been sent and not yet noted is ``urgent``: it must be noted
        before its lease ends."""
        if urgent:
            return SOON_FOR
        doublings = min(max(self._failures - 1, 0), 10)
        return min(SOON_FOR * (1 << doublings), LONGEST_FOR)
