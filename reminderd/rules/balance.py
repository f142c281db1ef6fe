"""Give and take: how often a reference was asked since something was given back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from reminderd.rules.consent import EventLike

ASKS_BEFORE_GIVING = 2
"""After so many asks the next contact of one's own gives, and asks nothing."""
REMEMBERED_FOR = dt.timedelta(days=730)
GIFTS = frozenset({"congratulated", "gift_sent"})
"""These give something back, whatever led to them."""
GIVING = ("congratulate", "share")
"""And so does a note with one of these approaches,"""
GIVING_DRAFTS = frozenset({"give"})
"""or with one of these drafts."""


def asks_since_gift(events: Iterable[EventLike], today: dt.date) -> int:
    """The asks of two years that nothing was given back for, of one reference's events in order."""
    asks = 0
    for event in events:
        if event.on > today:
            break
        if event.kind == "asked" and event.on > today - REMEMBERED_FOR:
            asks += 1
        elif event.kind in GIFTS or event.data.get("approach") in GIVING or event.data.get("draft") in GIVING_DRAFTS:
            asks = 0
    return asks
