"""A desk with six references on it, as of one Monday morning in Berlin."""

from __future__ import annotations

from pathlib import Path

from tests.cli.desk import Desk

MONDAY = "2026-11-23 09:30:00+00:00"
"""10:30 in Berlin."""
SIX = ("Ana Lima", "Ben Okafor", "Cleo Ames", "Dana Wu", "Eli Roth", "Sam Ode")


def six_references(home: Path) -> Desk:
    """Ada with six references that she was in touch with on 1 September; nothing is recorded of them."""
    desk = Desk(home).set_up()
    for name in SIX:
        first = name.split()[0].lower()
        desk.ok("reference", "add", name, "--email", f"{first}@example.org", "--last-contact", "2026-09-01")
    return desk


def with_acme(home: Path) -> Desk:
    """The same, and an opportunity at Acme that nobody was asked for yet."""
    desk = six_references(home)
    desk.ok("opportunity", "add", "Acme", "--role", "Staff Engineer")
    return desk


def after_landing(home: Path) -> Desk:
    """The same; all six were asked, and the offer is accepted."""
    desk = with_acme(home)
    desk.ok("record", "asked", "--all", "--for", "Acme")
    desk.ok("record", "accepted", "--for", "Acme", "--starts", "2026-12-07", "--quiet")
    return desk


def numbers(desk: Desk, rule: str) -> dict[str, int]:
    """The open nudges of a rule: number by reference."""
    found = desk.json("upcoming")
    return {row["reference"]: row["nudge"] for row in found if row["rule"] == rule}
