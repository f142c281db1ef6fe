"""Several daemons on one PostgreSQL, and a daemon on each of two, that send to a slow sink; and one that is killed."""

from __future__ import annotations

import dataclasses
import functools
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import select

from bench.daemons import PATIENCE, SENDERS, await_taken, cpu_seconds, database_cpu_seconds, pause, start_daemon
from bench.databases import durable_postgres
from bench.faults.nursery import Nursery
from bench.sink import Sink, Taken, running_sink
from bench.stock import fill, make_all_due, make_mail
from bench.table import Report, Row, Verdict
from reminderd.clock import utc_now
from reminderd.message import Mail
from reminderd.store import outbox
from reminderd.store.database import Store
from reminderd.store.tables import User
from tests.flow.parts import make_house
from tests.servers.postgres import PostgresServer

LATENCY = 0.05
"""Seconds until the sink answers a message."""
COUNTS = (1, 2, 4)
WAITS = {"LEASE_SECONDS": "5", "RECONCILE_SECONDS": "1"}
"""Where a node is killed; the defaults are 60 and 60."""
APART = "2, each on a PostgreSQL of its own"
NODE_CPU = "processor time of a node for each message"
DATABASE_CPU = "processor time of PostgreSQL for each message"
NodeRun = Callable[[Sequence[str], Nursery, Sink, Path], "Arrivals"]


@dataclasses.dataclass(frozen=True, slots=True)
class Arrivals:
    """What came, from when it was due."""

    seconds: float
    """Until the last different message."""
    copies: int
    """Beyond the first of each."""
    node_cpu: float
    """Processor seconds of all daemons that were there to the end."""
    database_cpu: float


