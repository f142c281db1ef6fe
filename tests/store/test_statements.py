"""How the database goes about the statements of the send path, and those about what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from reminderd.store import inbound, outbox, statements
from reminderd.store.database import Store
from tests.store.asked import asked_of
from tests.store.rows import NOW

OTHER_WAYS = ("seqscan", "sort", "incremental_sort", "hashjoin", "mergejoin", "bitmapscan")
"""That PostgreSQL takes for tables as small as these."""


def plan_of(store: Store, ask: Callable[[Session], Any]) -> str:
    """How the database goes about the first thing that is asked."""
    with store.writing() as session:
        connection = session.connection()
        if not store.is_sqlite:
            for way in OTHER_WAYS:
                session.execute(text(f"SET LOCAL enable_{way} = off"))
        with asked_of(store) as asked:
            ask(session)
        statement, parameters = asked[0]
        explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN"
        return "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))


def test_what_is_due_first_is_found_without_sorting_what_is_due(store: Store) -> None:
    plan = plan_of(store, lambda session: statements.find_claimable(session.connection(), NOW, 10))
    assert "ix_deliveries_due" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda session: inbound.unconfirmed_texts(session, NOW), "ix_deliveries_unconfirmed"),
        (lambda session: inbound.last_spoken(session, 1, "sms", NOW), "ix_deliveries_user_id_channel_sent_at"),
        (lambda session: inbound.users_by_phone(session, "+14155550101"), "ix_deliveries_user_id_channel_sent_at"),
        (lambda session: outbox.last_sent_at(session, 1), "ix_deliveries_user_id_channel_sent_at"),
        (lambda session: inbound.delivery_by_message_id(session, ["<1@x.test>"]), "ix_messages_message_id"),
    ],
    ids=["unconfirmed texts", "last spoken", "users by phone", "last sent", "by Message-ID"],
)
def test_what_was_sent_is_found_by_an_index(store: Store, ask: Callable[[Session], Any], index: str) -> None:
    plan = plan_of(store, ask)
    assert index in plan, plan
    assert "SCAN deliveries" not in plan, plan
    assert "SCAN messages" not in plan, plan
