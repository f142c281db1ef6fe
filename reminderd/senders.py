"""Threads that hand messages over, as many as may be in flight, and where they leave what came of it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

IDLE_FOR = 10.0
"""Seconds after which a thread without work ends."""


Result = TypeVar("Result")


class Landings(Generic[Result]):
    """What came of calls, from many threads to one. That one is woken by the first to land and by the last, not by
    each: to change between threads takes longer than a message to land."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._landed: list[Result] = []
        self._open = 0
        """How many are to come."""
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        """May hold one too many; whoever waits looks at the other two."""

    def __bool__(self) -> bool:
        """Whether any has landed."""
        return bool(self._landed)

    def expect(self) -> None:
        """One more is to come."""
        with self._lock:
            self._open += 1

    def put(self, result: Result) -> None:
        """One that was expected is there."""
        with self._lock:
            self._landed.append(result)
            self._open -= 1
            wakes = len(self._landed) == 1 or self._open == 0
        if wakes:
            self._wakes.put(None)

    def take(self) -> list[Result]:
        """All that have landed since the last time."""
        with self._lock:
            taken, self._landed = self._landed, []
        return taken

    def wait(self, seconds: float, linger: float) -> bool:
        """Until one has landed, but no longer than ``seconds``; then until all have, but no longer than ``linger``.
        False where none did."""
        if not self._wait(lambda: bool(self._landed), seconds):
            return False
        self._wait(lambda: not self._open, linger)
        return True

    def _wait(self, holds: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not holds():
            try:
                self._wakes.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return holds()
        return True


class Senders:
    """Runs calls in at most ``most`` threads; further ones wait for their turn.

    Unlike the executors of the standard library these are daemon threads: a send that is never answered must not
    hold up the end of the process. A call must not raise.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._alive = 0
        self._free = 0
        """Threads that wait, less the calls that wait for them."""

    def start(self, call: Callable[[], None]) -> None:
        """Have ``call`` run soon."""
        with self._lock:
            self._calls.put(call)
            if self._free > 0 or self._alive == self._most:
                self._free -= 1
            else:
                self._alive += 1
                threading.Thread(target=self._work, name="sender", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=IDLE_FOR)
            except queue.Empty:
                with self._lock:
                    if self._calls.empty():
                        self._alive -= 1
                        self._free -= 1
                        return
                continue
            call()
            with self._lock:
                self._free += 1
