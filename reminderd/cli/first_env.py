"""The first `.env`: every setting as a comment, for its owner alone."""

from __future__ import annotations

import os
from pathlib import Path

from reminderd.settings import rows

HEAD = """\
# The settings of reminderd: one NAME=value a line, comments on lines of their own. The real environment wins.
"""


def make_first_env(path: Path) -> bool:
    """Write it with mode 0600 where there is none yet. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(first_env())
    return True


def first_env() -> str:
    """Its text; the lines that `write_env` fills are commented out."""
    parts = [HEAD]
    section = None
    for row in rows():
        if row.section != section:
            section = row.section
            parts.append(f"\n# ===== {section} =====\n\n")
        unset = f" Unset: {row.unset}." if row.unset else ""
        parts.append(f"# {row.help}{unset}\n#{row.name}={row.default}\n")
    return "".join(parts)
