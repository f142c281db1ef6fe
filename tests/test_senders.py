"""The threads that hand messages over."""

from __future__ import annotations

import queue
import threading

import pytest

from reminderd import senders
from reminderd.senders import Landings, Senders
from tests.flow.parts import PATIENCE


class Calls:
    """Calls that begin, and end when they are let."""

    def __init__(self) -> None:
        self.begun: queue.Queue[threading.Thread] = queue.Queue()
        self.let = threading.Semaphore(0)
        self.ended: queue.Queue[None] = queue.Queue()

    def one(self) -> None:
        self.begun.put(threading.current_thread())
        assert self.let.acquire(timeout=PATIENCE)
        self.ended.put(None)


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_no_more_run_at_a_time_than_were_asked_for_and_the_others_get_their_turn(calls: Calls) -> None:
    few = Senders(2)
    for _ in range(5):
        few.start(calls.one)
    threads = {calls.begun.get(timeout=PATIENCE) for _ in range(2)}
    assert len(threads) == 2
    assert calls.begun.empty()
    calls.let.release(5)
    for _ in range(5):
        calls.ended.get(timeout=PATIENCE)
    threads |= {calls.begun.get(timeout=PATIENCE) for _ in range(3)}
    assert len(threads) == 2


def test_a_call_that_never_ends_does_not_hold_up_the_process(calls: Calls) -> None:
    Senders(1).start(calls.one)
    assert calls.begun.get(timeout=PATIENCE).daemon
    calls.let.release()


def test_a_thread_without_work_ends_and_another_takes_its_place(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "IDLE_FOR", 0.001)
    one = Senders(1)
    calls.let.release(2)
    one.start(calls.one)
    first = calls.begun.get(timeout=PATIENCE)
    first.join(PATIENCE)
    assert not first.is_alive()
    one.start(calls.one)
    second = calls.begun.get(timeout=PATIENCE)
    assert second is not first
    second.join(PATIENCE)


def test_nothing_waits_for_a_busy_thread_while_another_may_start(calls: Calls) -> None:
    many = Senders(3)
    calls.let.release()
    many.start(calls.one)
    calls.begun.get(timeout=PATIENCE)
    calls.ended.get(timeout=PATIENCE)
    for _ in range(3):
        many.start(calls.one)
    assert len({calls.begun.get(timeout=PATIENCE) for _ in range(3)}) == 3
    calls.let.release(3)


def test_a_wait_for_landings_ends_with_the_last_of_them() -> None:
    landings: Landings[int] = Landings()
    for _ in range(3):
        landings.expect()
    threads = [threading.Thread(target=landings.put, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    assert landings.wait(PATIENCE, PATIENCE)
    assert sorted(landings.take()) == [0, 1, 2]
    assert not landings


def test_a_wait_for_landings_does_not_linger_for_one_that_is_slow() -> None:
    landings: Landings[int] = Landings()
    landings.expect()
    landings.expect()
    landings.put(1)
    assert landings.wait(PATIENCE, 0)
    assert landings.take() == [1]
    assert not landings.wait(0, 0)
    landings.put(2)
    assert landings.wait(0, PATIENCE)
    assert landings.take() == [2]
