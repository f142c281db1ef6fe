"""`backup`, `restore` and the daily copy."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from freezegun import freeze_time
from sqlalchemy import select, text

from reminderd.errors import UsageError
from reminderd.message import Channel
from reminderd.passes import Passes
from reminderd.settings import load
from reminderd.store import backup, lock
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, DeliveryState
from reminderd.wiring import open_house
from tests.cli.desk import Desk
from tests.flow.parts import Recorder, words_of
from tests.store.rows import NOW, add_user

DAY = dt.timedelta(days=1)
MONDAY = "2026-11-23 09:00:00"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two references, both asked for the job at Acme, which was landed this minute."""
    with freeze_time(MONDAY):
        made = Desk(tmp_path / "home").set_up()
        for name in ("Maria Lopez", "Sam Okoro"):
            made.ok("add", name, f"{name.split()[0].lower()}@example.org", "--last-contact", "2026-11-01")
        made.ok("opportunity", "add", "Acme")
        made.ok("record", "asked", "Maria Lopez", "Sam Okoro", "--for", "Acme")
        made.ok("landed", "Acme")
    return made


def sent_at(desk: Desk, now: str) -> Recorder:
    """What a daemon that starts at ``now`` sends."""
    with freeze_time(now):
        moment = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
        house = open_house(load({}, None, desk.home), moment)
        recorder = Recorder()
        passes = Passes(house, house.dispatcher_to_be({Channel.EMAIL: recorder}))
        passes.drain(lambda: moment)
        passes.stop(lambda: moment)
        house.store.dispose()
        return recorder


