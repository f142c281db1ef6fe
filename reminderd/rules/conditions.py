"""`when`: a condition of a rule, compiled once in Jinja's sandbox; it sees the names below and no template."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

NAMES: frozenset[str] = frozenset({"event", "reference", "opportunity", "involved", "quiet_profiles"})

_environment = SandboxedEnvironment(undefined=StrictUndefined)


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """A compiled expression. Two conditions are equal when their texts are."""

    text: str
    _run: Callable[..., Any] = dataclasses.field(compare=False, repr=False)

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether it is true for ``names``. A name or field that does not exist counts as false."""
        try:
            return bool(self._run(**names))
        except TemplateError:
            return False


def compile_condition(text: str) -> Condition:
    """Compile an expression such as ``event.final and reference.tier == 'inner'``.

    Raises `ValueError` with one line when it is no expression or uses a name that conditions do not know.
    """
    try:
        tree = _environment.parse("{{ " + text + " }}")
        run = _environment.compile_expression(text, undefined_to_none=False)
    except TemplateError as error:
        raise ValueError(f"expected an expression, got {text!r} ({error})") from error
    unknown = meta.find_undeclared_variables(tree) - NAMES
    if unknown:
        known = ", ".join(sorted(NAMES))
        raise ValueError(f"{text!r} uses the unknown name {sorted(unknown)[0]!r}; known are {known}")
    if any(True for _ in tree.find_all(nodes.Call)):
        raise ValueError(f"{text!r} calls something; conditions only compare")
    return Condition(text, run)
