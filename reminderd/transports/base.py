"""The contract of every way out: success returns a receipt, failure raises and says what it means."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Protocol

from reminderd.errors import ReminderdError
from reminderd.message import Channel, Message
from reminderd.rules.retry import Fault


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took the message. ``reference`` is its own name for it (SMTP reply, Twilio SID, file)."""

    reference: str


class SendFailed(ReminderdError):
    """An attempt that did not end in a receipt."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.words)
        self.fault = fault


class Transport(Protocol):
    """One way out. ``send`` and ``find`` may be called from several threads at once."""

    name: str
    channel: Channel
    deadline_for: dt.timedelta
    """`send` has returned or raised within this time."""

    def send(self, message: Message) -> Receipt:
        """Hand ``message`` over. Raises `SendFailed`, and nothing else for what the network can do."""
        ...

    def find(self, message: Message, since: dt.datetime) -> Receipt | None:
        """A message handed over at or after ``since`` (aware) whose receipt was lost, or ``None`` when the other
        side has no such message or cannot tell. Raises `SendFailed` when the question itself failed."""
        ...

    @property
    def can_find(self) -> bool:
        """Whether `find` can tell; where not, an unknown outcome is sent again with the same identity."""
        ...

    def probe(self) -> str:
        """Try the account or place without sending: one line of what was found. Raises `SendFailed`."""
        ...

    def close(self) -> None:
        """Let go of connections; the transport opens new ones when used again."""
        ...
