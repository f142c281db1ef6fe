"""Who knows of an outcome, in words: names where they may be seen, else initials."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reminderd.store.draft_records import DraftFacts


def know_line(facts: DraftFacts, *, full: bool, german: bool = False) -> str:
    """Who knows of the outcome: "4 of 6 know; still: A.L., S.O."; names only where ``full``."""
    waiting = [one for one in facts.involved if not one.told]
    known = knows(len(facts.involved) - len(waiting), len(facts.involved), facts.me.language)
    if not waiting:
        return known
    names = ", ".join(one.name if full else initials(one.name) for one in waiting)
    return f"{known}; {'noch' if german else 'still'}: {names}"


def knows(told: int, total: int, language: str = "en") -> str:
    """How many know: said above the accepted mail, and after each `done`."""
    german = language.startswith("de")
    if told < total:
        return f"{told} von {total} wissen es" if german else f"{told} of {total} know"
    if german:
        return f"{'Alle ' if total > 1 else ''}{total} wissen es: du kannst posten"
    numbers = ("nobody was asked", "the one you asked knows", "both know", "three", "four", "five", "six")
    if total < 3:
        return f"{numbers[total]}: post away"
    return f"all {numbers[total] if total < len(numbers) else total} know: post away"


def initials(name: str) -> str:
    """Initials: "A.L."."""
    return "".join(f"{word[0].upper()}." for word in name.replace("-", " ").split() if word[0].isalpha())
