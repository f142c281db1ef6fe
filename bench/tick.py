"""100 stored deliveries due among many: lease, attempt, hand over to nobody, settle, ten in flight; in turns with what
else could do it. SQLite with FULL for ours, as it comes for the others; PostgreSQL durable for all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.databases import durable_postgres, sqlite_urls
from bench.rivals import DUE, IN_FLIGHT, apscheduler, huey, procrastinate
from bench.stock import NOW, SEEDS, fill, make_due
from bench.table import Report, Row, Verdict
from reminderd.dispatcher import Dispatcher
from reminderd.message import Channel
from reminderd.settings import load
from reminderd.simulation import null_transports
from reminderd.store.database import Store
from reminderd.wiring import House

PLACES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def run(quick: bool) -> Report:
    stocks = (10_000,) if quick else (10_000, 100_000)
    ours = (10_000,) if quick else (10_000, 100_000, 1_000_000)
    repeats = 5 if quick else 15
    runs: dict[tuple[str, str, int], Iterator[float]] = {}
    with sqlite_urls() as folder, durable_postgres() as server:
        for stock in ours:
            runs["sqlite", "reminderd", stock] = ticks(f"sqlite:///{folder}/ours-{stock}.db", stock)
            if server is not None:
                runs["postgres", "reminderd", stock] = ticks(server.create(), stock)
        for stock in stocks:
            runs["sqlite", "APScheduler", stock] = apscheduler(f"sqlite:///{folder}/apscheduler-{stock}.db", stock)
            runs["sqlite", "huey", stock] = huey(folder / f"huey-{stock}.db", stock)
            if server is not None:
                runs["postgres", "procrastinate", stock] = procrastinate(server.create().replace("+psycopg", ""), stock)
        taken = in_turns(runs, repeats)
    rows = {key: Row(f"{key[1]}, {PLACES[key[0]]}, {key[2]:,}", tuple(values)) for key, values in taken.items()}
    return Report("tick", list(rows.values()), _verdicts(rows, ours, stocks))


def in_turns(
    runs: dict[tuple[str, str, int], Iterator[float]], repeats: int
) -> dict[tuple[str, str, int], list[float]]:
    """What each took, one after the other and again, so that all see the same machine. The first time fills its
    database and does not count."""
    for one in runs.values():
        next(one)
    taken: dict[tuple[str, str, int], list[float]] = {key: [] for key in runs}
    for _ in range(repeats):
        for key, one in runs.items():
            taken[key].append(next(one))
    for one in runs.values():
        one.close()  # type: ignore[attr-defined]  # they are generators
    return taken


def ticks(url: str, stock: int) -> Iterator[float]:
    """Milliseconds for each hundred of ours; no more than `SEEDS` times."""
    store = fill(url, stock)
    dispatcher = make_dispatcher(make_house(store, Path("/nonexistent")))  # one for all, as a daemon has
    try:
        for seed in range(SEEDS):
            with store.writing() as session:
                make_due(session, stock, DUE, seed)
            begun = time.perf_counter()
            tally = dispatcher.run_once(lambda: NOW)
            took = (time.perf_counter() - begun) * 1000
            if tally.sent != DUE:
                raise RuntimeError(f"{tally.sent} of {DUE} were sent")
            yield took
    finally:
        store.dispose()


def make_house(store: Store, home: Path) -> House:
    """A house around a store that is there already."""
    return House(load({}, None, home), store, None, frozenset({"email"}))


def make_dispatcher(house: House) -> Dispatcher:
    """Production's, with a transport that takes everything at once."""
    return Dispatcher(house.store, house.composer, null_transports([Channel.EMAIL]), senders=IN_FLIGHT)


def _verdicts(rows: dict[tuple[str, str, int], Row], ours: tuple[int, ...], stocks: tuple[int, ...]) -> list[Verdict]:
    found = []
    for place in ("sqlite", "postgres"):
        least, most = rows.get((place, "reminderd", ours[0])), rows.get((place, "reminderd", ours[-1]))
        if least is not None and most is not None and least is not most:
            bound = 1.3
            found.append(Verdict(f"{place}: cost at {ours[-1]:,} / at {ours[0]:,}", most.median / least.median, bound))
    for place, rival, bound in (("sqlite", "APScheduler", 4), ("sqlite", "huey", 1), ("postgres", "procrastinate", 20)):
        for stock in stocks:
            other = rows.get((place, rival, stock))
            if other is not None:
                ratio = other.median / rows[place, "reminderd", stock].median
                # Procrastinate's fetch grows with the stock: what it must be beaten by is said for 100,000.
                least_ratio = bound if rival != "procrastinate" or stock == 100_000 else None
                found.append(Verdict(f"{place}: {rival} / ours at {stock:,}", ratio, at_least=least_ratio))
    return found
