"""The agenda: whatever a pass would deal with is on it, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from reminderd.store.agenda import Agenda, load_agenda
from reminderd.store.database import Store
from reminderd.store.tables import ChannelHealth, DeliveryState, Reference, Step, StepState, User
from tests.store.rows import NOW, add_user, make_delivery, make_nudge

MINUTE = dt.timedelta(minutes=1)
IDLE = Agenda(None, None, None, None, None, None)


def test_a_database_in_which_nothing_is_to_come_has_an_empty_agenda(store: Store) -> None:
    add_user(store)
    with store.reading() as session:
        agenda = load_agenda(session)
    assert agenda == IDLE
    assert agenda.is_idle(NOW)
    assert agenda.moments(sends=True) == []


def _reference(user: User, at: dt.datetime) -> list[Any]:
    return [Reference(user_id=user.id, name=str(at), created_on=at.date(), created_at=at, plan_again_at=at)]


def _leased(user: User, at: dt.datetime) -> list[Any]:
    delivery = make_delivery(user, str(at), state=DeliveryState.LEASED)
    delivery.lease_owner, delivery.lease_until = "somebody", at
    return [delivery]


def _delivery(state: DeliveryState) -> Callable[[User, dt.datetime], list[Any]]:
    def make(user: User, at: dt.datetime) -> list[Any]:
        delivery = make_delivery(user, str(at), state=state)
        delivery.due_at = at
        return [delivery]

    return make


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (_reference, "reference_at"),
        (_leased, "expiry_at"),
        (_delivery(DeliveryState.PENDING), "delivery_at"),
        (_delivery(DeliveryState.UNKNOWN), "delivery_at"),
    ],
)
def test_the_first_of_each_kind_is_on_it(
    store: Store, make: Callable[[User, dt.datetime], list[Any]], kind: str
) -> None:
    user = add_user(store)
    with store.writing() as session:
        session.add_all([*make(user, NOW + 2 * MINUTE), *make(user, NOW + MINUTE)])
    with store.reading() as session:
        agenda = load_agenda(session)
    assert agenda == IDLE._replace(**{kind: NOW + MINUTE})
    assert agenda.is_idle(NOW)
    assert not agenda.is_idle(NOW + MINUTE)
    assert agenda.moments(sends=False) == ([] if kind == "delivery_at" else [NOW + MINUTE])


def test_pending_steps_are_on_it_and_others_are_not(store: Store) -> None:
    user = add_user(store)
    with store.writing() as session:
        nudge = make_nudge(user)
        session.add(nudge)
        session.flush()
        for position, state in enumerate((StepState.FOLDED, StepState.PENDING, StepState.PENDING)):
            at = NOW + position * MINUTE
            step = Step(user_id=user.id, nudge_id=nudge.id, position=position, planned_at=at, at=at, state=state)
            step.channel, step.lane = "email", "now"
            session.add(step)
    with store.reading() as session:
        assert load_agenda(session) == IDLE._replace(step_at=NOW + MINUTE)


def test_a_user_who_is_to_be_planned_is_on_it(store: Store) -> None:
    user = add_user(store)
    with store.writing() as session:
        session.get_one(User, user.id).plan_again_at = NOW
    with store.reading() as session:
        assert load_agenda(session) == IDLE._replace(user_at=NOW)


def test_a_paused_channel_is_always_something_to_do_and_never_a_moment_to_wait_for(store: Store) -> None:
    user = add_user(store)
    with store.writing() as session:
        session.add(ChannelHealth(user_id=user.id, channel="email", paused_at=NOW))
    with store.reading() as session:
        agenda = load_agenda(session)
    assert not agenda.is_idle(NOW)
    assert agenda.moments(sends=True) == []


def test_what_was_sent_is_not_on_it(store: Store) -> None:
    user = add_user(store)
    with store.writing() as session:
        session.add(make_delivery(user, state=DeliveryState.SENT))
    with store.reading() as session:
        assert load_agenda(session) == IDLE
