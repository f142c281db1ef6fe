"""Memory and work over a quiet stretch, beside programs that do nothing: one with the same libraries open, Django's
loop, Celery with beat."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import floors
from bench.home import make_home
from bench.table import Report, Row, Verdict

SETTLE = 15.0
"""Seconds until a start is over."""
STARTS = 5


def run(quick: bool) -> Report:
    window, starts = (30.0, 3) if quick else (180.0, STARTS)
    with tempfile.TemporaryDirectory(prefix="ri-") as folder:
        home = Path(folder)
        environ = make_home(home)
        commands = {
            "reminderd": [sys.executable, "-m", "reminderd", "run"],
            "bare floor": [sys.executable, "-c", floors.BARE, str(home / "floor.db")],
            "Django loop": [sys.executable, "-c", floors.DJANGO, str(home / "django.db")],
            "Celery solo with beat": [sys.executable, "-c", floors.CELERY, str(home / "celery")],
        }
        took: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(starts):
            for name, command in commands.items():
                process, seconds = _start(home, command, environ)
                took[name].append(seconds * 1000)
                _end(process)
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name, command in commands.items():
                running[name] = _start(home, command, environ)[0]
            _wait(SETTLE)
            before = {name: _work(process.pid) for name, process in running.items()}
            _wait(window)
            after = {name: _work(process.pid) for name, process in running.items()}
            memory = {name: _memory(process.pid) for name, process in running.items()}
        finally:
            for process in running.values():
                _end(process)
    rows, hours = [], window / 3600
    for name in running:
        cpu, wakes = (after[name][index] - before[name][index] for index in (0, 1))
        rows += [
            Row(f"{name}, RSS", (memory[name]["Rss"],), "MB"),
            Row(f"{name}, PSS", (memory[name]["Pss"],), "MB"),
            Row(f"{name}, CPU over {window:g} s", (cpu / hours,), "s/hour"),
            Row(f"{name}, wake-ups over {window:g} s", (wakes / hours,), "per hour"),
            Row(f"{name}, start to ready", tuple(took[name]), "ms"),
        ]
    found = {row.what: row.median for row in rows}
    return Report(
        "idle",
        rows,
        [
            Verdict("PSS / floor", found["reminderd, PSS"] / found["bare floor, PSS"], 1.25),
            Verdict("PSS / Celery's", found["reminderd, PSS"] / found["Celery solo with beat, PSS"], 0.7),
            Verdict("RSS / Django's", found["reminderd, RSS"] / found["Django loop, RSS"], 1.2),
            Verdict("start to READY / floor", _ratio(found, "start to ready"), 2),
            Verdict("CPU seconds an hour", found[f"reminderd, CPU over {window:g} s"], 1),
            Verdict("wake-ups an hour", found[f"reminderd, wake-ups over {window:g} s"], 1000),
        ],
    )


def _ratio(found: dict[str, float], what: str) -> float:
    return found[f"reminderd, {what}"] / found[f"bare floor, {what}"]


def _start(home: Path, command: list[str], environ: dict[str, str]) -> tuple[subprocess.Popen[bytes], float]:
    """A process that has said that it is ready, and how many seconds that took."""
    path = home / "notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.settimeout(60)
        begun = time.perf_counter()
        arguments = [*command, str(path)] if "-c" in command else command
        log = (home / "log").open("ab")
        process = subprocess.Popen(arguments, env=environ | {"NOTIFY_SOCKET": str(path)}, stdout=log, stderr=log)
        log.close()
        try:
            while b"READY=1" not in told.recv(1000):
                pass
        except TimeoutError:
            _end(process)
            raise RuntimeError((home / "log").read_text(errors="replace")[-2000:]) from None
        return process, time.perf_counter() - begun


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def _wait(seconds: float) -> None:
    select.select([], [], [], seconds)


def _memory(pid: int) -> dict[str, float]:
    """MB by kind, with children."""
    total: dict[str, float] = {}
    for one in _family(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.endswith("kB"):
                kind = line.split(":")[0]
                total[kind] = total.get(kind, 0) + int(line.split()[1]) / 1024
    return total


def _work(pid: int) -> tuple[float, int]:
    """CPU seconds so far, and how often a thread woke, with children."""
    wakes, ticks = 0, 0
    for one in _family(pid):
        for status in Path(f"/proc/{one}/task").glob("*/status"):
            wakes += int(status.read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK"), wakes


def _family(pid: int) -> list[int]:
    """A process with its children and theirs."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += _family(int(child))
    return found
