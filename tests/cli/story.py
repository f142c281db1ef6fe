"""A desk with six references on it, as of one Monday morning in Berlin."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.cli.desk import Desk

MONDAY = "2026-11-23 09:30:00+00:00"
"""10:30 in Berlin. Every story begins then, so tests freeze the clock there."""
SIX = ("Ana Lima", "Ben Okafor", "Cleo Ames", "Dana Wu", "Eli Roth", "Sam Ode")


def six_references(home: Path) -> Desk:
    """Ada with six references that she was in touch with on 1 September; nothing is recorded of them."""
    return _copy_of(_make_six, home)


def with_acme(home: Path) -> Desk:
    """The same, and an opportunity at Acme that nobody was asked for yet."""
    return _copy_of(_make_acme, home)


def after_landing(home: Path) -> Desk:
    """The same; all six were asked, and the offer is accepted."""
    return _copy_of(_make_landing, home)


def numbers(desk: Desk, rule: str) -> dict[str, int]:
    """The open nudges of a rule: number by reference."""
    found = desk.json("upcoming")
    return {row["reference"]: row["nudge"] for row in found if row["rule"] == rule}


def _make_six(desk: Desk) -> None:
    desk.set_up()
    for name in SIX:
        first = name.split()[0].lower()
        desk.ok("reference", "add", name, "--email", f"{first}@example.org", "--last-contact", "2026-09-01")


def _make_acme(desk: Desk) -> None:
    six_references(desk.home)
    desk.ok("opportunity", "add", "Acme", "--role", "Staff Engineer")


def _make_landing(desk: Desk) -> None:
    with_acme(desk.home)
    desk.ok("record", "asked", "--all", "--for", "Acme")
    desk.ok("record", "accepted", "--for", "Acme", "--starts", "2026-12-07", "--quiet")


def _copy_of(make: Callable[[Desk], None], home: Path) -> Desk:
    """A copy of what ``make`` makes, which it does once in each process."""
    shutil.copytree(_made(make), home, dirs_exist_ok=True)
    return Desk(home)


@functools.cache
def _made(make: Callable[[Desk], None]) -> Path:
    home = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    make(Desk(home))
    return home
