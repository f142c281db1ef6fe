"""All ways back that are set up, as one stage of the daemon's work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Protocol


class Way(Protocol):
    """One way back: texts, mails."""

    def step(self, now: dt.datetime) -> int:
        """Apply what came, ask for more when it is time. Returns how many changed something."""
        ...

    def next_at(self) -> dt.datetime | None:
        """When `step` has something to ask."""
        ...

    def passed_at(self) -> dict[str, dt.datetime]:
        """When it was last read with success, by the job's name."""
        ...

    def on_landing(self, call: Callable[[], None]) -> None:
        """Have ``call`` called whenever something came."""
        ...

    def close(self) -> None:
        """Stop reading."""
        ...


class Desk:
    """The ways back, read one after the other. One thread at a time."""

    def __init__(self, ways: Sequence[Way] = ()) -> None:
        self._ways = ways

    def step(self, now: dt.datetime) -> int:
        """Apply what came. Returns how many replies, copies and statuses changed something."""
        return sum(way.step(now) for way in self._ways)

    def next_at(self) -> dt.datetime | None:
        """When there is something to ask."""
        return min((at for way in self._ways if (at := way.next_at()) is not None), default=None)

    def passed_at(self) -> dict[str, dt.datetime]:
        """When each way was last read with success."""
        return {name: at for way in self._ways for name, at in way.passed_at().items()}

    def on_landing(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, from another thread, whenever something came."""
        for way in self._ways:
            way.on_landing(call)

    def close(self) -> None:
        """Stop reading; returns at once."""
        for way in self._ways:
            way.close()
