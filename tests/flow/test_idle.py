"""A tick with nothing to do costs at most three indexed reads and no write, however much is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from reminderd.metrics import Metrics, load_standing
from reminderd.settings import load
from reminderd.store import jumps
from reminderd.store.database import Store
from tests.flow.parts import NOON, SIX, Story, make_house, recorders
from tests.store.asked import asked_of

MINUTE = dt.timedelta(minutes=1)
BIG = ("steps", "deliveries", "nudges", "events", "attempts", "references", "users", "channel_health")


@pytest.fixture
def story(store: Store, tmp_path: Path) -> Iterator[Story]:
    """A user in the middle of things, up to date."""
    made = Story.begin(make_house(store, tmp_path), recorders(), SIX)
    made.land(NOON)
    made.pass_at(NOON)
    yield made
    made.stop()


@pytest.fixture
def statements(story: Story) -> list[tuple[str, Any]]:
    """What a tick asks of the database."""
    later = NOON + MINUTE
    with asked_of(story.house.store) as made:
        next_at = story.passes.work(later)
    assert next_at is not None
    assert next_at > later
    return made


def selects(statements: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(statement, given) for statement, given in statements if statement.startswith("SELECT")]


def test_an_idle_tick_writes_nothing_and_asks_little(statements: list[tuple[str, Any]]) -> None:
    others = {statement.split()[0] for statement, _ in statements} - {"SELECT", "PRAGMA", "BEGIN"}
    assert not others
    assert not any("IMMEDIATE" in statement or "FOR UPDATE" in statement for statement, _ in statements)
    assert 1 <= len(selects(statements)) <= 3


def test_an_idle_tick_reads_no_table_from_end_to_end(story: Story, statements: list[tuple[str, Any]]) -> None:
    plans = plans_of(story.house.store, selects(statements))
    assert sum(plan.count("INDEX ix_") or plan.count("Index ") for plan in plans) >= 6, plans
    refuse_whole_tables(plans)


def test_what_comes_every_few_minutes_reads_no_table_from_end_to_end(story: Story) -> None:
    """Housekeeping, a probe of health, the counters of a further scrape, and the end of a pass by cron."""
    store = story.house.store
    counters = Metrics(store, NOON)
    with store.reading() as session:
        counters.count(session, NOON + MINUTE)
    with asked_of(store) as asked:
        with store.writing() as session:
            jumps.pull_in(session, NOON + MINUTE)
        with store.reading() as session:
            load_standing(session)
            counters.count(session, NOON + 2 * MINUTE)
        story.passes.waiting(NOON + MINUTE)
    statements = [one for one in asked if one[0].startswith(("SELECT", "UPDATE"))]
    assert len(statements) >= 10
    refuse_whole_tables(plans_of(store, statements))


def plans_of(store: Store, statements: list[tuple[str, Any]]) -> list[str]:
    """How the database goes about each, a line for each of its steps."""
    with store.engine.connect() as connection:
        if store.is_sqlite:
            explain = "EXPLAIN QUERY PLAN "
        else:
            explain = "EXPLAIN "
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # where an index serves, it is taken
        return [
            f"{' '.join(str(column) for column in row)} of {statement}"
            for statement, given in statements
            for row in connection.exec_driver_sql(explain + statement, given)
        ]


def refuse_whole_tables(plans: list[str]) -> None:
    for plan in plans:
        if plan.split("SCAN ")[-1].split(" ")[0].strip('"') in BIG and "SCAN " in plan:
            assert "INDEX ix_" in plan, plan
        for table in BIG:
            assert f"Seq Scan on {table}" not in plan, plan
            assert f'Seq Scan on "{table}"' not in plan, plan


def test_looks_and_ticks_stay_well_under_a_thousand_an_hour(tmp_path: Path) -> None:
    """A tick wakes the scheduler's thread and the worker's; what housekeeping writes makes another look and tick."""
    from reminderd.daemon import HOUSEKEEPING_FOR, TICK_FOR

    hour = dt.timedelta(hours=1)
    looks = hour.total_seconds() / load({}, None, tmp_path).poll_seconds
    assert looks + 2 * (hour / TICK_FOR) + 5 * (hour / HOUSEKEEPING_FOR) < 950
