"""The short form of `make faults`: every fault injected a few times, for real."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from bench.faults.__main__ import FULL, SHORT
from bench.faults.nursery import CHECKOUT, Nursery
from bench.faults.table import Row, as_text

ON_POSTGRES = {"server", "nodes"}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", [name for name in SHORT if name not in ON_POSTGRES])
def test_nothing_is_lost_and_nothing_comes_twice_that_need_not(name: str, nursery: Nursery) -> None:
    rows = list(SHORT[name](nursery))
    assert all(row.is_good for row in rows), as_text(rows)


@pytest.mark.usefixtures("postgres_server")
@pytest.mark.parametrize("name", sorted(ON_POSTGRES))
def test_nothing_is_lost_and_nothing_comes_twice_on_postgresql(name: str, nursery: Nursery) -> None:
    rows = list(SHORT[name](nursery))
    assert all(row.is_good for row in rows), as_text(rows)


def test_both_forms_try_the_same() -> None:
    assert list(FULL) == list(SHORT)


def test_a_lost_message_a_second_text_and_a_needless_copy_each_fail() -> None:
    assert Row("x", 1, 2, 2).is_good
    assert not Row("lost", 1, 2, 1).is_good
    assert Row("told", 1, 2, 1, told=1).is_good
    assert Row("in flight", 1, 2, 2, duplicated=1, allowed=1).is_good
    assert not Row("needless", 1, 2, 2, duplicated=1).is_good
    assert not Row("a text twice", 1, 2, 2, wrong=("2 texts came twice",)).is_good


def test_what_the_page_of_promises_names_is_there() -> None:
    page = (CHECKOUT / "docs" / "reliability.md").read_text()
    sources = "".join(path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py"))
    functions = set(re.findall(r"(?<![\w/])test_\w+(?!\.py)\b", page))
    assert functions
    assert [name for name in sorted(functions) if f"def {name}(" not in sources] == []
    assert [path for path in re.findall(r"tests/[\w/]+\.py", page) if not (CHECKOUT / path).exists()] == []
    assert set(re.findall(r"`faults ([a-z]+)`", page)) <= set(FULL)
