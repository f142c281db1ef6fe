"""The only read of the clock. Everything else is handed ``now``."""

from __future__ import annotations

import datetime as dt
import time


def utc_now() -> dt.datetime:
    """The present moment as an aware datetime in UTC."""
    return dt.datetime.now(dt.UTC)


def steady() -> float:
    """Seconds that only ever grow, also while the machine sleeps where the system can tell; for differences only."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
