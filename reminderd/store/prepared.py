"""Statements that are put together once and then handed to the driver as they are, several at once where it can."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Select, UpdateBase
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Process = Callable[[Any], Any]
Statement = Select[Any] | UpdateBase


class Prepared:
    """A statement of SQLAlchemy's for the few places where it takes longer to execute one than the database to run it.

    What is given by name, and what comes back, is converted by the types of the parameters and columns as ever, and so
    are the driver's errors.
    """

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._forms: dict[str, Form] = {}

    def ask(self, connection: Connection, values: Mapping[str, object]) -> Answer:
        """Execute it. Within `together` the answer is there at its end."""
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = Form.of(self._statement, dialect)
        return form.execute(connection, values)


class Answer:
    """What a statement came to."""

    def __init__(self, connection: Connection, cursor: Any, form: Form) -> None:
        self._connection = connection
        self._cursor = cursor
        self._form = form

    @property
    def count(self) -> int:
        """How many rows it changed."""
        count: int = self._cursor.rowcount
        if count < 0:
            raise RuntimeError("an answer is there at the end of what is asked together")
        return count

    def rows(self) -> Sequence[tuple[Any, ...]]:
        """All rows that it found."""
        with told_as_ever(self._connection, self._form.sql):
            found: list[tuple[Any, ...]] = self._cursor.fetchall()
        if not self._form.results:
            return found
        rows = []
        for one in found:
            row = list(one)
            for place, process in self._form.results:
                row[place] = process(row[place])
            rows.append(tuple(row))
        return rows


@contextlib.contextmanager
def together(connection: Connection) -> Iterator[None]:
    """What is asked within is sent without a wait for the answer before, where the database is on the other side of a
    wire; there is no answer to be read before the end."""
    if connection.dialect.name != "postgresql" or not _sends_together():
        yield
        return
    with told_as_ever(connection), driver_of(connection).pipeline():
        yield


@contextlib.contextmanager
def told_as_ever(connection: Connection, sql: str | None = None) -> Iterator[None]:
    """Errors of the driver's within become SQLAlchemy's, and a connection that is lost is not used again."""
    dialect, driver = connection.dialect, driver_of(connection)
    error_class = dialect.loaded_dbapi.Error
    try:
        yield
    except error_class as error:
        is_lost = dialect.is_disconnect(error, driver, None)
        if is_lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            sql, {}, error, error_class, hide_parameters=True, connection_invalidated=is_lost, dialect=dialect
        ) from error


def driver_of(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.driver_connection


@functools.cache
def _sends_together() -> bool:
    from psycopg import capabilities

    return capabilities.has_pipeline()


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """A statement as one kind of database is told it."""

    sql: str
    fixed: Mapping[str, Any]
    """Parameters that are always the same, converted."""
    converted: Mapping[str, Process]
    order: Sequence[str] | None
    """The names of the parameters where the database has them by place."""
    results: Sequence[tuple[int, Process]]

    @classmethod
    def of(cls, statement: Statement, dialect: Dialect) -> Form:
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

    def given(self, values: Mapping[str, object]) -> dict[str, Any]:
        """All parameters, converted."""
        given = {**self.fixed, **values}
        for name, process in self.converted.items():
            given[name] = process(given[name])
        return given

    def execute(self, connection: Connection, values: Mapping[str, object]) -> Answer:
        """Have the driver execute it."""
        given = self.given(values)
        driver = driver_of(connection)
        with told_as_ever(connection, self.sql):
            if self.order is None:
                # In binary form: else the bytes of a message would travel as twice as many digits.
                cursor = driver.execute(self.sql, given, binary=True)
            else:
                cursor = driver.execute(self.sql, [given[name] for name in self.order])
        return Answer(connection, cursor, self)


def _result(kind: TypeEngine[Any], dialect: Dialect) -> Process | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
