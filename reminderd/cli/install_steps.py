"""What installing and uninstalling is made of: steps that tell what they do, and do it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from reminderd.cli.other_home import runtime_dir
from reminderd.errors import ReminderdError
from reminderd.settings import write_env

PATIENCE = 20.0
"""Seconds to wait for what takes a fraction of one."""


class Step(Protocol):
    """One thing to do; its text says it."""

    def __str__(self) -> str: ...

    def do(self) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Write:
    """Put a file in place, as a whole or not at all."""

    path: Path
    text: str
    mode: int = 0o644

    def __str__(self) -> str:
        return f"write   {self.path}"

    def do(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".reminderd-", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.text)
                os.fchmod(file.fileno(), self.mode)
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise


@dataclasses.dataclass(frozen=True, slots=True)
class Remove:
    """Take a file away, if it is there."""

    path: Path

    def __str__(self) -> str:
        return f"remove  {self.path}"

    def do(self) -> None:
        self.path.unlink(missing_ok=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """Call a program. With ``may_fail`` its failure hinders nothing; else it is told with ``advice``."""

    command: tuple[str, ...]
    may_fail: bool = False
    advice: str = ""

    def __str__(self) -> str:
        return f"run     {shlex.join(self.command)}"

    def do(self) -> None:
        ran = call(self.command)
        if ran.returncode and not self.may_fail:
            words = (ran.stderr or ran.stdout).strip().splitlines()
            told = f"`{shlex.join(self.command)}` failed: {words[-1] if words else 'without a word'}"
            raise ReminderdError(f"{told.rstrip('.')}. {self.advice}" if self.advice else told)


@dataclasses.dataclass(frozen=True, slots=True)
class Await:
    """Wait for what another program makes, such as the socket of one's own systemd; ``what`` says what that is."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"await   {self.path}"

    def do(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self.path.exists():
            if time.monotonic() > end:
                raise ReminderdError(
                    f"There is still no {self.path} after {PATIENCE:.0f} s: {self.what} does not start."
                )
            time.sleep(0.05)


@dataclasses.dataclass(frozen=True, slots=True)
class Copy:
    """Copy a file or folder and give it to a user; the original stays."""

    source: Path
    target: Path
    owner: str

    def __str__(self) -> str:
        return f"copy    {self.source} to {self.target}"

    def do(self) -> None:
        if self.source.is_dir():
            shutil.copytree(self.source, self.target, symlinks=True)
        else:
            shutil.copyfile(self.source, self.target)
            self.target.chmod(0o600)
        _give(self.target, self.owner)


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeEnv:
    """Set and take out (``None``) names in a `.env`, and give it to a user."""

    path: Path
    values: Mapping[str, str | None]
    owner: str

    def __str__(self) -> str:
        changes = [f"without {name}" if to is None else f"{name}={to}" for name, to in self.values.items()]
        return f"change  {self.path}: {', '.join(changes)}"

    def do(self) -> None:
        write_env(self.path, self.values)
        _give(self.path, self.owner)


@dataclasses.dataclass(frozen=True, slots=True)
class MoveDatabase:
    """Copy an SQLite database with all that is committed, give it away, and set the original aside."""

    source: Path
    target: Path
    owner: str

    def __str__(self) -> str:
        return f"move    {self.source} to {self.target} (the original stays as {self.aside.name})"

    @property
    def aside(self) -> Path:
        return self.source.with_name(self.source.name + ".moved")

    def do(self) -> None:
        try:
            self._copy()
        except sqlite3.Error as error:
            raise ReminderdError(f"{self.source} cannot be moved: {error}.") from error
        self.target.chmod(0o600)
        _give(self.target, self.owner)

    def _copy(self) -> None:
        with (
            contextlib.closing(sqlite3.connect(self.source, isolation_level=None)) as writer,
            contextlib.closing(sqlite3.connect(self.source)) as source,
            contextlib.closing(sqlite3.connect(self.target)) as target,
        ):
            writer.execute("BEGIN IMMEDIATE")  # until it is aside, so that nobody writes what would not come along
            source.backup(target)
            os.replace(self.source, self.aside)


def carry_out(steps: Sequence[Step]) -> None:
    """Do them in their order; the first failure ends it."""
    for step in steps:
        step.do()


def call(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Call a program that may have to find one's own systemd, also where no login said where that is. Raises
    `ReminderdError` where there is no such program."""
    environ = {"XDG_RUNTIME_DIR": str(runtime_dir(os.environ)), **os.environ}
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    except OSError as error:
        raise ReminderdError(f"{command[0]} cannot be called: {error.strerror}.") from error


def _give(path: Path, owner: str) -> None:
    for one in [path, *(path.rglob("*") if path.is_dir() else ())]:
        if not one.is_symlink():
            shutil.chown(one, owner, owner)
