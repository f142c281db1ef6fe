"""Nudges that ask the user to do something other than send a draft: the note that stands in a draft's place."""

from __future__ import annotations

from collections.abc import Callable

from reminderd.drafts.dates import listing, sentence
from reminderd.drafts.draft import Draft
from reminderd.store.draft_records import DraftFacts

TASKS = frozenset({"announcement", "ask_unanswered", "warm_up", "four_ignored", "last_contact_unknown", "look_in"})


def note(situation: str, facts: DraftFacts) -> Draft:
    """The note for a task, where no template says otherwise."""
    german = facts.me.language.startswith("de")
    body = _NOTES[situation](facts, german)
    return Draft(situation=situation, subject="", body=body, short=body, length="short", for_user=True)


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


def _announcement(facts: DraftFacts, german: bool) -> str:
    return sentence(know_line(facts, full=True, german=german))


def _ask_unanswered(facts: DraftFacts, german: bool) -> str:
    name, others = facts.them.first_name or facts.them.name, facts.alternates
    if german:
        hint = f" Stattdessen fragen könntest du {others[0]}." if others else ""
        return f"{name} hat nicht geantwortet. Lass es gut sein, ohne Vorwurf.{hint}"
    hint = f" You could ask {others[0]} instead." if others else ""
    return f"{name} has not answered. Let it be; people are busy.{hint}"


def _warm_up(facts: DraftFacts, german: bool) -> str:
    names = listing([person.name for person in facts.people], facts.me.language)
    if german:
        wer = f" Diese freuen sich vielleicht, von dir zu hören: {names}." if names else ""
        return f"Viele wechseln alle paar Jahre die Stelle.{wer}"
    who = f" These might enjoy hearing from you: {names}." if names else ""
    return f"People switch jobs every couple of years; a hello now is an easy one.{who}"


def _four_ignored(facts: DraftFacts, german: bool) -> str:
    name = facts.them.first_name or facts.them.name
    quoted = f'"{facts.them.name}"'
    if german:
        return (
            f"Die letzten vier Erinnerungen zu {name} blieben liegen. Seltener, eine Pause, oder so lassen? "
            f'reminderd reference edit {quoted} --every "6 months", reminderd reference pause {quoted}, oder nichts.'
        )
    return (
        f"The last four notes about {name} were left alone. Fewer, a pause, or as it is? "
        f'reminderd reference edit {quoted} --every "6 months", reminderd reference pause {quoted}, or nothing.'
    )


def _last_contact(facts: DraftFacts, german: bool) -> str:
    name, quoted = facts.them.first_name or facts.them.name, f'"{facts.them.name}"'
    if german:
        return (
            f"Wann hattest du zuletzt mit {name} Kontakt? Ungefähr genügt: "
            f"reminderd reference edit {quoted} --last-contact DATUM"
        )
    return (
        f"When were you last in touch with {name}? Roughly will do: "
        f"reminderd reference edit {quoted} --last-contact DATE"
    )


def _look_in(facts: DraftFacts, german: bool) -> str:
    lead = (
        "Schau kurz in diese Profile:"
        if german
        else "Have a look at these profiles; there may be news to congratulate on:"
    )
    lines = [f"- {person.name}: {person.profile}" for person in facts.people]
    return "\n".join([lead, *lines]) if lines else lead


_NOTES: dict[str, Callable[[DraftFacts, bool], str]] = {
    "announcement": _announcement,
    "ask_unanswered": _ask_unanswered,
    "warm_up": _warm_up,
    "four_ignored": _four_ignored,
    "last_contact_unknown": _last_contact,
    "look_in": _look_in,
}
