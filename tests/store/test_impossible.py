"""`db check` finds each of the faults that are planted, and none where there is none."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from reminderd.errors import ReminderdError
from reminderd.store import impossible
from reminderd.store.database import Store
from reminderd.store.tables import Attempt, DeliveryState, Outcome, Reference, Step, StepState
from tests.store.rows import NOW, add_delivery, add_user, make_delivery, make_nudge


@pytest.fixture
def sound(store: Store) -> Store:
    """A user, a reference, a nudge, a step that was sent, and one that waits."""
    user = add_user(store)
    add_user(store, "other@example.com")
    with store.writing() as session:
        session.execute(text("UPDATE users SET last_number = 1 WHERE id = 1"))
        reference = Reference(user_id=user.id, name="Ana", created_on=NOW.date(), created_at=NOW)
        session.add(reference)
        session.flush()
        subject = f"reference:{reference.id}"
        nudge = make_nudge(user, number=1, subject=subject, reference_id=reference.id)
        sent, waiting = make_delivery(user, state=DeliveryState.SENT), make_delivery(user, "2")
        sent.attempts = 1
        session.add(nudge)
        add_delivery(session, sent)
        add_delivery(session, waiting)
        session.flush()
        times = {"planned_at": NOW, "at": NOW, "channel": "email", "lane": "now", "user_id": user.id}
        session.add(Attempt(user_id=1, delivery_id=sent.id, number=1, begun_at=NOW, ended_at=NOW, outcome=Outcome.SENT))
        session.add(Step(nudge_id=nudge.id, position=1, state=StepState.SENT, delivery_id=sent.id, **times))
        session.add(Step(nudge_id=nudge.id, position=2, state=StepState.PENDING, **times))
    return store


PLANTED = {
    "a step of another user": (
        "UPDATE steps SET user_id = 2 WHERE position = 2",
        "steps.nudge_id belongs to another user: row 2",
    ),
    "a subject that names another": (
        "UPDATE nudges SET subject = 'reference:7'",
        "nudges.subject names another reference: row 1",
    ),
    "a number never given": (
        "UPDATE nudges SET number = 9",
        "nudges.number is past the user's last number: row 1",
    ),
    "an attempt left open": (
        "UPDATE attempts SET outcome = NULL, ended_at = NULL",
        "deliveries is not being sent, but has an open attempt: row 1",
    ),
    "an attempt that is gone": (
        "UPDATE deliveries SET attempts = 2 WHERE id = 1",
        "deliveries.attempts is not the number of its newest attempt: row 1",
    ),
    "sent, though its attempt failed": (
        "UPDATE attempts SET outcome = 'failed'",
        "deliveries was sent, but by none of its attempts: row 1",
    ),
    "failed for no reason": (
        "UPDATE deliveries SET state = 'failed' WHERE id = 2",
        "deliveries failed without a reason: row 2",
    ),
    "a step in a cancelled message": (
        "UPDATE deliveries SET state = 'cancelled' WHERE id = 1",
        "steps was sent by a message that was cancelled: row 1",
    ),
    "a waiting step in a message": (
        "UPDATE steps SET delivery_id = 2 WHERE position = 2",
        "steps waits, but is in a message already: row 2",
    ),
    "a plan from the future": (
        'UPDATE "references" SET planned_version = 5',
        "references was planned for a change that has not been: row 1",
    ),
    "a message that is none": (
        """UPDATE messages SET envelope = '{"words": "none"}' WHERE delivery_id = 2""",
        "messages cannot be read: row 2",
    ),
    "a text of another shape": (
        "UPDATE messages SET envelope = '[]', content = NULL WHERE delivery_id = 2",
        "messages cannot be read: row 2",
    ),
    "a delivery without a message": (
        "DELETE FROM messages WHERE delivery_id = 2",
        "deliveries is to be sent, but has no message: row 2",
    ),
    "a zone that is none": (
        "UPDATE users SET zone = 'Europe/Atlantis' WHERE id = 2",
        "users.zone is not among the zones of this machine: row 2",
    ),
}
ON_A_FILE_ONLY = {
    "an orphan": ("DELETE FROM nudges", "steps: row 1 points to a row of nudges that is not there"),
    "a lease without an owner": (
        "UPDATE deliveries SET state = 'leased' WHERE id = 2",
        "integrity: CHECK constraint failed in deliveries",
    ),
}


def test_a_sound_database_has_no_faults(sound: Store) -> None:
    assert impossible.find(sound) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(sound: Store, fault: str) -> None:
    statement, line = PLANTED[fault]
    with sound.writing() as session:
        session.execute(text(statement.replace(":", r"\:") if "{" in statement else statement))
    assert line in impossible.find(sound)


@pytest.mark.parametrize("fault", ON_A_FILE_ONLY)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_fault_that_constraints_forbid_is_found_where_it_got_in_all_the_same(sound: Store, fault: str) -> None:
    statement, line = ON_A_FILE_ONLY[fault]
    _by_force(sound, statement)
    assert line in impossible.find(sound)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_index_that_lost_a_row_is_found(sound: Store) -> None:
    _by_force(sound, "CREATE TABLE kept AS SELECT * FROM steps")  # pages that come loose may be anywhere
    with sound.reading() as session:
        root = session.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_steps_due'")).scalar_one()
    sound.dispose()
    assert sound.path is not None
    content = bytearray(sound.path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\x0a" + b"\0" * 4 + b"\x10\x00" + b"\0" * 4089
    sound.path.write_bytes(content)
    try:
        found = impossible.find(sound)
    except ReminderdError as error:
        found = [str(error)]
    assert found


def _by_force(store: Store, statement: str) -> None:
    """Without the database's own checks."""
    with store.engine.connect() as connection:
        driver = connection.connection.driver_connection
        for pragma in ("foreign_keys=OFF", "ignore_check_constraints=ON"):
            driver.execute(f"PRAGMA {pragma}")
        driver.execute(statement)
        connection.invalidate()
