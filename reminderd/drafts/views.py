"""What the templates of mails see: everything decided, so that they only lay out."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from reminderd.drafts import links, words
from reminderd.drafts.bars import bar_view
from reminderd.drafts.commands import addressed
from reminderd.drafts.dates import day_short, listing, local_day, upfirst
from reminderd.drafts.items import Entry, MailItem
from reminderd.drafts.phrases import event_words, need_by, phrases
from reminderd.drafts.telling import marked
from reminderd.store.draft_records import DraftFacts

SNOOZE = "3d"
Button = tuple[str, str]


def names(item: MailItem) -> dict[str, Any]:
    """The names for the templates of one mail."""
    say = phrases(item.user.language)
    entries = [_entry(item, entry, say) for entry in item.entries]
    lines = [*_opening(item, say), *(addressed(line, item.user) for line in item.lines)]
    today = local_day(item.now + dt.timedelta(microseconds=1), item.user.zone)
    digest = item.digest
    return {
        "say": say,
        "language": item.user.language.partition("_")[0],
        "subject": item.subject,
        "preheader": item.preheader or _preheader(item, lines),
        "lines": lines,
        "entries": entries,
        "together": _together(item, say),
        "nothing": item.digest is not None and not item.entries and not item.digest.open,
        "done": digest.done if digest else (),
        "open": digest.open if digest else (),
        "people": [bar_view(bar, today, item.user.language) for bar in digest.people] if digest else (),
        "unsubscribe_url": links.web(item.unsubscribe_url or ""),
        "unsubscribe_mail": links.command(item.reply_address or item.sender, "unsubscribe", "unsubscribe"),
    }


def _opening(item: MailItem, say: Mapping[str, str]) -> list[str]:
    """ "Before you post: 0 of 6 know; still: …" above news that is not public yet; else who is still open."""
    language = item.user.language
    accepted = next((entry.facts for entry in item.entries if entry.draft.situation == "accepted"), None)
    if accepted is not None and accepted.involved:
        return [_who_knows(accepted, language, say)]
    waiting = [name for entry in item.entries if not entry.done for name in _first(entry)]
    still = listing(dict.fromkeys(waiting), language)
    return [f"{say['still_open']}: {still}."] if len(item.entries) > 1 and still and item.digest is None else []


def _who_knows(facts: DraftFacts, language: str, say: Mapping[str, str]) -> str:
    waiting = [marked(one.first_name or one.name, one.paused, language) for one in facts.involved if not one.told]
    told, total = len(facts.involved) - len(waiting), len(facts.involved)
    known = words.knows(told, total, language, post=not facts.posted)
    if not waiting:
        return f"{upfirst(known)}."
    before = "" if facts.posted else f"{say['before_posting']}: "
    return f"{before}{known}; {say['still']}: {listing(dict.fromkeys(waiting), language)}."


def _first(entry: Entry) -> list[str]:
    name = entry.facts.them.first_name or entry.facts.them.name
    return [name] if name else []


def _preheader(item: MailItem, lines: list[str]) -> str:
    """About forty characters that say which reminder this is, and who is still open."""
    nth = words.reminder(max((entry.position for entry in item.entries), default=1), item.user.language)
    people = [name for entry in item.entries if not entry.done for name in _first(entry)]
    first = lines[0].rstrip(".") if lines else ", ".join(dict.fromkeys(people))
    return " · ".join(part for part in (nth, first) if part)


def _together(item: MailItem, say: Mapping[str, str]) -> dict[str, str] | None:
    """One answer for a whole group, where there are several of one matter."""
    numbers = [entry.number for entry in item.entries if entry.number and not entry.done]
    if len(numbers) < 2 or item.digest is not None:
        return None
    listed = " ".join(map(str, numbers))
    link = ""
    if item.links is not None:
        link = item.links(numbers[0], "all")
    elif item.reply_address:
        link = links.command(item.reply_address, f"Re: {item.subject}", f"DONE {listed}")
    return {"label": say["all"], "link": link, "command": _done_by(item, listed, say)}


def _entry(item: MailItem, entry: Entry, say: Mapping[str, str]) -> dict[str, Any]:
    draft, them = entry.draft, entry.facts.them
    sending, cut = _sending(entry, say)
    return {
        "number": entry.number,
        "title": entry.title,
        "by": words.by(entry.due_at, item.user.zone, item.user.language),
        "late": say["late"] if entry.late else "",
        "reminder": words.reminder(entry.position, item.user.language),
        "question": draft.question,
        "missing": draft.missing,
        "to": _recipient(entry),
        "subject": draft.subject if draft.length == "mail" else "",
        "label": _label(entry, say),
        "body": draft.body,
        "paragraphs": [paragraph.split("\n") for paragraph in draft.body.split("\n\n")],
        "social": f"{draft.social} {them.profile}".strip() if draft.social else "",
        "next_best": say.get(f"approach_{draft.next_approach}", "") if draft.next_approach else "",
        "warning": _warning(entry, say),
        "sending": sending,
        "cut": say["cut"] if cut else "",
        "actions": _actions(item, entry, say),
        "command": _done_by(item, str(entry.number), say),
        "explain": addressed(f"reminderd explain {entry.number}", item.user),
        "why": _why(item, entry, say),
        "for_user": draft.for_user,
    }


def _done_by(item: MailItem, numbers: str, say: Mapping[str, str]) -> str:
    """How to say that it is done where no button shows: by an answer where those are read, else on the terminal."""
    if item.reply_address:
        return f"{say['answer']} DONE {numbers}"
    return addressed(f"reminderd done {numbers}", item.user)


def _recipient(entry: Entry) -> str:
    draft, them = entry.draft, entry.facts.them
    if draft.for_user or not them.name:
        return ""
    return (
        f"{them.name} <{draft.to}>"
        if draft.via == "email" and draft.to
        else ", ".join(filter(None, (them.name, draft.to)))
    )


def _label(entry: Entry, say: Mapping[str, str]) -> str:
    if entry.draft.for_user:
        return ""
    return {"call": say["call_notes"], "card": say["by_hand"]}.get(entry.draft.length, say["copy"])


def _warning(entry: Entry, say: Mapping[str, str]) -> str:
    """From the fourth use in ninety days on: who else agreed before."""
    facts = entry.facts
    if facts.uses < 3 or entry.draft.intent != "ask" or not facts.alternates:
        return ""
    return f"{say['also_asked']}: {', '.join(facts.alternates)}."


def _sending(entry: Entry, say: Mapping[str, str]) -> tuple[list[Button], bool]:
    """The links that open the draft where it can be sent from, the reference's own way first."""
    draft, them = entry.draft, entry.facts.them
    if draft.for_user:
        return [], False
    buttons: dict[str, Button] = {}
    cut = False
    if draft.length == "mail" and them.email:
        link, cut = links.mailto(dataclasses.replace(draft, to=them.email), entry.bcc)
        buttons["email"] = (say["send_mail"], link)
    if them.phone:
        buttons["text"] = (say["text_it"], links.sms(them.phone, draft.short or draft.body))
        if draft.via == "call":
            buttons["call"] = (say["call"], links.tel(them.phone))
    profile = links.web(them.profile)
    if profile and (draft.via == "linkedin" or draft.social):
        buttons["linkedin"] = (say["open_profile"], profile)
    first = [buttons.pop(draft.via)] if draft.via in buttons else []
    return [*first, *buttons.values()], cut


def _actions(item: MailItem, entry: Entry, say: Mapping[str, str]) -> list[Button]:
    """Buttons for the way back that is configured; none where there is none."""
    if not entry.number or entry.done:
        return []
    if item.links is not None:
        return [(say[action], item.links(entry.number, action)) for action in ("done", "snooze", "skip")]
    if item.reply_address:
        verbs = (("done", "DONE"), ("snooze", "SNOOZE"), ("skip", "SKIP"))
        return [
            (
                say[action],
                links.command(
                    item.reply_address,
                    f"Re: {item.subject}",
                    f"{verb} {entry.number}{' ' + SNOOZE.upper() if action == 'snooze' else ''}",
                ),
            )
            for action, verb in verbs
        ]
    return []


def _why(item: MailItem, entry: Entry, say: Mapping[str, str]) -> str:
    """Why now: the rule, the event, the deadline."""
    event, language = entry.facts.event, item.user.language
    happened = event_words(event, language)
    if happened and event.on and need_by(event) is None:
        happened = f"{happened} ({day_short(event.on, language)})"
    due = f"{say['due']} {words.when(entry.due_at, item.user.zone, language)}"
    return "; ".join(part for part in (entry.about, happened, due) if part).rstrip(".")
