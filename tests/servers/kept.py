"""Servers in processes of their own, which never outlive the tests, however those end."""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PATIENCE = 20.0
# The server lives while we hold the keeper's standard input.
KEEPER = """
"$@" </dev/null >>"$LOG" 2>&1 &
server=$!
cat >/dev/null
kill -TERM $server 2>/dev/null
wait $server
"""


class Missing(Exception):
    """The server is not on this machine, or cannot run here."""


def find_program(name: str, *folders: str) -> str:
    """The path of a program. Raises `Missing`."""
    found = shutil.which(name, path=":".join(["/usr/sbin", "/usr/local/sbin", "/usr/bin", *folders]))
    if found is None:
        raise Missing(f"{name} is not installed (Debian: apt-get install postfix dovecot-imapd)")
    return found


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody has now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def kept(command: Sequence[str], log: Path, port: int, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a server that stays in the foreground, from when it answers on ``port``."""
    with subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "sh", *command],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LOG": str(log), **(environment or {})},
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as keeper:
        assert keeper.stdin is not None
        try:
            _await(port, log)
            yield
        finally:
            keeper.stdin.close()
            keeper.wait(timeout=30)


def _await(port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                said = log.read_text(errors="replace") if log.exists() else ""
                raise RuntimeError(f"nothing answers on port {port}: {said[-2000:]}") from None
            select.select([], [], [], 0.05)
