"""Threads that hand messages over: as many as may be in flight, started when needed, gone when there is no work."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

IDLE_FOR = 10.0
"""Seconds after which a thread without work ends."""


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
