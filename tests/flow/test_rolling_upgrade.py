"""Programs of two ages on one PostgreSQL: the newer one expands the schema, and contracts it once the older is gone."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from reminderd.clock import utc_now
from reminderd.message import Channel
from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.tables import DeliveryState, User
from tests.flow.daemons import CHECKOUT, Daemon, Starter, wait_until
from tests.flow.parts import PATIENCE, Mailbox, Story, make_house

EXPANDS = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None


def upgrade():
    op.create_table("badges", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("users", sa.Column("nickname", sa.String(20), nullable=True))
"""
CONTRACTS = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0003", "0002", None, None


def upgrade():
    op.execute("UPDATE users SET nickname = name WHERE nickname IS NULL")
    op.alter_column("users", "nickname", existing_type=sa.String(20), nullable=False)
"""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A program that gives users a nickname, which may be missing yet."""
    made = copy_of(CHECKOUT, tmp_path / "newer", "0002", EXPANDS)
    column = "    nickname: Mapped[str | None] = mapped_column(String(20))\n"
    edit(made / "reminderd/store/tables.py", "    phone: Mapped[str | None]", column + "    phone: Mapped[str | None]")
    return made


@pytest.fixture
def newest(tmp_path: Path, newer: Path) -> Path:
    """A program that insists on the nickname, as each one does that gives it."""
    made = copy_of(newer, tmp_path / "newest", "0003", CONTRACTS)
    edit(made / "reminderd/store/migrate.py", 'OLDEST = "0001"', 'OLDEST = "0002"')
    edit(made / "reminderd/store/tables.py", "nickname: Mapped[str | None]", "nickname: Mapped[str]")
    return made


@pytest.fixture
def story(postgres_store: Store, home: Path) -> Story:
    return Story.begin(make_house(postgres_store, home, ways=["email"]), {}, [], utc_now(), phone=None, zone="UTC")


@pytest.fixture
def send(story: Story, mailbox: Mailbox) -> Callable[[], None]:
    """One message more: it comes, and comes once."""

    def sending() -> None:
        sent = len(story.deliveries())
        with story.house.store.writing(wake=True) as session:
            user = session.get_one(User, story.user_id)
            story.house.composer.enqueue_test(session, user, Channel.EMAIL, utc_now() + dt.timedelta(microseconds=sent))
        mailbox.arrived.get(timeout=PATIENCE)
        wait_until(lambda: [row.state for row in story.deliveries()] == [DeliveryState.SENT] * (sent + 1))
        assert mailbox.arrived.empty()

    return sending


def test_old_and_new_programs_share_the_work_while_the_schema_is_expanded_and_then_contracted(
    story: Story, start: Starter, newer: Path, newest: Path, send: Callable[[], None], tmp_path: Path
) -> None:
    store = story.house.store
    folder = folders(tmp_path)
    old = start(store, folder())
    send()
    assert "from 0001 to 0002" in upgrade(newer, store).stderr
    send()  # by the old program alone, on the new schema
    started_later = start(store, folder())
    started_later.ask_to(signal.SIGTERM)
    assert started_later.ended() == 0
    new = start(store, folder(), checkout=newer)
    send()

    refused = upgrade(newest, store)
    assert refused.returncode == 78
    assert "programs that know only 0001 work on it" in refused.stderr
    assert migrate.current(store) == "0002"
    old.ask_to(signal.SIGTERM)
    assert old.ended() == 0
    send()  # by the new one alone
    assert "from 0002 to 0003" in upgrade(newest, store).stderr
    send()  # the new one works on
    start(store, folder(), checkout=newest)
    send()
    assert new.process.poll() is None


def test_an_old_program_that_was_cut_off_while_the_schema_was_contracted_ends_and_says_so(
    story: Story, start: Starter, newer: Path, newest: Path, send: Callable[[], None], tmp_path: Path
) -> None:
    store = story.house.store
    folder = folders(tmp_path)
    old = start(store, folder())
    upgrade(newer, store)
    send()
    old.ask_to(signal.SIGSTOP)
    cut_off_programs(store)
    assert upgrade(newest, store).returncode == 0
    old.ask_to(signal.SIGCONT)
    assert told_that_it_is_too_old(old)
    assert told_that_it_is_too_old(start(store, folder(), ready=False))
    start(store, folder(), checkout=newer)
    send()


def told_that_it_is_too_old(daemon: Daemon) -> bool:
    """Ended for good, with one clear line."""
    code, log = daemon.ended(), daemon.log.read_text()
    return code == 78 and "at revision 0003" in log and "install the newer program" in log and "Traceback" not in log


def copy_of(checkout: Path, to: Path, revision: str, migration: str) -> Path:
    """The same program with one more migration."""
    for part in ("reminderd", "templates", "deploy"):
        shutil.copytree(checkout / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
    known = ", ".join(f'"{one:04}"' for one in range(1, int(revision)))
    written = f"REVISIONS = ({known},)" if revision == "0002" else f"REVISIONS = ({known})"
    edit(to / "reminderd/store/migrate.py", written, f'REVISIONS = ({known}, "{revision}")')
    (to / "reminderd/store/migrations/versions" / f"{revision}_more.py").write_text(migration)
    return to


def edit(path: Path, old: str, new: str) -> None:
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new, 1))


def upgrade(checkout: Path, store: Store) -> subprocess.CompletedProcess[str]:
    """`reminderd db upgrade` with the program there."""
    url = store.engine.url.render_as_string(hide_password=False)
    return subprocess.run(
        [sys.executable, "-m", "reminderd", "db", "upgrade"],
        env=os.environ | {"DATABASE_URL": url},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def cut_off_programs(store: Store) -> None:
    """End the connections of all daemons on the server's side."""
    with store.writing() as session:
        query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND classid = :key"
        session.execute(text(query), {"key": migrate.PROGRAMS}).all()


def folders(parent: Path) -> Callable[[], Path]:
    """Each call makes the home of one more daemon."""
    made: list[Path] = []

    def make() -> Path:
        made.append(parent / str(len(made)))
        made[-1].mkdir(mode=0o700)
        return made[-1]

    return make
