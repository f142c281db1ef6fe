"""A morning on which everybody hears at nine: how late the last message of each time zone is, by what was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reminderd.store import agenda

AHEAD = agenda.AHEAD.total_seconds()
HOUR = 9

Zones = Mapping[float, float]
"""Which share of the users lives how many hours east of Greenwich."""

ONE_ZONE: Zones = {0: 1.0}
UNITED_STATES: Zones = {-5: 0.48, -6: 0.29, -7: 0.07, -8: 0.16}
WORLD: Zones = {-8: 0.05, -6: 0.08, -5: 0.12, -3: 0.06, 0: 0.07, 1: 0.14, 2: 0.08, 3: 0.08, 5.5: 0.16, 8: 0.12, 9: 0.04}
"""Assumed, like the former: no census. Where your users live is yours to put in."""


@dataclasses.dataclass(frozen=True, slots=True)
class Speed:
    """Messages a second, each by itself."""

    composed: float
    sent: float


def worst_lateness(messages: float, zones: Zones, speed: Speed) -> float:
    """Seconds from nine local to when the mail server has the last message of the zone that waits longest, of so many
    messages in all. One thread composes, from ten minutes ahead, and sends; what one zone leaves over the next one
    waits for."""
    worst, free_at = 0.0, float("-inf")
    for east, share in sorted(zones.items(), reverse=True):
        moment = (HOUR - east) * 3600
        mine = messages * share
        ready = min(mine, max(0.0, moment - max(free_at, moment - AHEAD)) * speed.composed)
        free_at = max(moment, free_at) + (mine - ready) / speed.composed + mine / speed.sent
        worst = max(worst, free_at - moment)
    return worst


def most_messages(zones: Zones, speed: Speed, within: float) -> int:
    """The most of which none is later than ``within`` seconds."""
    least, most = 0, 1
    while worst_lateness(most, zones, speed) <= within:
        least, most = most, most * 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if worst_lateness(middle, zones, speed) <= within else (least, middle)
    return least