def test_a_copy_is_whole_while_another_writes_and_is_its_owners_alone(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with sqlite3.connect(desk.database, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE users SET name = 'Half written'")
        desk.ok("backup", str(copy))
        writer.execute("COMMIT")
    writer.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with sqlite3.connect(copy) as reader:
        assert reader.execute("SELECT name FROM users").fetchall() == [("Ada Byron",)]
    reader.close()
    backup.verify(copy)


def test_no_copy_is_written_over_another_file_unless_told_so(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    assert "exists already" in desk.refused(2, "backup", str(copy))
    assert copy.read_text() == "precious"
    desk.ok("backup", str(copy), "--force")
    assert "database itself" in desk.refused(2, "backup", str(desk.database), "--force")


def test_restore_refuses_to_overwrite_and_with_force_sets_aside_what_was_there(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    desk.ok("backup", str(copy))
    desk.rows("UPDATE users SET name = 'Since'")
    assert "--force" in desk.refused(2, "restore", str(copy))
    assert desk.rows("SELECT name FROM users") == [("Since",)]
    for rest in ("-wal", "-shm"):
        desk.database.with_name(desk.database.name + rest).write_bytes(b"of another file")
    desk.ok("restore", str(copy), "--force")
    assert not desk.database.with_name("reminderd.db-wal").exists()
    assert desk.rows("SELECT name FROM users") == [("Ada Byron",)]
    assert len(list(desk.home.glob("reminderd.db.before-restore-*Z"))) == 1
    assert stat.S_IMODE(desk.database.stat().st_mode) == 0o600
    assert "ok" in desk.ok("db", "check")


@pytest.mark.parametrize("harm", ["nothing", "text", "foreign", "newer", "damaged"])
def test_restore_verifies_first_and_changes_nothing_for_what_is_no_sound_copy(
    desk: Desk, tmp_path: Path, harm: str
) -> None:
    copy = tmp_path / "copy.db"
    desk.ok("backup", str(copy))
    with sqlite3.connect(copy) as writer:
        if harm == "newer":
            writer.execute("UPDATE alembic_version SET version_num = '9999'")
            writer.execute("UPDATE schema_floor SET revision = '9999'")
        elif harm == "foreign":
            writer.execute("DROP TABLE alembic_version")
        elif harm == "damaged":
            writer.execute("UPDATE nudges SET reference_id = 99")
    writer.close()
    if harm == "text":
        copy.write_text("these are words, and no tables\n" * 200)
    elif harm == "nothing":
        copy.unlink()
    desk.rows("UPDATE users SET name = 'Since'")
    assert desk.run("restore", str(copy), "--force").exit_code in (1, 2, 78)
    assert desk.rows("SELECT name FROM users") == [("Since",)]
    assert not list(desk.home.glob("*before-restore*"))


def test_restore_is_refused_beside_a_daemon(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    desk.ok("backup", str(copy))
    store = Store(f"sqlite:///{desk.database}")
    with lock.own(store):
        assert "has a daemon already" in desk.refused(1, "restore", str(copy), "--force")
    store.dispose()


def test_what_is_overdue_after_a_restore_is_held_and_told_of_in_one_message(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with freeze_time(MONDAY):
        desk.ok("backup", str(copy))
    assert len(sent_at(desk, MONDAY).taken) == 1  # it was sent, and the copy does not know
    later = "2026-11-26 15:00:00"
    with freeze_time(later):
        said = desk.ok("restore", str(copy), "--force")
        assert "held" in said
        upcoming = desk.ok("upcoming")
    (notice,) = sent_at(desk, later).taken
    assert notice.subject == "reminderd: restored from a copy"
    for name in ("Maria Lopez", "Sam Okoro"):
        assert name in words_of(notice)
        assert name in upcoming
    # Past the deadline they wait for the next morning, not for the next week's digest; it is what both say.
    assert "in the digest of tomorrow, 09:00" in upcoming
    assert words_of(notice).count("in the digest of tomorrow, 09:00") == 2
    assert not sent_at(desk, "2026-11-27 07:30:00").taken
    nudge = desk.rows("SELECT number FROM nudges WHERE rule = 'accepted' AND state = 'open' ORDER BY number")[0][0]
    with freeze_time("2026-11-27 09:00:00"):
        desk.ok("done", str(nudge))
    (digest,) = [mail for mail in sent_at(desk, "2026-11-27 15:00:00").taken if "Sam Okoro" in words_of(mail)]
    assert "To: Maria Lopez" not in words_of(digest)


def test_what_was_on_its_way_when_the_copy_was_made_is_not_sent_by_it(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with freeze_time(MONDAY):
        moment = dt.datetime.fromisoformat(MONDAY).replace(tzinfo=dt.UTC)
        house = open_house(load({}, None, desk.home), moment)
        passes = Passes(house, house.dispatcher_to_be({Channel.EMAIL: Recorder()}))
        passes.compose(moment)
        house.store.dispose()
        desk.ok("backup", str(copy))
        desk.ok("restore", str(copy), "--force")
    (notice,) = sent_at(desk, MONDAY).taken
    assert notice.subject == "reminderd: restored from a copy"
    assert "ok" in desk.ok("db", "check")


def test_restore_into_an_empty_home_needs_no_force(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    desk.ok("backup", str(copy))
    fresh = Desk(tmp_path / "fresh")
    fresh.ok("restore", str(copy))
    assert "Maria Lopez" in fresh.ok("reference", "list")


def test_of_a_damaged_database_it_is_told_which_command_brings_a_copy_back(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    desk.ok("backup", str(copy))
    desk.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    content = desk.database.read_bytes()
    desk.database.write_bytes(content[:100] + b"\xff" * 3996 + content[4096:])
    told = desk.refused(1, "reference", "list")
    assert "is damaged" in told
    assert told.endswith("BACKUP_DIR (backups/ in the home unless set): reminderd restore FILE --force\n")
    desk.ok("restore", str(copy), "--force")
    assert "Maria Lopez" in desk.ok("reference", "list")


def test_there_is_one_copy_a_day_and_the_oldest_go(tmp_path: Path, sqlite_store: Store) -> None:
    add_user(sqlite_store)
    folder = tmp_path / "copies"
    made = [backup.daily(sqlite_store, folder, 3, NOW + number * DAY / 2) for number in range(10)]
    assert sum(one is not None for one in made) == 5
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"reminderd-2026-11-{day}.db" for day in (26, 27, 28)]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    backup.verify(folder / names[-1])


def test_a_database_in_which_nobody_is_set_up_has_no_copy(tmp_path: Path, sqlite_store: Store) -> None:
    assert backup.daily(sqlite_store, tmp_path / "copies", 3, NOW) is None
    add_user(sqlite_store)
    assert backup.daily(sqlite_store, tmp_path / "copies", 3, NOW) is not None


def test_no_daily_copies_where_none_are_wanted(tmp_path: Path, sqlite_store: Store) -> None:
    assert backup.daily(sqlite_store, tmp_path / "copies", 0, NOW) is None
    assert not (tmp_path / "copies").exists()


def test_the_daemons_housekeeping_makes_the_copy_of_the_day(desk: Desk) -> None:
    house = open_house(load({}, None, desk.home), NOW)
    passes = Passes(house, house.dispatcher_to_be({Channel.EMAIL: Recorder()}))
    passes.housekeeping(NOW)
    assert [path.name for path in (desk.home / "backups").iterdir()] == ["reminderd-2026-11-24.db"]
    house.store.dispose()


def test_a_copy_that_cannot_be_finished_leaves_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        backup.copy_to(sqlite_store, tmp_path)
    assert not [name for name in os.listdir(tmp_path) if "reminderd" in name]


def test_on_postgresql_the_command_names_the_tool_without_a_password(tmp_path: Path) -> None:
    desk = Desk(tmp_path, DATABASE_URL="postgresql://ada:sesame@db.test:5433/notes")
    line = desk.refused(2, "backup", "x.dump")
    assert "pg_dump --format=custom --host=db.test --port=5433 --username=ada --dbname=notes --file=x.dump" in line
    assert "sesame" not in line
    assert "reminderd restore --review" in desk.refused(2, "restore", "x.dump")


def test_after_pg_restore_the_review_holds_what_is_overdue(desk: Desk) -> None:
    with freeze_time("2026-11-26 15:00:00"):
        assert "held" in desk.ok("restore", "--review")
    store = Store(f"sqlite:///{desk.database}")
    with store.reading() as session:
        waiting = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.PENDING))
        assert [row.kind for row in waiting] == ["notice"]
        assert session.scalar(text("SELECT count(*) FROM steps WHERE state = 'pending' AND lane = 'digest'"))
    store.dispose()
