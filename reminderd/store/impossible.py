"""What is wrong in a database: damage, rows that contradict each other, and states that no path of the program leads to
and no constraint can forbid, because they span several rows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from reminderd.rules.calendar import zone_exists
from reminderd.store.database import Store
from reminderd.store.tables import UNSETTLED, Delivery, StoredMessage, User

MISMATCHES = {
    f"{child}.{column} belongs to another user": (
        f'SELECT c.id FROM "{child}" AS c JOIN "{parent}" AS p ON p.id = c.{column} WHERE p.user_id <> c.user_id'
    )
    for child, column, parent in (
        ("events", "reference_id", "references"),
        ("events", "opportunity_id", "opportunities"),
        ("nudges", "reference_id", "references"),
        ("nudges", "opportunity_id", "opportunities"),
        ("steps", "nudge_id", "nudges"),
        ("steps", "delivery_id", "deliveries"),
        ("attempts", "delivery_id", "deliveries"),
    )
} | {
    "nudges.subject names another reference": (
        "SELECT id FROM nudges WHERE subject LIKE 'reference:%' "
        "AND (reference_id IS NULL OR subject <> 'reference:' || reference_id)"
    ),
    "nudges.number is past the user's last number": (
        "SELECT n.id FROM nudges AS n JOIN users AS u ON u.id = n.user_id WHERE n.number > u.last_number"
    ),
}
"""What no foreign key can say."""
QUERIES = {
    "deliveries is not being sent, but has an open attempt": (
        "SELECT DISTINCT d.id FROM deliveries AS d JOIN attempts AS a ON a.delivery_id = d.id "
        "WHERE a.outcome IS NULL AND d.state <> 'leased'"
    ),
    "deliveries.attempts is not the number of its newest attempt": (
        "SELECT d.id FROM deliveries AS d WHERE d.attempts <> "
        "coalesce((SELECT max(a.number) FROM attempts AS a WHERE a.delivery_id = d.id), 0)"
    ),
    "deliveries was sent, but by none of its attempts": (
        "SELECT d.id FROM deliveries AS d WHERE d.state IN ('sent', 'delivered') AND d.attempts > 0 AND NOT EXISTS "
        "(SELECT 1 FROM attempts AS a WHERE a.delivery_id = d.id AND a.outcome = 'sent')"
    ),
    "deliveries is to be sent, but has no message": (
        "SELECT d.id FROM deliveries AS d LEFT JOIN messages AS m ON m.delivery_id = d.id "
        "WHERE d.state IN ('pending', 'leased', 'unknown') AND m.delivery_id IS NULL"
    ),
    "deliveries failed without a reason": "SELECT id FROM deliveries WHERE state = 'failed' AND fault_code IS NULL",
    "steps was sent by a message that was cancelled": (
        "SELECT s.id FROM steps AS s JOIN deliveries AS d ON d.id = s.delivery_id "
        "WHERE s.state = 'sent' AND d.state = 'cancelled'"
    ),
    "steps waits, but is in a message already": (
        "SELECT id FROM steps WHERE state = 'pending' AND delivery_id IS NOT NULL"
    ),
    "references was planned for a change that has not been": (
        'SELECT id FROM "references" WHERE planned_version > change_version'
    ),
    "users was planned for a change that has not been": "SELECT id FROM users WHERE planned_version > change_version",
}
"""States that nothing leads to."""


def find(store: Store) -> list[str]:
    """One line for each fault; empty when all is well. The database is at this program's revision."""
    with store.reading() as session:
        return [*_damage(session, store), *_contradictions(session)]


def _damage(session: Session, store: Store) -> Iterator[str]:
    if not store.is_sqlite:
        return
    said = session.execute(text("PRAGMA integrity_check")).scalars().all()
    yield from (f"integrity: {line}" for line in said if line != "ok")
    for table, row, parent, _ in session.execute(text("PRAGMA foreign_key_check")):
        yield f"{table}: row {row} points to a row of {parent} that is not there"


def _contradictions(session: Session) -> Iterator[str]:
    for what, query in (MISMATCHES | QUERIES).items():
        yield from (f"{what}: row {row}" for row in session.execute(text(query)).scalars())
    yield from _unreadable(session)
    for key, zone in session.execute(select(User.id, User.zone)):
        if not zone_exists(zone):
            yield f"users.zone is not among the zones of this machine: row {key}"


def _unreadable(session: Session) -> Iterator[str]:
    query = (
        select(Delivery.id, StoredMessage)
        .join(StoredMessage, StoredMessage.delivery_id == Delivery.id)
        .where(Delivery.state.in_(UNSETTLED))
        .execution_options(yield_per=100)
    )
    for key, message in session.execute(query):
        try:
            message.read()
        except (KeyError, TypeError, ValueError):
            yield f"messages cannot be read: row {key}"
