"""`when`: a condition of a rule, compiled once in Jinja's sandbox; it sees the names below and no template.

Jinja is imported when the first condition is checked or asked: a daemon that has nothing to plan does without it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reminderd.rules.calendar import Span
from reminderd.rules.facts import OpportunityFact, ReferenceFact
from reminderd.rules.kinds import RECORDABLE
from reminderd.rules.states import Status, Tier

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

NAMES: frozenset[str] = frozenset({"event", "reference", "opportunity", "involved", "accepted", "quiet_profiles"})
OF_EVENTS: frozenset[str] = frozenset({"event", "opportunity", "involved", "accepted"})
"""What there is only where an event starts the rule."""

_SAID = ("approach", "by", "by_itself", "draft", "kind", "nudge", "role", "scope", "starts", "subject", "until")
"""What events may carry besides; all are texts here, for a condition that compares to take them so."""
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "event": tuple(sorted({"final", "kind", "on", *_SAID})),
    "reference": tuple(sorted(field.name for field in dataclasses.fields(ReferenceFact))),
    "opportunity": tuple(sorted(field.name for field in dataclasses.fields(OpportunityFact))),
}
_DAY = dt.date(2026, 11, 24)
_BARE = ReferenceFact(1, "Maria Lopez", Status.ACTIVE, Tier.INNER, _DAY)
_FULL = dataclasses.replace(
    _BARE,
    paused_until=_DAY,
    every=Span(months=3),
    at_most=Span(months=6),
    birthday=(1980, 4, 12),
    since=_DAY,
    worked_until=_DAY,
    last_contact_on=_DAY,
    has_profile=True,
    keep_from_knowing=True,
    present_employer=True,
)
_OPTIONAL = tuple(name for name in _FIELDS["reference"] if getattr(_BARE, name) is None)
_BARE_JOB, _FULL_JOB = OpportunityFact(1, "Acme"), OpportunityFact(1, "Acme", starts_on=_DAY, closed=True)

_tell: Callable[[str, str], None] | None = None


def tell_of_faults(tell: Callable[[str, str], None] | None) -> None:
    """Have ``tell`` called with the rule and what went wrong, once for each condition that cannot be asked."""
    global _tell
    _tell = tell


@dataclasses.dataclass(frozen=True)
class Condition:
    """An expression, compiled when first asked. Two conditions are equal when their texts are."""

    text: str
    rule: str = dataclasses.field(default="", compare=False)

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether it is true for ``names``. A name or field that does not exist counts as false, and so does what
        cannot be asked, which is told."""
        from jinja2 import TemplateError

        try:
            return bool(self._run(**names))
        except TemplateError:
            return False
        except Exception as error:  # what is recorded must not be lost for one rule's sake
            self._told(_in_a_line(error))
            return False

    def asked(self, names: Mapping[str, Any]) -> str | None:
        """What goes wrong when it is asked of ``names``, if something does."""
        from jinja2 import TemplateError

        try:
            bool(self._run(**names))
        except TemplateError:
            return None
        except Exception as error:
            return _in_a_line(error)
        return None

    def _told(self, why: str) -> None:
        if _tell is not None and "told" not in self.__dict__:
            self.__dict__["told"] = True
            _tell(self.rule, why)

    @functools.cached_property
    def _run(self) -> Callable[..., Any]:
        return _sandbox().compile_expression(self.text, undefined_to_none=False)


def check_condition(text: str, on: Sequence[str] = RECORDABLE, rule: str = "") -> Condition:
    """An expression such as ``event.final and reference.tier == 'inner'``, of a rule that events of the kinds ``on``
    start.

    Raises `ValueError` with one line when it is no expression, uses a name or field that there is not, or could not be
    asked of everybody.
    """
    from jinja2 import TemplateError, meta, nodes

    condition = Condition(text, rule)
    try:
        tree = _sandbox().parse("{{ " + text + " }}")
        _ = condition._run
    except TemplateError as error:
        raise ValueError(f"expected an expression, got {text!r} ({error})") from error
    used = meta.find_undeclared_variables(tree)
    if unknown := used - NAMES:
        known = ", ".join(sorted(NAMES))
        raise ValueError(f"{text!r} uses the unknown name {min(unknown)!r}; known are {known}")
    if not on and (missing := used & OF_EVENTS):
        raise ValueError(f"{text!r} uses {min(missing)!r}, but no event starts the rule")
    if any(True for _ in tree.find_all(nodes.Call)):
        raise ValueError(f"{text!r} calls something; conditions only compare")
    for of in (nodes.Getattr, nodes.Getitem):
        for node in tree.find_all(of):
            _check_field(text, node)
    _check_answers(condition, on)
    return condition


def _check_field(text: str, node: Any) -> None:
    """Fields of what is looked into further are whatever that has."""
    from jinja2 import nodes

    if not isinstance(node.node, nodes.Name):
        return
    of = node.node.name
    field = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
    known = _FIELDS.get(of, ())
    if not isinstance(field, str) or field in known:
        return
    import difflib

    near = difflib.get_close_matches(field, known, n=1, cutoff=0.6)
    there = f"there is {of}.{near[0]}" if near else f"there are {', '.join(known)}" if known else "it has no fields"
    raise ValueError(f"{text!r} uses '{of}.{field}', which there is not; {there}")


def _check_answers(condition: Condition, on: Sequence[str]) -> None:
    for names in _samples(on, _FULL):
        if why := condition.asked(names):
            raise ValueError(f"{condition.text!r} cannot be asked: {why}")
    for field in _OPTIONAL:
        without: dict[str, Any] = {field: None}
        for names in _samples(on, dataclasses.replace(_FULL, **without)):
            if why := condition.asked(names):
                guarded = f"reference.{field} and …"
                raise ValueError(
                    f"{condition.text!r} cannot be asked where reference.{field} is not known ({why}); "
                    f"expected such as {guarded!r}"
                )
    for names in _samples(on, _BARE):
        if why := condition.asked(names):
            raise ValueError(f"{condition.text!r} cannot be asked where little is known: {why}")


def _samples(on: Sequence[str], reference: ReferenceFact) -> Iterator[Mapping[str, Any]]:
    """What a condition may be asked of, one for each kind of event, tier and more."""
    said = dict.fromkeys(_SAID, "2026-11-24")
    for kind, final, tier, opportunity, data in itertools.product(
        on or ("",), (False, True), Tier, (None, _BARE_JOB, _FULL_JOB), ({}, said)
    ):
        yield {
            "event": {**data, "final": final, "kind": kind, "on": _DAY} if kind else {},
            "reference": dataclasses.replace(reference, tier=tier),
            "opportunity": opportunity,
            "involved": final,
            "accepted": final,
            "quiet_profiles": 1 if final else 0,
        }


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@functools.cache
def _sandbox() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined)
