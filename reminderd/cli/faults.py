"""What is wrong with the only channel of a user: nothing else could tell them."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reminderd.store.tables import CHANNELS, ChannelHealth, Delivery, DeliveryState, User

CHANNEL_WORDS = {"email": "E-mail", "sms": "Texts"}


def lines_of_faults(session: Session, user: User, ways: frozenset[str]) -> list[str]:
    """One line for each fault, if the user has one channel only; none where another channel can tell."""
    channels = channels_of(user, ways)
    if len(channels) > 1:
        return []
    return [*_paused(session, user, channels), *_failed(session, user, channels)]


def channels_of(user: User, ways: frozenset[str]) -> list[str]:
    """The channels that reach the user when nothing is wrong."""
    enabled = {"email": user.email_enabled, "sms": user.sms_enabled and user.phone is not None}
    return [channel for channel in CHANNELS if enabled[channel] and channel in ways]


def _paused(session: Session, user: User, channels: list[str]) -> list[str]:
    query = select(ChannelHealth).where(
        ChannelHealth.user_id == user.id, ChannelHealth.paused_at.is_not(None), ChannelHealth.channel.in_(channels)
    )
    return [
        f"reminderd: {CHANNEL_WORDS[row.channel]} stopped: {row.words or row.code or 'no reason was given'}"
        " Once mended: reminderd send-test"
        for row in session.scalars(query)
    ]


def _failed(session: Session, user: User, channels: list[str]) -> list[str]:
    query = select(func.count(), func.max(Delivery.fault_words)).where(
        Delivery.user_id == user.id,
        Delivery.state == DeliveryState.FAILED,
        Delivery.failure_told.is_(False),
        Delivery.channel.in_(channels),
    )
    count, words = session.execute(query).one()
    if not count:
        return []
    what = "1 message" if count == 1 else f"{count} messages"
    return [f"reminderd: {what} to you could not be sent ({words or 'no reason was given'}). See: reminderd status"]
