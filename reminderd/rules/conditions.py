"""`when`: a condition of a rule, compiled once in Jinja's sandbox; it sees the names below and no template.

Jinja is imported when the first condition is checked or asked: a daemon that has nothing to plan does without it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

NAMES: frozenset[str] = frozenset({"event", "reference", "opportunity", "involved", "quiet_profiles"})


@dataclasses.dataclass(frozen=True)
class Condition:
    """An expression, compiled when first asked. Two conditions are equal when their texts are."""

    text: str

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether it is true for ``names``. A name or field that does not exist counts as false."""
        from jinja2 import TemplateError

        try:
            return bool(self._run(**names))
        except TemplateError:
            return False

    @functools.cached_property
    def _run(self) -> Callable[..., Any]:
        return _sandbox().compile_expression(self.text, undefined_to_none=False)


def check_condition(text: str) -> Condition:
    """An expression such as ``event.final and reference.tier == 'inner'``.

    Raises `ValueError` with one line when it is no expression or uses a name that conditions do not know.
    """
    from jinja2 import TemplateError, meta, nodes

    condition = Condition(text)
    try:
        tree = _sandbox().parse("{{ " + text + " }}")
        _ = condition._run
    except TemplateError as error:
        raise ValueError(f"expected an expression, got {text!r} ({error})") from error
    unknown = meta.find_undeclared_variables(tree) - NAMES
    if unknown:
        known = ", ".join(sorted(NAMES))
        raise ValueError(f"{text!r} uses the unknown name {sorted(unknown)[0]!r}; known are {known}")
    if any(True for _ in tree.find_all(nodes.Call)):
        raise ValueError(f"{text!r} calls something; conditions only compare")
    return condition


@functools.cache
def _sandbox() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined)
