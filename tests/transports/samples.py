"""Messages for tests of transports."""

from __future__ import annotations

import datetime as dt

from reminderd.message import Mail, Text

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


def make_mail(number: int = 1, *, body: bytes = b"Thank Ana.\r\n", recipient: str = "user@example.org") -> Mail:
    message_id = f"<nudge-{number}@reminderd.test>"
    head = f"Message-ID: {message_id}\r\nSubject: Nudge {number}\r\nTo: {recipient}\r\n\r\n"
    return Mail("reminderd@example.org", recipient, f"Nudge {number}", message_id, head.encode() + body)


def make_text(number: int = 1, *, recipient: str = "+14155550101", useless_at: dt.datetime | None = None) -> Text:
    return Text(recipient, f"Nudge {number}: thank Ana by Wed.", useless_at)
