"""A database in which nobody is set up: another home was meant, or what was there is gone."""

from __future__ import annotations

import contextlib
import shlex
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from reminderd.cli.other_home import place_of
from reminderd.errors import ReminderdError

if TYPE_CHECKING:
    from reminderd.settings import Settings


def line_after_pass(settings: Settings) -> str | None:
    """The line for a pass that is over; ``None`` where somebody is set up, or the database does not say."""
    from reminderd.store.backup import is_anybody
    from reminderd.store.database import Store

    store = Store(settings.database_url, read_only=True)
    try:
        return None if is_anybody(store) else words(settings)
    except ReminderdError:
        return None
    finally:
        store.dispose()


def words(settings: Settings) -> str:
    """That nobody is, in which home, and what may be done."""
    usual = settings.database_path == settings.home / "reminderd.db"
    which = "" if usual else f", whose database is {place_of(settings)}"
    return (
        f"nobody is set up in the home {settings.home}{which}. Start with: reminderd init. "
        f"Or is it another home? See: --home, REMINDERD_HOME.{back(settings)}"
    )


def back(settings: Settings) -> str:
    """The command that brings the newest daily copy back; empty where there is none with somebody in it."""
    path = settings.database_path
    copy = newest_copy(settings)
    if path is None or copy is None:
        return ""
    force = " --force" if path.exists() else ""
    return f" Or bring the newest copy back: reminderd restore {shlex.quote(str(copy))}{force}"


def newest_copy(settings: Settings) -> Path | None:
    """The newest daily copy of the SQLite file that holds somebody."""
    from reminderd.store.backup import kept

    if settings.database_path is None:
        return None
    copies = kept(settings.database_path, settings.backup_dir)
    return next((copy for copy in reversed(copies) if _holds_somebody(copy)), None)


def _holds_somebody(copy: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(copy.absolute()))}?mode=ro", uri=True)) as opened:
            return opened.execute("SELECT 1 FROM users LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return False
