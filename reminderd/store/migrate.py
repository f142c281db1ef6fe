"""Bringing a database to the schema that this program works with.

Alembic costs 380 ms and 39 MB, so it is imported only when there is something to upgrade.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    delete,
    event,
    insert,
    inspect,
    select,
    text,
)

from reminderd.errors import OutOfDate, ReminderdError, SchemaError, StoreBusy
from reminderd.store import faults, lock
from reminderd.store.database import Store
from reminderd.store.tables import Base, SchemaFloor

REVISIONS = ("0001",)
"""All that there are, oldest first; a test compares them with the files."""
OLDEST = "0001"
"""The oldest program, named by the newest revision that it knows, that can work with a database at the head. It stays
when a revision only expands: adds tables, indexes, and columns that may be empty or have a default in the database.
A revision that contracts (removes, renames, narrows) raises it to the first program that needs nothing of what goes."""
FOLDER = Path(__file__).parent / "migrations"
VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, as it makes it."""
ADVISORY_LOCK = 0x7265_6D69_6E64  # "remind"
PROGRAMS = 0x7265_6D69
"""The class of advisory locks on PostgreSQL that each connection shares under the number of its program's revision."""


def head() -> str:
    """The revision that this program works with."""
    return REVISIONS[-1]


def current(store: Store) -> str | None:
    """The revision that the database has; ``None`` when it has none of our tables."""
    with store.reading() as session:
        return _revision(session.connection())


def is_ready(store: Store) -> bool:
    """Whether this program can work with the database as it is: it is at the head revision, or at a newer one that
    only expands it."""
    with store.reading() as session:
        return _is_ready(session.connection())


def ensure_ready(store: Store, *, now: dt.datetime, backup_dir: Path | None = None) -> Path | None:
    """Leave the database at the head revision, or at a newer one that this program can work with; or raise
    `SchemaError` and leave it as it was.

    A SQLite file is created or upgraded on the spot; an older one is copied first, and the copy's path returned.
    PostgreSQL may be shared with other daemons, so that its upgrade is a command of its own. There each connection
    shows from now on which program it belongs to, and one made after a contraction is refused.
    """
    if not store.is_sqlite:
        _show_program(store)
    if is_ready(store):
        return None
    revision = current(store)
    _refuse_too_new(store, revision)
    if not store.is_sqlite or store.read_only:
        state = "has no tables yet" if revision is None else f"is at revision {revision}, this program needs {head()}"
        raise SchemaError(f"{store.place} {state}. Run: reminderd db upgrade")
    return upgrade(store, now=now, backup_dir=backup_dir)


def upgrade(store: Store, *, now: dt.datetime, backup_dir: Path | None = None) -> Path | None:
    """Bring the database to the head revision, all or nothing. The path of the copy made of a SQLite file."""
    if is_ready(store):
        return None
    revision = current(store)
    _refuse_too_new(store, revision)
    if revision is None:
        create(store)
        return None
    _refuse_beside_daemon(store)
    copy = back_up(store, label=f"before-{head()}", now=now, folder=backup_dir) if store.path is not None else None
    with _schema_change(store) as connection:
        if not store.is_sqlite:
            _refuse_beside_older(store, connection)
        run_migrations(connection)
        _note_floor(connection)
    return copy


def create(store: Store) -> None:
    """The tables of the head revision in an empty database, as running all migrations would make them."""
    with _schema_change(store) as connection:
        if _revision(connection) is not None:
            return  # somebody was quicker
        _refuse_foreign(store, connection)
        Base.metadata.create_all(connection)
        VERSION.create(connection)
        connection.execute(insert(VERSION), {"version_num": head()})
        _note_floor(connection)


