"""Real daemons that send to a sink: started and ready, and what the sink had of them."""

from __future__ import annotations

import os
import select
import socket
import time
from pathlib import Path

import psycopg

from bench.faults.nursery import Nursery
from bench.sink import Sink, Taken

SENDERS = 10
PATIENCE = 120.0
"""Seconds after which a run has failed."""


def start_daemon(nursery: Nursery, home: Path, url: str, sink: Sink, **settings: str) -> int:
    """The process number of a daemon that has said that it is ready, on the database ``url``."""
    home.mkdir(parents=True)
    path = home / "notify"
    environ = {
        "DATABASE_URL": url,
        "NOTIFY_SOCKET": str(path),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(sink.port),
        "SMTP_SECURITY": "off",
        "SMTP_FROM": "reminderd@bench.test",
        "SENDERS": str(SENDERS),
        "WEB": "off",
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(os.fspath(path))
        told.settimeout(PATIENCE)
        pid = nursery.start(home, environ | settings)
        try:
            while b"READY=1" not in told.recv(1000):
                pass
        except TimeoutError:
            raise RuntimeError((home / "log").read_text(errors="replace")[-2000:]) from None
    return pid


def await_taken(sink: Sink, count: int, taken: list[Taken]) -> None:
    """Add to ``taken`` what the sink has, until it holds ``count`` different messages."""
    deadline = time.monotonic() + PATIENCE
    while len({one.key for one in taken}) < count:
        taken += sink.taken()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len({one.key for one in taken})} of {count} messages came within {PATIENCE:g} s")
        pause(0.02)


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors."""
    used = _stat(pid)[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def database_cpu_seconds(url: str) -> float:
    """What the PostgreSQL server of a database has used of the processors, on this machine: all its processes, those
    that have ended too."""
    with psycopg.connect(url) as connection:
        server = int(_stat(connection.info.backend_pid)[1])
    while True:
        try:
            ended = sum(map(int, _stat(server)[11:15])) / os.sysconf("SC_CLK_TCK")
            return ended + sum(cpu_seconds(pid) for pid in _children(server))
        except (FileNotFoundError, ProcessLookupError):  # one ended meanwhile: then it is among the ended
            continue


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat that follow the name: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pause(seconds: float) -> None:
    """Let the daemons work."""
    select.select([], [], [], seconds)
