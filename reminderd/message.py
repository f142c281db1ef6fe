"""The frozen message that drafts make, the store keeps and transports send."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any


class Channel(enum.StrEnum):
    """A way to the user."""

    EMAIL = "email"
    SMS = "sms"


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail to the user: the envelope, and the exact bytes that every attempt sends (RFC 5322)."""

    sender: str
    recipient: str
    subject: str
    message_id: str
    content: bytes

    @property
    def channel(self) -> Channel:
        return Channel.EMAIL


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A text (SMS) to the user. ``useless_at`` (aware) is when it is no longer worth delivering."""

    recipient: str
    body: str
    useless_at: dt.datetime | None = None

    @property
    def channel(self) -> Channel:
        return Channel.SMS


Message = Mail | Text


def to_record(message: Message) -> tuple[dict[str, str | None], bytes | None]:
    """The message for the store: plain JSON values, and the bytes of a mail."""
    if isinstance(message, Mail):
        envelope: dict[str, str | None] = {
            "sender": message.sender,
            "recipient": message.recipient,
            "subject": message.subject,
            "message_id": message.message_id,
        }
        return envelope, message.content
    useless_at = message.useless_at.isoformat() if message.useless_at else None
    return {"recipient": message.recipient, "body": message.body, "useless_at": useless_at}, None


def from_record(envelope: Mapping[str, Any], content: bytes | None) -> Message:
    """The message that `to_record` wrote, byte for byte. Raises `KeyError`, `TypeError` or `ValueError` for what it
    cannot have written."""
    if content is not None:
        return Mail(envelope["sender"], envelope["recipient"], envelope["subject"], envelope["message_id"], content)
    recipient, body = envelope["recipient"], envelope["body"]
    useless_at = envelope.get("useless_at")
    return Text(
        recipient=recipient,
        body=body,
        useless_at=dt.datetime.fromisoformat(useless_at) if useless_at else None,
    )
