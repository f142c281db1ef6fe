"""`python -m bench.scaling`: the tables of docs/scaling.md, computed from the costs that the benches measured.

Needs what `python -m bench deliver late nodes` leaves under bench/results/. With ``--write`` the page's tables are
written anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench import deliver, late, nodes
from bench.peak import ONE_ZONE, UNITED_STATES, WORLD, Speed, Zones, most_messages
from bench.prices import LIMITS, MAIL_PRICES, TEXT_PRICES
from bench.table import RESULTS
from bench.year import Year, live_a_year

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scaling.md"
BEGIN = "<!-- Written by `python -m bench.scaling --write`: {name}. -->"
END = "<!-- The end of what is written. -->"
SOON, LATER = 60.0, 900.0
"""Seconds after nine that the last message may come."""
PLACES = ("SQLite FULL", "PostgreSQL")
ZONES: Mapping[str, Zones] = {"one zone": ONE_ZONE, "the United States": UNITED_STATES, "the world": WORLD}
NODES = (1, 2, 4, 6, 8, 10)
PRIMARIES = (1, 2, 4, 8)
EACH = 4
"""Nodes on each of several primaries."""


@dataclasses.dataclass(frozen=True, slots=True)
class Costs:
    """What was measured, again and again, by bench and row."""

    values: Mapping[str, Mapping[str, Sequence[float]]]
    machine: str
    day: str

    @property
    def cores(self) -> int:
        return int(self.machine.split()[0])

    def __call__(self, bench: str, row: str) -> float:
        """The median."""
        return statistics.median(self.measured(bench, row))

    def measured(self, bench: str, row: str) -> Sequence[float]:
        """Every run. Ends the program with one line where there is none."""
        try:
            return self.values[bench][row]
        except KeyError:
            sys.exit(f"bench/results/{bench}.json: expected a row {row!r}. Run: python -m bench {bench}")

    def composed(self, place: str) -> float:
        return self("late", f"{place}: {late.COMPOSED}")

    def planned(self, place: str) -> float:
        """Seconds for one subject, a user or a reference, whose time has come."""
        return 1 / (2 * self("late", f"{place}: {late.AGAIN}"))

    def sent(self, place: str) -> float:
        """By one daemon to a mail server that answers at once."""
        return self("deliver", deliver.name_of(place))

    @property
    def sent_slowly(self) -> float:
        """By one daemon to a mail server that takes its time."""
        return self("nodes", nodes.name_of(1))

    def of_nodes(self, count: int) -> Speed:
        """Computed: each node on a machine of its own, and no more than the database's machine can do."""
        most_sent = self.cores / (self("nodes", nodes.DATABASE_CPU) / 1000)
        most_composed = self.cores / (self("late", late.COMPOSING_CPU) / 1000)
        return Speed(min(count * self.composed("PostgreSQL"), most_composed), min(count * self.sent_slowly, most_sent))


def load_costs(folder: Path) -> Costs:
    """From what the benches left there; ends the program with one line where something is missing."""
    found = {}
    for name in ("deliver", "late", "nodes"):
        path = folder / f"{name}.json"
        if not path.exists():
            sys.exit(f"{path}: not there. Run: python -m bench {name}")
        found[name] = json.loads(path.read_text("utf-8"))
    return Costs(
        {name: {row["what"]: row["values"] for row in one["rows"]} for name, one in found.items()},
        found["nodes"]["machine"],
        min(one["at"] for one in found.values())[:10],
    )


def make_tables(costs: Costs) -> dict[str, str]:
    """Each table of the page, by name, in Markdown."""
    acting, idle = live_a_year(acts=True), live_a_year(acts=False)
    return {
        "costs": _costs(costs),
        "year": _year(acting, idle),
        "one machine": _one_machine(costs, idle),
        "nodes": _nodes(costs),
        "primaries": _primaries(costs),
        "limits": _limits(),
        "money": _money(acting, idle),
    }


def written(page: str, tables: Mapping[str, str]) -> str:
    """The page with these tables. Raises `ValueError` for a table that it has no place for."""
    for name, table in tables.items():
        begin = BEGIN.format(name=name)
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(END), re.DOTALL)
        place = f"{begin}\n\n{table}\n\n{END}"
        page, count = pattern.subn(lambda _, place=place: place, page)  # type: ignore[misc]  # a default of its own
        if count != 1:
            raise ValueError(f"expected one {begin}, found {count}")
    return page


