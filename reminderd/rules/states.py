"""The words for how a reference or a nudge stands, and for what the user chose: tables and commands need no more."""

from __future__ import annotations

import enum


class Status(enum.StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


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
