"""The table of faults: what was injected, and what came of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One kind of fault. What was neither received nor told of is lost."""

    fault: str
    injected: int
    expected: int
    received: int
    """How many messages arrived at least once."""
    duplicated: int = 0
    """How many copies more than one for each arrived."""
    allowed: int = 0
    """The most copies that may be: one for each mail in flight at a kill, or handed over without an answer."""
    told: int = 0
    """How many ended as failed, for `status`, `check` and the other channel to tell of."""
    wrong: tuple[str, ...] = ()
    """What else must not be, in words: a text twice, a copy with other bytes, a duplicate of what was not in flight."""

    @property
    def lost(self) -> int:
        return max(0, self.expected - self.received - self.told)

    @property
    def is_good(self) -> bool:
        return not self.lost and self.duplicated <= self.allowed and not self.wrong


HEADS = ("fault", "injected", "expected", "received", "told", "duplicated", "allowed", "lost")


def as_text(rows: Sequence[Row]) -> str:
    """The rows under their heads, and what was wrong below."""
    cells = [HEADS, *(_cells(row) for row in rows), _cells(total(rows))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADS))]
    lines = [
        "  ".join(_padded(text, width, column) for column, (text, width) in _zipped(line, widths)) for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines.insert(-1, lines[1])
    wrong = [f"WRONG {row.fault}: {words}" for row in rows for words in row.wrong]
    bad = [f"WRONG {row.fault}" for row in rows if not row.is_good and not row.wrong]
    return "\n".join([*lines, *wrong, *bad])


def total(rows: Sequence[Row]) -> Row:
    """All rows in one."""
    names = [field.name for field in dataclasses.fields(Row) if field.type == "int"]
    sums = {name: sum(getattr(row, name) for row in rows) for name in names}
    return Row(fault="all", wrong=tuple(words for row in rows for words in row.wrong), **sums)


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (row.injected, row.expected, row.received, row.told, row.duplicated, row.allowed, row.lost)
    return (row.fault, *map(str, numbers))


def _zipped(line: tuple[str, ...], widths: list[int]) -> list[tuple[int, tuple[str, int]]]:
    return list(enumerate(zip(line, widths, strict=True)))


def _padded(text: str, width: int, column: int) -> str:
    return text.rjust(width) if column else text.ljust(width)
