"""Planning: one event among many references, and all of them from nothing."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import insert, select

from bench.databases import durable_postgres, sqlite_urls
from bench.people import ASKED, plan_all, planned, unplanned, user_at
from bench.stock import NOW
from bench.table import Report, Row, Verdict
from reminderd.actions import Happening
from reminderd.store.tables import Base, Nudge, Opportunity, Step, User
from reminderd.wiring import House

FEW, MANY = 10_000, 1_000_000


def run(quick: bool) -> Report:
    rows: list[Row] = []
    verdicts: list[Verdict] = []
    with sqlite_urls() as folder, durable_postgres() as server:
        places = {"SQLite FULL": lambda name: f"sqlite:///{folder / name}.db"}
        if server is not None and not quick:
            places["PostgreSQL"] = lambda name: server.create()
        for place, make in places.items():
            found = measure_event(place, make, quick)
            rows += found
            if len(found) > 1:
                few, many = found
                verdicts.append(Verdict(f"{place}: the event among {MANY:,} / {FEW:,}", many.median / few.median, 1.3))
            ours, bare = measure_all(place, make, quick)
            rows += [ours, bare]
            verdicts.append(Verdict(f"{place}: bare inserts / planning", bare.median / ours.median, at_least=0.25))
    return Report("plan", rows, verdicts)


def measure_event(place: str, make: Any, quick: bool) -> list[Row]:
    """Milliseconds from an accepted offer to the committed plan of the six it touches, in turns of the stocks."""
    houses = {stock: planned(make(f"planned-{stock}"), stock) for stock in ((FEW,) if quick else (FEW, MANY))}
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


def measure_all(place: str, make: Any, quick: bool) -> tuple[Row, Row]:
    """Milliseconds for each thousand references: planned from nothing, and their rows inserted by Core with no
    planning, in the same batches, a commit for each."""
    count, repeats = (2_000, 1) if quick else (100_000, 1)
    ours, bare = [], []
    for repeat in range(repeats):
        house = unplanned(make(f"from-nothing-{repeat}"), count)
        begun = time.perf_counter()
        if plan_all(house) != count:
            raise RuntimeError("not all were planned")
        ours.append((time.perf_counter() - begun) * 1_000_000 / count)
        batches = written(house)
        house.store.dispose()
        empty = unplanned(make(f"bare-{repeat}"), count)
        begun = time.perf_counter()
        for nudges, steps in batches:
            with empty.store.writing() as session:
                session.execute(insert(Base.metadata.tables["nudges"]), nudges)
                session.execute(insert(Base.metadata.tables["steps"]), steps)
        bare.append((time.perf_counter() - begun) * 1_000_000 / count)
        empty.store.dispose()
    what = f"of {count:,} references, {place}"
    return Row(f"planning {what}", tuple(ours), "ms/1000"), Row(f"bare inserts {what}", tuple(bare), "ms/1000")


def written(house: House) -> list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """The nudges and steps of each user: a user's references are one batch."""
    found: dict[int, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
    with house.store.reading() as session:
        for place, entity in enumerate((Nudge, Step)):
            table = Base.metadata.tables[entity.__tablename__]
            for row in session.execute(select(table).order_by(table.c.id)).mappings():
                found.setdefault(row["user_id"], ([], []))[place].append(dict(row))
    return list(found.values())
