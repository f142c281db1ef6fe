from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.rules.retry import (
    BACKOFF,
    COPIES,
    RECONCILE_WAIT,
    Decision,
    Doubt,
    Fault,
    Next,
    Verdict,
    decide,
    jittered,
)

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
AGAIN = Fault(Verdict.AGAIN, "451", "Later.")
UNKNOWN = Fault(Verdict.RECONCILE, "unconfirmed", "Perhaps.")


def minutes(number: float) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def at(fault: Fault, attempt: int, useless_at: dt.datetime | None = None, delivery: int = 1) -> Decision:
    return decide(fault, delivery=delivery, attempt=attempt, now=NOW, useless_at=useless_at)


@pytest.mark.parametrize(("attempt", "wait"), [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (6, 60), (7, 60), (50, 60)])
def test_a_passing_fault_backs_off_and_then_goes_on_hourly(attempt: int, wait: int) -> None:
    decision = at(AGAIN, attempt)
    assert decision.next is Next.RETRY
    assert decision.at is not None
    assert minutes(wait) <= decision.at - NOW <= minutes(wait * 1.2)


@pytest.mark.parametrize(
    ("verdict", "pauses", "bad"),
    [(Verdict.GIVE_UP, False, False), (Verdict.BAD_ADDRESS, False, True), (Verdict.PAUSE, True, False)],
)
def test_what_is_permanent_fails_and_says_what_else_follows(verdict: Verdict, pauses: bool, bad: bool) -> None:
    decision = at(Fault(verdict, "x", "No."), 1)
    assert decision == Decision(Next.FAIL, None, pauses_channel=pauses, bad_address=bad)


@pytest.mark.parametrize("attempt", [1, 2, 9])
def test_an_unknown_outcome_is_looked_into_after_a_minute(attempt: int) -> None:
    assert at(UNKNOWN, attempt) == Decision(Next.RECONCILE, NOW + RECONCILE_WAIT)


def test_an_unknown_outcome_is_given_up_when_the_message_is_useless_by_the_next_look() -> None:
    assert at(UNKNOWN, 1, useless_at=NOW + RECONCILE_WAIT).next is Next.FAIL
    assert at(UNKNOWN, 1, useless_at=NOW + 2 * RECONCILE_WAIT).next is Next.RECONCILE


@pytest.mark.parametrize(("ago", "wait"), [(1, 1), (10, 5), (60, 30), (120, 60), (6000, 60)])
def test_it_is_looked_into_ever_more_slowly(ago: float, wait: float) -> None:
    doubt = Doubt(since=NOW - minutes(ago))
    decision = decide(UNKNOWN, delivery=1, attempt=1, now=NOW, useless_at=None, doubt=doubt)
    assert decision == Decision(Next.RECONCILE, NOW + minutes(wait))


@pytest.mark.parametrize(("times", "expected"), [(0, minutes(1)), (1, minutes(5)), (COPIES - 1, None)])
def test_where_nobody_can_look_there_are_only_so_many_copies(times: int, expected: dt.timedelta | None) -> None:
    doubt = Doubt(can_look=False, times=times)
    decision = decide(UNKNOWN, delivery=1, attempt=1, now=NOW, useless_at=None, doubt=doubt)
    assert decision.at == (NOW + expected if expected else None)
    assert decision.next is (Next.RECONCILE if expected else Next.FAIL)


@pytest.mark.parametrize(
    ("left", "expected"),
    [(minutes(60), Next.RETRY), (minutes(1.3), Next.RETRY), (minutes(1), Next.FAIL), (minutes(-5), Next.FAIL)],
)
def test_it_ends_when_the_next_try_would_come_too_late(left: dt.timedelta, expected: Next) -> None:
    assert at(AGAIN, 1, useless_at=NOW + left).next is expected


@pytest.mark.parametrize(
    ("asked", "attempt", "least", "most"),
    [
        (minutes(10), 1, 10, 10),  # longer than ours
        (minutes(0.1), 1, 1, 1.2),  # shorter: ours stands
        (minutes(10), 5, 60, 72),
    ],
)
def test_the_longer_of_our_wait_and_the_one_asked_for_holds(
    asked: dt.timedelta, attempt: int, least: float, most: float
) -> None:
    decision = at(Fault(Verdict.AGAIN, "429", "Busy.", retry_after=asked), attempt)
    assert decision.at is not None
    assert minutes(least) <= decision.at - NOW <= minutes(most)


@pytest.mark.parametrize(("attempt", "expected"), [(1, Next.RETRY), (2, Next.RETRY), (3, Next.FAIL), (4, Next.FAIL)])
def test_an_unreachable_handset_is_tried_three_times_half_an_hour_apart(attempt: int, expected: Next) -> None:
    fault = Fault(Verdict.AGAIN, "30003", "Unreachable.", spacing=minutes(30), most_attempts=3)
    decision = at(fault, attempt)
    assert decision.next is expected
    if decision.at is not None:
        assert minutes(30) <= decision.at - NOW <= minutes(36)


def test_other_waits_can_be_given() -> None:
    decision = decide(
        AGAIN, delivery=1, attempt=2, now=NOW, useless_at=None, backoff=(dt.timedelta(0), dt.timedelta(0))
    )
    assert decision == Decision(Next.RETRY, NOW)
    decision = decide(UNKNOWN, delivery=1, attempt=1, now=NOW, useless_at=None, reconcile_wait=dt.timedelta(0))
    assert decision == Decision(Next.RECONCILE, NOW)


def test_jitter_spreads_deliveries() -> None:
    waits = {jittered(minutes(60), delivery=delivery, attempt=1) for delivery in range(200)}
    assert len(waits) == 200
    assert max(waits) - min(waits) > minutes(10)


@given(st.integers(1, 10**9), st.integers(1, 1000), st.timedeltas(dt.timedelta(0), dt.timedelta(days=2)))
def test_jitter_lengthens_by_a_fifth_at_most_and_always_the_same(
    delivery: int, attempt: int, wait: dt.timedelta
) -> None:
    first = jittered(wait, delivery=delivery, attempt=attempt)
    assert wait <= first <= wait * 1.2 + dt.timedelta(microseconds=1)
    assert first == jittered(wait, delivery=delivery, attempt=attempt)


@given(
    st.builds(
        Fault,
        st.sampled_from(Verdict),
        st.just("x"),
        st.just("Words."),
        retry_after=st.none() | st.timedeltas(dt.timedelta(0), dt.timedelta(days=1)),
        spacing=st.none() | st.timedeltas(dt.timedelta(0), dt.timedelta(days=1)),
        most_attempts=st.none() | st.integers(1, 5),
    ),
    st.integers(1, 100),
    st.none() | st.timedeltas(dt.timedelta(days=-1), dt.timedelta(days=30)),
)
def test_every_decision_has_a_moment_unless_it_failed_and_none_lies_too_late(
    fault: Fault, attempt: int, left: dt.timedelta | None
) -> None:
    useless_at = None if left is None else NOW + left
    decision = at(fault, attempt, useless_at)
    assert (decision.at is None) == (decision.next is Next.FAIL)
    if decision.next is Next.RETRY:
        assert fault.verdict is Verdict.AGAIN
        assert decision.at is not None
        assert decision.at >= NOW + (fault.retry_after or dt.timedelta(0))
        assert useless_at is None or decision.at < useless_at


def test_the_backoff_is_the_one_the_docs_tell() -> None:
    assert [int(wait.total_seconds() // 60) for wait in BACKOFF] == [1, 5, 15, 30, 60]
