"""The tables of docs/scaling.md: computed from measured costs, and in their places on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import deliver, late, nodes
from bench.peak import ONE_ZONE, UNITED_STATES, WORLD, Speed, most_messages, worst_lateness
from bench.scaling import BEGIN, PAGE, PLACES, Costs, load_costs, make_tables, written
from bench.year import live_a_year

COSTS = Costs(
    {
        "deliver": {deliver.name_of(place): [900.0, 1100.0] for place in PLACES},
        "late": {
            late.COMPOSING_CPU: [5.0],
            **{f"{place}: {what}": [100.0] for place in PLACES for what in (late.COMPOSED, late.PLANNED, late.AGAIN)},
        },
        "nodes": {
            nodes.NODE_CPU: [1.0],
            nodes.DATABASE_CPU: [1.0],
            nodes.APART: [300.0],
            **{nodes.name_of(count): [150.0 * count] for count in nodes.COUNTS},
        },
    },
    "2 cores, Linux",
    "2026-11-24",
)


@pytest.mark.parametrize(
    ("messages", "seconds"),
    [
        (60_000, 60),  # all composed in the ten minutes before, then 1,000 a second
        (61_000, 71),  # 1,000 are left to compose, at 100 a second
        (120_000, 720),
    ],
)
def test_what_is_not_composed_in_time_is_composed_first(messages: int, seconds: float) -> None:
    assert worst_lateness(messages, ONE_ZONE, Speed(100, 1000)) == pytest.approx(seconds)


def test_a_zone_waits_for_what_the_zone_before_left_over() -> None:
    half_an_hour = {1.0: 0.5, 0.5: 0.5}
    speed = Speed(100, 1000)
    alone = worst_lateness(200_000, ONE_ZONE, speed)
    assert worst_lateness(400_000, half_an_hour, speed) == pytest.approx(2 * alone - 1800 + 600)


def test_the_most_is_the_last_that_is_in_time() -> None:
    speed = Speed(100, 1000)
    assert most_messages(ONE_ZONE, speed, 60) == 60_000
    assert (
        most_messages(ONE_ZONE, speed, 60) < most_messages(UNITED_STATES, speed, 60) < most_messages(WORLD, speed, 60)
    )


@pytest.mark.parametrize("zones", [ONE_ZONE, UNITED_STATES, WORLD])
def test_the_shares_of_the_zones_are_a_whole(zones: dict[float, float]) -> None:
    assert sum(zones.values()) == pytest.approx(1)


def test_more_nodes_do_more_until_the_database_is_busy() -> None:
    assert COSTS.of_nodes(2) == Speed(200, 300)
    assert COSTS.of_nodes(100) == Speed(400, 2000)


def test_the_page_has_a_place_for_each_table_and_is_otherwise_left_alone() -> None:
    page = PAGE.read_text("utf-8")
    tables = make_tables(COSTS)
    once = written(page, tables)
    assert all(table in once for table in tables.values())
    assert written(once, tables) == once
    assert [line for line in once.splitlines() if line.startswith("#")] == [
        line for line in page.splitlines() if line.startswith("#")
    ]
    with pytest.raises(ValueError, match="expected one"):
        written(page.replace(BEGIN.format(name="costs"), ""), tables)


def test_missing_results_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"deliver\.json: not there\. Run: python -m bench deliver"):
        load_costs(tmp_path)
    for name in ("deliver", "late", "nodes"):
        report = {"at": "2026-11-24T12:00:00+00:00", "machine": "2 cores, Linux", "rows": []}
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    with pytest.raises(SystemExit, match="expected a row 'PostgreSQL: composed ahead'"):
        load_costs(tmp_path).composed("PostgreSQL")


def test_the_year_of_one_user_is_the_same_at_each_call() -> None:
    year = live_a_year(acts=False)
    assert year == live_a_year(acts=False)
    assert 0 < year.busy_mondays <= year.messages
    assert year.planned > 7  # six references and the user, once at least


def test_planning_costs_a_user_and_a_reference_what_both_took() -> None:
    assert COSTS.planned("PostgreSQL") == pytest.approx(0.005)
