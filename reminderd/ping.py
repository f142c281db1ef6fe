"""Tells a dead-man switch that passes succeed. It speaks up when it no longer hears of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two fetches, however often passes come."""
TIMEOUT = 10.0


class Ping:
    """Fetches ``url`` after good passes; nothing without one. ``steady`` is a clock that never jumps."""

    def __init__(self, url: str | None, steady: Callable[[], float] = time.monotonic) -> None:
        self._url, self._steady = url, steady
        self._next: float | None = None
        self._thread: threading.Thread | None = None

    def passed(self) -> None:
        """A pass succeeded. The fetch has a thread of its own; one that fails is logged and costs nothing else."""
        if self._url is None or (self._thread is not None and self._thread.is_alive()):
            return
        now = self._steady()
        if self._next is not None and now < self._next:
            return
        self._next = now + EVERY
        self._thread = threading.Thread(target=_fetch, args=(self._url,), name="ping", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for a fetch under way."""
        if self._thread is not None:
            self._thread.join(TIMEOUT)


def _fetch(url: str) -> None:
    import http.client  # these three take time to import, and serve only where an address is set
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        log.warning("ping_failed reason=%s", error.code)
    except (OSError, http.client.HTTPException, ValueError) as error:  # its words may hold the address, a secret
        log.warning("ping_failed reason=%s", type(error).__name__)
