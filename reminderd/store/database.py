"""The database: one way to read, one way to write."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, select, true
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, InvalidatePoolError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool, StaticPool

from reminderd.clock import steady
from reminderd.errors import ConfigError, SettingError, StoreBusy
from reminderd.store import faults
from reminderd.store import wake as waking
from reminderd.store.prepared import driver_of, told_as_ever
from reminderd.store.tables import Base, complete_for_postgres

MODE = "reminderd_mode"
ROWS_AT_A_TIME = 1000
OLDEST_SQLITE = (3, 33)
"""The first that can change rows by values given for each (``UPDATE … FROM``)."""
CHECKPOINT_EVERY = 4000
"""Pages (16 MB) of the log that are committed and not yet in the SQLite file. Moving them is a commit's dearest part; a
crash costs none of them."""
CACHE_KB = 8000
"""Of a SQLite file, for each connection, as far as it reads so much: the inner pages of what has a million rows."""
FRESH_FOR = 1.0
"""Seconds for which a connection to PostgreSQL is taken to be alive after its last use."""
STOOD_STILL_FOR = 20.0
"""Seconds after which PostgreSQL ends a transaction in which nothing happens: less than others wait for its locks."""


class Transaction:
    """One transaction that writes: its connection, and an ORM session on it for those who want one. A session costs as
    much as several statements, so that what runs all day does without."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """On the connection; what it has to write is written at the end, and may be sooner."""
        if self._session is None:
            self._session = Session(self.connection)
        return self._session

    def flush(self) -> None:
        """Write what the session has to write."""
        if self._session is not None:
            self._session.flush()

    def close(self) -> None:
        """Let go of the session; the transaction is not ended by that."""
        if self._session is not None:
            self._session.close()


class Store:
    """A database and the ways to have a transaction on it. May be used from several threads.

    A SQLite file that is missing is created (0600, its folder 0700), unless ``read_only``.
    ``busy_timeout`` is how many seconds a writer waits for another one.
    """

    def __init__(self, url: str, *, read_only: bool = False, busy_timeout: float = 30.0) -> None:
        parsed = _parse(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.read_only = read_only
        self.path: Path | None = _file_of(parsed) if self.is_sqlite else None
        self.place = _place(parsed, self.path)
        self._busy_timeout = busy_timeout
        self._watch: sqlite3.Connection | None = None
        self._watch_inode = 0
        self._watch_lock = threading.Lock()
        if self.is_sqlite:
            if sqlite3.sqlite_version_info < OLDEST_SQLITE:
                oldest = ".".join(map(str, OLDEST_SQLITE))
                raise ConfigError(f"SQLite {oldest} or newer is needed; this Python has {sqlite3.sqlite_version}.")
            if self.path is not None and not read_only:
                _create_file(self.path, self.place)
            self.engine = self._sqlite_engine()
            self._reader: Engine = self.engine.execution_options(**{MODE: "DEFERRED"})
            self._writer = self.engine
        else:
            self.engine = self._postgres_engine(parsed)
            # Repeatable read gives several queries one snapshot, as SQLite does.
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._writer = self._reader if read_only else self.engine

    @classmethod
    def memory(cls) -> Store:
        """A private, empty SQLite database with a single connection, gone when disposed of."""
        return cls("sqlite://")

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """One snapshot of the database; a write within raises. What was loaded stays usable afterwards."""
        with self.explained(reading=True), Session(self._reader, expire_on_commit=False) as session:
            yield session
            if not self.is_sqlite:  # nothing was written; but with a roll-back psycopg forgets what it has prepared
                session.expunge_all()
                session.commit()

    @contextlib.contextmanager
    def writing(self, *, wake: bool = False) -> Iterator[Session]:
        """All of it is committed at the end, or nothing when the body raises; ``wake`` then wakes the daemon.

        On SQLite there is one writer at a time. On PostgreSQL lock what you read in order to change it:
        ``with_for_update()``, which SQLite does without.
        """
        with self.explained(reading=False), Session(self._writer, expire_on_commit=False) as session:
            session.connection()  # begins now, so that what is read here cannot change before it is written
            yield session
            if wake and not self.is_sqlite:
                waking.notify(session)
            session.commit()
        if wake and self.path is not None:
            waking.send_byte(waking.socket_path(self.path))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """As `writing`, without a session until one is asked for."""
        with self.explained(reading=False), self._writer.connect() as connection, connection.begin() as root:
            transaction = Transaction(connection)
            try:
                yield transaction
                transaction.flush()
                root.commit()  # raises where something within has taken it all back
            finally:
                transaction.close()

    def data_version(self) -> str | None:
        """SQLite: changes whenever anyone commits to the file, this process included. PostgreSQL: ``None``."""
        if self.path is None:
            return None
        try:
            with self._watch_lock:
                inode = os.stat(self.path).st_ino
                if self._watch is None or self._watch_inode != inode:
                    self._close_watch()
                    self._watch, self._watch_inode = self._open_sqlite(), inode
                version: int = self._watch.execute("PRAGMA data_version").fetchone()[0]
                return f"{inode}.{version}"
        except OSError as error:
            raise StoreBusy(f"{self.place} cannot be opened: {error.strerror}.") from error
        except sqlite3.Error as error:
            raise faults.explain_sqlite(error, self.place, reading=True, path=self.path) or error from error

    def copy_to(self, other: Store, *, user_id: int | None = None) -> None:
        """Copy all rows, or those of one user, into a private in-memory store that is still empty."""
        if not (other.is_sqlite and other.path is None):
            raise ValueError("copies go to an in-memory store only")
        with self.explained(reading=True):
            if self.is_sqlite and user_id is None:
                with self.engine.connect() as source, other.engine.connect() as target:
                    driver_of(source).backup(driver_of(target))
            else:
                self._copy_rows(other, user_id)

    def dispose(self) -> None:
        """Close all connections. The store may be used again; an in-memory one is empty then."""
        self.engine.dispose()
        with self._watch_lock:
            self._close_watch()

    @contextlib.contextmanager
    def explained(self, *, reading: bool) -> Iterator[None]:
        """Faults of the database within become one clear line of ours."""
        try:
            yield
        except DBAPIError as error:
            fault = faults.explain(error, self.place, reading=reading and not self.read_only, path=self.path)
            if fault is None:
                raise
            raise fault from error

    def _sqlite_engine(self) -> Engine:
        pool = QueuePool if self.path is not None else StaticPool
        engine = create_engine("sqlite://", creator=self._open_sqlite, poolclass=pool, hide_parameters=True)
        event.listen(engine, "begin", _begin_sqlite)
        if self.path is not None:
            event.listen(engine, "connect", self._remember_file)
            event.listen(engine, "checkout", self._check_file)
        return engine

    def _postgres_engine(self, url: URL) -> Engine:
        arguments: dict[str, Any] = {
            "application_name": "reminderd",
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            # Whatever the server's default is: a commit that a crash takes back would have messages sent twice.
            "options": f"-c lock_timeout={int(self._busy_timeout * 1000)} -c synchronous_commit=on"
            # What a node locked that was stopped or cut off is free for the others.
            f" -c idle_in_transaction_session_timeout={int(STOOD_STILL_FOR * 1000)}",
        }
        chosen = {name: value for name, value in arguments.items() if name not in url.query}
        complete_for_postgres()
        try:
            engine = create_engine(url, hide_parameters=True, connect_args=chosen)
        except ModuleNotFoundError as error:
            raise ConfigError("PostgreSQL needs psycopg: pip install 'reminderd[postgres]'.") from error
        _Alive(engine)
        return engine

    def _open_sqlite(self) -> sqlite3.Connection:
        """A connection without the driver's own transactions, which let two readers both win a claim."""
        if self.path is None:
            target = ":memory:"
        else:
            target = f"file:{quote(str(self.path))}?mode={'ro' if self.read_only else 'rw'}"
        connection = sqlite3.connect(
            target,
            uri=self.path is not None,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if self.path is not None and not self.read_only:
                _use_wal(connection)
            connection.execute("PRAGMA synchronous=FULL")
            # What a statement that changes many pages notes to be able to take itself back; else it has a file each.
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_EVERY}")
            connection.execute(f"PRAGMA cache_size=-{CACHE_KB}")
            connection.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _remember_file(self, connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["inode"] = self._inode()

    def _check_file(self, connection: Any, entry: ConnectionPoolEntry, fairy: Any) -> None:
        """A database that was removed or replaced must not be written to through an old connection."""
        if entry.info["inode"] != self._inode():
            raise DisconnectionError

    def _inode(self) -> int | None:
        assert self.path is not None
        try:
            return os.stat(self.path).st_ino
        except OSError:
            return None

    def _close_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _copy_rows(self, other: Store, user_id: int | None) -> None:
        Base.metadata.create_all(other.engine)
        with self.reading() as source, other.writing() as target:
            for table in Base.metadata.sorted_tables:
                owner = table.c.get("id" if table.name == "users" else "user_id")
                mine = true() if user_id is None or owner is None else owner == user_id
                for rows in source.execute(select(table).where(mine)).mappings().partitions(ROWS_AT_A_TIME):
                    target.execute(insert(table), [dict(row) for row in rows])


def _parse(url: str) -> URL:
    expected = "sqlite:///PATH or postgresql://USER@HOST/NAME"
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    except ArgumentError as error:
        raise SettingError("DATABASE_URL", expected, None) from error
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite") and not parsed.query:
        return parsed
    raise SettingError("DATABASE_URL", expected, None)


def _file_of(url: URL) -> Path | None:
    return None if url.database in (None, "", ":memory:") else Path(url.database).resolve()


def _place(url: URL, path: Path | None) -> str:
    if path is not None:
        return f"The database {path}"
    if url.get_backend_name() == "sqlite":
        return "The database in memory"
    host = url.host or "local"
    return f"The database {url.database or ''} on {host}{f':{url.port}' if url.port else ''}"


def _create_file(path: Path, place: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError as error:
        if not path.is_file():
            raise StoreBusy(f"{place} cannot be opened: that is not a file.") from error
    except OSError as error:
        raise StoreBusy(f"{place} cannot be created: {error.strerror}.") from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Idempotent and cheap when it is so already; a file we may only read keeps what it has."""
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise


def _begin_sqlite(connection: Connection) -> None:
    driver, mode = driver_of(connection), connection.get_execution_options().get(MODE, "IMMEDIATE")
    with told_as_ever(connection):
        if connection.info.get(MODE) != mode:  # not each time: SQLite then puts all its statements together anew
            driver.execute(f"PRAGMA query_only={'ON' if mode == 'DEFERRED' else 'OFF'}")
            connection.info[MODE] = mode
        driver.execute(f"BEGIN {mode}")


class _Alive:
    """A server that was started anew must not cost a failure. Asking costs a round trip, and a busy daemon takes a
    connection hundreds of times a second: asked are those that have rested, and all once one was lost."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        self._lost_at = -math.inf
        event.listen(engine, "checkin", self._note_use)
        event.listen(engine, "invalidate", self._note_loss)
        event.listen(engine, "checkout", self._check)

    def _note_use(self, connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["used_at"] = steady()

    def _note_loss(self, connection: Any, entry: ConnectionPoolEntry, error: BaseException | None) -> None:
        self._lost_at = steady()

    def _check(self, connection: Any, entry: ConnectionPoolEntry, fairy: Any) -> None:
        used_at = entry.info.get("used_at", math.inf)  # one made just now has no such moment
        if used_at > max(self._lost_at, steady() - FRESH_FOR):
            return
        try:
            self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error
