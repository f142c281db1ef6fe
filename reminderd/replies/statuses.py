"""What became of texts: which of them to ask about, and what an answer changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy.orm import Session

from reminderd.replies import failures
from reminderd.replies.failures import Recheck
from reminderd.store import inbound
from reminderd.store.tables import Delivery
from reminderd.transports.twilio import TextStatus

LOOK_BACK = dt.timedelta(hours=36)
"""Twilio gives up on a text after ten hours."""
AT_A_TIME = 20
_ARRIVED = frozenset({"delivered", "read"})
_SPACINGS = (
    (dt.timedelta(minutes=10), dt.timedelta()),
    (dt.timedelta(hours=2), dt.timedelta(minutes=5)),
    (LOOK_BACK, dt.timedelta(hours=1)),
)
"""Up to each age, the least time between two questions about the same text."""


class Statuses:
    """Remembers what was asked when; a new process asks afresh."""

    def __init__(self) -> None:
        self._asked_at: dict[str, dt.datetime] = {}
        self._gone: set[str] = set()

    def wanted(self, session: Session, now: dt.datetime) -> list[tuple[int, str]]:
        """The texts to ask about now: delivery and SID."""
        waiting = inbound.unconfirmed_texts(session, now - LOOK_BACK)
        self._asked_at = {sid: self._asked_at[sid] for _, sid, _ in waiting if sid in self._asked_at}
        self._gone &= {sid for _, sid, _ in waiting}
        due = [(key, sid) for key, sid, sent_at in waiting if self._is_due(sid, sent_at, now)]
        # Those never asked about first, then whichever waited longest.
        due.sort(key=lambda pair: self._asked_at.get(pair[1], dt.datetime.min.replace(tzinfo=dt.UTC)))
        for _, sid in due[:AT_A_TIME]:
            self._asked_at[sid] = now
        return due[:AT_A_TIME]

    def note(self, *, gone: Iterable[str], unasked: Iterable[str]) -> None:
        """Those whose end will never be known are not asked about again; those not come to are the next ones."""
        self._gone.update(gone)
        for sid in unasked:
            self._asked_at.pop(sid, None)

    def _is_due(self, sid: str, sent_at: dt.datetime, now: dt.datetime) -> bool:
        if sid in self._gone:
            return False
        asked_at = self._asked_at.get(sid)
        if asked_at is None:
            return True
        spacing = next((space for age, space in _SPACINGS if now - sent_at <= age), LOOK_BACK)
        return now - asked_at >= spacing


def apply(session: Session, recheck: Recheck, delivery_id: int, sid: str, status: TextStatus, now: dt.datetime) -> bool:
    """Move the delivery on, where the status says something new. One that was sent anew meanwhile has another SID."""
    row = session.get(Delivery, delivery_id)
    if row is None or row.provider_reference != sid:
        return False
    if status.status in _ARRIVED:
        return failures.arrived(session, delivery_id)
    if status.fault is not None:
        return failures.lost(session, recheck, delivery_id, status.fault, now)
    return False
