"""How the database goes about the statements of the send path."""

from __future__ import annotations

from sqlalchemy import text

from reminderd.store import statements
from reminderd.store.database import Store
from tests.store.asked import asked_of
from tests.store.rows import NOW


def test_what_is_due_first_is_found_without_sorting_what_is_due(store: Store) -> None:
    with store.writing() as session:
        connection = session.connection()
        if not store.is_sqlite:  # which takes other ways for tables as small as these
            for way in ("seqscan", "sort", "incremental_sort", "hashjoin", "mergejoin", "bitmapscan"):
                session.execute(text(f"SET LOCAL enable_{way} = off"))
        with asked_of(store) as asked:
            statements.find_claimable(connection, NOW, 10)
        ((statement, parameters),) = asked
        explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN"
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
    assert "ix_deliveries_due" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
