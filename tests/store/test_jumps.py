"""A clock that ran ahead and was set right again holds nothing back for long."""

from __future__ import annotations

import datetime as dt

from reminderd.store import jumps, outbox
from reminderd.store.database import Store
from reminderd.store.tables import Delivery
from tests.store.rows import NOW, add_delivery, add_user, make_delivery

MONTH = dt.timedelta(days=31)
HOUR = dt.timedelta(hours=1)


def test_what_a_wrong_clock_put_off_by_a_month_is_due_now(store: Store) -> None:
    user = add_user(store)
    with store.writing() as session:
        rows = [make_delivery(user, str(number)) for number in range(4)]
        for row, due_at in zip(rows, (NOW + MONTH, NOW + HOUR, NOW + MONTH, NOW - HOUR), strict=True):
            row.due_at = due_at
        rows[0].attempts = rows[1].attempts = 1
        for row in rows:
            add_delivery(session, row)
        outbox.lease(session.connection(), outbox.find_due(session.connection(), NOW, 1), "dead", NOW + MONTH)
    with store.writing() as session:
        assert jumps.pull_in(session, NOW) == 2
        assert session.get_one(Delivery, 1).due_at == NOW
        assert session.get_one(Delivery, 2).due_at == NOW + HOUR  # a retry of the usual kind
        assert session.get_one(Delivery, 3).due_at == NOW + MONTH  # never tried: meant for then
        assert outbox.rescue(session, NOW + HOUR) == 1
        assert jumps.pull_in(session, NOW) == 0
