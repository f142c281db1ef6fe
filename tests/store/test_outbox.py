"""The outbox's rows: who may claim what, and what a settled attempt leaves behind."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from reminderd.rules.retry import Decision, Fault, Next, Verdict
from reminderd.store import outbox
from reminderd.store.database import Store
from reminderd.store.outbox import Claim
from reminderd.store.tables import Attempt, ChannelHealth, Delivery, DeliveryState, Nudge, Step, StepState, User
from tests.store.rows import NOW, add_delivery, add_user, make_delivery, make_nudge

MINUTE = dt.timedelta(minutes=1)
FAULT = Fault(Verdict.AGAIN, "451", "later")


@pytest.fixture
def user(store: Store) -> User:
    return add_user(store)


def add(store: Store, user: User, key: str, **values: Any) -> int:
    with store.writing() as session:
        row = make_delivery(user, key)
        for name, value in values.items():
            setattr(row, name, value)
        return add_delivery(session, row).id


def lease(store: Store, now: dt.datetime = NOW, *, owner: str = "a", limit: int = 9) -> list[Claim]:
    with store.writing() as session:
        claims = outbox.find_due(session.connection(), now, limit)
        if claims:
            outbox.lease(session.connection(), claims, owner, now + MINUTE)
        return claims


def begin(store: Store, now: dt.datetime = NOW) -> Claim:
    with store.writing() as session:
        connection = session.connection()
        (claim,) = outbox.begin_attempts(connection, outbox.find_due(connection, now, 1), "a", now, now + MINUTE)
        return claim


def row(store: Store, number: int = 1) -> Delivery:
    with store.reading() as session:
        return session.get_one(Delivery, number)


def test_the_oldest_due_are_claimed_first_and_nothing_before_its_time(store: Store, user: User) -> None:
    late = add(store, user, "late", due_at=NOW - MINUTE)
    oldest = add(store, user, "oldest", due_at=NOW - 5 * MINUTE)
    add(store, user, "future", due_at=NOW + MINUTE)
    assert [claim.delivery_id for claim in lease(store, limit=2)] == [oldest, late]
    assert lease(store) == []


def test_nothing_settled_is_claimed_again(store: Store, user: User) -> None:
    for state in (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.DELIVERED):
        add(store, user, state, state=state, sent_at=NOW)
    assert lease(store) == []


def test_a_claim_put_back_is_as_it_was_and_comes_later(store: Store, user: User) -> None:
    add(store, user, "1", state=DeliveryState.UNKNOWN)
    (claim,) = lease(store)
    with store.writing() as session:
        assert outbox.put_back(session, claim, NOW + MINUTE)
    assert (row(store).state, row(store).due_at, row(store).lease_owner) == ("unknown", NOW + MINUTE, None)


@pytest.mark.parametrize(
    ("next_", "state", "outcome"),
    [(Next.RETRY, "pending", "again"), (Next.RECONCILE, "unknown", "reconcile"), (Next.FAIL, "failed", "failed")],
)
def test_a_fault_leaves_its_code_its_words_and_an_ended_attempt(
    store: Store, user: User, next_: Next, state: str, outcome: str
) -> None:
    add(store, user, "1")
    claim = begin(store)
    at = None if next_ is Next.FAIL else NOW + MINUTE
    with store.writing() as session:
        assert outbox.settle_fault(session, claim, FAULT, Decision(next_, at), NOW)
    found = row(store)
    assert (found.state, found.fault_code, found.fault_words) == (state, "451", "later")
    assert found.failure_told is (next_ is not Next.FAIL)
    assert found.due_at == (at or NOW)
    with store.reading() as session:
        attempt = session.scalars(select(Attempt)).one()
    assert (attempt.outcome, attempt.code, attempt.ended_at) == (outcome, "451", NOW)


def test_cancelling_frees_the_steps_for_the_channel_that_is_given(store: Store, user: User) -> None:
    delivery = add(store, user, "1")
    with store.writing() as session:
        nudge = make_nudge(user)
        session.add(nudge)
        session.flush()
        times = {"planned_at": NOW, "at": NOW}
        kept = {"user_id": user.id, "nudge_id": nudge.id, "channel": "email", "lane": "now"} | times
        session.add(Step(position=1, state=StepState.SENT, delivery_id=delivery, **kept))
        session.add(Step(position=2, state=StepState.PENDING, **kept))
    (claim,) = lease(store)
    with store.writing() as session:
        assert outbox.cancel(session, claim, channel="sms")
    with store.reading() as session:
        first, second = session.scalars(select(Step).order_by(Step.position))
        assert (first.state, first.channel, first.delivery_id) == ("pending", "sms", None)
        assert (second.state, second.channel) == ("pending", "email")
        assert session.scalars(select(Nudge)).one().state == "open"


def test_only_the_owner_renews(store: Store, user: User) -> None:
    add(store, user, "1")
    claims = lease(store)
    with store.writing() as session:
        outbox.renew(session, claims, "somebody else", NOW + 9 * MINUTE)
    assert row(store).lease_until == NOW + MINUTE
    with store.writing() as session:
        outbox.renew(session, claims, "a", NOW + 9 * MINUTE)
    assert row(store).lease_until == NOW + 9 * MINUTE


def test_the_first_moment_of_a_pause_is_kept(store: Store, user: User) -> None:
    for minutes in (0, 5):
        with store.writing() as session:
            outbox.pause_channel(session, user.id, "email", FAULT, NOW + minutes * MINUTE)
    with store.reading() as session:
        assert session.get_one(ChannelHealth, (user.id, "email")).paused_at == NOW


def test_only_what_was_paused_before_is_tried_again(store: Store, user: User) -> None:
    with store.writing() as session:
        outbox.pause_channel(session, user.id, "email", FAULT, NOW)
        outbox.pause_channel(session, user.id, "sms", FAULT, NOW + 2 * MINUTE)
    with store.writing() as session:
        outbox.unpause_channels(session, NOW + 5 * MINUTE, paused_before=NOW + MINUTE)
    with store.reading() as session:
        assert session.get_one(ChannelHealth, (user.id, "email")).paused_at is None
        assert session.get_one(ChannelHealth, (user.id, "sms")).paused_at is not None


def test_deliveries_are_counted_by_state_and_due_at_their_moment(store: Store, user: User) -> None:
    add(store, user, "1", due_at=NOW + MINUTE)
    add(store, user, "2", due_at=NOW + 2 * MINUTE)
    with store.reading() as session:
        assert not outbox.any_due(session, NOW)
        assert outbox.any_due(session, NOW + MINUTE)
        assert outbox.counts(session) == dict.fromkeys(map(str, DeliveryState), 0) | {"pending": 2}
