"""Schemas: the database is at the head, or it is refused and left as it was."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from reminderd.errors import ReminderdError, SchemaError, StoreBusy
from reminderd.store import impossible, lock, migrate
from reminderd.store.database import Store
from reminderd.store.tables import Base, Step, StoredMessage, User
from tests.servers.postgres import PostgresServer
from tests.store.rows import MAIL, NOW, add_delivery, add_user, make_delivery, make_nudge

CHANGES_USERS = """
import sqlalchemy as sa
from alembic import op
revision = "0002"
down_revision = "0001"

def upgrade():
    with op.batch_alter_table("users") as batch:  # SQLite has to copy the table for the wider column
        batch.alter_column("name", type_=sa.String(300), existing_type=sa.String(200), existing_nullable=False)
        batch.add_column(sa.Column("nickname", sa.String(20), nullable=False, server_default="-"))
"""
FAILS_HALF_WAY = CHANGES_USERS + "    op.execute('INSERT INTO no_such_table VALUES (1)')\n"


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/home/reminderd.db")
    yield store
    store.dispose()


@pytest.fixture
def empty_postgres(postgres_server: PostgresServer) -> Iterator[Store]:
    url = postgres_server.create()
    store = Store(url)
    yield store
    store.dispose()
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.getfixturevalue(f"empty_{request.param}")
    return made


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As if the program knew one more revision; the folder in which to write it."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for path in [*migrate.FOLDER.glob("*.*"), *migrate.FOLDER.glob("versions/*.py")]:
        (folder / path.relative_to(migrate.FOLDER)).write_text(path.read_text())
    monkeypatch.setattr(migrate, "FOLDER", folder)
    monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, "0002"))
    (folder / "versions" / "0002_more.py").write_text(CHANGES_USERS)
    return folder / "versions" / "0002_more.py"


def at_first_revision(store: Store) -> None:
    """Some data in a database that the migrations made, at the oldest revision."""
    with store.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        Base.metadata.drop_all(connection)
    with store.engine.begin() as connection:
        migrate.run_migrations(connection, to="0001")
    user = add_user(store)
    with store.writing() as session:
        delivery, nudge = make_delivery(user), make_nudge(user)
        session.add(nudge)
        add_delivery(session, delivery)
        reminder = {"nudge_id": nudge.id, "position": 1, "planned_at": NOW, "at": NOW, "state": "sent"}
        session.add(Step(user_id=user.id, channel="email", lane="now", delivery_id=delivery.id, **reminder))


class TestRevisions:
    def test_the_known_revisions_are_those_of_the_files(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(migrate.FOLDER))
        config.set_main_option("path_separator", "os")
        scripts = ScriptDirectory.from_config(config)
        assert [script.revision for script in scripts.walk_revisions()] == list(reversed(migrate.REVISIONS))
        assert [migrate.head()] == scripts.get_heads()

    def test_the_tables_and_the_migrations_make_the_same_schema(self, empty_store: Store) -> None:
        with empty_store.engine.begin() as connection:
            migrate.run_migrations(connection)
        migrated = describe(empty_store)
        with empty_store.engine.begin() as connection:
            connection.execute(text("DROP TABLE alembic_version"))
            Base.metadata.drop_all(connection)
        migrate.create(empty_store)
        assert describe(empty_store) == migrated, "run: python -m reminderd.store.migrations.new --again"

    def test_alembic_finds_no_difference(self, empty_store: Store) -> None:
        migrate.upgrade(empty_store, now=NOW)
        with empty_store.engine.connect() as connection, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*expression-based index")
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


class TestReady:
    def test_an_empty_file_is_made_ready_without_a_copy(self, tmp_path: Path) -> None:
        store = Store(f"sqlite:///{tmp_path}/home/reminderd.db")
        assert migrate.current(store) is None
        assert migrate.ensure_ready(store, now=NOW) is None
        assert migrate.current(store) == migrate.head()
        assert [path.name for path in (tmp_path / "home").glob("*before*")] == []
        store.dispose()

    def test_a_ready_database_costs_no_alembic(self, tmp_path: Path) -> None:
        script = (
            "import sys, datetime as dt\n"
            "from reminderd.store import migrate\n"
            "from reminderd.store.database import Store\n"
            f"store = Store('sqlite:///{tmp_path}/home/reminderd.db')\n"
            "for _ in range(2):\n"
            "    migrate.ensure_ready(store, now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))\n"
            "print(migrate.current(store), 'alembic' in sys.modules)\n"
        )
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout == "0001 False\n"

    def test_an_empty_server_is_refused_with_the_command(self, empty_postgres: Store) -> None:
        with pytest.raises(SchemaError, match="reminderd db upgrade"):
            migrate.ensure_ready(empty_postgres, now=NOW)
        assert migrate.current(empty_postgres) is None
        migrate.upgrade(empty_postgres, now=NOW)
        assert migrate.ensure_ready(empty_postgres, now=NOW) is None
        add_user(empty_postgres)

    def test_an_older_server_is_refused_with_the_command(self, postgres_store: Store, later: Path) -> None:
        at_first_revision(postgres_store)
        with pytest.raises(SchemaError, match=r"revision 0001, this program needs 0002.*reminderd db upgrade"):
            migrate.ensure_ready(postgres_store, now=NOW)
        assert migrate.current(postgres_store) == "0001"

    def test_an_older_file_is_not_upgraded_by_who_only_reads(self, sqlite_store: Store, later: Path) -> None:
        at_first_revision(sqlite_store)
        looker = Store(f"sqlite:///{sqlite_store.path}", read_only=True)
        with pytest.raises(SchemaError, match="reminderd db upgrade"):
            migrate.ensure_ready(looker, now=NOW)
        looker.dispose()

    def test_a_newer_database_is_refused_unharmed(self, empty_store: Store) -> None:
        migrate.upgrade(empty_store, now=NOW)
        add_user(empty_store)
        with empty_store.writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            session.execute(text("UPDATE schema_floor SET revision = '9998'"))
        before = describe(empty_store)
        for bring in (migrate.ensure_ready, migrate.upgrade):
            older = Store(url_of(empty_store))
            with pytest.raises(SchemaError, match=r"9999.*made by a newer one.*It was left as it is") as caught:
                bring(older, now=NOW)
            assert caught.value.exit_code == 78
            older.dispose()
        assert describe(empty_store) == before
        with empty_store.reading() as session:
            assert session.scalars(select(User.name)).all() == ["Mia"]

    def test_a_newer_database_that_was_only_expanded_is_worked_with(self, empty_store: Store) -> None:
        migrate.upgrade(empty_store, now=NOW)
        with empty_store.writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            session.execute(text("ALTER TABLE users ADD COLUMN nickname VARCHAR(20)"))
        assert migrate.ensure_ready(empty_store, now=NOW) is None
        assert migrate.upgrade(empty_store, now=NOW) is None
        assert migrate.current(empty_store) == "9999"
        add_user(empty_store)
        assert impossible.find(empty_store) == []

    def test_somebody_elses_tables_are_left_alone(self, empty_store: Store) -> None:
        with empty_store.writing() as session:
            session.execute(text("CREATE TABLE users (id INTEGER)"))
        with pytest.raises(SchemaError, match=r"users.*did not make"):
            migrate.upgrade(empty_store, now=NOW)
        assert migrate.current(empty_store) is None
        with empty_store.reading() as session:
            assert session.execute(text("SELECT * FROM users")).all() == []


class TestUpgrade:
    def test_it_keeps_all_rows_and_those_that_point_to_them(self, store: Store, later: Path) -> None:
        at_first_revision(store)
        migrate.upgrade(store, now=NOW)
        assert migrate.current(store) == "0002"
        with store.reading() as session:
            assert session.execute(text("SELECT name, nickname FROM users")).all() == [("Mia", "-")]
            assert session.scalars(select(StoredMessage)).one().read() == MAIL
            assert session.scalars(select(Step)).one().at == NOW

    def test_foreign_keys_are_on_again_afterwards(self, sqlite_store: Store, later: Path) -> None:
        at_first_revision(sqlite_store)
        migrate.ensure_ready(sqlite_store, now=NOW)
        with sqlite_store.writing() as session:
            assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
            session.execute(text("DELETE FROM users"))
            assert session.scalars(select(Step)).all() == []

    def test_a_file_is_copied_first_and_the_copy_is_private(self, sqlite_store: Store, later: Path) -> None:
        at_first_revision(sqlite_store)
        copy = migrate.ensure_ready(sqlite_store, now=NOW)
        assert copy is not None
        assert copy.name == "reminderd.db.before-0002-20261124T093000Z"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        former = Store(f"sqlite:///{copy}")
        assert migrate.current(former) == "0001"
        with former.reading() as session:
            assert session.scalars(select(User.name)).all() == ["Mia"]
        former.dispose()

    def test_the_copy_goes_where_it_is_wanted_and_replaces_none(
        self, sqlite_store: Store, later: Path, tmp_path: Path
    ) -> None:
        at_first_revision(sqlite_store)
        taken = tmp_path / "reminderd.db.before-0002-20261124T093000Z"
        taken.write_text("mine")
        copy = migrate.ensure_ready(sqlite_store, now=NOW, backup_dir=tmp_path)
        assert copy == taken.with_name(f"{taken.name}-2")
        assert taken.read_text() == "mine"

    def test_without_a_copy_there_is_no_upgrade(self, sqlite_store: Store, later: Path, tmp_path: Path) -> None:
        at_first_revision(sqlite_store)
        with pytest.raises(StoreBusy, match="cannot be copied"):
            migrate.ensure_ready(sqlite_store, now=NOW, backup_dir=tmp_path / "none")
        assert migrate.current(sqlite_store) == "0001"

    def test_one_that_fails_half_way_changes_nothing(self, store: Store, later: Path) -> None:
        at_first_revision(store)
        before = describe(store)
        later.write_text(FAILS_HALF_WAY)
        with pytest.raises(Exception, match="no_such_table"):
            migrate.upgrade(store, now=NOW)
        assert migrate.current(store) == "0001"
        assert describe(store) == before
        with store.reading() as session:
            assert session.scalars(select(User.name)).all() == ["Mia"]

    def test_one_that_would_leave_dangling_rows_is_taken_back(self, sqlite_store: Store, later: Path) -> None:
        at_first_revision(sqlite_store)
        later.write_text(CHANGES_USERS + "    op.execute('DELETE FROM users')\n")
        with pytest.raises(SchemaError, match="dangling"):
            migrate.upgrade(sqlite_store, now=NOW)
        with sqlite_store.reading() as session:
            assert session.scalars(select(User.name)).all() == ["Mia"]

    def test_a_file_that_an_older_daemon_works_on_is_left(
        self, sqlite_store: Store, later: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at_first_revision(sqlite_store)
        monkeypatch.setattr(lock, "holder", lambda _: 4711)
        with pytest.raises(SchemaError, match=r"process 4711.*Restart the daemon"):
            migrate.ensure_ready(sqlite_store, now=NOW)
        assert migrate.current(sqlite_store) == "0001"

    def test_a_daemon_upgrades_its_own_file(self, sqlite_store: Store, later: Path) -> None:
        at_first_revision(sqlite_store)
        with lock.own(sqlite_store):
            migrate.ensure_ready(sqlite_store, now=NOW)
        assert migrate.current(sqlite_store) == "0002"

    def test_a_contraction_waits_for_programs_that_need_what_goes(
        self, postgres_store: Store, later: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at_first_revision(postgres_store)
        with programs_at_work(postgres_store, "0001") as pid:
            monkeypatch.setattr(migrate, "OLDEST", "0002")
            with pytest.raises(SchemaError, match=rf"only 0001 work on it \(server processes {pid};.*Stop them"):
                migrate.upgrade(postgres_store, now=NOW)
            assert migrate.current(postgres_store) == "0001"
        migrate.upgrade(postgres_store, now=NOW)
        assert migrate.current(postgres_store) == "0002"

    def test_an_expansion_waits_for_nobody(self, postgres_store: Store, later: Path) -> None:
        at_first_revision(postgres_store)
        with programs_at_work(postgres_store, "0001"):
            migrate.upgrade(postgres_store, now=NOW)
        assert migrate.current(postgres_store) == "0002"

    def test_who_connects_in_the_middle_of_a_contraction_is_put_off(self, postgres_store: Store) -> None:
        older = Store(url_of(postgres_store))
        with postgres_store.writing() as session:
            key = {"programs": migrate.PROGRAMS, "revision": int(migrate.head())}
            session.execute(text("SELECT pg_advisory_xact_lock(:programs, :revision)"), key)
            with pytest.raises(StoreBusy, match="is being upgraded"):
                migrate.ensure_ready(older, now=NOW)
        migrate.ensure_ready(older, now=NOW)
        older.dispose()

    def test_it_is_harmless_when_there_is_nothing_to_do(self, store: Store) -> None:
        before = describe(store)
        assert migrate.upgrade(store, now=NOW) is None
        assert describe(store) == before


class TestCheck:
    def test_a_sound_database_has_no_problems(self, store: Store) -> None:
        at_first_revision(store)
        with store.writing() as session:
            session.execute(text("UPDATE users SET last_number = 1"))
        assert impossible.find(store) == []

    def test_it_names_what_no_constraint_can_forbid(self, store: Store) -> None:
        at_first_revision(store)
        other = add_user(store, "other@example.com")
        with store.writing() as session:
            session.execute(text("UPDATE steps SET user_id = :other"), {"other": other.id})
            session.execute(text("UPDATE nudges SET subject = 'reference:7'"))
        assert impossible.find(store) == [
            "steps.nudge_id belongs to another user: row 1",
            "steps.delivery_id belongs to another user: row 1",
            "nudges.subject names another reference: row 1",
            "nudges.number is past the user's last number: row 1",
        ]

    def test_it_names_rows_that_point_to_nothing(self, sqlite_store: Store) -> None:
        at_first_revision(sqlite_store)
        with sqlite_store.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys=OFF")
            driver.execute("DELETE FROM deliveries")
            connection.invalidate()
        assert "steps: row 1 points to a row of deliveries that is not there" in impossible.find(sqlite_store)

    def test_a_damaged_file_is_found_out(self, sqlite_store: Store) -> None:
        at_first_revision(sqlite_store)
        with sqlite_store.reading() as session:
            root = session.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_steps_due'")).scalar_one()
        sqlite_store.dispose()
        assert sqlite_store.path is not None
        content = bytearray(sqlite_store.path.read_bytes())
        content[(root - 1) * 4096 : root * 4096] = b"\x0a" + b"\0" * 4095
        sqlite_store.path.write_bytes(content)
        try:
            problems = impossible.find(sqlite_store)
        except ReminderdError as fault:
            problems = [str(fault)]
        assert problems


@contextlib.contextmanager
def programs_at_work(store: Store, revision: str) -> Iterator[int]:
    """As if one that knows up to this revision were connected; the number of its process on the server."""
    other = Store(url_of(store))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrate, "REVISIONS", (revision,))
        migrate.ensure_ready(other, now=NOW)
        with other.reading() as session:
            pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    yield pid
    other.dispose()


def url_of(store: Store) -> str:
    return f"sqlite:///{store.path}" if store.path else store.engine.url.render_as_string(hide_password=False)


def describe(store: Store) -> Any:
    """All of a schema, in the database's own words; the order of constraints within a table says nothing."""
    with store.reading() as session:
        if store.is_sqlite:
            rows = session.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))
            return {name: sorted(part.strip(" ,\t") for part in sql.splitlines()) for name, sql in rows}
        return [session.execute(text(query)).all() for query in POSTGRES_SCHEMA]


POSTGRES_SCHEMA = (
    """
    SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
    """,
    """
    SELECT conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1
    """,
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
)
