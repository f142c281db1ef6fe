"""Where templates are found, and the sandbox that they run in."""

from __future__ import annotations

import pathlib
import re
from types import TracebackType
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reminderd.drafts.dates import filters
from reminderd.drafts.draft import Problem
from reminderd.errors import TemplateBroken

_HERE = pathlib.Path(__file__).resolve().parent.parent
PACKAGED = (_HERE / "templates", _HERE.parent / "templates")
"""In an installed wheel, and in a checkout."""

_NO_ATTRIBUTE = re.compile(r"(\w+) object' has no attribute '(\w+)'")
_NAMES = {"Person": "them", "Me": "me", "Job": "job", "EventView": "event", "Last": "last", "Silence": "silence"}


def folders(override: pathlib.Path | None) -> list[pathlib.Path]:
    """Where templates are looked for, first match first."""
    return [folder for folder in (override, *PACKAGED) if folder is not None and folder.is_dir()]


class Environment(ImmutableSandboxedEnvironment):
    """A sandbox for one language. A template's includes are looked for in its own folder and those above it."""

    def __init__(self, override: pathlib.Path | None, language: str) -> None:
        super().__init__(
            loader=jinja2.FileSystemLoader(folders(override)),
            undefined=jinja2.StrictUndefined,
            autoescape=lambda name: bool(name and name.endswith(".html.j2")),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self.filters.update(filters(language))
        self._joined: dict[tuple[str, str], str] = {}

    def join_path(self, template: str, parent: str) -> str:
        """``template`` as named in ``parent``."""
        key = (template, parent)
        if key not in self._joined:
            names = (str(folder / template) for folder in pathlib.PurePosixPath(parent).parents)
            self._joined[key] = next(filter(self.has, names), template)
        return self._joined[key]

    def has(self, name: str) -> bool:
        """Whether a template of that name exists."""
        assert self.loader is not None
        try:
            self.loader.get_source(self, name)
        except jinja2.TemplateNotFound:
            return False
        return True


class BrokenAt(TemplateBroken):
    """A template is wrong at one place."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def explain(error: Exception, name: str) -> TemplateBroken:
    """The one line that tells what is wrong with a template: file, line and what was missing."""
    if isinstance(error, TemplateBroken):
        return error
    file, line = _place_of(error, name)
    return BrokenAt(Problem(file, line, _said_by(error)))


def _place_of(error: Exception, name: str) -> tuple[str, int]:
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.filename or error.name or name, error.lineno
    return _deepest(error.__traceback__) or (name, 1)


def _said_by(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return f"no template {error.name!r}"
    words = " ".join(str(error).split()) or type(error).__name__
    found = _NO_ATTRIBUTE.search(words)
    if found and found[1] in _NAMES:
        return f"{_NAMES[found[1]]} has no {found[2]!r}"
    return words


def _deepest(trace: TracebackType | None) -> tuple[str, int] | None:
    found = None
    while trace is not None:
        template: Any = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            found = (template.filename or template.name or "", template.get_corresponding_lineno(trace.tb_lineno))
        elif trace.tb_frame.f_code.co_filename.endswith(".j2"):
            found = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return found
