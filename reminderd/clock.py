"""The only read of the clock. Everything else is handed ``now``."""

from __future__ import annotations

import datetime as dt


def utc_now() -> dt.datetime:
    """The present moment as an aware datetime in UTC."""
    return dt.datetime.now(dt.UTC)
