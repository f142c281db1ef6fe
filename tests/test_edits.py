"""Changed rules and templates are noticed, once, and not while somebody is at it."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from reminderd.edits import SETTLED_FOR, Edits, Program
from tests.flow.parts import NOON

BOOK = Path("rules.toml")
TEMPLATE = Path("templates/drafts/de/accepted.j2")


def written(path: Path, at: dt.datetime, text: str = "one") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at.timestamp(), at.timestamp()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in (BOOK, TEMPLATE):
        written(tmp_path / path, NOON)
    return tmp_path


def edits_in(folder: Path) -> Edits:
    return Edits(folder / BOOK, folder / "templates")


@pytest.mark.parametrize("path", [BOOK, TEMPLATE, TEMPLATE.with_name("new.j2")])
def test_a_new_or_changed_file_is_noticed_once_it_has_settled(folder: Path, path: Path) -> None:
    edits = edits_in(folder)
    assert not edits.are_there(NOON)
    at = NOON + dt.timedelta(minutes=1)
    written(folder / path, at)
    assert not edits.are_there(at + SETTLED_FOR / 2)
    assert edits.are_there(at + SETTLED_FOR)
    edits.note()
    assert not edits.are_there(at + SETTLED_FOR)


@pytest.mark.parametrize("path", [BOOK, TEMPLATE])
def test_a_file_that_is_gone_is_noticed(folder: Path, path: Path) -> None:
    edits = edits_in(folder)
    (folder / path).unlink()
    assert edits.are_there(NOON)


def test_a_file_from_a_clock_that_was_wrong_is_noticed_all_the_same(folder: Path) -> None:
    edits = edits_in(folder)
    written(folder / BOOK, NOON + dt.timedelta(days=30))
    assert edits.are_there(NOON)


def test_a_file_put_in_the_place_of_another_is_noticed_whatever_its_date(folder: Path) -> None:
    edits = edits_in(folder)
    written(folder / "new", NOON)
    (folder / "new").rename(folder / BOOK)
    assert edits.are_there(NOON + SETTLED_FOR)


def test_where_there_is_nothing_nothing_changes(tmp_path: Path) -> None:
    assert not edits_in(tmp_path / "none").are_there(NOON)


def test_a_program_that_was_replaced_is_noticed_once_that_has_settled(tmp_path: Path) -> None:
    file = tmp_path / "__init__.py"
    written(file, NOON)
    program = Program(file)
    assert not program.is_replaced(NOON)
    at = NOON + dt.timedelta(minutes=1)
    file.unlink()
    assert not program.is_replaced(at)  # amid an upgrade
    written(file, at, "another")
    assert not program.is_replaced(at)
    assert program.is_replaced(at + SETTLED_FOR)
