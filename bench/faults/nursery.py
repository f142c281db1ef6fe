"""Daemons in numbers: real ones, each forked from a process that has imported everything.

A cold start costs half a second of a processor, most of it imports; a fork costs a few milliseconds, and what runs then
is the same `run_forever`. The process that forks has one thread only.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from reminderd.errors import ReminderdError

CHECKOUT = Path(__file__).resolve().parents[2]
LATER = (
    "apscheduler.triggers.interval",
    "babel.dates",
    "reminderd.composer",
    "reminderd.daemon",
    "reminderd.secret",
    "sqlalchemy.dialects.sqlite",
    "twilio.rest.api",
)
RUN_AS = "BENCH_RUN_AS"
"""In a daemon's environment: the number of the user that it is to be."""


class Nursery:
    """Starts and reaps daemons between ``with`` and its end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.faults.nursery"],
            cwd=CHECKOUT,
            env=os.environ | {"NO_PROXY": "127.0.0.1,localhost"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._living: set[int] = set()

    def start(self, home: Path, environ: dict[str, str]) -> int:
        """The process number of a new daemon, which logs to ``log`` in its home."""
        pid = self._ask({"home": str(home), "environ": environ})
        self._living.add(pid)
        return pid

    def kill(self, pid: int, number: int = signal.SIGKILL) -> int:
        """Kill and wait for the end; the exit code, negative for a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return self.reap(pid)

    def reap(self, pid: int, within: float | None = None) -> int:
        """Its exit code once it has ended; one that has not ``within`` so many seconds is killed."""
        self._living.discard(pid)
        return self._ask({"reap": pid, "within": within})

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pid in list(self._living):
            self.kill(pid)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _ask(self, order: dict[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


# ---- within the process that forks


def main() -> None:
    """Orders by line on standard input, answers by line on standard output."""
    _import_everything()
    for line in sys.stdin:
        order = json.loads(line)
        print(_reap(**order) if "reap" in order else _fork(**order), flush=True)


def _import_everything() -> None:
    """All that a daemon comes to import, though it does so when it first needs it."""
    from sqlalchemy.orm import configure_mappers

    for name in LATER:
        importlib.import_module(name)
    for package in ("drafts", "replies", "rules", "store", "transports"):
        folder = importlib.import_module(f"reminderd.{package}").__path__
        for module in pkgutil.iter_modules(folder, f"reminderd.{package}."):
            importlib.import_module(module.name)
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")
        importlib.import_module("psycopg")
    configure_mappers()


def _fork(home: str, environ: dict[str, str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os._exit(_be_a_daemon(Path(home), environ))
    except ReminderdError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(error.exit_code)
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)


def _be_a_daemon(home: Path, environ: dict[str, str]) -> int:
    log = os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if RUN_AS in environ:
        os.seteuid(int(environ.pop(RUN_AS)))
    os.environ.update(environ)
    from reminderd.daemon import run_forever
    from reminderd.settings import load

    return run_forever(lambda: load(os.environ, None, home))


def _reap(reap: int, within: float | None) -> int:
    if within is not None:
        _wait_for_end(reap, within)
    return os.waitstatus_to_exitcode(os.waitpid(reap, 0)[1])


def _wait_for_end(pid: int, within: float) -> None:
    import select

    handle = os.pidfd_open(pid)
    try:
        if not select.select([handle], [], [], within)[0]:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(handle)


if __name__ == "__main__":
    main()
