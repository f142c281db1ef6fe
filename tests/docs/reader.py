"""Somebody who types what a page says, in a home of their own, and looks at what comes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from reminderd.cli.main import cli, load_command

PROGRAMS = ("reminderd", ".venv/bin/reminderd", "/opt/reminderd/bin/reminderd")
_DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHORT = "|".join(name[:3] for name in f"{_DAYS}|{_MONTHS}".split("|"))
_SHAPES = (
    (re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+)?([+-]\d\d:\d\d|Z)?"), "DATE"),
    (re.compile(rf"\b({_DAYS}|{_SHORT}),? \d+ ({_MONTHS}|{_SHORT})\b( \d{{4}})?"), "DATE"),
    (re.compile(rf"\b\d+ ({_MONTHS}|{_SHORT})\b( \d{{4}})?"), "DATE"),
    (re.compile(r"\b(today|tomorrow|yesterday)\b"), "DATE"),
    (re.compile(r"\d+"), "0"),
    (re.compile(r"-{2,}"), "--"),
    (re.compile(r"[ \t]+"), " "),
)


class Reader:
    """Runs commands in this process, with the places of a fresh account below ``home``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state, self.config = home / ".local/state/reminderd", home / ".config/reminderd"
        # The places that a person has by default; named, since root's commands else look for the machine's service.
        self._environ = {
            "HOME": str(home),
            "STATE_DIRECTORY": str(self.state),
            "CONFIGURATION_DIRECTORY": str(self.config),
        }
        self.code = 0

    def run(self, arguments: list[str]) -> str:
        """What the command says; its exit code is then ``code``. Whatever is no clean exit is raised."""
        return self._result(arguments).output.replace(str(self.home), "~")

    def json(self, arguments: list[str]) -> Any:
        """The data of a listing."""
        return json.loads(self._result([*arguments, "--json"]).stdout)

    def _result(self, arguments: list[str]) -> Result:
        result = CliRunner().invoke(cli, arguments, env=self._environ)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code = result.exit_code
        return result


def arguments_of(command: str) -> list[str] | None:
    """What a command hands to reminderd, ``None`` where it is another program's."""
    words = shlex.split(command)
    if words[:1] == ["sudo"]:
        words = words[1:]
    return words[1:] if words and words[0] in PROGRAMS else None


def is_shown(shown: tuple[str, ...], said: str) -> bool:
    """Whether a page shows what was said. Days, times, numbers and columns may differ; `…` stands for anything, alone
    on its line for any lines."""
    wanted = "".join(r"(?:.*\n)*" if line.strip() == "…" else _pattern(line) + r"\n" for line in _trimmed(shown))
    actual = "".join(f"{_shape(line)}\n" for line in _trimmed(tuple(said.splitlines())))
    return re.fullmatch(wanted, actual) is not None


def parse(arguments: list[str]) -> None:
    """Read a command without doing it. Raises click's `UsageError` for what the command line does not take."""
    words = iter(arguments)
    for name in words:
        if name in ("--home", "--env-file", "--user"):
            next(words)
        elif not name.startswith("-"):
            break
    else:
        return
    command, path, rest = load_command(name), name, list(words)
    while isinstance(command, click.Group) and rest:
        path, rest_of = f"{path} {rest[0]}", rest[1:]
        found = command.commands.get(rest[0])
        if found is None:
            raise click.UsageError(f"There is no command {path!r}.")
        command, rest = found, rest_of
    command.make_context(path, rest, obj=_Asked())


class _Asked:
    """Takes what options remember."""

    json = False


def _trimmed(lines: tuple[str, ...]) -> list[str]:
    text = [line.rstrip() for line in lines]
    while text and not text[-1]:
        text.pop()
    while text and not text[0]:
        text.pop(0)
    return text


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _shape(line).split("…"))


def _shape(line: str) -> str:
    for pattern, name in _SHAPES:
        line = pattern.sub(name, line)
    return line.strip()
