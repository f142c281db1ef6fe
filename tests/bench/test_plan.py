"""What the rules are measured beside decides as they do, or the comparison is of different work."""

from __future__ import annotations

from bench import by_hand
from bench.lives import live
from bench.stock import NOW
from reminderd.rules.book import default_book
from reminderd.rules.cadence import plan


def test_the_plain_python_decides_as_the_rules_do() -> None:
    book = default_book()
    for facts in live(1000):
        assert sorted(by_hand.decide(facts, NOW)) == by_hand.decisions(plan(facts, book, NOW)), facts.reference
