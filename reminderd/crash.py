"""Named points at which a test has the process die. Does nothing unless REMINDERD_CRASH_AT names one of them.

A kill from outside cannot be aimed between two statements, and the promises about a crash are about just those places.
``REMINDERD_CRASH_AT=settling`` dies the first time that the point is passed, ``settling:3`` the third time.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "REMINDERD_CRASH_AT"
WANTED = os.environ.get(VARIABLE)
POINTS = (
    "planning",
    "planned",
    "composing",
    "composed",
    "rescuing",
    "rescued",
    "leasing",
    "attempt-noted",
    "handing-over",
    "handed-over",
    "looking",
    "looked",
    "settling",
    "settled",
)
"""In the order of the flow. Those in -ing lie within a transaction or before a call, the others behind it."""

_passed: dict[str, int] = {}


def point(name: str) -> None:
    """Die here, as by `kill -9`, if that was asked for."""
    if WANTED is None:
        return
    which, _, times = WANTED.partition(":")
    if which == name:
        _passed[name] = _passed.get(name, 0) + 1
        if _passed[name] >= int(times or 1):
            os.kill(os.getpid(), signal.SIGKILL)
