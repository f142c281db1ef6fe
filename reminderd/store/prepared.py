"""Statements that are put together once, and then handed to the driver as they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Select, UpdateBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Process = Callable[[Any], Any]


class Prepared:
    """A statement of SQLAlchemy's for the few places where it takes longer to execute one than the database to run it.

    What is given by name, and what comes back, is converted by the types of the parameters and columns as ever.
    """

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def run(self, connection: Connection, values: Mapping[str, object]) -> CursorResult[Any]:
        """Execute it, for what it changes."""
        return self._form(connection.dialect).execute(connection, values)

    def rows(self, connection: Connection, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        """All rows that it finds."""
        form = self._form(connection.dialect)
        found = form.execute(connection, values).all()
        if not form.results:
            return found
        rows = []
        for one in found:
            row = list(one)
            for place, process in form.results:
                row[place] = process(row[place])
            rows.append(tuple(row))
        return rows

    def _form(self, dialect: Dialect) -> _Form:
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form.of(self._statement, dialect)
        return form


@dataclasses.dataclass(frozen=True, slots=True)
class _Form:
    """A statement as one kind of database is told it."""

    sql: str
    fixed: Mapping[str, Any]
    """Parameters that are always the same, converted."""
    converted: Mapping[str, Process]
    order: Sequence[str] | None
    """The names of the parameters where the database has them by place."""
    results: Sequence[tuple[int, Process]]

    @classmethod
    def of(cls, statement: Select[Any] | UpdateBase, dialect: Dialect) -> _Form:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        fixed, converted = {}, {}
        for parameter, name in compiled.bind_names.items():  # one name may stand for several, of one type
            process: Process | None = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            if not parameter.required:
                fixed[name] = process(parameter.value) if process else parameter.value
            elif process:
                converted[name] = process
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        results = [(place, process) for place, one in enumerate(columns) if (process := _result(one.type, dialect))]
        return cls(compiled.string, fixed, converted, compiled.positiontup, results)

    def execute(self, connection: Connection, values: Mapping[str, object]) -> CursorResult[Any]:
        given = {**self.fixed, **values}
        for name, process in self.converted.items():
            given[name] = process(given[name])
        if self.order is None:
            return connection.exec_driver_sql(self.sql, given)
        return connection.exec_driver_sql(self.sql, tuple([given[name] for name in self.order]))


def _result(kind: TypeEngine[Any], dialect: Dialect) -> Process | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
