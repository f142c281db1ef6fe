"""When an outage of the database is told, and when the next try comes."""

from __future__ import annotations

import datetime as dt

from reminderd.outage import LONGEST_FOR, SAID_FOR, SOON_FOR, Outage

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def test_one_outage_is_told_once_and_then_rarely() -> None:
    outage = Outage()
    assert outage.failed("locked", NOON)
    told = [outage.failed("locked", NOON + dt.timedelta(seconds=second)) for second in range(1, 3601)]
    assert sum(told) == dt.timedelta(hours=1) // SAID_FOR


def test_another_reason_and_another_outage_are_told_at_once() -> None:
    outage = Outage()
    assert outage.failed("locked", NOON)
    assert outage.failed("full", NOON)
    assert outage.over()
    assert outage.failed("full", NOON)


def test_a_good_pass_after_a_good_pass_ends_nothing() -> None:
    assert not Outage().over()


def test_tries_grow_rare_but_not_while_something_is_to_be_noted() -> None:
    outage = Outage()
    waits = []
    for _ in range(40):
        outage.failed("locked", NOON)
        waits.append(outage.wait_for(urgent=False))
        assert outage.wait_for(urgent=True) == SOON_FOR
    assert waits[:3] == [SOON_FOR, SOON_FOR * 2, SOON_FOR * 4]
    assert set(waits[4:]) == {LONGEST_FOR}
    outage.over()
    outage.failed("locked", NOON)
    assert outage.wait_for(urgent=False) == SOON_FOR
