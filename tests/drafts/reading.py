"""Renders every draft of a language over the facts that may be there or missing, and finds what reads badly."""

from __future__ import annotations

import dataclasses
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import nodes

from reminderd.drafts.context import context
from reminderd.drafts.environment import Environment
from reminderd.drafts.folding import fold
from reminderd.drafts.library import Page, Sheet
from reminderd.store.draft_records import DraftFacts

DRAFTS = Path(__file__).parents[2] / "templates" / "drafts"
SITUATIONS = sorted(path.stem for path in DRAFTS.glob("*.j2") if not path.stem.startswith("_"))
TO_THE_USER = {"ask_unanswered", "last_contact_unknown", "four_ignored"}
SAMPLES = 60  # renderings of a block whose facts have more combinations than twice this

Facts = Mapping[str, Any]
Patterns = tuple[tuple[re.Pattern[str], str], ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Reader:
    """One language's drafts. Of the values of a fact the first is the missing one and the last the fullest."""

    language: str
    folder: Path
    facts: Mapping[str, tuple[Any, ...]]
    make: Callable[[Facts], DraftFacts]
    """The engine's facts, from those of the table."""
    wrong: Patterns
    banned: re.Pattern[str]
    quotes: str
    """The opening mark, then the closing one."""
    notes: re.Pattern[str]
    """A note of the user's own, which goes to nobody else."""
    together: re.Pattern[str]
    """Says that we worked together."""
    silence: re.Pattern[str]
    """Says how long ago we were in touch."""
    called: re.Pattern[str]
    """Says that they will be called."""
    call: re.Pattern[str]
    """What notes for a call are like."""
    most: Mapping[str, int]
    """How many characters a draft of a length may have."""
    also: Callable[[str, str, str, Facts], Iterator[str]]
    """What else the language wants: of a situation, the kind of a block, its text and its facts."""
    answered: str
    """What the fullest answer becomes."""

    def __str__(self) -> str:
        return self.language

    @property
    def missing(self) -> dict[str, Any]:
        return {name: values[0] for name, values in self.facts.items()}

    @property
    def full(self) -> dict[str, Any]:
        return {name: values[-1] for name, values in self.facts.items()}

    def page(self, situation: str, facts: Facts) -> Page:
        return _sheet(self, situation).page(context(self.make(facts), facts["warmth"]))

    def render(self, situation: str, block: str, facts: Facts) -> str:
        written = self.page(situation, facts).block(block)
        assert not re.search(r" [,.;:?)]", " ".join(written.split())), written  # the engine would hide it
        return fold(written)

    def intent(self, situation: str, facts: Facts) -> str:
        return self.page(situation, facts).setting("intent")

    def blocks(self, situation: str) -> tuple[str, ...]:
        return _sheet(self, situation).blocks

    def variants(self, situation: str) -> range:
        return _sheet(self, situation).variants

    def source(self, situation: str) -> str:
        return (self.folder / f"{situation}.j2").read_text(encoding="utf-8")

    def found(self, situation: str) -> dict[str, str]:
        """What reads badly, and where, over the facts that each block reads."""
        found: dict[str, str] = {}
        for block, names in _facts_read(self, situation).items():
            for facts in self._combinations(names, f"{self.language}.{situation}.{block}"):
                text = self.render(situation, block, facts)
                for fault in self._faults(situation, block, text, facts):
                    found.setdefault(f"{block}: {fault}", text)
        return found

    def _combinations(self, names: frozenset[str], seed: str) -> Iterator[dict[str, Any]]:
        """All of them where they are few; else none, all, each one missing, each one alone, and a fixed sample."""
        order = sorted(names)
        count = 1
        for name in order:
            count *= len(self.facts[name])
        if count <= 2 * SAMPLES:
            for values in itertools.product(*(self.facts[name] for name in order)):
                yield self.missing | dict(zip(order, values, strict=True))
            return
        yield self.missing
        yield self.full
        for name in order:
            for value in self.facts[name]:
                yield self.full | {name: value}
                yield self.missing | {name: value}
        chance = random.Random(seed)
        for _ in range(SAMPLES):
            yield self.missing | {name: chance.choice(self.facts[name]) for name in order}

    def _faults(self, situation: str, block: str, text: str, facts: Facts) -> Iterator[str]:
        kind = block.partition("_")[0]
        opening, closing = self.quotes
        if not text:
            yield "empty"
            return
        if not (text[0].isupper() or text[0] in f"{opening}1"):
            yield "begins without a capital"
        for pattern, what in self.wrong:
            if found := pattern.search(re.sub(r"https?://\S+", "Link", text)):
                yield f"{what}: {found.group()!r}"
        if found := self.banned.search(text):
            yield f"banned: {found.group()!r}"
        if text.count(opening) != text.count(closing) or text.count("(") != text.count(")") or text.count('"') % 2:
            yield "unbalanced"
        yield from self._claims(situation, kind, text, facts)
        yield from self._shapes(situation, kind, text, facts)
        yield from self.also(situation, kind, text, facts)

    def _claims(self, situation: str, kind: str, text: str, facts: Facts) -> Iterator[str]:
        """What is said though it is not known, or not to be said."""
        if kind not in ("question", "call") and self.notes.search(text):
            yield "a note of the user's own goes to somebody else"
        if not facts["job.company"] and "acme" in text.lower():
            yield "names a company that is not to be named"
        if not facts["them.worked_at"] and self.together.search(text):
            yield "claims that we worked together"
        if facts["silence"] is None and situation not in TO_THE_USER and self.silence.search(text):
            yield "claims a silence of unknown length"
        if not facts["agreed"] and ("Jo Lee" in text or self.called.search(text)):
            yield "names someone as called who has not agreed"
        if self.intent(situation, facts) in ("give", "thank") and "?" in text and kind != "question":
            yield "asks, though it is meant to give"

    def _shapes(self, situation: str, kind: str, text: str, facts: Facts) -> Iterator[str]:
        """What a draft of its length is not like."""
        if kind == "subject" and "\n" in text:
            yield "a subject of several lines"
        if kind == "short" and "\n" in text:
            yield "a short message in several paragraphs"
        if len(text) > self.most.get(kind, len(text)):
            yield f"a {kind} of {len(text)} characters"
        if kind == "card" and ("http" in text or re.search(r"^[-*1] ?", text, re.MULTILINE)):
            yield "a card without links and points"
        if kind == "call" and situation not in TO_THE_USER and not self.call.fullmatch(text):
            yield "call notes are an opening line, three points and an end"
        if kind in ("mail", "card") and situation not in TO_THE_USER and not text.endswith(facts["me.first_name"]):
            yield "not signed with the first name"


@cache
def _sheet(reader: Reader, situation: str) -> Sheet:
    path = (reader.folder / situation).relative_to(DRAFTS.parent)
    return Sheet(Environment(None, reader.language), f"{path}.j2")


@cache
def _facts_read(reader: Reader, situation: str) -> dict[str, frozenset[str]]:
    """For each block the facts that it can read, macros included: found in the syntax tree, not guessed."""
    trees = [
        Environment(None, reader.language).parse((reader.folder / name).read_text(encoding="utf-8"))
        for name in ("_base.j2", f"{situation}.j2")
    ]
    macros = {macro.name: macro for tree in trees for macro in tree.find_all(nodes.Macro)}
    blocks = trees[1].find_all(nodes.Block)
    return {block.name: frozenset(_read(block, macros, frozenset())) & reader.facts.keys() for block in blocks}


def _read(node: nodes.Node, macros: Mapping[str, nodes.Macro], seen: frozenset[str]) -> Iterator[str]:
    for name in node.find_all(nodes.Name):
        if name.name in macros and name.name not in seen:
            yield from _read(macros[name.name], macros, seen | {name.name})
        yield name.name
    for attribute in node.find_all(nodes.Getattr):
        if isinstance(attribute.node, nodes.Name):
            yield f"{attribute.node.name}.{attribute.attr}"
    for call in node.find_all(nodes.Call):
        if isinstance(call.node, nodes.Getattr) and call.node.attr == "get" and call.args:
            key = call.args[0]
            if isinstance(key, nodes.Const):
                yield f"event.data.{key.value}"
