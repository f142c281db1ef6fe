"""A year of contact as a drawing: one mark for each of 52 weeks, the newest at the right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

WEEKS = 52
_STEP, _WIDTH, _HEIGHT = 6, 5, 14


def weeks(touched_on: Collection[dt.date], today: dt.date) -> list[bool]:
    """Whether there was contact in each of the last 52 weeks."""
    hit = {(today - day).days // 7 for day in touched_on if day <= today}
    return [age in hit for age in range(WEEKS - 1, -1, -1)]


def draw(touched_on: Collection[dt.date], today: dt.date) -> dict[str, object]:
    """What the template draws: size, and each mark's place and kind. A hit is also taller, not only darker."""
    marks = weeks(touched_on, today)
    return {
        "width": WEEKS * _STEP,
        "height": _HEIGHT,
        "count": sum(marks),
        "marks": [
            {
                "x": place * _STEP,
                "y": 0 if hit else _HEIGHT - 4,
                "width": _WIDTH,
                "height": _HEIGHT if hit else 4,
                "kind": "hit" if hit else "gap",
            }
            for place, hit in enumerate(marks)
        ],
    }
