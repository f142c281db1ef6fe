"""Planning: one event among many references, all of them from nothing, and the pure rules beside plain Python."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select

from bench import by_hand
from bench.databases import copied, durable_postgres, sqlite_urls
from bench.lives import EVENTS, live
from bench.people import ASKED, grown, plan_batch, planned, unplanned, user_at
from bench.stock import NOW
from bench.table import Report, Row, Verdict
from reminderd.actions import Happening
from reminderd.rules.book import default_book
from reminderd.rules.cadence import plan
from reminderd.rules.facts import Facts
from reminderd.store.database import Store
from reminderd.store.tables import Base, Nudge, Opportunity, Step, User
from reminderd.wiring import House
from tests.servers.postgres import PostgresServer

FEW = 10_000
MANY = {"SQLite FULL": 1_000_000, "PostgreSQL": 100_000}
"""References beside the few. To fill PostgreSQL with a million takes some minutes more."""
FROM_NOTHING = {"SQLite FULL": 100_000, "PostgreSQL": 10_000}
LIVES = 1000


def run(quick: bool) -> Report:
    rows: list[Row] = []
    verdicts: list[Verdict] = []
    with sqlite_urls() as folder, durable_postgres() as server:
        places: dict[str, PostgresServer | None] = {"SQLite FULL": None}
        if server is not None and not quick:
            places["PostgreSQL"] = server
        for place, on in places.items():
            urls = [on.create() if on else f"sqlite:///{folder / name}.db" for name in ("planned", "unplanned")]
            found = measure_event(place, urls[0], on, quick)
            rows += found
            if len(found) > 1:
                few, many = found
                what = f"{place}: the event among {MANY[place]:,} / {FEW:,}"
                verdicts.append(Verdict(what, many.median / few.median, 1.3))
            ours, bare = measure_all(place, urls[1], on, quick)
            rows += [ours, bare]
            verdicts.append(Verdict(f"{place}: bare inserts / planning", bare.median / ours.median, at_least=0.25))
    ours, bare = measure_rules(quick)
    verdicts.append(Verdict("plain Python / the rules", bare.median / ours.median, at_least=0.3))
    return Report("plan", [*rows, ours, bare], verdicts)


def measure_event(place: str, url: str, server: PostgresServer | None, quick: bool) -> list[Row]:
    """Milliseconds from an accepted offer to the committed plan of the six it touches, in turns of the stocks."""
    few = planned(url, FEW)
    few.store.dispose()
    with copied(url, server) as other:
        houses = {FEW: few} if quick else {FEW: few, MANY[place]: grown(other, MANY[place])}
        taken: dict[int, list[float]] = {stock: [] for stock in houses}
        for repeat in range(6 if quick else 31):
            for stock, house in houses.items():
                took = accept(house, user_at(stock, repeat))
                if repeat:
                    taken[stock].append(took * 1000)
        for house in houses.values():
            house.store.dispose()
    return [Row(f"an offer accepted, {place}, {stock:,} references", tuple(of)) for stock, of in taken.items()]


def accept(house: House, user_id: int) -> float:
    """Seconds that it takes to record it."""
    begun = time.perf_counter()
    with house.store.writing() as session:
        user = session.get_one(User, user_id)
        job = session.scalars(select(Opportunity).where(Opportunity.user_id == user_id)).one()
        done = house.actions.record(session, user, [Happening("accepted", NOW.date(), (), job)], NOW)
    took = time.perf_counter() - begun
    opened = [nudge for nudge in done.changes.opened if nudge.rule == "accepted"]
    if len(opened) != ASKED:
        raise RuntimeError(f"{len(opened)} of {ASKED} are to be told")
    return took


def measure_all(place: str, url: str, server: PostgresServer | None, quick: bool) -> tuple[Row, Row]:
    """Milliseconds for each thousand references, a value for each tenth of them: planned from nothing, and their rows
    inserted by Core with no planning, in the same batches, a commit for each."""
    count = 2_000 if quick else FROM_NOTHING[place]
    house = unplanned(url, count)
    house.store.dispose()
    with copied(url, server) as other:
        took = []
        while True:
            begun = time.perf_counter()
            if not plan_batch(house):
                break
            took.append(time.perf_counter() - begun)
        batches = written(house)
        house.store.dispose()
        empty = Store(other)
        took_bare = []
        for nudges, steps in batches:
            begun = time.perf_counter()
            with empty.writing() as session:
                session.execute(insert(Base.metadata.tables["nudges"]), nudges)
                session.execute(insert(Base.metadata.tables["steps"]), steps)
            took_bare.append(time.perf_counter() - begun)
        empty.dispose()
    if len(took) != len(took_bare):
        raise RuntimeError("a batch is not one user's references")
    what = f"of {count:,} references, {place}"
    return (
        Row(f"planning {what}", tenths(took, count), "ms/1000"),
        Row(f"bare inserts {what}", tenths(took_bare, count), "ms/1000"),
    )


def tenths(took: Sequence[float], count: int) -> tuple[float, ...]:
    """Seconds of batches as milliseconds for each thousand of ``count``, in ten parts."""
    size = len(took) // 10
    return tuple(sum(took[start : start + size]) * 1_000_000 / (count / 10) for start in range(0, size * 10, size))


def written(house: House) -> list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """The nudges and steps of each user: a user's references are one batch."""
    found: dict[int, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
    with house.store.reading() as session:
        for place, entity in enumerate((Nudge, Step)):
            table = Base.metadata.tables[entity.__tablename__]
            for row in session.execute(select(table).order_by(table.c.id)).mappings():
                found.setdefault(row["user_id"], ([], []))[place].append(dict(row))
    return list(found.values())


def measure_rules(quick: bool) -> tuple[Row, Row]:
    """CPU microseconds for the plan of one reference with ten events, in turns."""
    lives = live(LIVES // 5 if quick else LIVES)
    book = default_book()
    ours, bare = [], []
    for repeat in range(4 if quick else 10):
        plans, took = timed(lives, lambda facts: plan(facts, book, NOW))
        decided, took_bare = timed(lives, lambda facts: by_hand.decide(facts, NOW))
        if [by_hand.decisions(one) for one in plans] != [sorted(one) for one in decided]:
            raise RuntimeError("the rules and the plain Python decide differently")
        if repeat:
            ours.append(took)
            bare.append(took_bare)
    what = f"default book, {EVENTS} events a reference"
    return Row(f"the rules, {what}", tuple(ours), "us"), Row(f"plain Python, {what}", tuple(bare), "us")


def timed(lives: Sequence[Facts], decide: Any) -> tuple[list[Any], float]:
    """What was decided for each, and the CPU microseconds for one."""
    begun = time.process_time()
    decided = [decide(facts) for facts in lives]
    return decided, (time.process_time() - begun) * 1_000_000 / len(lives)
