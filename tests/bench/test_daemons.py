"""The benches of real daemons in little: that each message comes once, on time, and after a kill too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.faults.nursery import Nursery
from bench.late import hold_morning
from bench.morning import plan_people
from bench.nodes import prepare, send, send_and_kill
from bench.sink import Sink, running_sink
from tests.servers.postgres import PostgresServer

COUNT = 60


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink("smtp", 0.02) as made:
        yield made


def test_a_morning_is_composed_ahead_and_nothing_comes_before_its_moment(
    tmp_path: Path, nursery: Nursery, sink: Sink
) -> None:
    url = f"sqlite:///{tmp_path / 'reminderd.db'}"
    plan_people(url, tmp_path, 5)
    morning = hold_morning(nursery, sink, tmp_path / "node", url, 5, dt.timedelta(seconds=4))
    assert len(morning.late) == 5
    assert min(morning.late) >= 0


@pytest.fixture
def prepared(postgres_server: PostgresServer) -> Iterator[str]:
    url = prepare(postgres_server, COUNT)
    yield url
    postgres_server.drop(url)


def test_two_nodes_send_each_message_once(tmp_path: Path, nursery: Nursery, sink: Sink, prepared: str) -> None:
    assert send(COUNT, 2, [prepared], nursery, sink, tmp_path).copies == 0


def test_a_killed_node_costs_no_delivery(tmp_path: Path, nursery: Nursery, sink: Sink, prepared: str) -> None:
    assert send_and_kill(COUNT, [prepared], nursery, sink, tmp_path).copies <= 10
