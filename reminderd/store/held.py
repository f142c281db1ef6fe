"""What is held back after a restore: the copy does not know what has been sent since it was made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from reminderd.rules.states import State
from reminderd.store.tables import UNSETTLED, Attempt, Delivery, DeliveryState, Nudge, Outcome, Step, StepState, User


def withdraw_deliveries(session: Session, now: dt.datetime) -> int:
    """Cancel whatever was on its way when the copy was made; its steps wait again. Returns how many messages."""
    rows = list(session.scalars(select(Delivery).where(Delivery.state.in_(UNSETTLED))))
    for row in rows:
        row.state = DeliveryState.CANCELLED
        row.lease_owner = row.lease_until = None
        row.fence += 1
        session.execute(
            update(Step)
            .where(Step.delivery_id == row.id, Step.state == StepState.SENT)
            .values(state=StepState.PENDING, delivery_id=None)
        )
        session.execute(
            update(Attempt)
            .where(Attempt.delivery_id == row.id, Attempt.outcome.is_(None))
            .values(outcome=Outcome.RECONCILE, ended_at=now)
        )
    session.flush()
    return len(rows)


def hold_overdue(
    session: Session, user: User, now: dt.datetime, slot: Callable[[Nudge], dt.datetime]
) -> list[tuple[Nudge, dt.datetime]]:
    """Put every reminder of the user's that is overdue into the digest at ``slot``, and return the open nudges that
    are held so, with that moment."""
    query = (
        select(Step, Nudge)
        .join(Nudge, Nudge.id == Step.nudge_id)
        .where(Step.user_id == user.id, Step.state == StepState.PENDING, Step.at <= now)
        .order_by(Nudge.due_at, Nudge.number)
    )
    held: dict[int, tuple[Nudge, dt.datetime]] = {}
    for step, nudge in session.execute(query):
        if nudge.state != State.OPEN:
            step.state = StepState.FOLDED
            continue
        step.lane, step.at = "digest", slot(nudge)
        held[nudge.id] = (nudge, step.at)
    session.flush()
    return list(held.values())
