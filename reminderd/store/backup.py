"""Whole copies of a SQLite file: made while it is in use, checked, kept for some days, and put in its place."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy import select

from reminderd.errors import ReminderdError, StoreBusy, UsageError
from reminderd.store import faults, migrate
from reminderd.store.database import Store
from reminderd.store.tables import User

RESTS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file. Left behind by another file they would be taken for this one's."""


def copy_to(store: Store, target: Path, *, replace: bool = False) -> Path:
    """A consistent copy (mode 0600) at ``target``, there whole or not at all, and verified before it is put there."""
    assert store.path is not None
    target = target.absolute()
    if target.is_dir():
        raise UsageError(f"{target} is a folder; name the file.")
    if target.exists() and not replace:
        raise UsageError(f"{target} exists already; it was left as it is. Take another name, or --force.")
    if target.resolve() == store.path:
        raise UsageError(f"{target} is the database itself; name another file.")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)  # made with mode 0600
        os.close(handle)
        try:
            _vacuum_into(store, Path(name))
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        migrate.sync(target.parent)
    except OSError as error:
        raise StoreBusy(f"{store.place} cannot be copied to {target}: {error.strerror}.") from error
    return target


def daily(store: Store, folder: Path, keep: int, now: dt.datetime) -> Path | None:
    """The copy of this day (UTC) where there is none yet, and none but the newest ``keep`` left; its path when it was
    made just now. Nothing for what is no SQLite file, where none are to be kept, or while nobody is set up: such a file
    may stand where another was lost, whose copies must not make room for its own."""
    if store.path is None or keep < 1:
        return None
    target = folder / f"{store.path.stem}-{now.astimezone(dt.UTC):%Y-%m-%d}.db"
    if target.exists() or not is_anybody(store):
        return None
    copy_to(store, target)
    for old in kept(store.path, folder)[:-keep]:
        old.unlink(missing_ok=True)
    return target


def kept(path: Path, folder: Path) -> list[Path]:
    """The daily copies of the file at ``path``, the oldest first."""
    return sorted(folder.glob(f"{path.stem}-????-??-??.db"))


def is_anybody(store: Store) -> bool:
    """Whether somebody is set up, so that there is anything to be lost."""
    with store.reading() as session:
        return session.scalar(select(User.id).limit(1)) is not None


def verify(path: Path) -> None:
    """Raises `ReminderdError` unless ``path`` is a sound database of ours, of this program's age or older."""
    from reminderd.store import impossible  # not by a daemon, which makes copies only

    if not path.is_file():
        raise UsageError(f"{path}: there is no such file.")
    store = Store(f"sqlite:///{str(path.absolute()).replace('%', '%25').replace('?', '%3F')}", read_only=True)
    try:
        revision = migrate.current(store)
        if revision is None:
            raise UsageError(f"{path} is no database of reminderd.")
        ready = migrate.is_ready(store)
        if not ready and revision not in migrate.REVISIONS:
            raise UsageError(f"{path} was made by a newer program (revision {revision}); install that one first.")
        problems = impossible.find(store) if ready else []
    finally:
        store.dispose()
    if problems:
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise ReminderdError(f"{path} is damaged ({problems[0]}{more}); nothing was changed. Take an older copy.")


def put_in_place(new: Path, path: Path, now: dt.datetime) -> Path | None:
    """Have ``new`` be the database at ``path``. What was there, with what SQLite keeps beside it, is set aside under
    another name, which is returned."""
    aside = None
    if path.exists():
        aside = path.with_name(f"{path.name}.before-restore-{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}")
    for rest in ("", *RESTS):
        old = path.with_name(path.name + rest)
        if old.exists() and aside is not None:
            os.replace(old, aside.with_name(aside.name + rest))
        else:
            old.unlink(missing_ok=True)
    os.replace(new, path)
    migrate.sync(path.parent)
    return aside


def _vacuum_into(store: Store, target: Path) -> None:
    assert store.path is not None
    try:
        with contextlib.closing(sqlite3.connect(store.path, isolation_level=None, timeout=30)) as source:
            source.execute("VACUUM INTO ?", (str(target),))
        with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as made:
            said = [row[0] for row in made.execute("PRAGMA integrity_check")]
    except sqlite3.Error as error:
        raise faults.explain_sqlite(error, f"The copy {target}", reading=False) or error from error
    if said != ["ok"]:
        raise ReminderdError(f"The copy of {store.place} is damaged ({said[0]}); it was not kept.")
    migrate.sync(target)
