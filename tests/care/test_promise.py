"""The promise kept: each rule's record for whoever asks, and no score, streak or blame in anything that is said."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reminderd.drafts.checking import sample_item
from reminderd.drafts.library import Library
from reminderd.drafts.mail import make_mail
from reminderd.drafts.samples import several
from tests.care.life import Life, about, moment, plain_of

Begin = Callable[..., Life]
ROOT = Path(__file__).parents[2]
BANNED = re.compile(
    r"going cold|\bstreaks?\b|\bscores?\b|\boverdue\b|\bguilt|\bneglect|you (forgot|missed)"
    r"|\bfailed to (write|thank|call)|don.t forget|last chance|shame|\bnag"
    r"|versäumt|vernachlässig|überfällig|\bSträhne|Punktestand",
    re.IGNORECASE,
)
RED = re.compile(r"\bred\b|#(?:f00|ff0000|c00|d00|e00|dc2626|b91c1c|ef4444)\b", re.IGNORECASE)


def said_by_the_program() -> Iterator[tuple[str, str]]:
    """Every text constant of the program but its docstrings, and every template."""
    for path in sorted((ROOT / "reminderd").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield f"{path.name}:{node.lineno}", node.value
    for path in sorted((ROOT / "templates").rglob("*.j2")):
        yield path.name, re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    yield "book.toml", (ROOT / "reminderd/rules/book.toml").read_text("utf-8")


def test_no_text_of_the_program_scores_counts_days_in_a_row_or_blames() -> None:
    assert [(where, text) for where, text in said_by_the_program() if BANNED.search(text)] == []


def test_no_mail_is_red() -> None:
    for facts in several():
        for digest in (False, True):
            mail = make_mail(sample_item(facts, digest), Library())
            assert not RED.search(mail.content.decode())


def test_each_rule_has_its_record_of_done_later_and_let_go(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima", "Ben Okafor", "Cleo Ames", "Dana Wu")
    life.at("2026-03-02T10:00", "landed", "Acme", "--all", "--quiet")
    life.done("2026-03-03T10:00", "accepted", "Ana Lima")
    life.done("2026-03-10T10:00", "accepted", "Ben Okafor")
    life.at("2026-03-10T10:01", "skip", str(life.number("2026-03-10T10:01", "accepted", "Cleo Ames")))
    life.until("2026-04-10T10:00")
    (row,) = (row for row in life.json_at("2026-04-10T10:00", "rules", "list") if row["name"] == "accepted")
    assert (row["done"], row["done_later"], row["let_go"]) == (1, 1, 2)


def test_what_was_called_off_is_not_counted_as_let_go(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima", "Ben Okafor")
    life.at("2026-03-02T10:00", "landed", "Acme", "--all", "--quiet")
    life.at("2026-03-03T10:00", "record", "turned_down", "--for", "Acme", "--quiet")
    life.until("2026-06-01T10:00")
    records = {row["name"]: row for row in life.json_at("2026-06-01T10:00", "rules", "list")}
    assert records["accepted"]["let_go"] == 0
    assert records["turned-down"]["let_go"] == 2


@pytest.mark.parametrize("kind", ["accepted", "turned_down", "rejected"])
def test_two_days_over_a_weekend_a_clock_change_and_an_outage_arrive_once_and_late(begin: Begin, kind: str) -> None:
    """Recorded on the Friday before the clocks go forward; nothing runs from then until Sunday morning."""
    life = begin("2026-03-02T09:30", "Ana Lima", "Ben Okafor")
    life.at("2026-03-02T10:00", "opportunity", "add", "Acme")
    life.at("2026-03-02T10:00", "record", "asked", "--all", "--for", "Acme", "--quiet")
    life.at("2026-03-04T10:00", "record", "agreed", "--all", "--for", "Acme", "--quiet")
    life.at("2026-03-04T10:01", "record", "briefed", "--all", "--for", "Acme", "--quiet")
    life.at("2026-03-27T21:00", "record", kind, "--for", "Acme", "--on", "2026-03-27", "--quiet")
    rule = kind.replace("_", "-")
    back = moment("2026-03-30T10:00")  # the daemon was down for two days and a half: the deadline has passed
    life.simulation.now = back
    arrived = life.until("2026-03-30T10:05")
    assert len(about(arrived, rule)) == 2  # one message, with Ana's draft and Ben's
    assert len([one for one in arrived if one.nudges[0].rule == rule]) == 1
    assert "later than planned" in plain_of(arrived[0])
    assert about(life.until("2026-04-05T10:00"), rule) == []


def test_a_36_hour_outage_inside_the_two_days_still_arrives_once_before_they_end(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima")
    life.at("2026-03-02T10:00", "opportunity", "add", "Acme")
    life.at("2026-03-02T10:00", "record", "agreed", "Ana", "--for", "Acme", "--quiet")
    life.at("2026-03-02T10:00", "record", "briefed", "Ana", "--for", "Acme", "--quiet")
    life.at("2026-03-27T21:00", "record", "accepted", "--for", "Acme", "--quiet")
    life.simulation.now += dt.timedelta(hours=36)  # Sunday, 10:00 by the new clock
    assert life.simulation.now == moment("2026-03-29T10:00")
    assert len(about(life.until("2026-03-29T10:05"), "accepted")) == 1
    assert about(life.until("2026-04-05T10:00"), "accepted") == []
    ((due_at,),) = life.rows("select due_at from nudges where rule = 'accepted'")
    assert due_at.startswith("2026-03-29 21:59:59")
