"""Templates that always give something: a broken file of the user's is made good by ours, and named."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from reminderd.drafts.draft import Draft
from reminderd.drafts.library import Library
from reminderd.drafts.notices import no_draft
from reminderd.errors import TemplateBroken
from reminderd.store.draft_records import DraftFacts


class Sturdy(Library):
    """A library in front of ours, for one message. No draft raises `TemplateBroken`; what was wrong is kept."""

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._own = library
        self._wrong: dict[str, None] = {}

    @property
    def wrong(self) -> tuple[str, ...]:
        """What was wrong with the user's templates so far: file, line and what was missing."""
        return tuple(self._wrong)

    def draft(
        self,
        situation: str,
        facts: DraftFacts,
        *,
        variant: int | None = None,
        length: str | None = None,
        warmth: str = "normal",
    ) -> Draft:
        """The draft by the user's template, else by ours, else a note that says what is wrong."""
        try:
            return self._own.draft(situation, facts, variant=variant, length=length, warmth=warmth)
        except TemplateBroken as error:
            wrong = str(error)
        try:
            made = super().draft(situation, facts, variant=variant, length=length, warmth=warmth)
        except TemplateBroken:
            text = no_draft(wrong, facts.me.language)
            return Draft(situation, "", text, variant=variant or 1, short=text, for_user=True)
        self._wrong[wrong] = None
        return made

    def about(self, situation: str, language: str = "en") -> str:
        """What a situation is, by the user's template, else by ours, else nothing."""
        for library in (self._own.about, super().about):
            with contextlib.suppress(TemplateBroken):
                return library(situation, language)
        return ""

    def assign_variants(self, situation: str, group: Sequence[DraftFacts]) -> list[int]:
        """Numbers by the user's template, else by ours, else the first for all."""
        for library in (self._own.assign_variants, super().assign_variants):
            with contextlib.suppress(TemplateBroken):
                return library(situation, group)
        return [1 for _ in group]

    def render(self, name: str, names: Mapping[str, Any], language: str = "en") -> str:
        """A whole template by the user's file, else by ours. Raises `TemplateBroken` when both fail."""
        try:
            return self._own.render(name, names, language)
        except TemplateBroken as error:
            self._wrong[str(error)] = None
            return super().render(name, names, language)
