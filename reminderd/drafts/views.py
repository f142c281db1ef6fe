"""What the templates of mails see: everything decided, so that they only lay out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from reminderd.drafts import links, words
from reminderd.drafts.bars import bar_view
from reminderd.drafts.dates import day_short, local_day
from reminderd.drafts.items import Entry, MailItem
from reminderd.drafts.phrases import event_words, phrases

SNOOZE = "3d"
Button = tuple[str, str]


def names(item: MailItem) -> dict[str, Any]:
    """The names for the templates of one mail."""
    say = phrases(item.user.language)
    entries = [_entry(item, entry, say) for entry in item.entries]
    lines = [*_opening(item, say), *item.lines]
    today = local_day(item.now + dt.timedelta(microseconds=1), item.user.zone)
    digest = item.digest
    return {
        "say": say,
        "language": item.user.language.partition("_")[0],
        "subject": item.subject,
        "preheader": item.preheader or _preheader(item, lines),
        "lines": lines,
        "entries": entries,
        "kind": item.kind,
        "done": digest.done if digest else (),
        "open": digest.open if digest else (),
        "people": [bar_view(bar, today, item.user.language) for bar in digest.people] if digest else (),
        "unsubscribe_url": links.web(item.unsubscribe_url or ""),
        "unsubscribe_mail": links.command(item.reply_address or item.sender, "unsubscribe", "unsubscribe"),
    }


def _opening(item: MailItem, say: Mapping[str, str]) -> list[str]:
    """ "Before you post: 0 of 6 know", above news that is not public yet."""
    told = item.told
    if told is None and any(entry.draft.situation == "accepted" for entry in item.entries):
        involved = item.entries[0].facts.involved
        told = (sum(one.told for one in involved), len(involved)) if involved else None
    if told is None:
        return []
    known = words.knows(*told, item.user.language)
    return [f"{known}." if told[0] >= told[1] else f"{say['before_posting']}: {known}."]


def _preheader(item: MailItem, lines: list[str]) -> str:
    """About forty characters that say which reminder this is, and who is still open."""
    nth = words.reminder(max((entry.position for entry in item.entries), default=1), item.user.language)
    people = [entry.facts.them.first_name for entry in item.entries if entry.facts.them.first_name and not entry.done]
    first = lines[0].rstrip(".") if lines else ""
    return ": ".join(part for part in (nth, first or ", ".join(dict.fromkeys(people))) if part)


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
        "short": draft.short if draft.length != "short" and them.phone and not draft.for_user else "",
        "social": f"{draft.social} {them.profile}".strip() if draft.social else "",
        "next_best": say.get(f"approach_{draft.next_approach}", "") if draft.next_approach else "",
        "warning": _warning(entry, say),
        "sending": sending,
        "cut": say["cut"] if cut else "",
        "actions": _actions(item, entry, say),
        "command": f"reminderd done {entry.number}",
        "explain": f"reminderd explain {entry.number}",
        "why": _why(item, entry, say),
        "for_user": draft.for_user,
    }


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
        link, cut = links.mailto(draft if draft.via == "email" else _addressed(entry), entry.bcc)
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


def _addressed(entry: Entry) -> Any:
    import dataclasses

    return dataclasses.replace(entry.draft, to=entry.facts.them.email)


def _actions(item: MailItem, entry: Entry, say: Mapping[str, str]) -> list[Button]:
    """Buttons for the way back that is configured; none where there is none."""
    if not entry.number:
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
    happened = event_words(event.kind, language)
    if happened and event.on:
        happened = f"{happened} ({day_short(event.on, language)})"
    due = f"{say['due']} {words.when(entry.due_at, item.user.zone, language)}"
    return "; ".join(part for part in (entry.about, happened, due) if part)
