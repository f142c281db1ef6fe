"""Parses and checks a rule book's text. A wrong book is refused whole."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from reminderd.errors import BookError
from reminderd.rules.calendar import Span, parse_span
from reminderd.rules.conditions import Condition, check_condition
from reminderd.rules.kinds import KINDS, RECORDABLE
from reminderd.rules.rule import Anchor, Book, Concerns, Role, Rule, StepRule
from reminderd.rules.shipped import DEFAULT_SOURCE, default_mark, default_text

STARTS = ("on", "every", "yearly", "monthly", "unknown")
CHANNELS = ("email", "sms")


def default_book() -> Book:
    """The book that ships in the package."""
    tables = _tables(default_text(), DEFAULT_SOURCE)
    return dataclasses.replace(_book(tables, DEFAULT_SOURCE, ours=tables), mark=default_mark())


def parse_book(text: str, source: str) -> Book:
    """A whole book from one text. Raises `BookError` naming file, rule, key and what was expected."""
    return _book(_tables(text, source), source)


def parse_with_default(text: str, source: str) -> Book:
    """The default book changed by a user's text: a table with a start replaces or adds a rule, any other changes
    the keys that it names. Raises `BookError`."""
    ours = _tables(default_text(), DEFAULT_SOURCE)
    tables = dict(ours)
    for name, table in _tables(text, source).items():
        if any(start in table for start in STARTS):
            tables[name] = table
        elif name in tables:
            tables[name] = {**tables[name], **table}
        else:
            known = ", ".join(sorted(tables))
            raise BookError(source, name, None, f"expected one of {', '.join(STARTS)}, or the name of a rule: {known}")
    return _book(tables, source, ours=ours)


def _tables(text: str, source: str) -> dict[str, dict[str, Any]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BookError(source, None, None, f"expected TOML ({error})") from error
    stray = sorted(set(document) - {"rules"})
    if stray:
        raise BookError(source, None, stray[0], "expected only tables named [rules.NAME]")
    rules = document.get("rules", {})
    if not isinstance(rules, dict) or not all(isinstance(table, dict) for table in rules.values()):
        raise BookError(source, None, "rules", "expected tables named [rules.NAME]")
    return dict(rules)


def _book(tables: Mapping[str, dict[str, Any]], source: str, ours: Mapping[str, dict[str, Any]] | None = None) -> Book:
    """Conditions are checked, save in tables that are as in ``ours``: tests have checked those."""
    ours = ours or {}
    rules = {name: _Reader(source, name, table, table is ours.get(name)).rule() for name, table in tables.items()}
    mark = hashlib.blake2b(repr(sorted(tables.items())).encode(), digest_size=8).hexdigest()
    return Book(rules, mark)


_KEYS = frozenset(field.name for field in dataclasses.fields(Rule)) - {"name"}
_STEP = re.compile(r"^(event|due|start)\s*([+-])\s*(\d+)\s*days?$")


class _Reader:
    """Reads one table, key by key, and says where it stopped."""

    def __init__(self, source: str, name: str, table: dict[str, Any], is_ours: bool) -> None:
        self.source, self.name, self.table, self.is_ours = source, name, table, is_ours

    def rule(self) -> Rule:
        self._check_keys()
        ahead = self._flag("ahead")
        on = self._kinds("on")
        lane = self._choice("lane", ("now", "digest"))
        return Rule(
            name=self.name,
            about=self._text("about"),
            draft=self._text("draft"),
            concerns=Concerns(self._choice("concerns", tuple(Concerns))),
            role=Role(self._choice("role", tuple(Role))),
            weight=self._number("weight"),
            lane=lane,
            deadline=self._span("deadline"),
            expires=self._span("expires"),
            steps=self._steps(lane, ahead),
            on=on,
            every=self._every(),
            yearly=self._yearly(),
            monthly=self._monthly(),
            unknown=self._flag("unknown"),
            wait=self._span("wait"),
            half_to_need=self._flag("half_to_need"),
            waits=self._number("waits", 1),
            ahead=ahead,
            urgent_within=self._span("urgent_within"),
            early=self._span("early"),
            takes_in=self._span("takes_in"),
            stage=self._number("stage", 0),
            fulfilled=frozenset(self._kinds("fulfilled", touch=True)),
            records=self._kind("records"),
            on_expiry=self._kind("on_expiry"),
            silent_draft=self._text("silent_draft") if "silent_draft" in self.table else None,
            giving_draft=self._text("giving_draft") if "giving_draft" in self.table else None,
            when=self._condition(),
            enabled=self._flag("enabled", True),
        )

    def wrong(self, key: str | None, expected: str) -> BookError:
        return BookError(self.source, self.name, key, expected)

    def _check_keys(self) -> None:
        for key in self.table:
            if key not in _KEYS:
                raise self.wrong(key, f"expected one of {', '.join(sorted(_KEYS))}")
        starts = [start for start in STARTS if start in self.table]
        if len(starts) != 1:
            raise self.wrong(None, f"expected exactly one of {', '.join(STARTS)}, found {len(starts)}")
        if "on" not in self.table:
            for key in ("ahead", "wait", "half_to_need", "urgent_within"):
                if key in self.table:
                    raise self.wrong(key, "expected only together with 'on'")

    def _text(self, key: str) -> str:
        value = self.table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, f"expected a text, got {value!r}")
        return value

    def _choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.table.get(key)
        if value not in choices:
            raise self.wrong(key, f"expected one of {', '.join(choices)}, got {value!r}")
        return str(value)

    def _number(self, key: str, default: int | None = None) -> int:
        value = self.table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(key, f"expected a whole number, got {value!r}")
        return value

    def _flag(self, key: str, default: bool = False) -> bool:
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"expected true or false, got {value!r}")
        return value

    def _span(self, key: str) -> Span | None:
        if key not in self.table:
            return None
        return self._as_span(key, self.table[key])

    def _as_span(self, key: str, value: object) -> Span:
        try:
            span = parse_span(str(value))
        except ValueError as error:
            raise self.wrong(key, str(error)) from error
        if any(part < 0 for part in dataclasses.astuple(span)):
            raise self.wrong(key, f"expected a length of time that leads ahead, got {value!r}")
        return span

    def _kinds(self, key: str, *, touch: bool = False) -> tuple[str, ...]:
        values = self.table.get(key, [])
        if not isinstance(values, list) or (key == "on" and "on" in self.table and not values):
            raise self.wrong(key, f"expected a list of event kinds, got {values!r}")
        for value in values:
            if not (value in RECORDABLE or (touch and value == "touch")):
                raise self.wrong(key, f"expected event kinds, got {value!r}; known are {', '.join(RECORDABLE)}")
        return tuple(values)

    def _kind(self, key: str) -> str | None:
        value = self.table.get(key)
        if value is not None and value not in KINDS:
            raise self.wrong(key, f"expected an event kind, got {value!r}; known are {', '.join(RECORDABLE)}")
        return value

    def _every(self) -> str | Span | None:
        value = self.table.get("every")
        if value is None or value in ("tier", "limit", "ignored"):
            return value
        span = self._as_span("every", value)
        if span == Span():
            raise self.wrong("every", f"expected a length of time such as '3 months', got {value!r}")
        return span

    def _yearly(self) -> str | None:
        value = self.table.get("yearly")
        if value is None or value in ("birthday", "work_anniversary"):
            return value
        if isinstance(value, str) and re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", value):
            return value
        raise self.wrong("yearly", f"expected birthday, work_anniversary or MM-DD, got {value!r}")

    def _monthly(self) -> int | None:
        if "monthly" not in self.table:
            return None
        day = self._number("monthly")
        if not 1 <= day <= 28:
            raise self.wrong("monthly", f"expected a day from 1 to 28, got {day}")
        return day

    def _steps(self, lane: str, ahead: bool) -> tuple[StepRule, ...]:
        if "steps" not in self.table:
            if lane == "digest":
                return (StepRule(Anchor.DIGEST, "email"), StepRule(Anchor.NEXT_DIGEST, "email"))
            return (StepRule(Anchor.START, "email"),)
        values = self.table["steps"]
        if not isinstance(values, list) or not values:
            raise self.wrong("steps", "expected a list such as [{ at = 'start', by = 'email' }]")
        return tuple(self._step(value, ahead) for value in values)

    def _step(self, value: object, ahead: bool) -> StepRule:
        if not isinstance(value, dict) or set(value) != {"at", "by"}:
            raise self.wrong("steps", f"expected {{ at = …, by = … }}, got {value!r}")
        if value["by"] not in CHANNELS:
            raise self.wrong("steps", f"expected by = {' or '.join(CHANNELS)}, got {value['by']!r}")
        text = str(value["at"])
        match = _STEP.match(text)
        if match:
            days = int(match[3]) * (-1 if match[2] == "-" else 1)
            step = StepRule(Anchor(match[1]), value["by"], days)
        elif text in tuple(Anchor):
            step = StepRule(Anchor(text), value["by"])
        else:
            known = ", ".join(Anchor)
            raise self.wrong("steps", f"expected at = one of {known}, or such as 'event -1 day', got {text!r}")
        if step.anchor is Anchor.EVENT and not ahead:
            raise self.wrong("steps", "expected 'event' only together with ahead = true")
        return step

    def _condition(self) -> Condition | None:
        if "when" not in self.table:
            return None
        text = self._text("when")
        if self.is_ours:
            return Condition(text, self.name)
        try:
            return check_condition(text, self._kinds("on"), self.name)
        except ValueError as error:
            raise self.wrong("when", str(error)) from error
