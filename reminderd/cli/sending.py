"""A nudge's draft as the link that opens it in the user's own program."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy.orm import Session

from reminderd.cli.drafting import draft_of
from reminderd.cli.words import Line, quoted
from reminderd.drafts import links
from reminderd.drafts.library import Library
from reminderd.errors import UsageError


def link_of(library: Library, session: Session, line: Line, now: dt.datetime, *, as_text: bool) -> tuple[str, bool]:
    """The link, and whether the text had to be shortened to fit in it. Raises `UsageError` where there is nothing to
    send, or nowhere to send it to."""
    assert line.facts is not None
    draft = draft_of(library, session, line, now)
    them = line.facts.them
    if draft.for_user or not them.id:
        raise UsageError(f"{line.number} is nothing to send: reminderd show {line.number}")
    if as_text or draft.via == "text" or not them.email:
        if not them.phone:
            raise UsageError(_nowhere(line, "the phone number" if as_text else "the e-mail address"))
        return links.sms(them.phone, draft.short), False
    mail = draft_of(library, session, line, now, length="mail")
    return links.mailto(dataclasses.replace(mail, to=them.email))


def _nowhere(line: Line, what: str) -> str:
    who = line.reference or ""
    return f"{who}: {what} is not known. Add it: reminderd reference edit {quoted(who)} --email … --phone …"
