"""The shape of the work that `python -m bench` times: statements and commits, whatever the stock. Never the clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest
from sqlalchemy import event, func, select, update

from bench import people
from bench.plan import accept
from bench.render import landed, make_offer
from bench.stock import NOW, USERS, fill, make_due
from bench.table import Report, Row, Verdict, as_text
from bench.tick import make_dispatcher, make_house
from reminderd.dispatcher import Dispatcher
from reminderd.message import Channel
from reminderd.passes import Passes
from reminderd.simulation import null_transports
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, User
from tests.store.asked import asked_of

STOCK = 10 * USERS


def counted(store: Store, stock: int, due: int, home: Path) -> Counter[str]:
    """How many statements of each kind, and commits, it takes to deliver ``due`` messages one at a time."""
    found: Counter[str] = Counter()

    def commit(connection: Any) -> None:
        found["COMMIT"] += 1

    if due:
        with store.writing() as session:
            make_due(session, stock, due, 0)
    dispatcher = Dispatcher(store, make_house(store, home).composer, null_transports([Channel.EMAIL]), senders=0)
    event.listen(store.engine, "commit", commit)
    with asked_of(store) as asked:
        assert dispatcher.run_once(lambda: NOW).sent == due
    event.remove(store.engine, "commit", commit)
    found.update(statement.split()[0] for statement, _ in asked)
    return found


@pytest.mark.parametrize("due", [0, 1, 20])
def test_delivering_takes_the_same_statements_whatever_the_stock(tmp_path: Path, due: int) -> None:
    found = []
    for stock in (STOCK, 2 * STOCK):
        store = fill(f"sqlite:///{tmp_path / str(stock)}.db", stock)
        found.append(counted(store, stock, due, tmp_path))
        store.dispose()
    assert found[0] == found[1]


def test_an_empty_look_for_deliveries_is_one_statement_and_no_commit(tmp_path: Path) -> None:
    store = fill(f"sqlite:///{tmp_path / 'reminderd.db'}", STOCK)
    found = counted(store, STOCK, 0, tmp_path)
    store.dispose()
    assert found == Counter({"SELECT": 1})


def test_a_report_says_what_missed() -> None:
    report = Report("x", [Row("a", (3.0, 1.0, 2.0))], [Verdict("a / b", 2.0, 1.3), Verdict("b / a", 4.0, at_least=4)])
    assert not report.is_good
    assert "MISSED" in as_text(report)
    assert "good" in as_text(report)


def statements(store: Store, work: Callable[[], object]) -> Counter[str]:
    """How many statements of each kind a piece of work takes."""
    with asked_of(store) as asked:
        work()
    return Counter(" ".join(statement.split()[:3]) for statement, _ in asked)


def test_an_event_that_touches_six_takes_the_same_statements_whatever_the_stock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "BLOCK", 2 * people.EACH)
    found = []
    for stock in (people.BLOCK, 4 * people.BLOCK):
        house = people.planned(f"sqlite:///{tmp_path / str(stock)}.db", stock)
        found.append(statements(house.store, lambda house=house, stock=stock: accept(house, people.user_at(stock, 3))))
        house.store.dispose()
    assert found[0] == found[1]


def test_planning_takes_statements_for_each_batch_not_for_each_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for each in (20, 40):
        monkeypatch.setattr(people, "EACH", each)
        house = people.unplanned(f"sqlite:///{tmp_path / str(each)}.db", each)
        found.append(statements(house.store, lambda house=house: people.plan_batch(house)))
        house.store.dispose()
    assert found[0] == found[1]
    assert sum(found[0].values()) < 40


def test_planning_takes_statements_for_each_batch_not_for_each_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "EACH", 2)
    found = []
    for users in (10, 40):
        house = people.unplanned(f"sqlite:///{tmp_path / str(users)}.db", 2 * users)
        with house.store.writing() as session:
            session.execute(update(User).values(plan_again_at=NOW))
            session.execute(update(User).where(User.id <= users // 2).values(settings_mark="of another book"))
        found.append(statements(house.store, lambda house=house: people.plan_batch(house)))
        house.store.dispose()
    assert found[0] == found[1]
    assert sum(found[0].values()) < 80


def test_composing_takes_one_commit_and_the_same_statements_whatever_the_stock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "EACH", 10)
    monkeypatch.setattr(people, "BLOCK", 200)
    found = [composing(f"sqlite:///{tmp_path / str(stock)}.db", stock, 20) for stock in (200, 800)]
    assert found[0] == found[1]
    assert found[0]["COMMIT"] == 1


def test_composing_reads_once_for_all_users_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "EACH", 10)
    monkeypatch.setattr(people, "BLOCK", 800)
    few, many = (composing(f"sqlite:///{tmp_path / str(due)}.db", 800, due) for due in (20, 40))
    more = many - few
    assert {what for what in more if what.startswith("SELECT")} == {
        "SELECT count(*) AS",
        "SELECT deliveries.subject FROM",
    }
    assert sum(more.values()) <= 10 * 20


def composing(url: str, stock: int, due: int) -> Counter[str]:
    """How many statements of each kind, and commits, it takes to make messages of so many reminders."""
    house = people.reminded(url, stock)
    with house.store.writing() as session:
        people.remind(session, stock, due, 0)
    commits: list[object] = []
    event.listen(house.store.engine, "commit", commits.append)
    passes = Passes(house, lambda: make_dispatcher(house))
    found = statements(house.store, lambda: passes.compose(NOW))
    with house.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == due
    passes.stop(lambda: NOW)
    house.store.dispose()
    return found + Counter({"COMMIT": len(commits)})


def test_templates_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_one = jinja2.Environment.compile

    def note(self: jinja2.Environment, source: Any, name: str | None = None, *rest: Any, **named: Any) -> Any:
        if name is not None:  # conditions of rules have none
            compiled.append(name)
        return compile_one(self, source, name, *rest, **named)

    monkeypatch.setattr(jinja2.Environment, "compile", note)
    story = landed()
    with story.house.store.writing() as session:
        offer = make_offer(session, story)
    assert "email/nudge.html.j2" in compiled
    assert len(compiled) == len(set(compiled))
    before = list(compiled)
    assert offer.mail().content
    assert compiled == before
    story.stop()
