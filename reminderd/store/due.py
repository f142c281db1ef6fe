"""What the composer asks of the database: due steps, and what the messages around them must know."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select
from sqlalchemy.orm import Session

from reminderd.rules.states import State
from reminderd.store.tables import (
    REMINDERS,
    ChannelHealth,
    Delivery,
    DeliveryState,
    Event,
    Nudge,
    Reference,
    Step,
    StepState,
    User,
)

_LIKE = select(func.count()).where(
    Delivery.user_id == bindparam("user_id"),
    Delivery.channel == bindparam("channel"),
    Delivery.kind == bindparam("kind"),
    Delivery.dedupe_key.like(bindparam("pattern"), escape="/"),
)
_BEGUN = (
    select(Delivery.subject)
    .where(Delivery.user_id == bindparam("user_id"), Delivery.thread == bindparam("thread"))
    .where(Delivery.state != DeliveryState.CANCELLED)
    .order_by(Delivery.id)
    .limit(1)
)
"""What is asked for each message is put together once: that takes longer than the answer."""
_SPECIAL = re.compile("[/%_]")


def due_steps(session: Session, now: dt.datetime, limit: int) -> list[tuple[Step, Nudge]]:
    """Pending steps whose moment has come, oldest first, with their nudges: about ``limit``, and all of each user's.
    Those that another daemon has are skipped."""
    query = (
        select(Step, Nudge)
        .join(Nudge, Nudge.id == Step.nudge_id)
        .where(_literal_pending(), Step.at <= now)
        .order_by(Step.at, Step.id)
        .with_for_update(of=Step, skip_locked=True)
    )
    found = session.execute(query.limit(limit)).all()
    if len(found) == limit:  # what belongs into one message must not be divided
        found = session.execute(query.where(Step.user_id.in_({step.user_id for step, _ in found}))).all()
    return [(step, nudge) for step, nudge in found]


def anything_due(session: Session, now: dt.datetime) -> bool:
    """Whether any step is due."""
    query = select(Step.id).where(_literal_pending(), Step.at <= now).limit(1)
    return session.scalar(query) is not None


def pending_moments(session: Session, nudge_ids: Sequence[int]) -> dict[int, tuple[dt.datetime, ...]]:
    """When each nudge's reminders come that have not been made, in their order."""
    query = (
        select(Step.nudge_id, Step.at)
        .where(Step.nudge_id.in_(nudge_ids), Step.state == StepState.PENDING)
        .order_by(Step.at)
    )
    found: dict[int, tuple[dt.datetime, ...]] = {}
    for nudge_id, at in session.execute(query):
        found[nudge_id] = (*found.get(nudge_id, ()), at)
    return found


def sent_positions(session: Session, nudge_ids: Sequence[int]) -> dict[int, int]:
    """How many reminders of each nudge have gone out or are on their way."""
    query = (
        select(Step.nudge_id, func.count())
        .where(Step.nudge_id.in_(nudge_ids), Step.state == StepState.SENT)
        .group_by(Step.nudge_id)
    )
    return dict(session.execute(query).all())


def made_since(
    session: Session, user_ids: Sequence[int], since: dt.datetime
) -> dict[int, list[tuple[str, dt.datetime]]]:
    """For each user, channel and moment of each message that was made since; cancelled ones do not count."""
    query = select(Delivery.user_id, Delivery.channel, Delivery.created_at).where(
        Delivery.user_id.in_(user_ids),
        Delivery.created_at >= since,
        Delivery.state != DeliveryState.CANCELLED,
        Delivery.kind.in_(REMINDERS),
    )
    found: dict[int, list[tuple[str, dt.datetime]]] = {}
    for user_id, channel, made_at in session.execute(query):
        found.setdefault(user_id, []).append((channel, made_at))
    return found


def kept_in_touch_since(session: Session, user_id: int, rules: Sequence[str], since: dt.datetime) -> int:
    """How many keep-in-touch reminders were made for the user since a moment."""
    query = (
        select(func.count(func.distinct(Step.nudge_id)))
        .join(Nudge, Nudge.id == Step.nudge_id)
        .join(Delivery, Delivery.id == Step.delivery_id)
        .where(
            Step.user_id == user_id,
            Step.state == StepState.SENT,
            Nudge.rule.in_(rules),
            Delivery.created_at >= since,
            Delivery.state != DeliveryState.CANCELLED,
        )
    )
    return session.scalar(query) or 0


