"""The logs: event names and ids, never what people are called or wrote."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from reminderd import logs


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def fail() -> None:
    name, address = "Maria Lopez", "maria@example.org"
    try:
        try:
            raise KeyError(name)
        except KeyError as error:
            raise ValueError(f"cannot write to {address}") from error
    except ValueError:
        logging.getLogger("reminderd.test").exception("compose_broke user=%s", 7)


def test_text_has_a_moment_a_level_and_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    logging.getLogger("reminderd.test").info("ready")
    logging.getLogger("reminderd.test").debug("not shown")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("INFO    ready\n")
    assert err.count("\n") == 1


def test_json_is_one_object_for_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("reminderd.test").warning("send_failed delivery=%s code=%s", 3, "451")
    fail()
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["level"], first["event"]) == ("warning", "send_failed delivery=3 code=451")
    assert "ValueError" in second["error"]


def test_under_the_journal_every_line_has_its_priority(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    logs.configure("info", "auto")
    fail()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 3
    assert all(line.startswith("<3>") for line in lines)
    assert lines[0] == "<3>compose_broke user=7"


@pytest.mark.parametrize("form", ["text", "json", "auto"])
def test_an_error_is_told_by_its_kind_and_place_and_not_by_its_words(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.configure("info", form)
    fail()
    err = capsys.readouterr().err
    assert "compose_broke user=7" in err
    assert "KeyError" in err
    assert "ValueError" in err
    assert "in fail" in err
    assert "Maria" not in err
    assert "maria@" not in err
