"""What the pages list is what there is: keys, addresses, metrics, problems, modules and settings."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from reminderd import errors
from reminderd.cli.main import INTERRUPTED
from reminderd.metrics import Metrics, Standing, problems
from reminderd.settings import load, rows
from reminderd.store.database import Store
from reminderd.web.app import make_app
from tests.docs import settled
from tests.docs.pages import PAGES, ROOT, Block, blocks
from tests.docs.reader import Reader, arguments_of
from tests.flow.parts import NOON, make_house

API = (ROOT / "docs" / "api.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")
KEYS = re.findall(r"^\| `(reminderd [^`]+)` \| (a list|one) \| (.+) \|$", API, re.MULTILINE)
SETTINGS = [
    pytest.param(block, id=f"{page.name}, line {block.line}")
    for page in PAGES
    for block in blocks(page)
    if block.language == "ini"
]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    settled.copy_to(tmp_path / "ada")
    monkeypatch.chdir(tmp_path)
    made = Reader(tmp_path / "ada")
    made.run(["run", "--once"])
    made.run(["record", "agreed", "Ben", "--for", "Initech", "--quiet"])
    return made


def test_json_has_the_keys_that_the_page_lists(reader: Reader) -> None:
    assert len(KEYS) == 18
    found: dict[str, set[str]] = {}
    for command, shape, text in KEYS:
        data = reader.json(arguments_of(command) or [])
        assert isinstance(data, list if shape == "a list" else dict), command
        one: dict[str, Any] = data[0] if isinstance(data, list) else data
        found[command] = set(one)
        keys, inner = _keys(re.sub(r"\([^)]*\)", "", text))
        if text.startswith("the same"):
            assert keys | inner.keys() | _before(command, found) <= set(one), command
        else:
            assert keys | inner.keys() == set(one), command
        for name, members in inner.items():
            rows_of = [row for each in (data if isinstance(data, list) else [data]) for row in each[name]]
            assert not rows_of or members == set(rows_of[0]), f"{command}: {name}"


def test_the_addresses_are_those_that_the_page_lists(sqlite_store: Store, tmp_path: Path) -> None:
    house = make_house(sqlite_store, tmp_path)
    object.__setattr__(house, "settings", load({"METRICS": "on"}, None, tmp_path))
    served = {
        (re.sub(r"<int:", "<", rule.rule), tuple(sorted(rule.methods - {"HEAD"})))
        for rule in make_app(house, lambda: NOON).url_map.iter_rules()
        if rule.methods is not None
    }
    listed = re.findall(r"^\| `((?:GET|POST)(?:, POST)?) (/[^`]*)` \|", API, re.MULTILINE)
    assert {(path, tuple(methods.split(", "))) for methods, path in listed} == served


def test_the_metrics_are_those_that_the_page_lists(sqlite_store: Store) -> None:
    families = Metrics(sqlite_store, NOON).text(NOON).decode()
    named = set(re.findall(r"^# TYPE (\S+)", families, re.MULTILINE))
    assert set(re.findall(r"^\| `(reminderd_\w+)`", API, re.MULTILINE)) == named


def test_the_map_of_the_modules_is_whole() -> None:
    listed = set(re.findall(r"^\| `([\w/.]+)` \|", DESIGN, re.MULTILINE))
    package = ROOT / "reminderd"
    there = {f"reminderd/{path.name}" for path in package.glob("*.py")} - {"reminderd/__init__.py"}
    there |= {f"reminderd/{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert {name for name in listed if name.startswith("reminderd/")} == there
    assert all((ROOT / name).exists() for name in listed)


def test_every_problem_of_health_and_every_exit_code_is_told_of() -> None:
    long_ago = NOON - dt.timedelta(days=1)
    silent = Standing(long_ago, {"plan": long_ago}, {"email": 1})
    rows_of = re.findall(r"^\| (.+?) \|", OPERATIONS, re.MULTILINE)
    told = [".*".join(map(re.escape, row.split("…"))) for row in rows_of]
    for problem in (*problems(Standing(None, {}, {}), NOON), *problems(silent, NOON)):
        assert any(re.fullmatch(row, problem) for row in told), problem
    codes = {each.exit_code for each in vars(errors).values() if isinstance(each, type)}
    assert {str(code) for code in codes | {0, INTERRUPTED}} <= set(rows_of)


@pytest.mark.parametrize("block", SETTINGS)
def test_settings_that_a_page_shows_are_taken(block: Block, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(block.text, "utf-8")
    names = {line.partition("=")[0] for line in block.lines if line.strip()}
    assert names <= {row.name for row in rows()}
    load({}, None, tmp_path)


def _keys(text: str) -> tuple[set[str], dict[str, set[str]]]:
    """Plain keys, and those that hold lists of objects, with the keys of these: `name`: `key` `key` … at the end."""
    plain: set[str] = set()
    inner: dict[str, set[str]] = {}
    for part in re.split(r", |(?<=`) (?=`\w+`:)", text):
        names = re.findall(r"`(\w+)`", part)
        if re.match(r"(?:and )?`\w+`:", part):
            inner[names[0]] = set(names[1:])
        else:
            plain |= set(names)
    return plain, inner


def _before(command: str, found: dict[str, set[str]]) -> set[str]:
    """The keys of the listing that a row means by "the same"."""
    listing = {"show": "upcoming", "reference": "reference list", "opportunity": "opportunity list"}
    return found[f"reminderd {listing[command.split()[1]]}"]
