"""Which wording and which approach: deterministic, so that a draft reads the same whenever it is looked at."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from reminderd.rules.balance import ASKS_BEFORE_GIVING
from reminderd.store.draft_records import DraftFacts


def choose_variant(situation: str, facts: DraftFacts, count: int, taken: Sequence[int] = ()) -> int:
    """The wording for this reference, from 1 to ``count``: the one that the nudge has, else the next in turn.

    Never the one used last, and none of ``taken`` while others are left.
    """
    if count < 1:
        return 1
    if facts.variant is not None and 1 <= facts.variant <= count:
        return facts.variant
    used = facts.used_variants.get(situation, ())
    start = zlib.crc32(f"{facts.them.id}:{situation}".encode()) % count
    turn = [(start + len(used) + step) % count + 1 for step in range(count)]
    last = used[-1] if used else None
    fresh = [number for number in turn if number not in taken and number != last]
    others = [number for number in turn if number != last]
    return (fresh or others or turn)[0]


def assign_variants(situation: str, group: Sequence[DraftFacts], count: int) -> list[int]:
    """A wording for each of a group: no two alike while wordings last."""
    taken = [facts.variant for facts in group if facts.variant is not None]
    chosen = []
    for facts in group:
        number = choose_variant(situation, facts, count, taken)
        if facts.variant is None:
            taken.append(number)
        if len(set(taken)) >= count:
            taken = []
        chosen.append(number)
    return chosen


def choose_approach(facts: DraftFacts) -> tuple[str, str]:
    """How to get in touch, and the next best: what the facts allow, least lately used first.

    After two asks with nothing given back, only approaches that give are left.
    """
    options = _possible(facts)
    ranked = sorted(options, key=lambda option: (_lately(option, facts.used_approaches), options.index(option)))
    if "congratulate" in ranked and facts.used_approaches[-1:] != ("congratulate",):
        ranked.remove("congratulate")
        ranked.insert(0, "congratulate")
    if facts.approach:
        ranked = [facts.approach, *(option for option in ranked if option != facts.approach)]
    return ranked[0], ranked[1] if len(ranked) > 1 else ""


def _possible(facts: DraftFacts) -> list[str]:
    if facts.asks >= ASKS_BEFORE_GIVING:
        return [*(["congratulate"] if facts.news.kind else []), "share"]
    options = ["note"]
    if facts.news.kind:
        options.append("congratulate")
    if facts.them.speaks_to:
        options.append("share")
    if facts.silence.known and not facts.silence.long:
        options.append("coffee")
        if facts.them.speaks_to or facts.them.title:
            options.append("advice")
    start = zlib.crc32(f"{facts.them.id}:approach".encode()) % len(options)
    return options[start:] + options[:start]


def _lately(option: str, used: Sequence[str]) -> int:
    """How lately an approach was used: 0 for never, else more the later."""
    return max((place for place, name in enumerate(used, 1) if name == option), default=0)
