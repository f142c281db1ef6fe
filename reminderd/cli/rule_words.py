"""One rule of the book in words."""

from __future__ import annotations

from typing import Any

from reminderd.cli.output import facts, listing
from reminderd.rules.calendar import Span
from reminderd.rules.kinds import KINDS
from reminderd.rules.rule import Anchor, Concerns, Role, Rule, StepRule
from reminderd.rules.wording import when_it_counts

WHOM = {
    Concerns.REFERENCE: "one reference",
    Concerns.INVOLVED: "each reference who vouches for that opportunity",
    Concerns.OPPORTUNITY: "all who vouch for that opportunity, as one reminder",
    Concerns.USER: "you",
}
WHAT = {
    Role.OUTCOME: "the outcome; comes whatever else was planned",
    Role.ASK: "an ask; comes whatever else was planned",
    Role.HEADS_UP: "a heads-up; comes whatever else was planned",
    Role.THANKS: "thanks",
    Role.KEEP: "keeping in touch; gives way to what matters more",
    Role.TASK: "something for you; nothing is sent to them",
}
EVERY = {
    "tier": "as often as the reference says (--every), else its tier",
    "limit": "when the longest silence is reached (--at-most)",
    "ignored": "when several in a row were left alone",
}
WHEN = {
    Anchor.START: "at once",
    Anchor.NEXT_MORNING: "the next morning",
    Anchor.LAST_DAY: "on the last day",
    Anchor.DUE: "on the day",
    Anchor.EVENT: "the day of the event",
    Anchor.DIGEST: "in the digest",
    Anchor.NEXT_DIGEST: "in the next digest",
}
WAY = {"email": "e-mail", "sms": "text"}


def page(rule: Rule) -> str:
    """Name, state and fields."""
    state = "on" if rule.enabled else "off"
    return f"{rule.name} ({state})\n{rule.about}\n\n{facts(pairs(rule))}"


def pairs(rule: Rule) -> list[tuple[str, str]]:
    """Each field that says something, with its words."""
    found = [(heading, words) for _, heading, words in _said(rule) if words]
    if not rule.enabled:
        found.append(("Switched", f"off; on with: [rules.{rule.name}] enabled = true in rules.toml"))
    return found


def to_json(rule: Rule) -> dict[str, Any]:
    """All fields, by the keys that programs rely on."""
    words = {key: words for key, _, words in _said(rule)}
    return {"name": rule.name, "about": rule.about, "on": rule.enabled, **words, "weight": rule.weight}


def _said(rule: Rule) -> list[tuple[str, str, str | None]]:
    """Key, heading and words."""
    steps = listing([_step(step) for step in rule.steps])
    return [
        ("starts", "Starts", _start(rule)),
        ("only_when", "Only when", rule.when.text if rule.when is not None else None),
        ("concerns", "Concerns", WHOM[rule.concerns]),
        ("role", "Is", WHAT[rule.role]),
        ("due", "Due", _due(rule)),
        ("let_go", "Let go", _span(rule.expires, "after it is due", "with its day")),
        ("comes", "Comes", f"{steps}{'; waits for the digest' if rule.lane == 'digest' else '; on its own'}"),
        ("draft", "Draft", _drafts(rule)),
        ("done_by", "Done by", _fulfilled(rule)),
        ("done_records", "Done records", rule.records),
        ("expiry_records", "Expiry records", rule.on_expiry),
        ("silenced_by", "Silenced by", _silenced(rule)),
        ("weight", "Weight", str(rule.weight)),
    ]


def _drafts(rule: Rule) -> str:
    found = [rule.draft]
    if rule.silent_draft:
        found.append(f"after a year of silence {rule.silent_draft}")
    if rule.giving_draft:
        found.append(f"after two asks {rule.giving_draft}")
    return ", ".join(found)


def _start(rule: Rule) -> str:
    if rule.on:
        kinds = " or ".join(rule.on)
        ahead = ", as soon as it is known that it will" if rule.ahead else ""
        wait = f", {rule.wait} later" if rule.wait else ""
        half = ", or half the time to the date it is needed by if that is sooner" if rule.half_to_need else ""
        return f"when {kinds} is recorded{ahead}{wait}{half}"
    if rule.every is not None:
        return EVERY[rule.every] if isinstance(rule.every, str) else f"after {rule.every} without contact"
    if rule.yearly is not None:
        named = {"birthday": "on the birthday", "work_anniversary": "on the day they began where they are now"}
        return f"every year {named.get(rule.yearly, f'on {rule.yearly} (month-day)')}"
    return f"on day {rule.monthly} of each month" if rule.monthly else "once, when the last contact is not known"


def _due(rule: Rule) -> str:
    if rule.ahead:
        return "before the event"
    return _span(rule.deadline, "after it starts", "the day it starts") or "the day it starts"


def _span(span: Span | None, after: str, nothing: str) -> str | None:
    if span is None:
        return None
    return f"{span} {after}" if span != Span() else nothing


def _step(step: StepRule) -> str:
    offset = ""
    if step.offset_days:
        days = abs(step.offset_days)
        which = "before" if step.offset_days < 0 else "after"
        place = {Anchor.EVENT: "the event", Anchor.DUE: "it is due", Anchor.START: "it starts"}[step.anchor]
        offset = f"{days} day{'' if days == 1 else 's'} {which} {place}"
    return f"{offset or WHEN[step.anchor]} by {WAY[step.channel]}"


def _fulfilled(rule: Rule) -> str | None:
    if not rule.fulfilled:
        return None
    contact = f"any contact{when_it_counts(rule)}"
    kinds = [contact if kind == "touch" else kind for kind in sorted(rule.fulfilled)]
    early = f", or one up to {rule.early} before" if rule.early else ""
    return f"{' or '.join(kinds)}{early}"


def _silenced(rule: Rule) -> str | None:
    if not rule.stage:
        return None
    later = [kind.name for kind in KINDS.values() if kind.stage > rule.stage]
    return f"{', '.join(later)}" if later else None
