"""A test message, sent at once: enqueued, dispatched, and looked at again."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from reminderd.cli.context import Ctx
from reminderd.errors import ConfigError, UsageError
from reminderd.message import Channel

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reminderd.store.tables import User

SENT = ("sent", "delivered")


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What became of a test message."""

    channel: Channel
    to: str
    state: str
    words: str | None

    @property
    def is_sent(self) -> bool:
        return self.state in SENT

    @property
    def exit_code(self) -> int:
        return 0 if self.is_sent else 1 if self.state in ("failed", "cancelled") else 75


def send_trial(ctx: Ctx, channel: str | None) -> Trial:
    """Send the user a test message, and whatever else is due; what waited for the channel, or failed on it and is
    still open, goes again once it came through. Raises `ConfigError` for a channel that is not set up, or
    that the user stopped, `UsageError` for one that the user has not."""
    from reminderd.store import outbox
    from reminderd.store.tables import Delivery

    house = ctx.house()
    with ctx.writing(wake=False) as (session, user):
        way = _chosen(user, channel, house.ways)
        _give_it_another_try(session, user, way)
        number = house.composer.enqueue_test(session, user, way, ctx.now()).id
        to = user.phone if way is Channel.SMS and user.phone else user.email
    dispatcher = house.dispatcher()
    try:
        dispatcher.run_once(ctx.now)
    finally:
        dispatcher.stop(ctx.now)
    with house.store.reading() as session:
        row = session.get_one(Delivery, number)
        trial = Trial(way, to, row.state, row.fault_words)
    if trial.is_sent:
        with ctx.writing() as (session, user):
            outbox.take_up_again(session, user.id, way, ctx.now())
    return trial


def told(trial: Trial, ctx: Ctx) -> str:
    """One line on what became of it."""
    if not trial.is_sent:
        if trial.exit_code == 1:
            return f"The test message could not be sent: {trial.words or 'no reason was given'}"
        reason = f": {trial.words} It will be tried again." if trial.words else "; a daemon may have it"
        return f"The test message is not out yet{reason} See: reminderd status"
    if trial.channel is Channel.EMAIL and ctx.settings.smtp_host is None:
        return f"The test message lies in {ctx.settings.maildir}; SMTP_HOST is unset, so nothing left this machine."
    return f"A test message is on its way to {trial.to}."


def _chosen(user: User, channel: str | None, ways: frozenset[str]) -> Channel:
    from reminderd.cli.faults import channels_of, lines_of_stops, stopped_by

    reached = channels_of(user, ways)
    way = Channel(channel or (reached[0] if reached else "email"))
    if way in stopped_by(user, ways):
        told = dict(zip(stopped_by(user, ways), lines_of_stops(user, ways), strict=True))
        raise ConfigError(told[way])
    if way.value not in ways:
        raise ConfigError("Texts are not set up: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM are needed.")
    if way is Channel.SMS and user.phone is None:
        raise UsageError(f"There is no phone number of {user.name}: reminderd user edit --phone +14155550100")
    return way


def _give_it_another_try(session: Session, user: User, channel: Channel) -> None:
    """A paused channel would not be tried; the user asks for just that. What failed before is seen to by it."""
    from reminderd.cli.faults import see_to_failures
    from reminderd.store.tables import ChannelHealth

    health = session.get(ChannelHealth, (user.id, channel.value))
    if health is not None:
        health.paused_at = health.code = health.words = None
    see_to_failures(session, user, channel.value)
