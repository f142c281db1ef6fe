"""Who knows of an outcome, in words: names where they may be seen, else initials."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reminderd.store.draft_records import DraftFacts


def know_line(facts: DraftFacts, *, full: bool, german: bool = False, post: bool = True) -> str:
    """Who knows of the outcome: "4 of 6 know; still: A.L., S.O."; names only where ``full``. ``post``: it is news to
    be posted."""
    waiting = [one for one in facts.involved if not one.told]
    known = knows(len(facts.involved) - len(waiting), len(facts.involved), facts.me.language, post=post)
    if not waiting:
        return known
    language = facts.me.language
    names = ", ".join(marked(one.name if full else initials(one.name), one.paused, language) for one in waiting)
    return f"{known}; {'noch' if german else 'still'}: {names}"


def marked(name: str, paused: bool, language: str = "en") -> str:
    """A name, and that no nudge speaks of them: "Ana (paused)"."""
    return f"{name} ({'pausiert' if language.startswith('de') else 'paused'})" if paused else name


def knows(told: int, total: int, language: str = "en", *, post: bool = True) -> str:
    """How many know: said above the accepted mail, and after each `done`. ``post``: it is news to be posted."""
    german = language.startswith("de")
    if told < total:
        return f"{told} von {total} wissen es" if german else f"{told} of {total} know"
    if german:
        return f"{'Alle ' if total > 1 else ''}{total} wissen es{': du kannst posten' if post else ''}"
    away = ": post away" if post else ""
    numbers = ("nobody was asked", "the one you asked knows", "both know", "three", "four", "five", "six")
    if total < 3:
        return f"{numbers[total]}{away}"
    return f"all {numbers[total] if total < len(numbers) else total} know{away}"


def initials(name: str) -> str:
    """Initials: "A.L."."""
    return "".join(f"{word[0].upper()}." for word in name.replace("-", " ").split() if word[0].isalpha())
