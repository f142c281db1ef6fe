"""The store: two kinds of transaction, and faults in one clear line."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError, StatementError

from reminderd.errors import ConfigError, ReminderdError, SchemaError, SettingError, StoreBusy
from reminderd.store import database
from reminderd.store.database import Store
from reminderd.store.tables import Base, Delivery, DeliveryState, Event, Job, Step, StoredMessage, User
from tests.store.rows import MAIL, NOW, add_delivery, add_user, make_delivery, make_nudge, make_user

NOBODY = 65534


class TestTransactions:
    def test_what_was_written_is_read_back_by_another_store(self, store: Store) -> None:
        add_user(store)
        again = Store(store.engine.url.render_as_string(hide_password=False)) if store.path is None else None
        again = again or Store(f"sqlite:///{store.path}")
        with again.reading() as session:
            assert session.scalars(select(User)).one().created_at == NOW
        again.dispose()

    def test_an_exception_takes_back_everything(self, store: Store) -> None:
        def fail_half_way() -> None:
            with store.writing() as session:
                session.add(make_user())
                session.flush()
                raise RuntimeError("half way")

        with pytest.raises(RuntimeError, match="half way"):
            fail_half_way()
        with store.reading() as session:
            assert session.scalars(select(User)).all() == []

    def test_what_was_loaded_stays_usable_afterwards(self, store: Store) -> None:
        with store.writing() as session:
            written = make_user()
            session.add(written)
        with store.reading() as session:
            read = session.scalars(select(User)).one()
        assert written.id == read.id
        assert read.email == "mia@example.com"

    def test_a_transaction_commits_what_was_written_by_either_way(self, store: Store) -> None:
        with store.transaction() as transaction:
            transaction.connection.execute(insert(Job), {"name": "directly", "last_pass_at": NOW})
            transaction.session.add(make_user())
        with store.reading() as session:
            assert session.scalars(select(Job.name)).all() == ["directly"]
            assert len(session.scalars(select(User)).all()) == 1

    def test_a_transaction_that_ends_early_takes_back_both(self, store: Store) -> None:
        def fail() -> None:
            with store.transaction() as transaction:
                transaction.connection.execute(insert(Job), {"name": "directly", "last_pass_at": NOW})
                transaction.session.add(make_user())
                transaction.flush()
                raise RuntimeError("half way")

        with pytest.raises(RuntimeError, match="half way"):
            fail()
        with store.reading() as session:
            assert session.scalars(select(Job)).all() == session.scalars(select(User)).all() == []

    def test_a_transaction_that_was_taken_back_within_does_not_pass_for_committed(self, store: Store) -> None:
        def swallow() -> None:
            with store.transaction() as transaction:
                transaction.connection.execute(insert(Job), {"name": "directly", "last_pass_at": NOW})
                transaction.session.add_all([make_user(), make_user()])
                with contextlib.suppress(IntegrityError):
                    transaction.flush()

        with pytest.raises(InvalidRequestError):
            swallow()
        with store.reading() as session:
            assert session.scalars(select(Job)).all() == []

    def test_reading_refuses_to_write(self, store: Store) -> None:
        with pytest.raises(DBAPIError, match=r"readonly|read-only"), store.reading() as session:
            session.execute(text("DELETE FROM users"))

    def test_a_writer_may_write_after_the_same_connection_was_read_with(self, store: Store) -> None:
        for number in range(3):
            with store.reading() as session:
                assert len(session.scalars(select(User)).all()) == number
            with store.writing() as session:
                session.add(make_user(f"{number}@example.com"))

    def test_a_reader_sees_one_snapshot_while_another_writes(self, store: Store) -> None:
        with store.reading() as reader:
            assert reader.scalars(select(User.id)).all() == []
            with store.writing() as writer:
                writer.add(make_user())
            assert reader.scalars(select(User.id)).all() == []
        with store.reading() as reader:
            assert len(reader.scalars(select(User.id)).all()) == 1

    def test_two_claimers_that_select_and_then_update_have_one_winner(self, store: Store) -> None:
        user = add_user(store)
        with store.writing() as session:
            session.add(make_delivery(user))
        start = threading.Barrier(4)
        winners: list[str] = []
        faults: list[BaseException] = []

        def claim(name: str) -> None:
            try:
                start.wait(timeout=10)
                with store.writing() as session:
                    wanted = select(Delivery).where(Delivery.state == DeliveryState.PENDING)
                    found = session.scalars(wanted.with_for_update(skip_locked=True)).all()
                    for delivery in found:
                        delivery.state, delivery.lease_owner, delivery.lease_until = DeliveryState.LEASED, name, NOW
                if found:
                    winners.append(name)
            except BaseException as fault:
                faults.append(fault)

        threads = [threading.Thread(target=claim, args=(str(number),)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert faults == []
        with store.reading() as session:
            assert session.scalars(select(Delivery.lease_owner)).all() == winners
        assert len(winners) == 1

    def test_many_threads_that_add_one_lose_nothing(self, store: Store) -> None:
        add_user(store)

        def add() -> None:
            for _ in range(10):
                with store.writing() as session:
                    session.scalars(select(User).with_for_update()).one().last_number += 1

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        with store.reading() as session:
            assert session.scalars(select(User.last_number)).one() == 40


class TestConstraints:
    def test_foreign_keys_are_enforced(self, store: Store) -> None:
        event = Event(user_id=99, kind="note", on=NOW.date(), batch="b", recorded_at=NOW)
        with pytest.raises(IntegrityError), store.writing() as session:
            session.add(event)

    def test_states_are_checked_by_the_database(self, store: Store) -> None:
        user = add_user(store)
        with pytest.raises(IntegrityError), store.writing() as session:
            session.add(make_nudge(user, state="forgotten"))

    def test_an_occasion_makes_one_nudge(self, store: Store) -> None:
        user = add_user(store)
        with pytest.raises(IntegrityError), store.writing() as session:
            session.add_all([make_nudge(user, number=1), make_nudge(user, number=2)])

    def test_an_event_is_unique_until_it_is_retracted(self, store: Store) -> None:
        def make_event(user: User, retracted_at: dt.datetime | None = None) -> Event:
            return Event(
                user_id=user.id,
                kind="note",
                on=NOW.date(),
                batch="b",
                recorded_at=NOW,
                retracted_at=retracted_at,
            )

        user = add_user(store)
        with store.writing() as session:
            session.add_all([make_event(user, NOW), make_event(user, NOW), make_event(user)])
        with pytest.raises(IntegrityError), store.writing() as session:
            session.add(make_event(user))

    def test_a_naive_datetime_is_refused(self, store: Store) -> None:
        with pytest.raises(StatementError, match="without a zone"), store.writing() as session:
            session.add(Job(name="plan", last_pass_at=NOW.replace(tzinfo=None)))

    def test_a_datetime_of_another_zone_comes_back_as_utc(self, store: Store) -> None:
        eastern = dt.timezone(dt.timedelta(hours=-5))
        with store.writing() as session:
            session.add(Job(name="plan", last_pass_at=NOW.astimezone(eastern)))
        with store.reading() as session:
            found = session.get_one(Job, "plan").last_pass_at
        assert (found, found.tzinfo) == (NOW, dt.UTC)

    def test_removing_a_user_removes_all_that_is_theirs(self, store: Store) -> None:
        user = add_user(store)
        with store.writing() as session:
            delivery, nudge = make_delivery(user, state=DeliveryState.SENT), make_nudge(user)
            session.add_all([delivery, nudge])
            session.flush()
            session.add(
                Step(
                    user_id=user.id,
                    nudge_id=nudge.id,
                    position=1,
                    planned_at=NOW,
                    at=NOW,
                    channel="email",
                    lane="now",
                    state="sent",
                    delivery_id=delivery.id,
                )
            )
        with store.writing() as session:
            session.execute(text("DELETE FROM users"))
        with store.reading() as session:
            for table in Base.metadata.sorted_tables:
                if table.name != "schema_floor":  # the database's own
                    assert session.execute(select(table)).all() == [], table.name


def test_a_sqlite_that_is_too_old_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.sqlite3, "sqlite_version_info", (3, 32, 3))
    with pytest.raises(ConfigError, match=r"SQLite 3\.33 or newer is needed; this Python has"):
        Store(f"sqlite:///{tmp_path / 'reminderd.db'}")


class TestFaults:
    def test_a_database_locked_by_another_writer_is_busy(self, sqlite_url: str, sqlite_store: Store) -> None:
        hurried = Store(sqlite_url, busy_timeout=0.05)
        with sqlite_store.writing(), pytest.raises(StoreBusy, match="locked by another program"), hurried.writing():
            pass
        with hurried.writing() as session:
            session.add(make_user())
        hurried.dispose()

    def test_a_row_locked_by_another_writer_is_busy(self, postgres_url: str, postgres_store: Store) -> None:
        hurried = Store(postgres_url, busy_timeout=0.05)
        add_user(postgres_store)
        with postgres_store.writing() as session:
            session.scalars(select(User).with_for_update()).one()
            with pytest.raises(StoreBusy, match="locked by another program"), hurried.writing() as second:
                second.execute(text("UPDATE users SET last_number = 1"))
        hurried.dispose()

    def test_reading_goes_on_beside_a_writer(self, sqlite_url: str, sqlite_store: Store) -> None:
        hurried = Store(sqlite_url, busy_timeout=0.0)
        with sqlite_store.writing() as session:
            session.add(make_user())
            session.flush()
            with hurried.reading() as reader:
                assert reader.scalars(select(User)).all() == []
        hurried.dispose()

    def test_a_full_disk_loses_nothing_and_says_so(self, sqlite_store: Store) -> None:
        user = add_user(sqlite_store)
        with sqlite_store.writing() as session:
            session.execute(text("PRAGMA max_page_count = 1"))  # SQLite makes it what there is
        with pytest.raises(StoreBusy, match="disk or quota is full"), sqlite_store.writing() as session:
            session.add_all([make_delivery(user, "x" * 190 + str(number)) for number in range(500)])
        with sqlite_store.reading() as session:
            assert session.scalars(select(Delivery)).all() == []
            assert session.scalars(select(User)).one().name == "Mia"

    def test_a_disk_without_room_for_what_sqlite_shares_beside_the_file_is_full(
        self, sqlite_url: str, sqlite_store: Store
    ) -> None:
        add_user(sqlite_store)
        sqlite_store.dispose()
        store = Store(sqlite_url)
        with (
            without_room(),
            pytest.raises(StoreBusy, match="disk or quota is full") as told,
            store.reading() as session,
        ):
            session.scalars(select(User)).all()
        assert told.value.reason == "full"
        with store.reading() as session:
            assert session.scalars(select(User)).one().name == "Mia"
        store.dispose()

    def test_a_file_of_somebody_else_is_read_only(self, sqlite_url: str, sqlite_store: Store) -> None:
        path = sqlite_store.path
        assert path is not None
        add_user(sqlite_store)
        sqlite_store.dispose()
        with without_rights(path):
            store = Store(sqlite_url)
            with pytest.raises(StoreBusy, match="read-only"), store.writing() as session:
                session.add(make_user("other@example.com"))
            store.dispose()

    def test_a_store_opened_for_reading_only_does_not_write(self, sqlite_url: str, sqlite_store: Store) -> None:
        add_user(sqlite_store)
        looker = Store(sqlite_url, read_only=True)
        with looker.reading() as session:
            assert session.scalars(select(User)).one().name == "Mia"
        with pytest.raises(StoreBusy, match="read-only"), looker.writing() as session:
            session.add(make_user("other@example.com"))
        looker.dispose()

    def test_a_missing_file_is_not_made_by_looking(self, tmp_path: Path) -> None:
        store = Store(f"sqlite:///{tmp_path}/none.db", read_only=True)
        with pytest.raises(StoreBusy, match="cannot be opened"), store.reading() as session:
            session.execute(text("SELECT 1"))
        with pytest.raises(StoreBusy, match="cannot be opened"):
            store.data_version()
        assert list(tmp_path.iterdir()) == []

    def test_a_file_removed_under_a_running_store_is_missed(self, sqlite_store: Store) -> None:
        add_user(sqlite_store)
        assert sqlite_store.path is not None
        sqlite_store.path.unlink()
        with pytest.raises(StoreBusy, match="cannot be opened"), sqlite_store.writing() as session:
            session.add(make_user("other@example.com"))
        assert not sqlite_store.path.exists()

    def test_a_file_put_in_its_place_is_taken_up(self, sqlite_store: Store, sqlite_template: Path) -> None:
        add_user(sqlite_store)
        assert sqlite_store.path is not None
        before = sqlite_store.data_version()
        fresh = sqlite_store.path.with_name("fresh")
        fresh.write_bytes(sqlite_template.read_bytes())
        for rest in ("-wal", "-shm"):
            sqlite_store.path.with_name(sqlite_store.path.name + rest).unlink()
        fresh.rename(sqlite_store.path)
        assert sqlite_store.data_version() != before
        with sqlite_store.reading() as session:
            assert session.scalars(select(User)).all() == []

    def test_a_folder_or_a_text_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("these are no tables, but words, and enough of them to fill a header\n" * 20)
        with pytest.raises(StoreBusy, match="not a file"):
            Store(f"sqlite:///{tmp_path}")
        store = Store(f"sqlite:///{tmp_path}/text")
        with pytest.raises(SchemaError, match="not a SQLite database"), store.reading() as session:
            session.execute(text("SELECT * FROM users"))
        store.dispose()

    def test_a_damaged_file_is_called_so(self, sqlite_url: str, sqlite_store: Store) -> None:
        add_user(sqlite_store)
        sqlite_store.dispose()
        assert sqlite_store.path is not None
        content = sqlite_store.path.read_bytes()
        sqlite_store.path.write_bytes(content[:100] + b"\xff" * 3996 + content[4096:])
        store = Store(sqlite_url)
        with pytest.raises(ReminderdError, match="damaged"), store.reading() as session:
            session.scalars(select(User)).all()
        store.dispose()

    def test_a_place_where_nothing_can_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(StoreBusy, match="cannot be created: Not a directory"):
            Store(f"sqlite:///{tmp_path}/file/below/reminderd.db")

    def test_a_server_that_is_not_there_is_unreachable(self, tmp_path: Path) -> None:
        store = Store(f"postgresql://mia:sesame@/notes?host={tmp_path}")
        with pytest.raises(StoreBusy, match="cannot be reached") as caught, store.reading() as session:
            session.execute(text("SELECT 1"))
        assert "sesame" not in str(caught.value)
        assert caught.value.exit_code == 75
        assert caught.value.reason == "unreachable"
        assert "\n" not in str(caught.value)

    def test_a_server_without_that_database_is_a_wrong_setting(self, postgres_url: str) -> None:
        store = Store(postgres_url.replace("/reminderd_test", "/no_such"))
        with pytest.raises(ConfigError, match="does not exist on that server"), store.reading() as session:
            session.execute(text("SELECT 1"))

    @staticmethod
    def be_cut(store: Store) -> int:
        """The number of the connection that the store has, and has lost."""
        with store.reading() as session:
            pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other = Store(store.engine.url.render_as_string(hide_password=False))
        with other.writing() as session:
            session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        other.dispose()
        return int(pid)

    def test_a_lost_server_connection_is_made_anew(
        self, postgres_store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pid = self.be_cut(postgres_store)
        later = database.steady() + database.FRESH_FOR
        monkeypatch.setattr(database, "steady", lambda: later)
        with postgres_store.reading() as session:
            assert session.execute(text("SELECT pg_backend_pid()")).scalar() != pid

    def test_one_lost_right_after_its_use_is_busy_once(self, postgres_store: Store) -> None:
        pid = self.be_cut(postgres_store)
        with pytest.raises(StoreBusy), postgres_store.reading() as session:
            session.execute(text("SELECT 1"))
        with postgres_store.reading() as session:
            assert session.execute(text("SELECT pg_backend_pid()")).scalar() != pid

    def test_a_connection_cut_within_a_transaction_is_busy(self, postgres_store: Store) -> None:
        other = Store(postgres_store.engine.url.render_as_string(hide_password=False))

        def be_cut_off() -> None:
            with postgres_store.writing() as session:
                session.add(make_user())
                session.flush()
                pid = session.execute(text("SELECT pg_backend_pid()")).scalar()
                with other.writing() as second:
                    second.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

        with pytest.raises(StoreBusy):
            be_cut_off()
        with other.reading() as second:
            assert second.scalars(select(User)).all() == []
        other.dispose()

    def test_what_a_node_locked_that_stands_still_is_free_again(
        self, postgres_url: str, postgres_store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_user(postgres_store)
        monkeypatch.setattr(database, "STOOD_STILL_FOR", 0.2)
        stopped = Store(postgres_url)

        def stand_still() -> None:
            with stopped.writing() as session:
                session.execute(text("UPDATE users SET name = 'mine'"))
                with postgres_store.writing() as other:  # waits, as the first one does nothing
                    other.execute(text("UPDATE users SET name = 'theirs'"))

        with pytest.raises(StoreBusy):
            stand_still()
        with stopped.reading() as session:
            assert session.scalars(select(User.name)).all() == ["theirs"]
        stopped.dispose()

    def test_a_lock_is_waited_for_longer_than_its_holder_may_stand_still(self, postgres_store: Store) -> None:
        with postgres_store.reading() as session:
            asked = text("SELECT setting::int FROM pg_settings WHERE name = :name")
            names = ("idle_in_transaction_session_timeout", "lock_timeout")
            still, waits = (session.execute(asked, {"name": name}).scalar_one() for name in names)
        assert 0 < still < waits

    @pytest.mark.parametrize(
        "url", ["", "reminderd.db", "mysql://x/y", "sqlite:///x.db?mode=ro", "postgresql+pg8000://x"]
    )
    def test_a_url_that_names_no_database_of_ours_is_refused(self, url: str) -> None:
        with pytest.raises(SettingError, match="DATABASE_URL"):
            Store(url)

    def test_a_fault_of_our_own_is_left_as_it_is(self, store: Store) -> None:
        with pytest.raises(DBAPIError, match="no_such_table"), store.reading() as session:
            session.execute(text("SELECT * FROM no_such_table"))

    def test_error_texts_hold_no_values(self, store: Store) -> None:
        with pytest.raises(IntegrityError) as caught, store.writing() as session:
            session.add_all([make_user(), make_user()])
        assert "[SQL parameters hidden" in str(caught.value)


class TestFiles:
    def test_what_is_created_is_private(self, tmp_path: Path) -> None:
        store = Store(f"sqlite:///{tmp_path}/deep/home/reminderd.db")
        Base.metadata.create_all(store.engine)
        files = list((tmp_path / "deep" / "home").iterdir())
        assert {path.name for path in files} == {"reminderd.db", "reminderd.db-wal", "reminderd.db-shm"}
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "deep" / "home").stat().st_mode) == 0o700
        store.dispose()

    def test_an_existing_folder_keeps_its_mode(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        Store(f"sqlite:///{tmp_path}/reminderd.db").dispose()
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755

    @pytest.mark.parametrize("name", ["with space.db", "ünï.db", "per%cent.db", "ques?tion.db", "ha#sh.db"])
    def test_any_file_name_will_do(self, tmp_path: Path, name: str) -> None:
        store = Store("sqlite:///" + str(tmp_path / name).replace("%", "%25").replace("?", "%3F"))
        Base.metadata.create_all(store.engine)
        assert store.path is not None
        assert (store.path.exists(), store.path.parent) == (True, tmp_path)
        assert len(list(tmp_path.iterdir())) == 3
        store.dispose()

    def test_every_connection_is_durable_and_checks_foreign_keys(self, sqlite_store: Store) -> None:
        for opened in (sqlite_store.reading, sqlite_store.writing):
            with opened() as session:
                asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
                said = [session.execute(text(f"PRAGMA {name}")).scalar() for name in asked]
                assert said == ["wal", 2, 1, 30_000]

    def test_a_statement_that_changes_much_needs_no_file_to_take_itself_back(self, sqlite_store: Store) -> None:
        with sqlite_store.writing() as session:
            assert session.execute(text("PRAGMA temp_store")).scalar() == 2

    def test_processes_that_create_the_same_file_at_once_agree(self, tmp_path: Path) -> None:
        script = (
            "import sys, datetime as dt\n"
            "from pathlib import Path\n"
            "from reminderd.store import migrate\n"
            "from reminderd.store.database import Store\n"
            "sys.stdin.readline()\n"
            f"store = Store('sqlite:///{tmp_path}/home/reminderd.db')\n"
            "migrate.ensure_ready(store, now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))\n"
            "print(migrate.current(store))\n"
        )
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
                text=True,
            )
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        results = [process.communicate(timeout=60) for process in processes]
        assert results == [("0001\n", "")] * 4


class TestDataVersion:
    def test_it_changes_with_every_commit_of_anyone(self, sqlite_url: str, sqlite_store: Store) -> None:
        other = Store(sqlite_url)
        first = sqlite_store.data_version()
        assert sqlite_store.data_version() == first
        with other.writing() as session:
            session.add(make_user())
        second = sqlite_store.data_version()
        with sqlite_store.writing() as session:
            session.add(make_user("other@example.com"))
        assert len({first, second, sqlite_store.data_version()}) == 3
        other.dispose()

    def test_reading_and_empty_writing_leave_it(self, sqlite_store: Store) -> None:
        before = sqlite_store.data_version()
        with sqlite_store.reading() as session:
            session.scalars(select(User)).all()
        with sqlite_store.writing():
            pass
        assert sqlite_store.data_version() == before

    def test_a_server_and_memory_have_none(self, postgres_store: Store) -> None:
        assert postgres_store.data_version() is None
        memory = Store.memory()
        assert memory.data_version() is None
        memory.dispose()


class TestCopies:
    def test_a_copy_in_memory_is_whole_and_apart(self, store: Store) -> None:
        user = add_user(store)
        with store.writing() as session:
            add_delivery(session, make_delivery(user))
        copy = Store.memory()
        store.copy_to(copy)
        with copy.writing() as session:
            assert session.scalars(select(StoredMessage)).one().read() == MAIL
            session.execute(text("DELETE FROM users"))
        with copy.reading() as session:
            assert session.scalars(select(Delivery)).all() == []
        with store.reading() as session:
            assert session.scalars(select(User)).one().created_at == NOW
            assert session.scalars(select(Delivery)).one().due_at == NOW
        copy.dispose()

    def test_a_copy_of_one_user_holds_nothing_of_others(self, store: Store) -> None:
        with store.writing() as session:
            users = [make_user(f"{number}@example.com") for number in range(3)]
            session.add_all(users)
            session.flush()
            session.add_all([make_delivery(user) for user in users])
        copy = Store.memory()
        store.copy_to(copy, user_id=users[1].id)
        with copy.reading() as session:
            assert session.scalars(select(User.email)).all() == ["1@example.com"]
            assert session.scalars(select(Delivery.user_id)).all() == [users[1].id]
        copy.dispose()

    def test_a_copy_goes_into_memory_only(self, sqlite_store: Store, tmp_path: Path) -> None:
        other = Store(f"sqlite:///{tmp_path}/other.db")
        with pytest.raises(ValueError, match="in-memory"):
            sqlite_store.copy_to(other)
        other.dispose()

    def test_two_memories_are_apart(self) -> None:
        first, second = Store.memory(), Store.memory()
        for store in (first, second):
            Base.metadata.create_all(store.engine)
        with first.writing() as session:
            session.add(make_user())
        with second.reading() as session:
            assert session.scalars(select(User)).all() == []
        first.dispose()
        second.dispose()


def test_the_drivers_own_transactions_are_off(sqlite_store: Store) -> None:
    with sqlite_store.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        assert driver.isolation_level is None


@contextlib.contextmanager
def without_room() -> Iterator[None]:
    """No file that this process writes may grow past a page: what a full disk is to it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def without_rights(path: Path) -> Iterator[None]:
    """As somebody who may read the file and its folder, but not write: root ignores modes, so become another."""
    path.chmod(0o444)
    for folder in (path.parent, *path.parents):
        if folder.owner() == path.owner() and str(folder).count("/") > 1:
            folder.chmod(folder.stat().st_mode | 0o055)
    path.parent.chmod(0o555)
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)
        path.parent.chmod(0o700)
