"""Tries every template over sample facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reminderd.drafts import samples
from reminderd.drafts.draft import LENGTHS, WARMTHS, Problem
from reminderd.drafts.environment import BrokenAt
from reminderd.errors import TemplateBroken

if TYPE_CHECKING:
    from reminderd.drafts.library import Library


def check_all(library: Library) -> list[Problem]:
    """What is wrong with any template of drafts."""
    problems: dict[str, Problem] = {}
    for language in library.languages():
        for name in library.names(language):
            for problem in _check_one(library, name, language):
                problems.setdefault(str(problem), problem)
    return list(problems.values())


def _check_one(library: Library, name: str, language: str) -> list[Problem]:
    found = []
    for facts in samples.several(language):
        for warmth in WARMTHS:
            try:
                count = library.variants(name, language)
                for variant in range(1, count + 1):
                    for length in LENGTHS:
                        library.draft(name, facts, variant=variant, length=length, warmth=warmth)
            except TemplateBroken as error:
                found.append(error.problem if isinstance(error, BrokenAt) else Problem(name, 1, str(error)))
    return found
