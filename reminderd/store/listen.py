"""How the daemon waits for work: until it is woken, or the database changed without a word."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from reminderd.errors import ReminderdError
from reminderd.store.wake import address_of, socket_path

if TYPE_CHECKING:
    from reminderd.store.database import Store


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
    if store.is_sqlite:
        return _FileListener(store, look_every)
    from reminderd.store.listen_postgres import PostgresListener

    return PostgresListener(store, look_every)


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


class Waiting:
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


class _FileListener(Waiting):
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


def _bind(path: Path) -> socket.socket | None:
    """``None`` when there can be no socket there; the looks at the database do instead."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        listening.setblocking(False)
        os.fchmod(listening.fileno(), 0o600)
        if path.is_socket():
            path.unlink()  # a former daemon's: the lock says that it is dead
        with address_of(path) as address:
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
