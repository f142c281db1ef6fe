"""What systemd is told: real datagrams to a real socket."""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reminderd.sd_notify import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def test_states_arrive_as_one_datagram(manager: socket.socket) -> None:
    Notifier({"NOTIFY_SOCKET": manager.getsockname()}).send("READY=1", "STATUS=Watching – all well.")
    assert manager.recv(4096).decode() == "READY=1\nSTATUS=Watching – all well."


def test_a_reload_is_told_with_its_moment_on_the_clock_that_systemd_compares(manager: socket.socket) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    Notifier({"NOTIFY_SOCKET": manager.getsockname()}).send_reloading()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    state, moment = manager.recv(4096).decode().splitlines()
    assert state == "RELOADING=1"
    assert before // 1000 <= int(moment.removeprefix("MONOTONIC_USEC=")) <= after // 1000


def test_an_abstract_socket_is_reached_too() -> None:
    name = f"reminderd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(5)
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).send("WATCHDOG=1")
        assert listening.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_nobody_listening_is_no_fault(environ: dict[str, str]) -> None:
    Notifier(environ).send("READY=1")


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, dt.timedelta(seconds=15)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, dt.timedelta(seconds=15)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_at_half_of_what_it_allows(environ: dict[str, str], interval: dt.timedelta | None) -> None:
    assert Notifier(environ).interval_for == interval
