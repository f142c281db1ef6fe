"""100 stored deliveries due among many: lease, attempt, hand over to nobody, settle, ten in flight."""

from __future__ import annotations

import pickle
import random
import threading
import time
from pathlib import Path
from typing import Any

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_REMOVED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.util import datetime_to_utc_timestamp

from bench.databases import durable_postgres, sqlite_urls
from bench.stock import LATER, NOW, fill, make_due
from bench.table import Report, Row, Verdict
from reminderd.dispatcher import Dispatcher
from reminderd.message import Channel
from reminderd.settings import load
from reminderd.simulation import null_transports
from reminderd.store.database import Store
from reminderd.wiring import House

DUE = 100
IN_FLIGHT = 10


def run(quick: bool, million: bool = False) -> Report:
    stocks = (10_000,) if quick else (10_000, 100_000)
    ours = (10_000, 100_000, *([1_000_000] if million else []))
    repeats = 5 if quick else 9
    rows: dict[tuple[str, str, int], Row] = {}
    with sqlite_urls() as folder, durable_postgres() as server:
        for stock in ours:
            url = f"sqlite:///{folder}/ours-{stock}.db"
            rows["sqlite", "reminderd", stock] = measure_ours("SQLite FULL", url, stock, repeats)
            if server is not None:
                name = server.create()
                rows["postgres", "reminderd", stock] = measure_ours("PostgreSQL", name, stock, repeats)
                server.drop(name)
        for stock in stocks:
            url = f"sqlite:///{folder}/rival-{stock}.db"
            rows["sqlite", "apscheduler", stock] = measure_rival("SQLite", url, stock, repeats)
    return Report("tick", list(rows.values()), _verdicts(rows, ours, stocks))


def measure_ours(place: str, url: str, stock: int, repeats: int) -> Row:
    """Milliseconds for each hundred of ours."""
    store = fill(url, stock)
    house = make_house(store, Path("/nonexistent"))
    taken = []
    for seed in range(repeats + 1):
        with store.writing() as session:
            make_due(session, stock, DUE, seed)
        dispatcher = make_dispatcher(house)
        begun = time.perf_counter()
        tally = dispatcher.run_once(lambda: NOW)
        taken.append((time.perf_counter() - begun) * 1000)
        if tally.sent != DUE:
            raise RuntimeError(f"{tally.sent} of {DUE} were sent")
    store.dispose()
    return Row(f"reminderd, {place}, {stock:,}", tuple(taken[1:]))


def make_house(store: Store, home: Path) -> House:
    """A house around a store that is there already."""
    return House(load({}, None, home), store, None, frozenset({"email"}))


def make_dispatcher(house: House) -> Dispatcher:
    """Production's, with a transport that takes everything at once."""
    return Dispatcher(house.store, house.composer, null_transports([Channel.EMAIL]), senders=IN_FLIGHT)


def measure_rival(place: str, url: str, stock: int, repeats: int) -> Row:
    """Milliseconds for each hundred of APScheduler, with a job for each reminder."""
    taken = []
    scheduler = BackgroundScheduler(
        timezone=NOW.tzinfo,
        jobstores={"default": SQLAlchemyJobStore(url)},
        executors={"default": ThreadPoolExecutor(IN_FLIGHT)},
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start(paused=True)
    jobs: Any = scheduler._jobstores["default"]
    template = Job(scheduler, id="0", func=land, args=(0,), kwargs={}, trigger=DateTrigger(NOW, NOW.tzinfo), **_JOB)
    chance = random.Random(1)
    for start in range(0, stock, 10_000):
        with jobs.engine.begin() as connection:
            made = [_job(template, number, future=chance.random()) for number in range(start, start + 10_000)]
            connection.execute(jobs.jobs_t.insert(), made)
    done, event = {EVENT_JOB_EXECUTED: 0, EVENT_JOB_REMOVED: 0}, threading.Event()

    def note(one: Any) -> None:
        done[one.code] += 1
        if min(done.values()) >= DUE:
            event.set()

    scheduler.add_listener(note, EVENT_JOB_EXECUTED | EVENT_JOB_REMOVED)
    for repeat in range(repeats + 1):
        with jobs.engine.begin() as connection:
            numbers = range(stock + DUE * repeat, stock + DUE * (repeat + 1))
            connection.execute(jobs.jobs_t.insert(), [_job(template, number, future=None) for number in numbers])
        done.update(dict.fromkeys(done, 0))
        event.clear()
        begun = time.perf_counter()
        scheduler.resume()
        if not event.wait(120):
            raise RuntimeError(f"APScheduler did not come to an end: {done}")
        taken.append((time.perf_counter() - begun) * 1000)
        scheduler.pause()
    scheduler.shutdown()
    return Row(f"APScheduler, {place} as it comes, {stock:,}", tuple(taken[1:]))


def land(number: int) -> None:
    """What a rival's job does: as little as the transport that takes everything."""


_JOB: dict[str, Any] = {
    "executor": "default",
    "misfire_grace_time": None,
    "coalesce": True,
    "max_instances": 1,
    "name": "land",
    "next_run_time": NOW,
}


def _job(template: Job, number: int, *, future: float | None) -> dict[str, Any]:
    at = NOW if future is None else NOW.replace(year=2100) + LATER * future
    state = template.__getstate__() | {
        "id": str(number),
        "args": (number,),
        "trigger": DateTrigger(at, at.tzinfo),
        "next_run_time": at,
    }
    if future is None:
        at = at.replace(year=2000)
        state |= {"trigger": DateTrigger(at, at.tzinfo), "next_run_time": at}
    return {
        "id": str(number),
        "next_run_time": datetime_to_utc_timestamp(at),
        "job_state": pickle.dumps(state, pickle.HIGHEST_PROTOCOL),
    }


def _verdicts(rows: dict[tuple[str, str, int], Row], ours: tuple[int, ...], stocks: tuple[int, ...]) -> list[Verdict]:
    found = []
    for place in ("sqlite", "postgres"):
        least, most = rows.get((place, "reminderd", ours[0])), rows.get((place, "reminderd", ours[-1]))
        if least is not None and most is not None:
            bound = 1.3
            found.append(Verdict(f"{place}: cost at {ours[-1]:,} / at {ours[0]:,}", most.median / least.median, bound))
    for stock in stocks:
        mine, other = rows["sqlite", "reminderd", stock], rows["sqlite", "apscheduler", stock]
        found.append(Verdict(f"sqlite: APScheduler / ours at {stock:,}", other.median / mine.median, at_least=4))
    return found
