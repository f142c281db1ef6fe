"""Consent between the user and one reference for one opportunity: what stands, and until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from reminderd.rules.kinds import CONSENT

ANSWERS: frozenset[str] = frozenset({"agreed", "declined", "briefed", "called"})
"""What shows that an ask was answered after all."""


class EventLike(Protocol):
    """What is read of an event: a fact, a row of the table, or of a query."""

    @property
    def kind(self) -> str: ...
    @property
    def on(self) -> dt.date: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


Found = TypeVar("Found", bound=EventLike)


def last_word(events: Iterable[Found], today: dt.date) -> Found | None:
    """The event that says how the two stand, of one reference's for one opportunity in the order of the timeline.
    Asking again takes no agreement back that still holds."""
    found: Found | None = None
    for event in events:
        if event.kind not in CONSENT or event.on > today:
            continue
        if event.kind != "asked" or not holds(found, event.on):
            found = event
    return found


def holds(event: EventLike | None, today: dt.date) -> bool:
    """Whether it is an agreement whose time is not over: they may be named, and called."""
    if event is None or event.kind != "agreed":
        return False
    until = (event.data or {}).get("until")
    return not until or str(until) >= today.isoformat()
