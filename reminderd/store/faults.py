"""Faults of a database, put into one clear line."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from reminderd.errors import ConfigError, ReminderdError, SchemaError, StoreBusy

_NO_ROOM = frozenset({sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_SHMOPEN})
"""What SQLite says where there is no room for the file beside the database that its connections share."""


def explain(error: DBAPIError, place: str, *, reading: bool, path: Path | None = None) -> ReminderdError | None:
    """What to tell the user, or ``None`` when the fault lies in our own code.

    ``place`` names the database and holds no password. ``path`` is its file: what SQLite does not say is asked of the
    file system that it lies on.
    """
    if isinstance(error.orig, sqlite3.Error):
        return explain_sqlite(error.orig, place, reading=reading, path=path)
    return _explain_postgres(error, place, reading=reading)


def explain_sqlite(
    error: sqlite3.Error, place: str, *, reading: bool, path: Path | None = None
) -> ReminderdError | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if reading and code == sqlite3.SQLITE_READONLY:
        return None  # somebody wrote within `reading()`: a fault of ours, not of the file
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy(
                f"{place} is locked by another program; nothing was written. Try again in a moment.", "locked"
            )
        case sqlite3.SQLITE_FULL:
            return _full(place)
        case sqlite3.SQLITE_READONLY:
            return _read_only_mount(place, path) or StoreBusy(
                f"{place} is read-only for this user; nothing was written. Check the file's owner.", "read_only"
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return (
                _read_only_mount(place, path)
                or _full_disk(place, path)
                or StoreBusy(
                    f"{place} cannot be opened. Check that the file is there and that it is yours.", "cannot_open"
                )
            )
        case sqlite3.SQLITE_IOERR if code in _NO_ROOM:
            return _read_only_mount(place, path) or _full(place)
        case sqlite3.SQLITE_IOERR:
            return (
                _read_only_mount(place, path)
                or _full_disk(place, path)
                or StoreBusy(
                    f"{place} cannot be read or written ({error.sqlite_errorname}). Check its disk.", "disk_fault"
                )
            )
        case sqlite3.SQLITE_NOTADB:
            return SchemaError(f"{place} is not a SQLite database; it was left as it is.")
        case sqlite3.SQLITE_CORRUPT:
            return ReminderdError(
                f"{place} is damaged. Stop the daemon, then bring back the newest copy, of those in BACKUP_DIR "
                "(backups/ in the home unless set): reminderd restore FILE --force"
            )
    return None


def _full(place: str) -> StoreBusy:
    return StoreBusy(f"{place} cannot grow, its disk or quota is full; nothing was written. Make room first.", "full")


def _full_disk(place: str, path: Path | None) -> StoreBusy | None:
    """Where the file system that the file is on has no room left."""
    disk = _disk_of(path)
    if disk is None:
        return None
    has_none = (disk.f_blocks and not disk.f_bavail) or (disk.f_files and not disk.f_favail)
    return _full(place) if has_none else None


def _read_only_mount(place: str, path: Path | None) -> StoreBusy | None:
    """Where nobody may write to the file system that the file is on; even to read, SQLite makes files beside it."""
    disk = _disk_of(path)
    if disk is None or not disk.f_flag & os.ST_RDONLY:
        return None
    return StoreBusy(
        f"{place} is on a file system that is mounted read-only; nothing was written. Mount it for writing.",
        "read_only",
    )


def _disk_of(path: Path | None) -> os.statvfs_result | None:
    """``None`` where the file is not there, or cannot be looked at."""
    try:
        return os.statvfs(path) if path is not None else None
    except OSError:
        return None


# The first two characters name the class of the fault (PostgreSQL's manual, appendix A); then a word for the
# log, and those for the user.
_POSTGRES_BUSY = {
    "55P03": ("locked", "is locked by another program; nothing was written. Try again in a moment."),
    "40": ("conflict", "had to refuse one of two conflicting changes; nothing was written. Try again."),
    "25006": ("read_only", "is read-only; nothing was written."),
    "25P03": ("timed_out", "ended a transaction in which nothing happened any more; nothing was written. Try again."),
    "53100": ("full", "cannot grow, its disk is full; nothing was written."),
    "53": ("no_room", "has no room for another connection or statement; nothing was written. Try again in a moment."),
    "57": ("stopped", "stopped this work or is shutting down; nothing was written. Try again in a moment."),
    "58": ("disk_fault", "cannot be read or written; nothing was written. See the server's log."),
    "08": ("cut_off", "lost the connection. Try again in a moment."),
}
_POSTGRES_REFUSED = (
    ("password authentication failed", "refused the password."),
    ("no password supplied", "wants a password."),
    ("authentication failed", "refused to let this user in."),
    ("no pg_hba.conf entry", "lets no one in from here (pg_hba.conf)."),
)


def _explain_postgres(error: DBAPIError, place: str, *, reading: bool) -> ReminderdError | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    if reading and state == "25006":
        return None
    if state == "42501":
        return ConfigError(f"{place} does not let this user do that: {_first_line(error)}")
    if state is not None:
        found = next((_POSTGRES_BUSY[key] for key in (state, state[:2]) if key in _POSTGRES_BUSY), None)
        return StoreBusy(f"{place} {found[1]}", found[0]) if found else None
    if type(error.orig).__name__ != "OperationalError" and not error.connection_invalidated:
        return None
    text = str(error.orig)
    for sign, words in _POSTGRES_REFUSED:
        if sign in text:
            return ConfigError(f"{place} {words} Check DATABASE_URL.")
    if 'database "' in text and "does not exist" in text:
        return ConfigError(f"{place} does not exist on that server. Create it, or check DATABASE_URL.")
    if 'role "' in text and "does not exist" in text:
        return ConfigError(f"{place} does not know this user. Check DATABASE_URL.")
    return StoreBusy(f"{place} cannot be reached: {_first_line(error)}", "unreachable")


def _first_line(error: DBAPIError) -> str:
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return lines[0] if lines else type(error.orig).__name__
