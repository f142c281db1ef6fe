"""Deleting a reference or a user for good."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reminderd.store import outbox
from reminderd.store.tables import Delivery, DeliveryState, Event, Nudge, Reference, Step, User


def events_of(session: Session, row: Reference) -> int:
    """How many events name this reference."""
    query = select(func.count()).where(Event.reference_id == row.id, Event.retracted_at.is_(None))
    return session.scalar(query) or 0


def remove_reference(session: Session, row: Reference) -> None:
    """Delete a reference with its events and nudges; a message that names it and was not tried yet is composed anew."""
    naming = select(Step.delivery_id).join(Nudge, Nudge.id == Step.nudge_id).where(Nudge.reference_id == row.id)
    query = select(Delivery).where(
        Delivery.id.in_(naming), Delivery.state == DeliveryState.PENDING, Delivery.attempts == 0
    )
    for delivery in session.scalars(query.with_for_update()):
        delivery.state = DeliveryState.CANCELLED
        outbox.free_steps(session, delivery.id)
    session.flush()
    session.delete(row)
    session.flush()


def remove_user(session: Session, row: User) -> None:
    """Delete a user with everything that is theirs."""
    session.delete(row)
    session.flush()
