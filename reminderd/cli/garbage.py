"""How often Python looks for garbage. Most commands end before it pays to look into all that they imported."""

from __future__ import annotations

import gc

USUAL = gc.get_threshold()
LATER = 300_000
"""How many more objects there must be, beyond those that were there when it looked last."""


def look_later() -> None:
    """For a command."""
    gc.set_threshold(LATER)


def look_no_more() -> None:
    """At the end: Python looks through all that is left twice before it lets go of it, and the process ends anyway."""
    gc.freeze()


def look_as_usual() -> None:
    """For what stays."""
    gc.set_threshold(*USUAL)
