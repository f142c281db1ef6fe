"""The words for how a reference or a nudge stands, and for what the user chose: tables and commands need no more."""

from __future__ import annotations

import datetime as dt
import enum


class Status(enum.StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


def is_still_paused(until: dt.date | None, today: dt.date) -> bool:
    """Whether the pause of a user or reference goes on: it is over on the day it lasts until, whether or not that has
    been recorded yet; without one it goes on."""
    return until is None or until > today


class Tier(enum.StrEnum):
    INNER = "inner"
    NETWORK = "network"
    DORMANT = "dormant"


class State(enum.StrEnum):
    """A nudge's state; `DONE` and `SKIPPED` belong to the user, the others are recomputed by every plan."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Digest(enum.StrEnum):
    WEEKLY = "weekly"
    DAILY = "daily"
    OFF = "off"
