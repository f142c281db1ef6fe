"""Messages that follow another: each is due once the one before it was taken, and never where that does not come about.

Their dedupe keys count on from the first one's: ``7.1:0``, ``7.1:0+1``, ``7.1:0+2``.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from reminderd.message import Channel
from reminderd.store.tables import REMINDERS, TAKEN, Delivery, DeliveryState


def key_of(first: str, place: int) -> str:
    """The dedupe key of the delivery at a place, from 0, after one with the key ``first``."""
    return f"{first}+{place}" if place else first


def next_key(key: str) -> str:
    """The dedupe key of the delivery right after one of this key."""
    first, _, place = key.partition("+")
    return key_of(first, int(place or 0) + 1)


def drop(session: Session, delivery_id: int) -> None:
    """This is not sent, so what was to follow it is not either."""
    row = session.get_one(Delivery, delivery_id)
    if row.channel != Channel.SMS or row.kind not in REMINDERS:
        return
    session.execute(
        update(Delivery)
        .where(Delivery.user_id == row.user_id, Delivery.channel == row.channel, Delivery.kind == row.kind)
        .where(Delivery.dedupe_key.startswith(f"{row.dedupe_key}+", autoescape=True))
        .where(Delivery.state == DeliveryState.PENDING, Delivery.attempts == 0)
        .values(state=DeliveryState.CANCELLED)
    )


def were_announced(session: Session, delivery_id: int) -> bool:
    """Whether the first of those went out that this delivery follows; so it counts where it follows none."""
    row = session.get_one(Delivery, delivery_id)
    first, follows, _ = row.dedupe_key.partition("+")
    if not follows:
        return True
    query = select(Delivery.id).where(
        Delivery.user_id == row.user_id,
        Delivery.channel == row.channel,
        Delivery.kind == row.kind,
        Delivery.dedupe_key == first,
        Delivery.state.in_(TAKEN),
    )
    return session.scalar(query) is not None