def run(quick: bool) -> Report:
    count, repeats = (1000, 1) if quick else (4000, 2)
    with (
        durable_postgres() as first,
        durable_postgres() as second,
        Nursery() as nursery,
        running_sink("smtp", LATENCY) as sink,
    ):
        if first is None or second is None:
            return Report("nodes", [], [])
        one = [prepare(first, count)]
        halves = [prepare(server, count // 2, place * count) for place, server in enumerate((first, second))]
        runs: dict[str, tuple[list[tuple[PostgresServer, str]], NodeRun]] = {
            name_of(nodes): ([(first, url) for url in one], functools.partial(send, count, nodes)) for nodes in COUNTS
        }
        runs[APART] = (
            list(zip((first, second), halves, strict=True)),
            functools.partial(send, count, 1),
        )
        runs["2 on one PostgreSQL, one killed midway"] = ([(first, one[0])], functools.partial(send_and_kill, count))
        found: dict[str, list[Arrivals]] = {name: [] for name in runs}
        for _ in range(repeats):
            for name, (places, race) in runs.items():
                found[name].append(_on_copies(places, race, nursery, sink))
    rows = [Row(name, tuple(count / one.seconds for one in all_), "per s") for name, all_ in found.items()]
    return Report("nodes", [*rows, *_cpu(found, count)], _verdicts(rows, found))


def name_of(nodes: int) -> str:
    """What the row of so many nodes is called."""
    return f"{nodes} on one PostgreSQL"


def prepare(server: PostgresServer, count: int, offset: int = 0) -> str:
    """The URL of a database with so many messages, whose users need no planning."""
    url = server.create()

    def make_message(number: int) -> Mail:
        return make_mail(offset + number, 2000)

    store = fill(url, count, make_message)
    planner = make_house(store, Path("/nonexistent"), ways=["email"]).planner
    with store.writing() as session:
        for user in session.scalars(select(User)):
            user.settings_mark = planner.settings_mark(user)
    store.dispose()
    return url


def _on_copies(places: list[tuple[PostgresServer, str]], race: NodeRun, nursery: Nursery, sink: Sink) -> Arrivals:
    copies = [(server, server.create(template)) for server, template in places]
    try:
        with tempfile.TemporaryDirectory(prefix="rn-") as folder:
            return race([url for _, url in copies], nursery, sink, Path(folder))
    finally:
        for server, url in copies:
            server.drop(url)


def send(count: int, nodes: int, urls: Sequence[str], nursery: Nursery, sink: Sink, folder: Path) -> Arrivals:
    """So many messages in all, by so many daemons on each database."""
    places = [url for url in urls for _ in range(nodes)]
    pids = [start_daemon(nursery, folder / str(number), url, sink) for number, url in enumerate(places)]
    before = _used(pids, urls)
    due_at = _have_due(urls)
    taken: list[Taken] = []
    await_taken(sink, count, taken)
    used = [after - then for after, then in zip(_used(pids, urls), before, strict=True)]
    _stop(nursery, pids)
    return _count(due_at, taken + sink.taken(), *used)


def send_and_kill(count: int, urls: Sequence[str], nursery: Nursery, sink: Sink, folder: Path) -> Arrivals:
    """The same by two daemons on one database, one of which is killed when half is there."""
    first, second = (start_daemon(nursery, folder / str(number), urls[0], sink, **WAITS) for number in range(2))
    before = _used([second], urls)
    due_at = _have_due(urls)
    taken: list[Taken] = []
    await_taken(sink, count // 2, taken)
    nursery.kill(first)
    await_taken(sink, count, taken)
    _await_settled(urls[0])
    used = [after - then for after, then in zip(_used([second], urls), before, strict=True)]
    _stop(nursery, [second])
    return _count(due_at, taken + sink.taken(), *used)


def _have_due(urls: Sequence[str]) -> float:
    """Everything comes due; when, in seconds since 1970."""
    stores = [Store(url) for url in urls]
    due_at = utc_now()
    for store in stores:
        with store.writing(wake=True) as session:
            make_all_due(session, due_at)
    begun = time.time()
    for store in stores:
        store.dispose()
    return begun


def _await_settled(url: str) -> None:
    """Until what the dead node had in flight has been sent again."""
    store = Store(url)
    deadline = time.monotonic() + PATIENCE
    while True:
        with store.reading() as session:
            counts = outbox.counts(session)
        if counts["sent"] == sum(counts.values()):
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"not everything was sent: {counts}")
        pause(0.1)
    store.dispose()


def _stop(nursery: Nursery, pids: Sequence[int]) -> None:
    for pid in pids:
        code = nursery.kill(pid, signal.SIGTERM)
        if code != 0:
            raise RuntimeError(f"a daemon ended with {code}")


def _used(pids: Sequence[int], urls: Sequence[str]) -> tuple[float, float]:
    """Processor seconds so far, of daemons and of databases."""
    return sum(map(cpu_seconds, pids)), sum(map(database_cpu_seconds, urls))


def _count(due_at: float, taken: Sequence[Taken], node_cpu: float, database_cpu: float) -> Arrivals:
    first_at: dict[str, float] = {}
    for one in taken:
        first_at.setdefault(one.key, one.at)
    return Arrivals(max(first_at.values()) - due_at, len(taken) - len(first_at), node_cpu, database_cpu)


def _cpu(found: dict[str, list[Arrivals]], count: int) -> list[Row]:
    """From the runs in which nothing went wrong, on one database."""
    runs = [one for nodes in COUNTS for one in found[name_of(nodes)]]
    return [
        Row(NODE_CPU, tuple(one.node_cpu / count * 1000 for one in runs)),
        Row(DATABASE_CPU, tuple(one.database_cpu / count * 1000 for one in runs)),
    ]


def _verdicts(rows: Sequence[Row], found: dict[str, list[Arrivals]]) -> list[Verdict]:
    one, two, four, apart, killed = rows
    quiet = sum(all_.copies for row in rows[:-1] for all_ in found[row.what])
    return [
        Verdict("2 nodes / 1 node", two.median / one.median, at_least=1.8),
        Verdict("4 nodes / 1 node", four.median / one.median, at_least=3),
        Verdict("2 databases / 1 database, a node on each", apart.median / one.median),
        Verdict("messages that came twice", quiet, 0),
        Verdict("most that came twice after a kill", max(one.copies for one in found[killed.what]), SENDERS),
    ]
