"""Statements that go past SQLAlchemy to the driver, one by one and together."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import Text, bindparam, column, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from reminderd.errors import StoreBusy
from reminderd.store.database import Store
from reminderd.store.prepared import Prepared, driver_of, together
from reminderd.store.row_parameters import given, parameters
from reminderd.store.tables import Base
from tests.store.rows import NOW, add_user, make_user

USERS = Base.metadata.tables["users"]
RENAME = Prepared(update(USERS).where(USERS.c.id == bindparam("this")).values(name=bindparam("new")))
READ = Prepared(select(USERS.c.name, USERS.c.created_at).where(USERS.c.id == bindparam("this")))


def test_what_is_given_and_found_is_converted(store: Store) -> None:
    this = add_user(store).id
    with store.writing() as session:
        assert RENAME.ask(session.connection(), {"this": this, "new": "Ben"}).count == 1
        assert RENAME.ask(session.connection(), {"this": this + 1, "new": "Ben"}).count == 0
    with store.reading() as session:
        assert READ.ask(session.connection(), {"this": this}).rows() == [("Ben", NOW)]


def test_together_each_sees_what_those_before_it_changed(store: Store) -> None:
    this = add_user(store).id
    with store.writing() as session:
        connection = session.connection()
        with together(connection):
            renamed = RENAME.ask(connection, {"this": this, "new": "Ben"})
            read = READ.ask(connection, {"this": this})
        assert (renamed.count, read.rows()) == (1, [("Ben", NOW)])


def test_a_driver_s_error_is_told_as_ever_and_takes_all_back(store: Store) -> None:
    this = add_user(store).id
    twice = Prepared(insert(USERS).from_select(USERS.c.keys(), select(USERS)))

    def work() -> None:
        with store.writing() as session, together(session.connection()):
            RENAME.ask(session.connection(), {"this": this, "new": "Ben"})
            twice.ask(session.connection(), {})
            RENAME.ask(session.connection(), {"this": this, "new": "Cem"})

    with pytest.raises(IntegrityError):
        work()
    with store.reading() as session:
        assert READ.ask(session.connection(), {"this": this}).rows()[0][0] == make_user().name


def test_a_mistake_of_ours_is_not_taken_for_a_fault_of_the_database(postgres_store: Store) -> None:
    nothing = Prepared(select(literal_column("no_such_column")))
    with pytest.raises(ProgrammingError), postgres_store.reading() as session:
        nothing.ask(session.connection(), {})


@pytest.mark.parametrize("at_once", [True, False])
def test_a_lost_connection_is_told_in_a_line_and_not_used_again(postgres_store: Store, at_once: bool) -> None:
    this = add_user(postgres_store).id

    def work() -> None:
        with postgres_store.writing() as session, postgres_store.engine.connect() as other:
            connection = session.connection()
            assert READ.ask(connection, {"this": this}).rows()
            backend = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            other.exec_driver_sql("SELECT pg_terminate_backend(%(backend)s, 5000)", {"backend": backend})
            with together(connection) if at_once else contextlib.nullcontext():
                READ.ask(connection, {"this": this})

    with pytest.raises(StoreBusy):
        work()
    with postgres_store.reading() as session:
        assert READ.ask(session.connection(), {"this": this}).rows()


def test_rows_are_given_letter_for_letter(store: Store) -> None:
    rows: list[tuple[int | str, ...]] = [
        (7, "plain"),
        (-1, 'a "quoted" one, {braced}'),
        (0, "back\\slash \\n and\nline"),
        (3, ""),
        (4, "NULL"),
        (5, "Zoë 李 😀 %s :x"),
    ]

    with store.reading() as session:
        connection = session.connection()
        table = given(connection.dialect.name, len(rows), number=USERS.c.id, words=column("words", Text))
        asked = Prepared(select(table.c.number, table.c.words))
        answer = asked.ask(connection, parameters(connection, ["number", "words"], rows))
        assert sorted(answer.rows()) == sorted(rows)


def test_once_a_connection_was_lost_the_others_are_not_tried_in_vain(postgres_store: Store) -> None:
    this = add_user(postgres_store).id
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(postgres_store.engine.connect()) for _ in range(4)]
        backends = [one.connection.driver_connection.info.backend_pid for one in held]  # type: ignore[union-attr]
    with postgres_store.engine.connect() as killer:
        mine = killer.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        for backend in set(backends) - {mine}:
            killer.exec_driver_sql("SELECT pg_terminate_backend(%(backend)s, 5000)", {"backend": backend})
        failures = 0
        for _ in range(4):
            try:
                with postgres_store.reading() as session:
                    assert READ.ask(session.connection(), {"this": this}).rows()
            except StoreBusy:
                failures += 1
    assert failures == 1


def test_what_is_prepared_outlives_a_look(postgres_store: Store) -> None:
    this = add_user(postgres_store).id
    for _ in range(7):
        with postgres_store.writing() as session:
            RENAME.ask(session.connection(), {"this": this, "new": "Ben"})
        with postgres_store.reading() as session:
            assert READ.ask(session.connection(), {"this": this}).rows()
    with postgres_store.engine.connect() as connection:
        prepared = connection.exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars().all()
    assert any(one.startswith("UPDATE users") for one in prepared)


def test_statements_wait_for_each_other_where_they_cannot_be_sent_together(
    postgres_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = add_user(postgres_store).id
    with postgres_store.writing() as session:
        connection = session.connection()
        with together(connection):
            is_pipeline = driver_of(connection).info.pipeline_status
            waiting = READ.ask(connection, {"this": this})
            with pytest.raises(RuntimeError):
                _ = waiting.count
        assert is_pipeline
        monkeypatch.setattr("reminderd.store.prepared._sends_together", lambda: False)
        with together(connection):
            assert not driver_of(connection).info.pipeline_status
            assert RENAME.ask(connection, {"this": this, "new": "Ben"}).count == 1
