"""What is wrong with the only channel of a user: nothing else could tell them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from reminderd.store.tables import CHANNELS, ChannelHealth, Delivery, DeliveryState, User

CHANNEL_WORDS = {"email": "E-mail", "sms": "Texts"}
START_AGAIN = {"email": "reminderd resume --channel email", "sms": "text START to the number that they came from"}
"""What the user does to hear by a way again that the user stopped."""


def lines_of_faults(session: Session, user: User, ways: frozenset[str]) -> list[str]:
    """One line for each fault, if the user has one channel only; none where another channel can tell."""
    channels = channels_of(user, ways)
    if len(channels) > 1:
        return []
    if not channels:
        return [f"reminderd: {line}" for line in lines_of_stops(user, ways)]
    failures = failures_of(session, user, channels)
    return [*_paused(session, user, channels), *(f"reminderd: {line}" for line in failures)]


def channels_of(user: User, ways: frozenset[str]) -> list[str]:
    """The channels that reach the user when nothing is wrong."""
    enabled = {"email": user.email_enabled, "sms": user.sms_enabled and user.phone is not None}
    return [channel for channel in CHANNELS if enabled[channel] and channel in ways]


def stopped_by(user: User, ways: frozenset[str]) -> list[str]:
    """The channels that would reach the user, had the user not stopped them."""
    stopped = {"email": not user.email_enabled, "sms": not user.sms_enabled and user.phone is not None}
    return [channel for channel in CHANNELS if stopped[channel] and channel in ways]


def lines_of_stops(user: User, ways: frozenset[str], whom: str = "you") -> list[str]:
    """One line for each channel that the user stopped, and how it starts again."""
    waits = "" if channels_of(user, ways) else " There is no other way, so reminders wait."
    return [
        f"{CHANNEL_WORDS[channel]} to {whom}: stopped by {whom}.{waits} To start again: {START_AGAIN[channel]}"
        for channel in stopped_by(user, ways)
    ]


def _paused(session: Session, user: User, channels: list[str]) -> list[str]:
    query = select(ChannelHealth).where(
        ChannelHealth.user_id == user.id, ChannelHealth.paused_at.is_not(None), ChannelHealth.channel.in_(channels)
    )
    return [
        f"reminderd: {CHANNEL_WORDS[row.channel]} stopped: {row.words or row.code or 'no reason was given'}"
        " Once mended: reminderd send-test"
        for row in session.scalars(query)
    ]


def failures_of(session: Session, user: User, channels: list[str], whom: str = "you") -> list[str]:
    """One line for each channel by which something to the user failed that nobody has seen to since."""
    lines = []
    for channel in channels:
        query = select(func.count(), func.max(Delivery.fault_words)).where(*_unseen(user, channel))
        count, words = session.execute(query).one()
        if count:
            what = "1 message" if count == 1 else f"{count} messages"
            by = "" if channel == "email" else f" --channel {channel}"
            lines.append(
                f"{what} to {whom} could not be sent ({words or 'no reason was given'})."
                f" See: reminderd status. Once mended: reminderd send-test{by}"
            )
    return lines


def see_to_failures(session: Session, user: User, channel: str) -> None:
    """What failed by this channel until now is told no more: the user tries it anew, which shows whether it works."""
    session.execute(update(Delivery).where(*_unseen(user, channel)).values(failure_told=True))


def _unseen(user: User, channel: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Delivery.user_id == user.id,
        Delivery.state == DeliveryState.FAILED,
        Delivery.failure_told.is_(False),
        Delivery.channel == channel,
    )
