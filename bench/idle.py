"""Memory and work over a quiet stretch, beside a program that has the same libraries open and does nothing."""

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

from bench.home import make_home
from bench.table import Report, Row, Verdict

FLOOR = """
import smtplib, email.message, email.policy, signal, socket, sys
import jinja2
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
engine = create_engine("sqlite:///" + sys.argv[1])
jinja2.Environment().from_string("{{ a }}").render(a=1)
def job():
    with Session(engine) as session:
        session.execute(text("SELECT 1"))
scheduler = BackgroundScheduler()
scheduler.add_job(job, "interval", seconds=30)
scheduler.start()
job()
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
    told.sendto(b"READY=1", sys.argv[2])
signal.sigwait([signal.SIGTERM])
"""
SETTLE = 15.0
"""Seconds until a start is over."""
STARTS = 5


def run(quick: bool) -> Report:
    window, starts = (30.0, 3) if quick else (180.0, STARTS)
    with tempfile.TemporaryDirectory(prefix="ri-") as folder:
        home = Path(folder)
        environ = make_home(home)
        floor = [sys.executable, "-c", FLOOR, str(home / "floor.db")]
        daemon = [sys.executable, "-m", "reminderd", "run"]
        took: dict[str, list[float]] = {"reminderd": [], "bare floor": []}
        for _ in range(starts):
            for name, command in (("reminderd", daemon), ("bare floor", floor)):
                process, seconds = _start(home, command, environ)
                took[name].append(seconds * 1000)
                _end(process)
        both = {"reminderd": _start(home, daemon, environ)[0], "bare floor": _start(home, floor, environ)[0]}
        try:
            _wait(SETTLE)
            before = {name: _work(process.pid) for name, process in both.items()}
            _wait(window)
            after = {name: _work(process.pid) for name, process in both.items()}
            memory = {name: _memory(process.pid) for name, process in both.items()}
        finally:
            for process in both.values():
                _end(process)
    rows, hours = [], window / 3600
    for name in both:
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
    """MB by kind."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.endswith("kB")}


def _work(pid: int) -> tuple[float, int]:
    """CPU seconds so far, and how often a thread of it woke."""
    wakes = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        text = status.read_text()
        wakes += int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), wakes
