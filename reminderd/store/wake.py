"""Waking the daemon after a commit. How it waits for that is in `reminderd.store.listen`."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

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
        with address_of(path) as address:
            sender.sendto(b"\0", address)


@contextlib.contextmanager
def address_of(path: Path) -> Iterator[str]:
    """An address for a socket's path, however long the path."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
