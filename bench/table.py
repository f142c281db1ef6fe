"""Measured rows: medians and spread, printed as a table and kept as JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import importlib.metadata
import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("sqlalchemy", "apscheduler", "psycopg", "jinja2", "click", "celery", "django", "huey", "procrastinate")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One thing measured, again and again. ``values`` are in ``unit``."""

    what: str
    values: tuple[float, ...]
    unit: str = "ms"

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """A ratio, and what it must be."""

    what: str
    ratio: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_good(self) -> bool:
        return (self.at_most is None or self.ratio <= self.at_most) and (
            self.at_least is None or self.ratio >= self.at_least
        )

    @property
    def wanted(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}" if self.at_least is not None else "no bound"


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What one bench found."""

    name: str
    rows: Sequence[Row]
    verdicts: Sequence[Verdict]

    @property
    def is_good(self) -> bool:
        return all(verdict.is_good for verdict in self.verdicts)


def as_text(report: Report) -> str:
    """The rows and verdicts, under the machine and the versions."""
    width = max(len(one.what) for one in [*report.rows, *report.verdicts])
    lines = [f"== {report.name}: {machine()}", "   " + ", ".join(f"{k} {v}" for k, v in versions().items())]
    for row in report.rows:
        spread = f"{min(row.values):.2f} – {max(row.values):.2f}"
        lines.append(f"{row.what:{width}}  {row.median:10.2f} {row.unit:8} ({spread}, {len(row.values)} times)")
    for one in report.verdicts:
        lines.append(f"{one.what:{width}}  {one.ratio:10.2f} {'good' if one.is_good else 'MISSED':8} ({one.wanted})")
    return "\n".join(lines)


def keep(report: Report) -> Path:
    """Write the report as JSON; the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{report.name}.json"
    kept = {
        "name": report.name,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "rows": [dataclasses.asdict(row) | {"median": row.median} for row in report.rows],
        "verdicts": [dataclasses.asdict(one) | {"good": one.is_good} for one in report.verdicts],
    }
    path.write_text(json.dumps(kept, indent=2) + "\n")
    return path


def machine() -> str:
    """Processor count and system."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def versions() -> dict[str, str]:
    """Of what is measured with, as far as it is installed."""
    found = {"sqlite": sqlite3.sqlite_version}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
