"""The unit files that ship with the program, and how they are made to fit this installation."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reminderd.errors import ReminderdError

_HERE = Path(__file__).resolve().parent.parent
SHIPPED = (_HERE / "deploy", _HERE.parent / "deploy")
"""In an installed wheel, and in a checkout."""
PACKAGED_PROGRAM = "/usr/bin/reminderd"
"""The program of the Debian package, which the units name as they ship."""
SYSTEM_PLACES = tuple(
    Path(place)
    for place in (
        "/etc/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    )
)
NAME = "reminderd.service"


def shipped(name: str) -> str:
    """The text of a file of `deploy/`."""
    for folder in SHIPPED:
        if (folder / name).is_file():
            return (folder / name).read_text("utf-8")
    raise ReminderdError(f"{name} did not come with this installation; it lies in the sources, in deploy/.")


def rendered(text: str, program: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """A unit with this program in place of the packaged one, and with these variables."""
    first, *rest = program  # variables are filled in behind the program only
    command = " ".join([_quoted(first), *(_quoted(part.replace("$", "$$")) for part in rest)])
    lines = []
    for line in text.splitlines():
        if line.startswith(f"ExecStart={PACKAGED_PROGRAM} "):
            line = line.replace(PACKAGED_PROGRAM, command, 1)
            lines += [f"Environment={_quoted(f'{name}={value}')}" for name, value in (environment or {}).items()]
        lines.append(line)
    return "\n".join(lines) + "\n"


def own_program() -> list[str]:
    """How this program was called: as a command, else as a module of this Python."""
    called = Path(sys.argv[0])
    if called.name == "reminderd":
        found = called if called.is_absolute() else Path(shutil.which(called) or called.absolute())
        if found.is_file():
            return [str(found.absolute())]
    return [sys.executable, "-m", "reminderd"]


def installed_system_unit() -> Path | None:
    """The system unit, where there is one."""
    return next((place / NAME for place in SYSTEM_PLACES if (place / NAME).is_file()), None)


def _quoted(text: str) -> str:
    """``text`` as systemd reads it back from a line of words."""
    escaped = text.replace("%", "%%")
    if any(character in escaped for character in " \t\r\n\"'\\"):
        return '"' + "".join(_ESCAPED.get(character, character) for character in escaped) + '"'
    return escaped


_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
