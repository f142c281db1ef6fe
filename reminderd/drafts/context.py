"""What a draft's template can use, from the facts: the names that docs/templates.md lists."""

from __future__ import annotations

import dataclasses
from typing import Any

from reminderd.drafts.choose import choose_approach
from reminderd.store.draft_records import DraftFacts, Person

NAMES = (
    "me",
    "them",
    "job",
    "event",
    "last",
    "silence",
    "asks",
    "approach",
    "stage",
    "agreed",
    "vouched",
    "followed_up",
    "heard",
    "posted",
    "alternates",
    "agreed_names",
    "points",
    "reasons",
    "answer",
    "today",
    "involved",
    "people",
)
_APPROACHED = frozenset({"check_in"})
_LENGTHS = {"email": "mail", "text": "short", "call": "call", "letter": "card", "linkedin": "short"}
_FIXED_LENGTHS = {"gift": "card"}


def context(facts: DraftFacts, warmth: str) -> dict[str, Any]:
    """The names for a template."""
    names = {name: getattr(facts, name) for name in NAMES}
    names["warmth"] = warmth
    return names


def with_approach(situation: str, facts: DraftFacts) -> tuple[DraftFacts, str]:
    """The facts with an approach where the situation has several, and the next best."""
    if situation not in _APPROACHED:
        return facts, ""
    best, following = choose_approach(facts)
    event = facts.news if best == "congratulate" and facts.news.kind else facts.event
    return dataclasses.replace(facts, approach=best, event=event), following


def medium(situation: str, them: Person) -> str:
    """How the draft goes out: as the reference likes it, or the other way where an ask was left unanswered."""
    preferred = them.via if _reach(them.via, them) else _reachable(them) or them.via
    if situation != "ask_follow_up":
        return preferred
    others = (via for via in ("call", "text", "email", "linkedin") if via != preferred and _reach(via, them))
    return next(others, preferred)


def reach(via: str, them: Person) -> str:
    """The address, number or link that ``via`` needs; empty where it is not known."""
    return _reach(via, them)


def default_length(situation: str, via: str) -> str:
    """How long a draft is when nobody asked for a length."""
    return _FIXED_LENGTHS.get(situation) or _LENGTHS.get(via, "mail")


def _reach(via: str, them: Person) -> str:
    ways = {
        "email": them.email,
        "text": them.phone,
        "call": them.phone,
        "linkedin": them.profile,
        "letter": them.address,
    }
    return ways.get(via, "")


def _reachable(them: Person) -> str:
    return next((via for via in ("email", "text", "linkedin", "letter") if _reach(via, them)), "")
