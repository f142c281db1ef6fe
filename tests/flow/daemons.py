"""Daemons as processes of their own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.flow.parts import PATIENCE

CHECKOUT = Path(__file__).parents[2]


class Daemon:
    """A running daemon, and the socket to which it tells how it is."""

    def __init__(self, home: Path, environ: dict[str, str], checkout: Path = CHECKOUT) -> None:
        self.said: list[str] = []
        self.log = home / "log"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(home / "notify"))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reminderd", "--home", str(home), "run"],
                env=os.environ | environ | {"NOTIFY_SOCKET": str(home / "notify")},
                cwd=checkout,
                stdout=log,
                stderr=log,
            )

    def wait_for(self, state: str, patience: float = PATIENCE) -> None:
        """Until it has said ``state``, now or before."""
        deadline = time.monotonic() + patience
        while not any(line.startswith(state) for line in self.said):
            ready, _, _ = select.select([self._socket], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"never said {state}: {self.said}, {self.log.read_text()}"
            self.said += self._socket.recv(4096).decode().splitlines()

    def ask_to(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, patience: float = PATIENCE) -> int:
        """Its exit code."""
        code = self.process.wait(patience)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.said += self._socket.recv(4096, socket.MSG_DONTWAIT).decode().splitlines()
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._socket.close()


Starter = Callable[..., Daemon]


def wait_until(holds: Callable[[], bool]) -> None:
    """Until a condition on the database holds: nothing tells of that, so that it is looked at again and again."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.02)
