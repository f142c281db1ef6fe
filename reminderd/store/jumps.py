"""After a clock that was wrong: what it put off further than the program ever does is due now."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import update
from sqlalchemy.orm import Session

from reminderd.store.tables import CLAIMABLE, LEASED, Base, Delivery

_DELIVERIES = Base.metadata.tables[Delivery.__tablename__]

LONGEST_WAIT = dt.timedelta(days=1, hours=1)
"""No retry waits longer (an answer's Retry-After counts for a day at most), and no lease lasts longer."""


def pull_in(session: Session, now: dt.datetime) -> int:
    """Have retries and leases that lie beyond every wait of ours end now. Returns how many there were."""
    late = now + LONGEST_WAIT
    retries = (
        update(_DELIVERIES).where(CLAIMABLE, _DELIVERIES.c.due_at > late, _DELIVERIES.c.attempts > 0).values(due_at=now)
    )
    leases = update(_DELIVERIES).where(LEASED, _DELIVERIES.c.lease_until > late).values(lease_until=now)
    return sum(session.connection().execute(statement).rowcount for statement in (retries, leases))