def _costs(costs: Costs) -> str:
    sought = [
        *((f"planned: a user with one reference, {place}", "late", f"{place}: {late.PLANNED}") for place in PLACES),
        *((f"planned again: the same, {place}", "late", f"{place}: {late.AGAIN}") for place in PLACES),
        *((f"composed by a daemon, {place}", "late", f"{place}: {late.COMPOSED}") for place in PLACES),
        *((f"sent, 10 at a time, answered at once, {place}", "deliver", deliver.name_of(place)) for place in PLACES),
        *(
            (f"sent, 10 at a time, answered after 50 ms, {one}", "nodes", one)
            for one in map(nodes.name_of, nodes.COUNTS)
        ),
    ]
    rows = [(words, _rate(costs(bench, row)), _spread(costs.measured(bench, row))) for words, bench, row in sought]
    for bench, row in (("nodes", nodes.NODE_CPU), ("nodes", nodes.DATABASE_CPU), ("late", late.COMPOSING_CPU)):
        measured = costs.measured(bench, row)
        rows.append(
            (row, f"{costs(bench, row):.2f} ms", f"{min(measured):.2f} to {max(measured):.2f}, {len(measured)}")
        )
    header = ("what", "median", "least to most, runs")
    return f"Measured on {costs.day}: {costs.machine}.\n\n" + _table(header, rows)


def _year(acting: Year, idle: Year) -> str:
    header = ("who", "mails a year", "texts a year", "Mondays with a message", "plans a year")
    rows = [
        (who, str(year.mails), str(year.texts), str(year.busy_mondays), str(year.planned))
        for who, year in (("does each thing on its first day", acting), ("never does anything", idle))
    ]
    return _table(header, rows)


def _one_machine(costs: Costs, idle: Year) -> str:
    header = (
        "users in",
        "database",
        "mail server",
        "1 minute",
        "15 minutes",
        "of them due at one second",
        "messages a day",
        "planning a day",
    )
    rows = []
    for name, zones in ZONES.items():
        for place in PLACES:
            for answer, sent in (("at once", costs.sent(place)), ("after 50 ms", _slowly(costs, place))):
                speed = Speed(costs.composed(place), sent)
                soon, later = (most_messages(zones, speed, within) for within in (SOON, LATER))
                peak, daily = round(later * max(zones.values())), round(later * idle.messages / 365)
                planning = later * idle.planned / 365 * costs.planned(place)
                rows.append((name, place, answer, *map(_count, (soon, later, peak, daily)), _span(planning)))
    return _table(header, rows)


def _slowly(costs: Costs, place: str) -> float:
    return min(costs.sent(place), costs.sent_slowly)


def _nodes(costs: Costs) -> str:
    header = ("nodes", "sent, measured", "sent, computed", "composed, computed", "users in the world, 15 minutes")
    rows = []
    for count in NODES:
        speed = costs.of_nodes(count)
        measured = _rate(costs("nodes", nodes.name_of(count))) if count in nodes.COUNTS else ""
        users = _count(most_messages(WORLD, speed, LATER))
        rows.append((str(count), measured, _rate(speed.sent), _rate(speed.composed), users))
    return _table(header, rows)


def _primaries(costs: Costs) -> str:
    one, two = costs.sent_slowly, costs("nodes", nodes.APART)
    users = most_messages(WORLD, costs.of_nodes(EACH), LATER)
    rows = [(str(count), {1: _rate(one), 2: _rate(two)}.get(count, ""), _count(users * count)) for count in PRIMARIES]
    header = ("primaries", "sent with a node on each, measured", f"users with {EACH} nodes on each, computed")
    return _table(header, rows)


def _limits() -> str:
    rows = [
        (f"[{one.who}]({one.link})", one.what, _span(1000 / one.per_second) if one.per_second else "") for one in LIMITS
    ]
    return _table(("who", "limit", "1,000 messages take"), rows)


def _money(acting: Year, idle: Year) -> str:
    """A month is a twelfth of a year. As if all went one way, so that both ends are shown; each text as one part."""
    rows = []
    for kind, prices in (("all by mail", MAIL_PRICES), ("all by text", TEXT_PRICES)):
        for one in prices:
            least, most = (1000 * one.each * year.messages / 12 for year in (acting, idle))
            rows.append((kind, f"[{one.who}]({one.link})", one.what, f"${least:.2f} to ${most:.2f}"))
    return _table(("", "by", "price", "1,000 users a month"), rows)


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _spread(measured: Sequence[float]) -> str:
    return f"{_count(round(min(measured)))} to {_count(round(max(measured)))}, {len(measured)}"


def _rate(per_second: float) -> str:
    return f"{_count(round(per_second))} a second"


def _count(number: int) -> str:
    """Two digits that mean something, rounded down."""
    step = 10 ** max(0, len(str(number)) - 2)
    return f"{number // step * step:,}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/scaling.md")
    given = parser.parse_args()
    tables = make_tables(load_costs(RESULTS))
    for name, table in tables.items():
        print(f"== {name}\n\n{table}\n")
    if given.write:
        PAGE.write_text(written(PAGE.read_text("utf-8"), tables), "utf-8")
        print(f"written into {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
