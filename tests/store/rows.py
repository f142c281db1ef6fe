"""Rows with everything that they must have, for tests that care for little of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from reminderd.message import Mail, Message
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, DeliveryState, Nudge, StoredMessage, User

NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
MAIL = Mail("r@example.org", "mia@example.com", "Thank Ana", "<1@x.test>", b"Subject: x\r\n\r\nHi\r\n")


def make_user(email: str = "mia@example.com") -> User:
    return User(email=email, name="Mia", zone="Europe/Berlin", hour=dt.time(8), digest="weekly", created_at=NOW)


def add_user(store: Store, email: str = "mia@example.com") -> User:
    with store.writing() as session:
        user = make_user(email)
        session.add(user)
    return user


def make_delivery(user: User, key: str = "1", *, state: DeliveryState = DeliveryState.PENDING) -> Delivery:
    sent = NOW if state is DeliveryState.SENT else None
    return Delivery(
        user_id=user.id,
        channel="email",
        kind="nudge",
        dedupe_key=key,
        state=state,
        subject="Thank Ana",
        due_at=NOW,
        created_at=NOW,
        sent_at=sent,
    )


def add_delivery(session: Session, row: Delivery, message: Message = MAIL) -> Delivery:
    """A delivery with what it carries; it has its id then."""
    session.add(row)
    session.flush()
    session.add(StoredMessage.of(row, message))
    session.flush()
    return row


def make_nudge(user: User, **values: Any) -> Nudge:
    given: dict[str, Any] = {
        "number": 1,
        "rule": "accepted",
        "subject": "user",
        "occasion": "event:1",
        "draft": "accepted",
    } | values
    times = dict.fromkeys(("state_at", "starts_at", "due_at", "expires_at", "created_at"), NOW)
    return Nudge(user_id=user.id, lane="now", **times, **given)
