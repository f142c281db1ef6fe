"""A dispatcher with real transports and a clock that does not have to be waited for."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping

from sqlalchemy import select as sql

from bench.faults.ground import add, make_row
from bench.faults.table import Row
from reminderd.dispatcher import Dispatcher, Timing
from reminderd.message import Channel
from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.outbox import Claim, Standing
from reminderd.store.tables import UNSETTLED, Delivery, DeliveryState, User
from reminderd.transports.base import Transport

NOON = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)


class Wanted:
    """Says that every message is wanted, and that the user has no other channel."""

    def standing(self, transaction: object, claim: Claim, now: dt.datetime) -> Standing:
        return Standing.WANTED

    def quiet_until(self, session: object, claim: Claim, now: dt.datetime) -> dt.datetime | None:
        return None

    def other_channel(self, session: object, claim: Claim, now: dt.datetime) -> str | None:
        return None


def deliver(channel: Channel, transports: Mapping[Channel, Transport], begin: dt.datetime = NOON) -> str:
    """Enqueue one message and let time run until it is settled; the state that it ends in."""
    store = Store.memory()
    migrate.create(store)
    with store.writing() as session:
        session.add(
            User(email="a@bench.test", name="A", zone="UTC", hour=dt.time(9), digest="weekly", created_at=begin)
        )
        session.flush()
        add(session, [make_row(0, channel is Channel.EMAIL, begin)])
    dispatcher = Dispatcher(store, Wanted(), transports, Timing(), senders=0)
    now = begin
    for _ in range(100):
        dispatcher.run_once(lambda now=now: now)  # type: ignore[misc]  # a loop's value, bound at once
        with store.reading() as session:
            state, due_at, told = session.execute(sql(Delivery.state, Delivery.due_at, Delivery.failure_told)).one()
        if state not in UNSETTLED:
            break
        now = max(due_at, now + dt.timedelta(seconds=1))
    dispatcher.stop(lambda: now)
    store.dispose()
    return "failed, and nobody is told" if state == DeliveryState.FAILED and told else str(state)


def try_often(fault: str, times: int, once: Callable[[], tuple[str, int]], *, copies: int = 0) -> Row:
    """A row for ``times`` tries; each says the state that its message ended in and how often it arrived. ``copies``
    more than one may arrive each time."""
    received = told = duplicated = 0
    states: Counter[str] = Counter()
    for _ in range(times):
        state, arrived = once()
        states[state] += 1
        received += arrived > 0
        told += arrived == 0 and state == DeliveryState.FAILED
        duplicated += max(0, arrived - 1)
    return Row(fault, times, times, received, duplicated, copies * times, told)
