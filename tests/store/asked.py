"""What a database is asked, by SQLAlchemy and by what goes past it to the driver."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

from sqlalchemy import Connection, event

from reminderd.store.database import Store
from reminderd.store.prepared import Answer, Form


@contextlib.contextmanager
def asked_of(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """The statements, with their parameters, of the time within, save BEGIN and COMMIT."""
    found: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    execute = Form.execute

    def note_and_execute(form: Form, connection: Connection, values: Mapping[str, object]) -> Answer:
        if connection.engine.pool is store.engine.pool:
            given = form.given(values)
            found.append((form.sql, given if form.order is None else tuple(given[name] for name in form.order)))
        return execute(form, connection, values)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        with mock.patch.object(Form, "execute", note_and_execute):
            yield found
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
