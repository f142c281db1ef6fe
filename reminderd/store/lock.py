"""What only one may do at a time: be the daemon of a SQLite file, keep house in a PostgreSQL."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reminderd.errors import ReminderdError, StoreBusy
from reminderd.store.database import Store

HOUSEKEEPING = 0x686F_7573_656B  # "housek"
"""The advisory lock on PostgreSQL."""
TRIES = 50
"""A look by `holder` holds the lock for a few microseconds; that must not turn a daemon away."""


@contextlib.contextmanager
def own(store: Store) -> Iterator[None]:
    """Be the only daemon on this file until the end of the block, or of the process, however it ends. Whoever gets the
    lock knows that the former owner is dead.

    Several daemons may share one PostgreSQL, so that there is nothing to own.
    """
    if store.path is None:
        yield
        return
    handle = _open(lock_path(store.path))
    try:
        if not _take(handle):
            who = _read_pid(handle)
            raise ReminderdError(f"{store.place} has a daemon already{f' (process {who})' if who else ''}.")
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)  # the file stays: to remove it would let two daemons lock two files


def holder(store: Store) -> int | None:
    """The process number of the daemon that owns this file; ``None`` when there is none, or it cannot be told."""
    if store.path is None:
        return None
    try:
        handle = os.open(lock_path(store.path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        pid = _read_pid(handle)
        if pid is None:
            return None
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return pid
    except OSError:
        return None
    finally:
        os.close(handle)
    return None


def keep_house(session: Session) -> bool:
    """Whether no other node is at it. Then none can begin before the end of this transaction. A SQLite file has one
    daemon only, so that there is nobody to ask."""
    if session.connection().dialect.name == "sqlite":
        return True
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(HOUSEKEEPING))))


def lock_path(database: Path) -> Path:
    return database.with_suffix(".lock")


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreBusy(f"The lock {path} cannot be opened: {error.strerror}.") from error


def _take(handle: int) -> bool:
    for _ in range(TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.sched_yield()
        else:
            return True
    return False


def _read_pid(handle: int) -> int | None:
    text = os.pread(handle, 20, 0).strip()
    return int(text) if text.isdigit() else None
