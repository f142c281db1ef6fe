"""Notices that somebody changed the rule book or a template, or the program itself, so that nobody has to say so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import reminderd

SETTLED_FOR = dt.timedelta(seconds=2)
"""Who saved a file just now may be about to save another."""


class Edits:
    """What ``book`` and the files below ``templates`` were like when `note` was called last; at first, when this was
    made. Neither has to be there."""

    def __init__(self, book: Path, templates: Path) -> None:
        self._book, self._templates = book, templates
        self.note()

    def note(self) -> None:
        """Take the files as they are for known."""
        self._known = self._marks()

    def are_there(self, now: dt.datetime) -> bool:
        """Whether a file is new, changed or gone since, and none of them was written in the last moments."""
        marks = self._marks()
        new = [written for path, (written, *_) in marks.items() if marks[path] != self._known.get(path)]
        return marks != self._known and all(_is_settled(at, now) for at in new)

    def _marks(self) -> dict[Path, Mark]:
        marks = {path: _mark(path) for path in (self._book, *self._templates.rglob("*.j2"))}
        return {path: mark for path, mark in marks.items() if mark is not None}


class Program:
    """The program's own files, as they were when this was made. What is imported only where it is used would come from
    another version after an upgrade."""

    def __init__(self, file: Path = Path(reminderd.__file__)) -> None:
        self._file, self._known = file, _mark(file)

    def is_replaced(self, now: dt.datetime) -> bool:
        """Whether others have taken their place, and not just in the last moments."""
        mark = _mark(self._file)
        return mark is not None and mark != self._known and _is_settled(mark[0], now)


Mark = tuple[float, int, int]


def _mark(path: Path) -> Mark | None:
    """Other than before where a file was written or replaced; ``None`` where it is not there, or not for us to see."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime, found.st_size, found.st_ino)


def _is_settled(written: float, now: dt.datetime) -> bool:
    return abs(now.timestamp() - written) >= SETTLED_FOR.total_seconds()