def untold(session: Session, user_ids: Sequence[int]) -> dict[int, list[Nudge]]:
    """For each user, nudges that ended after the user had heard of them, and no message has said so yet."""
    query = select(Nudge).where(
        Nudge.user_id.in_(user_ids),
        Nudge.end_told.is_(False),
        Nudge.state.in_((State.EXPIRED, State.CANCELLED)),
    )
    found: dict[int, list[Nudge]] = {}
    for nudge in session.scalars(query.order_by(Nudge.number)):
        found.setdefault(nudge.user_id, []).append(nudge)
    return found


def done_since(session: Session, user_id: int, since: dt.datetime) -> list[Nudge]:
    """What the user did since a moment: said so, or it had begun before something else fulfilled it. A nudge that came
    to nothing before its time is none of it."""
    query = (
        select(Nudge, Event.data)
        .join(Event, Event.id == Nudge.done_event_id, isouter=True)
        .where(Nudge.user_id == user_id, Nudge.state == State.DONE, Nudge.state_at >= since)
        .order_by(Nudge.state_at)
    )
    return [
        nudge
        for nudge, data in session.execute(query)
        if nudge.starts_at <= nudge.state_at or (data or {}).get("nudge") == nudge.number
    ]


def open_nudges(session: Session, user_id: int, before: dt.datetime) -> list[Nudge]:
    """Open nudges that have been spoken of or start before a moment."""
    query = select(Nudge).where(Nudge.user_id == user_id, Nudge.state == State.OPEN, Nudge.starts_at < before)
    return list(session.scalars(query.order_by(Nudge.due_at, Nudge.number)))


def nudges_of(session: Session, delivery_id: int) -> list[Nudge]:
    """The nudges that a delivery carries."""
    carried = select(Step.nudge_id).where(Step.delivery_id == delivery_id)
    return list(session.scalars(select(Nudge).where(Nudge.id.in_(carried)).order_by(Nudge.number)))


def has_failed(session: Session, delivery_id: int, channel: str) -> bool:
    """Whether the same reminder as this delivery's has failed on a channel. What it is of stands in its dedupe key."""
    delivery = session.get_one(Delivery, delivery_id)
    prefix = delivery.dedupe_key.rpartition(":")[0] + ":"
    query = select(Delivery.id).where(
        Delivery.user_id == delivery.user_id,
        Delivery.channel == channel,
        Delivery.kind == delivery.kind,
        Delivery.state == DeliveryState.FAILED,
        Delivery.dedupe_key.startswith(prefix, autoescape=True),
    )
    return session.scalar(query.limit(1)) is not None


def deliveries_like(session: Session, user_id: int, channel: str, kind: str, key: str) -> int:
    """How many deliveries have a dedupe key that begins with ``key``."""
    pattern = _SPECIAL.sub(r"/\g<0>", key) + "%"
    with session.no_autoflush:  # no delivery waits to be written, and all else does not matter here
        return session.scalar(_LIKE, {"user_id": user_id, "channel": channel, "kind": kind, "pattern": pattern}) or 0


def thread_subject(session: Session, user_id: int, thread: str) -> str | None:
    """The subject of a thread's first mail: it stays, or mail programs would not thread."""
    with session.no_autoflush:
        return session.scalar(_BEGUN, {"user_id": user_id, "thread": thread})


def paused_channels(session: Session) -> list[ChannelHealth]:
    """Channels that only somebody's hand can mend."""
    return list(session.scalars(select(ChannelHealth).where(ChannelHealth.paused_at.is_not(None))))


def references_by_id(session: Session, ids: Sequence[int]) -> dict[int, Reference]:
    """References by id."""
    return {row.id: row for row in session.scalars(select(Reference).where(Reference.id.in_(ids)))}


def first_user(session: Session) -> User | None:
    """Whoever was there first."""
    return session.scalars(select(User).order_by(User.id).limit(1)).first()


def users_by_id(session: Session, user_ids: Collection[int]) -> dict[int, User]:
    """Users by id."""
    return {row.id: row for row in session.scalars(select(User).where(User.id.in_(user_ids)))}


def user_by_id(session: Session, user_id: int) -> User:
    """The user with this id."""
    return session.get_one(User, user_id)


def _literal_pending() -> ColumnElement[bool]:
    """Written with a literal, so that the partial index serves it whatever plan is cached."""
    return Step.state == literal_column("'pending'")
