"""Tells systemd how the daemon is: sd_notify(3) in a few lines. Does nothing where nobody listens."""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """One line of states to ``NOTIFY_SOCKET``; ``interval_for`` is half of what the watchdog allows, if it is on."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.interval_for = _interval(environ)

    def send_reloading(self) -> None:
        """Say that a reload begins; ``READY=1`` ends it. By its moment systemd knows it from an earlier one."""
        self.send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def send(self, *states: str) -> None:
        """Send states such as ``READY=1`` or ``STATUS=…``. A manager that does not listen is no reason to stop."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.settimeout(1.0)
                out.sendto("\n".join(states).encode(), address)
        except OSError:
            return


def _interval(environ: Mapping[str, str]) -> dt.timedelta | None:
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    allowed = environ.get("WATCHDOG_USEC", "")
    return dt.timedelta(microseconds=int(allowed)) / 2 if allowed.isdigit() and int(allowed) else None
