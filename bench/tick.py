"""100 stored deliveries due among many: lease, attempt, hand over to nobody, settle, ten in flight."""

from __future__ import annotations

import time
from pathlib import Path

from bench.databases import durable_postgres, sqlite_urls
from bench.rivals import DUE, IN_FLIGHT, measure_apscheduler, measure_huey, measure_procrastinate
from bench.stock import NOW, fill, make_due
from bench.table import Report, Row, Verdict
from reminderd.dispatcher import Dispatcher
from reminderd.message import Channel
from reminderd.settings import load
from reminderd.simulation import null_transports
from reminderd.store.database import Store
from reminderd.wiring import House


def run(quick: bool) -> Report:
    stocks = (10_000,) if quick else (10_000, 100_000)
    ours = (10_000,) if quick else (10_000, 100_000, 1_000_000)
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
            url = f"sqlite:///{folder}/apscheduler-{stock}.db"
            rows["sqlite", "APScheduler", stock] = measure_apscheduler(url, stock, repeats)
            rows["sqlite", "huey", stock] = measure_huey(folder / f"huey-{stock}.db", stock, repeats)
            if server is not None:
                name = server.create()
                plain = name.replace("+psycopg", "")
                rows["postgres", "procrastinate", stock] = measure_procrastinate(plain, stock, repeats)
                server.drop(name)
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
