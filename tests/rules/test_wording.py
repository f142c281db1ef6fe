"""Rules in words."""

from __future__ import annotations

import pytest

from reminderd.rules.book import default_book
from reminderd.rules.kinds import TABLE
from reminderd.rules.wording import ends, plain, starts

RULES = default_book().rules


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("accepted", "you accepted the offer"),
        ("heads-up", "an interview or the employer asked for references"),
        ("birthday", "their birthday"),
        ("new-year", "2 January, every year"),
        ("look-in", "day 15 of every month"),
        ("reconnect", "1 year without contact"),
        ("last-contact", "no contact with them is known"),
        ("check-in-limit", "the longest silence that you allow for them (--at-most)"),
    ],
)
def test_what_starts_a_rule(rule: str, words: str) -> None:
    assert starts(RULES[rule]) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("accepted", ("you told them the news", "you thanked them")),
        ("check-in", ("any contact with them",)),
        ("promoted", ("any contact with them on a later day", "you congratulated them")),
        ("advice", ("any contact with them",)),
        ("gift", ("you sent a card or a gift",)),
        ("look-in", ()),
    ],
)
def test_what_ends_a_rule(rule: str, words: tuple[str, ...]) -> None:
    assert ends(RULES[rule]) == words


def test_every_rule_and_kind_has_words() -> None:
    assert all(starts(rule) for rule in RULES.values())
    assert all(plain(kind.name) and "(" not in plain(kind.name) for kind in TABLE)
