"""The frozen message that drafts make, the store keeps and transports send."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum


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


def to_record(message: Message) -> dict[str, str | None]:
    """The message as plain JSON values, for the store."""
    if isinstance(message, Mail):
        return {
            "sender": message.sender,
            "recipient": message.recipient,
            "subject": message.subject,
            "message_id": message.message_id,
            "content": base64.b64encode(message.content).decode("ascii"),
        }
    useless_at = message.useless_at.isoformat() if message.useless_at else None
    return {"recipient": message.recipient, "body": message.body, "useless_at": useless_at}


def from_record(record: dict[str, str]) -> Message:
    """The message that `to_record` wrote, byte for byte."""
    if "content" in record:
        return Mail(
            sender=record["sender"],
            recipient=record["recipient"],
            subject=record["subject"],
            message_id=record["message_id"],
            content=base64.b64decode(record["content"]),
        )
    useless_at = record.get("useless_at")
    return Text(
        recipient=record["recipient"],
        body=record["body"],
        useless_at=dt.datetime.fromisoformat(useless_at) if useless_at else None,
    )
