"""Mails to the user: text and HTML with their drafts, and the deadlines as a calendar."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib

from reminderd.drafts import commands, ics, mime, views, words
from reminderd.drafts.dates import local_day
from reminderd.drafts.items import Digest, Entry, MailItem
from reminderd.drafts.library import Library
from reminderd.message import Mail
from reminderd.rules.calendar import local_moment


def make_mail(item: MailItem, library: Library) -> Mail:
    """The finished mail: the envelope and the exact bytes."""
    names = views.names(item)
    name = "digest" if item.digest is not None else "nudge"
    language = item.user.language
    text = library.render(f"email/{name}.txt.j2", names, language).strip() + "\n"
    html = library.render(f"email/{name}.html.j2", names, language)
    body = mime.multipart("alternative", (mime.text_part(text, "plain"), mime.text_part(html, "html")), item.message_id)
    deadlines = _deadlines(item) if item.ics else []
    if deadlines:
        calendar = mime.calendar_part(ics.make_calendar(deadlines, item.now), "reminderd.ics")
        body = mime.multipart("mixed", (body, calendar), item.message_id)
    sender, recipient = mime.plain_address(item.sender), mime.plain_address(item.user.email)
    return Mail(
        sender=sender,
        recipient=recipient,
        subject=mime.clean(item.subject),
        message_id=mime.clean(item.message_id),
        content=(_headers(item) + body).encode(),
    )


def make_digest_mail(item: MailItem, digest: Digest, library: Library) -> Mail:
    """The digest: what was done, what is open, who might enjoy hearing from you, and the drafts."""
    return make_mail(dataclasses.replace(item, digest=digest, kind="digest", references_root=None), library)


def _headers(item: MailItem) -> str:
    lines = [
        mime.raw_header("From", mime.mailbox(item.sender_name, item.sender)),
        mime.raw_header("To", mime.mailbox(item.user.name, item.user.email)),
        mime.header("Subject", item.subject),
        mime.raw_header("Date", mime.date(item.now)),
        mime.raw_header("Message-ID", item.message_id),
    ]
    if item.references_root and item.references_root != item.message_id:
        lines += [
            mime.raw_header("In-Reply-To", item.references_root),
            mime.raw_header("References", item.references_root),
        ]
    if item.reply_address:
        lines.append(mime.raw_header("Reply-To", mime.plain_address(item.reply_address)))
    lines.append(mime.raw_header("Auto-Submitted", "auto-generated"))
    lines += _unsubscribe(item)
    lines.append(f"MIME-Version: 1.0{mime.CRLF}")
    return "".join(lines)


def _unsubscribe(item: MailItem) -> list[str]:
    """By mail always; by https with one click only where there is such an address."""
    mail = f"<mailto:{mime.plain_address(item.reply_address or item.sender)}?subject=unsubscribe>"
    url = mime.clean(item.unsubscribe_url or "")
    if not url.startswith("https://") or " " in url or ">" in url:
        return [mime.raw_header("List-Unsubscribe", mail)]
    return [
        mime.raw_header("List-Unsubscribe", f"<{url}>, {mail}"),
        mime.raw_header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]


def _deadlines(item: MailItem) -> list[ics.Deadline]:
    owner = hashlib.sha256(item.user.email.casefold().encode()).hexdigest()[:12]
    return [
        ics.Deadline(
            uid=f"nudge-{entry.number}-{owner}@reminderd",
            summary=words.short_title(entry.draft.situation, entry.facts),
            description=commands.addressed(f"reminderd done {entry.number}\nreminderd draft {entry.number}", item.user),
            on=local_day(entry.due_at, item.user.zone),
            alarms=_alarms(item, entry),
            sequence=entry.sequence,
        )
        for entry in item.entries
        if not entry.done and entry.number
    ]


def _alarms(item: MailItem, entry: Entry) -> tuple[dt.datetime, ...]:
    if entry.alarms:
        return tuple(moment for moment in entry.alarms if moment > item.now)
    day = local_day(entry.due_at, item.user.zone)
    days = (day - dt.timedelta(days=1), day)
    rings = (local_moment(each, item.user.hour, item.user.zone) for each in days)
    return tuple(moment for moment in rings if item.now < moment <= entry.due_at)
