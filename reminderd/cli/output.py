"""How commands show things: tables, JSON, days and counts in plain words."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

Command = TypeVar("Command", bound=Callable[..., Any])

GAP = "  "


def json_option(command: Command) -> Command:
    """Adds --json, which sets ``json`` of the command's `Ctx`."""

    def remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        context.obj.json = value

    option = click.option("--json", is_flag=True, expose_value=False, callback=remember, help="For programs.")
    return option(command)


def to_json(value: Any) -> str:
    """Indented; moments in ISO 8601 with their offset, days in ISO 8601."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain)


def local(at: dt.datetime | None, zone: str) -> dt.datetime | None:
    """The same moment with the offset of ``zone``, for JSON."""
    return None if at is None else at.astimezone(ZoneInfo(zone))


def table(header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """Aligned columns under a header; an empty cell shows as a dash."""
    cells = [[cell or "-" for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(header, *cells, strict=True)]
    lines = [_line(header, widths), *(_line(row, widths) for row in cells)]
    return "\n".join([click.style(lines[0], bold=True), *lines[1:]])


def facts(pairs: Sequence[tuple[str, str | None]]) -> str:
    """Names and values below each other; those without a value are left out."""
    shown = [(name, value) for name, value in pairs if value]
    if not shown:
        return ""
    longest = max(width(name) for name, _ in shown)
    return "\n".join(f"{name}{' ' * (longest - width(name))}{GAP}{value}" for name, value in shown)


def width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def day(on: dt.date | None, today: dt.date) -> str | None:
    """``today``, ``tomorrow``, ``yesterday``, else ``Wed 25 Nov``, with the year where it is another one."""
    if on is None:
        return None
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((on - today).days)
    return near or f"{on:%a} {on.day} {on:%b}" + ("" if on.year == today.year else f" {on.year}")


def moment(at: dt.datetime | None, zone: str, now: dt.datetime) -> str | None:
    """``Wed 25 Nov, 09:00`` in the user's zone."""
    if at is None:
        return None
    here = at.astimezone(ZoneInfo(zone))
    return f"{day(here.date(), now.astimezone(ZoneInfo(zone)).date())}, {here:%H:%M}"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 reference``, ``2 references``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listing(names: Sequence[str], most: int = 6, last: str = "and") -> str:
    """``Ana, Ben and Cem``; beyond ``most`` the rest is a number."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return f" {last} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (size - width(cell)) for cell, size in zip(cells, widths, strict=True)]
    return GAP.join(padded).rstrip()


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")
