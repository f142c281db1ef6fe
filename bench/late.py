"""Many reminders due at one second: how long after it the mail server has each, from a real daemon by the real clock.

The daemon makes messages up to ten minutes ahead. Here it has some seconds for that, and says whether they sufficed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import signal
import statistics
import tempfile
import time
from pathlib import Path

from bench.daemons import PATIENCE, SENDERS, await_taken, database_cpu_seconds, pause, start_daemon
from bench.databases import copied, durable_postgres, sqlite_urls
from bench.faults.nursery import Nursery
from bench.morning import plan_people, set_moment, uncomposed
from bench.sink import Sink, Taken, running_sink, send_by_smtp_source
from bench.table import Report, Row, Verdict
from reminderd.clock import utc_now
from reminderd.store.database import Store

PEOPLE = 2000
SIZE = 9000
"""About what a reminder has."""
COMPOSED = "composed ahead"
PLANNED = "planned, a user and a reference"
AGAIN = "planned again, a user and a reference"
COMPOSING_CPU = "processor time of PostgreSQL for each composed"
ALLOWED = 2.0
"""Seconds beside the sink's own time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Morning:
    """What came of one moment."""

    late: list[float]
    """Seconds from the moment to when each was taken."""
    composed_per_second: float
    database_cpu: float
    """Processor seconds that PostgreSQL had for composing."""
    spare: float
    """Seconds between the last message made and the moment; negative when they were not ready."""


def run(quick: bool) -> Report:
    people, repeats = (200, 1) if quick else (PEOPLE, 2)
    rows: list[Row] = []
    verdicts: list[Verdict] = []
    with (
        sqlite_urls() as folder,
        durable_postgres() as server,
        Nursery() as nursery,
        running_sink("smtp") as sink,
    ):
        own = [send_by_smtp_source(sink.port, people, SIZE, SENDERS) for _ in range(3)]
        sink.taken()
        rows.append(Row("the sink's own time, by smtp-source", tuple(own), "s"))
        for place in ("SQLite FULL", *(["PostgreSQL"] if server is not None else [])):
            template = server.create() if place == "PostgreSQL" and server else f"sqlite:///{folder}/planned.db"
            planning = plan_people(template, folder, people)
            mornings = []
            for _ in range(repeats):
                with copied(template, server) as url, tempfile.TemporaryDirectory(prefix="rl-") as home:
                    ahead = dt.timedelta(seconds=min(75, 10 + 5 * planning.first))  # composing takes longer
                    mornings.append(hold_morning(nursery, sink, Path(home) / "node", url, people, ahead))
            late = Row(f"{place}: p99 from due to taken", tuple(map(_p99, mornings)), "s")
            rows += [
                late,
                Row(f"{place}: median from due to taken", tuple(map(_median, mornings)), "s"),
                Row(f"{place}: {PLANNED}", (people / planning.first,), "per s"),
                Row(f"{place}: {AGAIN}", (people / planning.again,), "per s"),
                Row(f"{place}: {COMPOSED}", tuple(one.composed_per_second for one in mornings), "per s"),
                Row(f"{place}: ready before the moment", tuple(one.spare for one in mornings), "s"),
            ]
            if server is not None and place == "PostgreSQL":
                rows.append(Row(COMPOSING_CPU, tuple(one.database_cpu / people * 1000 for one in mornings)))
            verdicts.append(Verdict(f"{place}: p99 / (own time + 2 s)", late.median / (rows[0].median + ALLOWED), 1))
    return Report("late", rows, verdicts)


def hold_morning(nursery: Nursery, sink: Sink, home: Path, url: str, people: int, ahead: dt.timedelta) -> Morning:
    """A daemon with so many reminders for one moment, which lies ``ahead``."""
    store = Store(url)
    moment = (utc_now() + ahead).replace(microsecond=0)
    with store.writing() as session:
        set_moment(session, moment)
    before = _used(url)
    begun = time.monotonic()
    pid = start_daemon(nursery, home, url, sink)
    _await_composed(store, moment)
    took = time.monotonic() - begun
    database_cpu = _used(url) - before
    spare = moment.timestamp() - time.time()
    taken: list[Taken] = []
    await_taken(sink, people, taken)
    store.dispose()
    nursery.kill(pid, signal.SIGTERM)
    late = [one.at - moment.timestamp() for one in taken + sink.taken()]
    if len(late) != people or min(late) < 0:
        raise RuntimeError(f"{len(late)} messages for {people} people, the first {min(late):.2f} s after the moment")
    return Morning(late, people / took, database_cpu, spare)


def _used(url: str) -> float:
    """Processor seconds of the database so far; with SQLite there is no process of its own."""
    return 0.0 if url.startswith("sqlite") else database_cpu_seconds(url)


def _await_composed(store: Store, moment: dt.datetime) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with store.reading() as session:
            if not uncomposed(session, moment):
                return
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all messages were made within {PATIENCE:g} s")
        pause(0.1)


def _p99(morning: Morning) -> float:
    return statistics.quantiles(morning.late, n=100)[98]


def _median(morning: Morning) -> float:
    return statistics.median(morning.late)
