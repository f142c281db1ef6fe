"""Counts for `overview`, `rules list` and `status`: numbers only."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from reminderd.rules.states import State, Status
from reminderd.store.tables import UNSETTLED, Delivery, DeliveryState, Nudge, Reference, User


def counts_by_user(session: Session, now: dt.datetime) -> list[tuple[User, dict[str, int]]]:
    """For each user how many references, nudges and messages there are."""
    references = _by_user(session, Reference, Reference.status != Status.RETIRED)
    open_ = _by_user(session, Nudge, Nudge.state == State.OPEN)
    past = _by_user(session, Nudge, Nudge.state == State.OPEN, Nudge.due_at < now)
    waiting = _by_user(session, Delivery, Delivery.state.in_(UNSETTLED))
    failed = _by_user(session, Delivery, Delivery.state == DeliveryState.FAILED)
    return [
        (
            row,
            {
                "references": references[row.id],
                "open": open_[row.id],
                "past_due": past[row.id],
                "waiting_messages": waiting[row.id],
                "failed_messages": failed[row.id],
            },
        )
        for row in session.scalars(select(User).order_by(User.email))
    ]


def records_by_rule(session: Session, user: User) -> dict[str, tuple[int, int, int]]:
    """For each rule how many of its nudges were done in time, done later, and let go."""
    later = Nudge.state_at > Nudge.due_at
    query = (
        select(
            Nudge.rule,
            func.sum(case(((Nudge.state == State.DONE) & ~later, 1), else_=0)),
            func.sum(case(((Nudge.state == State.DONE) & later, 1), else_=0)),
            func.sum(case((Nudge.state.in_((State.SKIPPED, State.EXPIRED)), 1), else_=0)),
        )
        .where(Nudge.user_id == user.id)
        .group_by(Nudge.rule)
    )
    return {rule: (int(done), int(late), int(gone)) for rule, done, late, gone in session.execute(query)}


def _by_user(session: Session, table: type[Reference | Nudge | Delivery], *conditions: object) -> dict[int, int]:
    query = select(table.user_id, func.count()).where(*conditions).group_by(table.user_id)  # type: ignore[arg-type]  # SQL expressions
    found: dict[int, int] = defaultdict(int)
    for user_id, number in session.execute(query):
        found[user_id] = number
    return found
