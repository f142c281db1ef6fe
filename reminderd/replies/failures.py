"""A message that was handed over and did not arrive: once more, or by the other channel. States only move forward."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from reminderd.message import Channel
from reminderd.rules import retry
from reminderd.rules.retry import Fault, Next
from reminderd.store import inbound, outbox
from reminderd.store.outbox import Claim, Standing
from reminderd.store.tables import DeliveryState, StoredMessage

log = logging.getLogger(__name__)


class Recheck(Protocol):
    """What is asked of the composer."""

    def other_channel(self, session: Session, claim: Claim, now: dt.datetime) -> str | None:
        """A channel that works for the user, other than the claim's."""
        ...


def arrived(session: Session, delivery_id: int) -> bool:
    """It reached the user. False where that was known, or it had failed before."""
    row = inbound.locked_delivery(session, delivery_id)
    if row is None or row.state != DeliveryState.SENT:
        return False
    row.state = DeliveryState.DELIVERED
    return True


def lost(
    session: Session,
    recheck: Recheck,
    delivery_id: int,
    fault: Fault,
    now: dt.datetime,
    backoff: Sequence[dt.timedelta] = retry.BACKOFF,
) -> bool:
    """It was accepted and did not arrive. False where its end was known already; then nothing is changed."""
    row = inbound.locked_delivery(session, delivery_id)
    if row is None or row.state != DeliveryState.SENT:
        return False
    claim = outbox.claim_of(row, session.get_one(StoredMessage, row.id).read())
    decision = retry.decide(
        fault,
        delivery=row.id,
        attempt=max(1, row.attempts),
        now=now,
        useless_at=row.useless_at,
        backoff=tuple(backoff),
    )
    log.warning("lost_after_acceptance delivery=%s attempt=%s code=%s", row.id, row.attempts, fault.code)
    if decision.pauses_channel or decision.bad_address:
        outbox.pause_channel(session, row.user_id, Channel(row.channel), fault, now)
    row.fault_code, row.fault_words = fault.code[:40], fault.words[:500]
    is_moot = outbox.standing_of(session, row.id, now) is Standing.MOOT
    if decision.next is Next.RETRY and decision.at is not None and not is_moot:
        row.state, row.due_at, row.provider_reference = DeliveryState.PENDING, decision.at, None
        session.flush()
        return True
    row.state, row.failure_told = DeliveryState.FAILED, False
    session.flush()
    other = recheck.other_channel(session, claim, now)
    if other is not None:
        outbox.move_steps(session, row.id, other)
    else:
        outbox.untell(session, row.id)
    return True
