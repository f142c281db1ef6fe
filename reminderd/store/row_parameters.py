"""Rows that a statement is given as parameters: a table within it, which others can be joined with."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Connection, FromClause, String, bindparam, cast, column, func, select, union_all


def given(dialect: str, count: int, **columns: Any) -> FromClause:
    """The table ``given`` of ``count`` rows, each column with the type of the one it is compared with. The values are
    those of `parameters`."""
    if dialect == "postgresql":  # one statement for all counts, and quicker to plan: an array for each column
        arrays = [cast(bindparam(name, type_=String), ARRAY(one.type)) for name, one in columns.items()]
        typed = [column(name, one.type) for name, one in columns.items()]
        return func.unnest(*arrays).table_valued(*typed).render_derived(name="given")
    # Not by WITH: Python's driver for SQLite does not count what a statement changes that begins so.
    rows = [
        select(*(bindparam(f"{name}_{place}", type_=one.type).label(name) for name, one in columns.items()))
        for place in range(count)
    ]
    return union_all(*rows).subquery("given")


def parameters(
    connection: Connection, names: Sequence[str], rows: Sequence[tuple[int | str, ...]], **others: object
) -> dict[str, object]:
    """What a statement with ``given`` rows, with columns of these names, is to be executed with; ``others`` are its
    further parameters."""
    if connection.dialect.name == "postgresql":
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            others[name] = _array(values)
        return others
    others.update(zip(_numbered(tuple(names), len(rows)), itertools.chain.from_iterable(rows), strict=True))
    return others


@functools.cache
def _numbered(names: tuple[str, ...], count: int) -> list[str]:
    return [f"{name}_{place}" for place in range(count) for name in names]


def _array(values: Sequence[int | str]) -> str:
    """As PostgreSQL reads it (its manual, 8.15.2)."""
    return "{" + ",".join([str(one) if isinstance(one, int) else _quoted(one) for one in values]) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
