"""A machine to break: a real systemd in namespaces of its own, whose files are a copy-on-write view of this one's."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent / "systemd"
PATIENCE = 40.0
"""Seconds that a test waits for what must come much sooner."""
PROGRAM = "/opt/reminderd/bin/reminderd"
LAUNCHER = "/opt/reminderd/lib/launcher.py"
SYSTEMD = Path("/lib/systemd/systemd")


class Machine:
    """Commands run inside as root, or as another user."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def try_run(self, *command: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """What became of a command; it may fail."""
        return subprocess.run(
            [HERE / "enter.sh", self._state, *command],
            capture_output=True,
            text=True,
            check=False,
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            timeout=100,
        )

    def run(self, *command: str, given: str | None = None) -> str:
        """What a command says; it must not fail."""
        ran = self.try_run(*command, given=given)
        assert ran.returncode == 0, f"{command}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}\n{self.journal()}"
        return ran.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.run("sh", "-c", f'mkdir -p "$(dirname {path})" && cat >{path} && chmod {mode:o} {path}', given=text)

    def shown(self, name: str, unit: str = "reminderd") -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", unit, f"--property={name}", "--value").strip()

    def journal(self, *more: str) -> str:
        return self.try_run("journalctl", "-u", "reminderd", "--no-pager", "-n", "200", *more).stdout

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until it holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"{what}: not within {PATIENCE} s\n{self.journal()}"


@contextlib.contextmanager
def running_machine(folder: Path, *more: str) -> Iterator[Machine]:
    """Boots (a second or two), and stops whatever runs inside at the end. The program is at `PROGRAM`."""
    why_not = _why_not()
    if why_not is not None:
        if os.environ.get("CI") or os.environ.get("REMINDERD_REQUIRE_SERVERS"):
            pytest.fail(f"A real systemd is required here, but {why_not}.")
        pytest.skip(why_not)
    # The program, its libraries and this Python are seen read-only where the hardened service may look.
    binds = [f"{ROOT}:/opt/checkout", f"{sysconfig.get_path('purelib')}:/opt/libraries", *more]
    python = Path(sys.base_prefix)
    if python != Path("/usr"):
        binds.append(f"{python}:/opt/python")
        python = Path("/opt/python")
    interpreter = f"{python}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    booted = subprocess.run([HERE / "boot.sh", folder, *binds], capture_output=True, text=True, check=False)
    try:
        assert booted.returncode == 0, booted.stderr
        machine = Machine(folder)
        # A Python that was moved finds its own library only when it is told where.
        machine.write(
            PROGRAM, f'#!/bin/sh\nLD_LIBRARY_PATH={python}/lib exec {interpreter} -B {LAUNCHER} "$@"\n', 0o755
        )
        machine.write(
            LAUNCHER,
            f"import sys\nsys.argv[0] = {PROGRAM!r}\nsys.path[:0] = ['/opt/checkout', '/opt/libraries']\n"
            "from reminderd.__main__ import main\nmain()\n",
        )
        machine.run("ln", "-s", PROGRAM, "/usr/local/bin/reminderd")
        yield machine
    finally:
        subprocess.run([HERE / "halt.sh", folder], check=False, capture_output=True)


def _why_not() -> str | None:
    if not SYSTEMD.exists():
        return "there is no systemd on this machine"
    if os.geteuid() != 0:
        return "only root can start one in namespaces of its own"
    missing = [name for name in ("unshare", "nsenter", "findmnt", "mount") if shutil.which(name) is None]
    return f"there is no {missing[0]}" if missing else None
