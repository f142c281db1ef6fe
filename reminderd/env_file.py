"""The `.env` file: read, and changed in place, in the form that python-dotenv and systemd read alike."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reminderd.errors import ConfigError, SettingError

if TYPE_CHECKING:
    from dotenv.parser import Binding

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def read_env(path: Path) -> dict[str, str]:
    """The names and values in the file at ``path``; nothing in them is expanded. A line that is none is refused."""
    found = {}
    for binding in _bindings(path, _text_of(path)):
        if binding.key is not None:
            found[binding.key] = binding.value or ""
    return found


def write_env(path: Path, values: Mapping[str, str | None]) -> None:
    """Set ``values`` in the file at ``path`` (``None`` takes a name out) and leave all other lines as they are.

    The file is replaced as a whole or not at all, and only its owner may read it.
    """
    path = path.resolve()
    text = _text_of(path) if path.exists() else ""
    _replace(path, _merged(path, text, values))


def quoted(name: str, value: str) -> str:
    """``value`` as it stands after `NAME=`, so that dotenv and systemd both give it back."""
    if not value or _PLAIN.fullmatch(value):
        return value
    if any(ord(character) < 32 for character in value):
        raise SettingError(name, "text on one line without control characters", None)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected text in UTF-8.") from error


def _bindings(path: Path, text: str) -> list[Binding]:
    import io  # the two are needed by nobody who has no `.env`

    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(text)))
    for binding in bindings:
        if binding.error or (binding.key is not None and binding.value is None):
            blank_lines = len(_leading(binding.original.string).splitlines())
            raise ConfigError(f"{path}, line {binding.original.line + blank_lines}: expected NAME=value.")
    return bindings


def _merged(path: Path, text: str, values: Mapping[str, str | None]) -> str:
    lines = {name: "" if value is None else f"{name}={quoted(name, value)}\n" for name, value in values.items()}
    pieces = []
    for binding in _bindings(path, text):
        original = binding.original.string
        if binding.key is not None and binding.key in values:
            pieces.append(_leading(original) + lines.pop(binding.key, ""))
        else:
            pieces.append(original)
    merged = "".join(pieces)
    for name, line in lines.items():
        merged = _placed(merged, name, line)
    return merged


def _placed(text: str, name: str, line: str) -> str:
    """``text`` with the new ``line`` where its commented default stands, else at the end."""
    if not line:
        return text
    commented = re.compile(rf"^#[ \t]*{re.escape(name)}=.*(?:\n|\Z)", re.MULTILINE)
    replaced, count = commented.subn(lambda _: line, text, count=1)
    if count:
        return replaced
    return text + ("" if text.endswith("\n") or not text else "\n") + line


def _leading(original: str) -> str:
    """The blank lines before a binding, which dotenv counts as part of it."""
    return original[: len(original) - len(original.lstrip())]


def _replace(path: Path, text: str) -> None:
    import tempfile

    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(prefix=".env-", dir=path.parent)  # made with mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}).") from error
