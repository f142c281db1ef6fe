"""A rule in words: what starts it, what ends it. For whoever asks why a nudge came."""

from __future__ import annotations

from reminderd.rules.calendar import Span
from reminderd.rules.kinds import KINDS
from reminderd.rules.rule import Rule

_EVERY = {
    "tier": "the time that you want to pass between contacts with them",
    "limit": "the longest silence that you allow for them (--at-most)",
    "ignored": "four reminders in a row left alone",
}
_YEARLY = {"birthday": "their birthday", "work_anniversary": "the anniversary of their job"}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July",
           "August", "September", "October", "November", "December")  # fmt: skip


def starts(rule: Rule) -> str:
    """What starts the rule: "you accepted the offer"."""
    if rule.on:
        return _listed([plain(kind) for kind in rule.on])
    if rule.yearly:
        return _YEARLY.get(rule.yearly) or f"{_day(rule.yearly)}, every year"
    if rule.monthly:
        return f"day {rule.monthly} of every month"
    if rule.unknown:
        return "no contact with them is known"
    if isinstance(rule.every, Span):
        return f"{rule.every} without contact"
    return _EVERY[str(rule.every)]


def ends(rule: Rule) -> tuple[str, ...]:
    """What counts as having done it, besides saying so: "you told them the news"."""
    found = [f"any contact with them{when_it_counts(rule)}"] if "touch" in rule.fulfilled else []
    return (*found, *(plain(kind) for kind in sorted(rule.fulfilled - {"touch"}, key=lambda kind: KINDS[kind].rank)))


def when_it_counts(rule: Rule) -> str:
    """Since when any contact ends a rule that an event started: the day of the event is too soon."""
    return " on a later day" if rule.on and rule.early is None else ""


def plain(kind: str) -> str:
    """An event kind in words, without its remark in brackets: "an interview"."""
    return KINDS[kind].help.partition(" (")[0]


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _day(month_day: str) -> str:
    month, day = month_day.split("-")
    return f"{int(day)} {_MONTHS[int(month) - 1]}"
