"""Notices that somebody changed the rule book or a template, so that nobody has to ask for a reload."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

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
        return marks != self._known and all(abs(now.timestamp() - at) >= SETTLED_FOR.total_seconds() for at in new)

    def _marks(self) -> dict[Path, tuple[float, int, int]]:
        marks = {}
        for path in (self._book, *self._templates.rglob("*.j2")):
            try:
                found = path.stat()
            except OSError:  # not there, or not for us to see: then it is not read either
                continue
            marks[path] = (found.st_mtime, found.st_size, found.st_ino)
        return marks
