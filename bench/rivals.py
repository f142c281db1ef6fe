"""What else could remind: a job for each reminder, filled in bulk. Each function gives, again and again, the
milliseconds that a hundred more took that came due, whose numbers end with 00 to 99."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import logging
import pickle
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_REMOVED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.util import datetime_to_utc_timestamp

from bench.stock import LATER, NOW

DUE = 100
IN_FLIGHT = 10
AT_ONCE = 10_000
FAR = NOW.replace(year=2100)
PAST = NOW.replace(year=2000)


def land(number: int) -> None:
    """A rival's job that does as little as the transport that takes everything."""


# ---- APScheduler


def apscheduler(url: str, stock: int, job: Callable[[int], None] = land) -> Iterator[float]:
    """APScheduler, SQLAlchemyJobStore on its defaults. It finds the job again by its module and name."""
    scheduler = BackgroundScheduler(
        timezone=NOW.tzinfo,
        jobstores={"default": SQLAlchemyJobStore(url)},
        executors={"default": ThreadPoolExecutor(IN_FLIGHT)},
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start(paused=True)
    jobs: Any = scheduler._jobstores["default"]
    template = Job(scheduler, id="0", func=job, args=(0,), kwargs={}, trigger=DateTrigger(NOW, NOW.tzinfo), **_JOB)
    chance = random.Random(1)
    for start in range(0, stock, AT_ONCE):
        with jobs.engine.begin() as connection:
            made = [_job(template, number, FAR + LATER * chance.random()) for number in range(start, start + AT_ONCE)]
            connection.execute(jobs.jobs_t.insert(), made)
    done, event = {EVENT_JOB_EXECUTED: 0, EVENT_JOB_REMOVED: 0}, threading.Event()

    def note(one: Any) -> None:
        done[one.code] += 1
        if min(done.values()) >= DUE:
            event.set()

    scheduler.add_listener(note, EVENT_JOB_EXECUTED | EVENT_JOB_REMOVED)
    for repeat in itertools.count():
        with jobs.engine.begin() as connection:
            numbers = range(stock + DUE * repeat, stock + DUE * (repeat + 1))
            connection.execute(jobs.jobs_t.insert(), [_job(template, number, PAST) for number in numbers])
        done.update(dict.fromkeys(done, 0))
        event.clear()
        begun = time.perf_counter()
        scheduler.resume()
        if not event.wait(120):
            raise RuntimeError(f"APScheduler did not come to an end: {done}")
        took = (time.perf_counter() - begun) * 1000
        scheduler.pause()
        try:
            yield took
        except GeneratorExit:
            scheduler.shutdown()
            raise


_JOB: dict[str, Any] = {
    "executor": "default",
    "misfire_grace_time": None,
    "coalesce": True,
    "max_instances": 1,
    "name": "job",
    "next_run_time": NOW,
}


def _job(template: Job, number: int, at: dt.datetime) -> dict[str, Any]:
    state = template.__getstate__() | {
        "id": str(number),
        "args": (number,),
        "trigger": DateTrigger(at, at.tzinfo),
        "next_run_time": at,
    }
    return {
        "id": str(number),
        "next_run_time": datetime_to_utc_timestamp(at),
        "job_state": pickle.dumps(state, pickle.HIGHEST_PROTOCOL),
    }


# ---- huey


def huey(path: Path, stock: int, job: Callable[[int], None] = land) -> Iterator[float]:
    """huey on SQLite, as it comes: what its scheduler and one worker do, without their pauses between looks."""
    from huey import SqliteHuey

    logging.getLogger("huey").setLevel(logging.WARNING)
    queue = SqliteHuey(filename=str(path), results=False, utc=True)
    task = queue.task()(job)
    chance = random.Random(1)

    def schedule(count: int, moment: Callable[[], dt.datetime]) -> None:
        rows = []
        for number in range(count):
            at = moment()
            data = queue.serialize_task(task.s(number, eta=at.replace(tzinfo=None)))
            rows.append((queue.storage.name, data, at.timestamp()))
        with queue.storage.db(commit=True) as cursor:
            cursor.executemany("INSERT INTO schedule (queue, data, timestamp) VALUES (?, ?, ?)", rows)

    schedule(stock, lambda: FAR + LATER * chance.random())
    while True:
        schedule(DUE, lambda: PAST)
        begun, ran = time.perf_counter(), 0
        for one in queue.read_schedule(NOW.replace(tzinfo=None)):
            queue.enqueue(one)
        while (one := queue.dequeue()) is not None:
            queue.execute(one)
            ran += 1
        took = (time.perf_counter() - begun) * 1000
        if ran != DUE:
            raise RuntimeError(f"huey ran {ran} of {DUE}")
        yield took


# ---- procrastinate


def procrastinate(url: str, stock: int) -> Iterator[float]:
    """procrastinate, from a worker's start until it has caught up, ten jobs at a time."""
    from procrastinate import App, PsycopgConnector

    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    app = App(connector=PsycopgConnector(conninfo=url))
    ran = 0

    @app.task(name="land")
    async def landing(number: int) -> None:
        nonlocal ran
        ran += 1

    async def prepare() -> None:
        await app.open_async()
        await app.schema_manager.apply_schema_async()

    # What its own `defer` writes, by one statement for all.
    filled = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, scheduled_at)"
        " SELECT 'default', 'land', jsonb_build_object('number', n), {at} FROM generate_series(1, {count}) n"
    )
    with asyncio.Runner() as runner:
        runner.run(prepare())
        later = f"timestamptz '{FAR:%Y-%m-%d}' + random() * interval '365 days'"
        runner.run(app.connector.execute_query_async(filled.format(at=later, count=stock)))
        runner.run(app.connector.execute_query_async("ANALYZE procrastinate_jobs"))
        runner.run(app.connector.execute_query_async("CHECKPOINT"))
        try:
            while True:
                past = f"timestamptz '{PAST:%Y-%m-%d}'"
                runner.run(app.connector.execute_query_async(filled.format(at=past, count=DUE)))
                ran = 0
                begun = time.perf_counter()
                runner.run(app.run_worker_async(wait=False, concurrency=IN_FLIGHT, install_signal_handlers=False))
                took = (time.perf_counter() - begun) * 1000
                if ran != DUE:
                    raise RuntimeError(f"procrastinate ran {ran} of {DUE}")
                yield took
        finally:
            runner.run(app.close_async())
