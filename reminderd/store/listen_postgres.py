"""Waiting for work on PostgreSQL."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.exc import DBAPIError

from reminderd.errors import OutOfDate, ReminderdError
from reminderd.store.listen import Waiting
from reminderd.store.wake import CHANNEL

if TYPE_CHECKING:
    from reminderd.store.database import Store

_FAULTS = (psycopg.Error, OSError, DBAPIError, ReminderdError)


class PostgresListener(Waiting):
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
        except _FAULTS:
            self._drop()
            return False
        return self._heard or before != self._seen

    def _connect(self) -> bool:
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
        except _FAULTS:
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
            with contextlib.suppress(*_FAULTS):
                self._handle.close()
            self._connection = None
