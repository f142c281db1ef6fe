"""What replies ask of the database: whose they are, whether they were applied, and what became of what was sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import exists, func, literal_column, select
from sqlalchemy.orm import Session

from reminderd.rules.states import State
from reminderd.store.tables import REMINDERS, TAKEN, Delivery, Inbound, Job, Nudge, Reference, Step, StoredMessage, User


def users_by_phone(session: Session, phone: str) -> list[User]:
    """Everybody with this number, digit for digit; whoever was last sent a text comes first."""
    last = (
        select(func.max(Delivery.sent_at))
        .where(Delivery.user_id == User.id, Delivery.channel == "sms", Delivery.sent_at.is_not(None))
        .correlate(User)
        .scalar_subquery()
    )
    query = select(User).where(User.phone == phone).order_by(func.coalesce(last, User.created_at).desc(), User.id)
    return list(session.scalars(query))


def any_phone(session: Session) -> bool:
    """Whether anybody can be reached by text."""
    return session.scalar(select(User.id).where(User.phone.is_not(None)).limit(1)) is not None


def locked_user(session: Session, user_id: int) -> User | None:
    """The user, held until the transaction ends, so that no other daemon applies the same message."""
    return session.scalars(select(User).where(User.id == user_id).with_for_update()).first()


def is_applied(session: Session, user_id: int, channel: str, key: str) -> bool:
    """Whether this message was applied already."""
    query = select(Inbound.id).where(Inbound.user_id == user_id, Inbound.channel == channel, Inbound.key == key)
    return session.scalar(query) is not None


def applied_keys(session: Session, channel: str, since: dt.datetime) -> set[str]:
    """The messages of a channel that were applied, of those received since then."""
    query = select(Inbound.key).where(Inbound.channel == channel, Inbound.received_at >= since)
    return set(session.scalars(query))


def count_since(session: Session, user_id: int, channel: str, verb: str, since: dt.datetime) -> int:
    """How many messages of one meaning were applied since a moment."""
    query = select(func.count()).where(
        Inbound.user_id == user_id, Inbound.channel == channel, Inbound.verb == verb, Inbound.applied_at > since
    )
    return session.scalar(query) or 0


def delivery_by_message_id(session: Session, message_ids: Sequence[str]) -> Delivery | None:
    """The newest delivery that has one of these Message-IDs."""
    has_one = StoredMessage.message_id.in_(list(message_ids))
    query = select(Delivery).join(StoredMessage, StoredMessage.delivery_id == Delivery.id).where(has_one)
    query = query.order_by(Delivery.id.desc()).limit(1)
    return session.scalar(query) if message_ids else None


def last_spoken(session: Session, user_id: int, channel: str, before: dt.datetime) -> Delivery | None:
    """The newest message about nudges that had gone out on a channel at a moment."""
    query = (
        select(Delivery)
        .where(
            Delivery.user_id == user_id,
            Delivery.channel == channel,
            Delivery.sent_at <= before,
            Delivery.state.in_(TAKEN),
            Delivery.kind.in_(REMINDERS),
            # A draft that goes along as a second text carries none.
            exists().where(Step.delivery_id == Delivery.id),
        )
        .order_by(Delivery.sent_at.desc(), Delivery.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def open_now(session: Session, user_id: int, now: dt.datetime) -> list[Nudge]:
    """The user's open nudges that have begun, most urgent first."""
    query = select(Nudge).where(Nudge.user_id == user_id, Nudge.state == State.OPEN, Nudge.starts_at <= now)
    return list(session.scalars(query.order_by(Nudge.due_at, Nudge.number)))


def by_numbers(session: Session, user_id: int, numbers: Sequence[int]) -> dict[int, Nudge]:
    """This user's nudges with these numbers."""
    query = select(Nudge).where(Nudge.user_id == user_id, Nudge.number.in_(list(numbers)))
    return {nudge.number: nudge for nudge in session.scalars(query)}


def name_of(session: Session, nudge: Nudge) -> str:
    """The name of the reference that a nudge is about; empty for one about nobody."""
    row = session.get(Reference, nudge.reference_id) if nudge.reference_id else None
    return row.name if row else ""


def unconfirmed_texts(session: Session, since: dt.datetime) -> list[tuple[int, str, dt.datetime]]:
    """Texts handed over since then whose end is not known: id, the provider's name for it, when it was sent."""
    # With literals, so that the partial index serves them whatever plan is cached.
    unconfirmed = Delivery.state == literal_column("'sent'"), Delivery.channel == literal_column("'sms'")
    query = (
        select(Delivery.id, Delivery.provider_reference, Delivery.sent_at)
        .where(*unconfirmed, Delivery.sent_at >= since, Delivery.provider_reference.is_not(None))
        .order_by(Delivery.sent_at)
    )
    return [(key, reference, at) for key, reference, at in session.execute(query) if reference and at]


def locked_delivery(session: Session, delivery_id: int) -> Delivery | None:
    """A delivery, held until the transaction ends."""
    return session.scalars(select(Delivery).where(Delivery.id == delivery_id).with_for_update()).first()


def last_pass(session: Session, name: str) -> dt.datetime | None:
    """When a job last finished a pass."""
    job = session.get(Job, name)
    return job.last_pass_at if job else None