def run_migrations(connection: Connection, *, to: str = "head") -> None:
    """The revisions that the database lacks, within the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def back_up(store: Store, *, label: str, now: dt.datetime, folder: Path | None = None) -> Path:
    """A whole copy of a SQLite file (mode 0600) beside it, or in ``folder``."""
    assert store.path is not None
    name = f"{store.path.name}.{label}-{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"
    try:
        copy = _new_file((folder or store.path.parent) / name)
    except OSError as error:
        raise StoreBusy(f"{store.place} cannot be copied to {error.filename}: {error.strerror}.") from error
    try:
        with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as source:
            source.execute("VACUUM INTO ?", (str(copy),))
        sync(copy)
    except sqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise faults.explain_sqlite(error, f"The copy {copy}", reading=False) or error from error
    return copy


@contextlib.contextmanager
def _schema_change(store: Store) -> Iterator[Connection]:
    """One transaction, alone; on SQLite without foreign keys, or replacing a table empties those that point to it."""
    with store.explained(reading=False), store.engine.connect() as connection:
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.execute("PRAGMA foreign_keys=OFF")
            driver.execute("PRAGMA temp_store=FILE")  # a whole table may be sorted for an index
        try:
            with connection.begin():
                if not store.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                yield connection
                if store.is_sqlite and connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
                    raise SchemaError(f"{store.place} would be left with dangling rows; the upgrade was taken back.")
        finally:
            if isinstance(driver, sqlite3.Connection):
                driver.execute("PRAGMA foreign_keys=ON")
                driver.execute("PRAGMA temp_store=MEMORY")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION.name):
        return None
    return connection.execute(select(VERSION.c.version_num)).scalar()


def _is_ready(connection: Connection) -> bool:
    revision = _revision(connection)
    if revision is None or revision in REVISIONS:
        return revision == head()
    return connection.execute(select(SchemaFloor.revision)).scalar() in REVISIONS


def _note_floor(connection: Connection) -> None:
    connection.execute(delete(SchemaFloor))
    connection.execute(insert(SchemaFloor), {"revision": OLDEST})


def _refuse_too_new(store: Store, revision: str | None) -> None:
    if revision is not None and revision not in REVISIONS:
        raise _too_new(store, revision)


def _too_new(store: Store, revision: str) -> OutOfDate:
    return OutOfDate(
        f"{store.place} is at revision {revision}, which this program does not know: it was made by a newer one "
        f"(this one knows up to {head()}). It was left as it is; install the newer program."
    )


def _refuse_foreign(store: Store, connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(Base.metadata.tables))
    if taken:
        raise SchemaError(
            f"{store.place} has tables of the same names ({', '.join(taken)}) that reminderd did not make; "
            "it was left as it is."
        )


def _refuse_beside_daemon(store: Store) -> None:
    pid = lock.holder(store)
    if pid is not None and pid != os.getpid():
        raise SchemaError(
            f"{store.place} is to be upgraded from {current(store)} to {head()}, but a daemon of the older program "
            f"works on it (process {pid}). Restart the daemon: it upgrades the file itself."
        )


def _refuse_beside_older(store: Store, connection: Connection) -> None:
    """Nothing is contracted while a program is connected that cannot work with what is left then. Until the end of the
    transaction no such program can connect."""
    for revision in REVISIONS[: REVISIONS.index(OLDEST)]:
        key = {"programs": PROGRAMS, "revision": int(revision)}
        if connection.execute(text("SELECT pg_try_advisory_xact_lock(:programs, :revision)"), key).scalar():
            continue
        at_work = connection.execute(_AT_WORK, key).scalars().all()
        raise SchemaError(
            f"{store.place} is to be upgraded from {current(store)} to {head()}, but programs that know only "
            f"{revision} work on it (server processes {', '.join(map(str, at_work))}; pg_stat_activity says from "
            "where). It was left as it is. Stop them or bring them up to date first, then run: reminderd db upgrade"
        )


_AT_WORK = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :programs AND objid = :revision "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted ORDER BY pid"
)


def _show_program(store: Store) -> None:
    """From now on each connection of the store holds, until it is closed, a lock that says which program it belongs
    to; one to a database that is too new for it, or just being made so, is not opened."""
    store.engine.dispose()

    def greet(connection: Any, _: object) -> None:
        refusal = _refusal(store, connection)
        if refusal is not None:
            connection.close()
            raise refusal

    event.listen(store.engine, "connect", greet)


def _refusal(store: Store, connection: Any) -> ReminderdError | None:
    """Why a new connection of the PostgreSQL driver is not to be used, if so."""
    key = (PROGRAMS, int(head()))
    if not connection.execute("SELECT pg_try_advisory_lock_shared(%s, %s)", key).fetchone()[0]:
        return StoreBusy(f"{store.place} is being upgraded. Try again in a moment.")
    made = connection.execute("SELECT to_regclass('schema_floor') IS NOT NULL").fetchone()[0]
    row = made and connection.execute("SELECT version_num, revision FROM alembic_version, schema_floor").fetchone()
    connection.commit()
    return _too_new(store, row[0]) if row and row[1] not in REVISIONS else None


def _new_file(wanted: Path) -> Path:
    for number in range(1, 1000):
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        return path
    raise ReminderdError(f"There are too many copies already: {wanted}")


def sync(path: Path) -> None:
    """Have the file on the disk before what depends on it is done."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
