"""Waking the daemon after a commit."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from reminderd.errors import OutOfDate, ReminderdError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.store.database import Store

CHANNEL = "reminderd"
LONGEST_ADDRESS = 100
"""Longer paths do not fit into a Unix socket's address everywhere."""


def wake(store: Store) -> None:
    """Tell the daemon that there is something to do. Best effort on SQLite: it also looks by itself."""
    if store.path is not None:
        send_byte(socket_path(store.path))
    elif not store.is_sqlite:
        with store.writing(wake=True):
            pass


def socket_path(database: Path) -> Path:
    return database.with_suffix(".sock")


def notify(session: Session) -> None:
    """On PostgreSQL: sent by the server once this transaction has been committed."""
    session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


def send_byte(path: Path) -> None:
    """One datagram to whoever listens there; nobody listening, or a full queue, is no fault."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        with _address(path) as address:
            sender.sendto(b"\0", address)


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """An address for a socket's path, however long the path."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Listener(Protocol):
    """How the daemon waits for work. One thread waits; any may poke."""

    def wait(self, timeout: float) -> bool:
        """Until woken (true) or for ``timeout`` seconds (false). A wake-up that nobody waited for is kept.

        Also true when the database changed without a wake-up, seen every few seconds. The daemon's own commits count
        as changes, so that a pass which changed something is followed by one more, which finds nothing to do.
        """
        ...

    def poke(self) -> None:
        """Wake the waiting thread from within this process; safe in a signal handler."""
        ...

    def close(self) -> None: ...


def make_listener(store: Store, *, look_every: float = 2.0) -> Listener:
    return _FileListener(store, look_every) if store.is_sqlite else _PostgresListener(store, look_every)


class _Bell:
    """What `poke` rings: a pipe whose end can be waited for together with others."""

    def __init__(self) -> None:
        self._out, self._into = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._out

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it is ringing
            os.write(self._into, b"\0")

    def silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._out, 4096):
                pass

    def close(self) -> None:
        os.close(self._out)
        os.close(self._into)


class _Waiting:
    """The waiting that both listeners share: until rung or called, with a look at the database now and then."""

    def __init__(self, look_every: float) -> None:
        self._bell = _Bell()
        self._look_every = look_every

    def poke(self) -> None:
        self._bell.ring()

    def wait(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select(self._sources(), [], [], min(left, self._look_every))
            self._bell.silence()
            called = self._listen(ready)
            if self._changed() or called or self._bell in ready:
                return True
            if left <= self._look_every and not ready:
                return False

    def _sources(self) -> list[Any]:
        return [self._bell]

    def _listen(self, ready: list[Any]) -> bool:
        """Take what came in; whether it was a wake-up."""
        raise NotImplementedError

    def _changed(self) -> bool:
        """Whether the database changed since the last look."""
        raise NotImplementedError


class _FileListener(_Waiting):
    """A datagram socket beside the file, and a look at the file's data version."""

    def __init__(self, store: Store, look_every: float) -> None:
        super().__init__(look_every)
        self._store = store
        self._path = socket_path(store.path) if store.path is not None else None
        self._socket = _bind(self._path) if self._path is not None else None
        self._inode = _inode(self._path)
        self._seen = self._version()

    def close(self) -> None:
        if self._socket is not None and self._path is not None:
            self._socket.close()
            if _inode(self._path) == self._inode:
                self._path.unlink(missing_ok=True)
        self._bell.close()

    def _sources(self) -> list[Any]:
        return [self._bell] if self._socket is None else [self._bell, self._socket]

    def _listen(self, ready: list[Any]) -> bool:
        if self._socket is None or self._socket not in ready:
            return False
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(16)
        return True

    def _changed(self) -> bool:
        before, self._seen = self._seen, self._version()
        return before != self._seen

    def _version(self) -> str | None:
        try:
            return self._store.data_version()
        except ReminderdError:
            return None  # the daemon's next pass meets the fault itself


class _PostgresListener(_Waiting):
    """LISTEN on a connection of its own, made anew when lost, and a look at the server's newest transaction."""

    def __init__(self, store: Store, look_every: float) -> None:
        super().__init__(look_every)
        self._store = store
        self._heard = False
        self._seen = ""
        self._connection: Any = None
        self._connect()

    def close(self) -> None:
        self._drop()
        self._bell.close()

    def _sources(self) -> list[Any]:
        return [self._bell] if self._connection is None else [self._bell, self._connection]

    def _listen(self, ready: list[Any]) -> bool:
        if self._connection is None:
            return self._connect()  # something may have been missed meanwhile
        return False

    def _changed(self) -> bool:
        """A round trip also brings in the notifications that have arrived."""
        before, self._heard = self._seen, False
        try:
            self._seen = self._snapshot()
        except self._faults:
            self._drop()
            return False
        return self._heard or before != self._seen

    def _connect(self) -> bool:
        import psycopg

        self._faults = (psycopg.Error, OSError, DBAPIError, ReminderdError)
        try:
            # Detached from the pool, but with all the pool's arguments.
            self._handle = self._store.engine.raw_connection()
            self._connection = self._handle.driver_connection
            self._handle.detach()
            self._connection.autocommit = True
            self._connection.add_notify_handler(self._hear)
            self._connection.execute(f"LISTEN {CHANNEL}")
            self._seen = self._snapshot()
        except OutOfDate:
            self._drop()
            return True  # the daemon's next pass meets it itself
        except self._faults:
            self._drop()
            return False
        return True

    def _snapshot(self) -> str:
        if self._connection is None:
            return self._seen
        found: str = self._connection.execute("SELECT pg_current_snapshot()::text").fetchone()[0]
        return found

    def _hear(self, _: Any) -> None:
        self._heard = True

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(*self._faults):
                self._handle.close()
            self._connection = None


def _bind(path: Path) -> socket.socket | None:
    """``None`` when there can be no socket there; the looks at the database do instead."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        listening.setblocking(False)
        os.fchmod(listening.fileno(), 0o600)
        if path.is_socket():
            path.unlink()  # a former daemon's: the lock says that it is dead
        with _address(path) as address:
            listening.bind(address)
    except OSError:
        listening.close()
        return None
    return listening


def _inode(path: Path | None) -> int | None:
    try:
        return None if path is None else os.stat(path).st_ino
    except OSError:
        return None
