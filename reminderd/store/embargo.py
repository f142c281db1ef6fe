"""The one place where an embargoed company's name is taken out of what drafts can see."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Protocol

_FORMS = "inc|incorporated|corp|corporation|co|company|ltd|limited|llc|llp|plc|gmbh|ag|se|kg|sa|sas|bv|nv|ab|oy|spa|srl"
_FORM_LAST = re.compile(rf"[\s,]+(?:{_FORMS})\.?$", re.IGNORECASE)
_FORM_AFTER = rf"(?:[\s,]+(?:{_FORMS})(?!\w)(?:\.(?=\s+(?-i:[a-z])|,))?)?"
"""A legal form after a name; its full stop goes with it, unless it ends the sentence."""
_NO_NAMES = frozenset({"the", "our", "this", "new", "big"})
_LINK = re.compile(r"\S*(?:@|://|www\.)\S*", re.IGNORECASE)


class OpportunityLike(Protocol):
    """What is read of an opportunity: a row of the table, or of a query."""

    @property
    def id(self) -> int: ...
    @property
    def company(self) -> str: ...
    @property
    def embargo_until(self) -> dt.date | None: ...
    @property
    def embargo_until_signed(self) -> bool: ...


class EventLike(Protocol):
    """What is read of an event."""

    @property
    def kind(self) -> str: ...
    @property
    def opportunity_id(self) -> int | None: ...
    @property
    def on(self) -> dt.date: ...


def is_embargoed(opportunity: OpportunityLike, events: Iterable[EventLike], today: dt.date) -> bool:
    """Whether the company must not be named yet. ``events`` are live ones; only `signed` is looked at."""
    if opportunity.embargo_until is not None and opportunity.embargo_until > today:
        return True
    if not opportunity.embargo_until_signed:
        return False
    return not any(
        event.kind == "signed" and event.opportunity_id == opportunity.id and event.on <= today for event in events
    )


def company_label(opportunity: OpportunityLike | None, events: Iterable[EventLike], today: dt.date) -> str:
    """The company as it may be shown anywhere: empty while embargoed."""
    if opportunity is None or is_embargoed(opportunity, events, today):
        return ""
    return opportunity.company


class Veil:
    """Takes the names of the given companies out of texts and links."""

    def __init__(self, companies: Iterable[str], language: str = "en") -> None:
        self._stand_in = "die Firma" if language.startswith("de") else "the company"
        names = sorted({name for company in companies if (name := _name(company))}, key=len, reverse=True)
        self._squeezed = tuple(squeezed for name in names if (squeezed := _squeeze(name)))
        either = "|".join(r"\s+".join(map(re.escape, name.split())) for name in names)
        self._pattern = (
            re.compile(rf"(?<!\w)(?:the\s+)?(?:{either})(?!\w){_FORM_AFTER}", re.IGNORECASE) if names else None
        )

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str | None) -> str:
        """``text`` with every such name replaced, and addresses that contain one left out."""
        if not text or self._pattern is None:
            return text or ""
        kept = _LINK.sub(lambda match: "" if self._betrays(match[0]) else match[0], text)
        return self._pattern.sub(lambda match: self._instead(kept, match.start()), kept).strip()

    def link(self, link: str | None) -> str:
        """``link``, or nothing where it contains such a name."""
        return "" if not link or self._betrays(link) else link

    def _instead(self, text: str, start: int) -> str:
        before = text[:start].rstrip()
        begins = (not before or before[-1] in ".!?") and text[start].isupper()
        return self._stand_in[0].upper() + self._stand_in[1:] if begins else self._stand_in

    def _betrays(self, text: str) -> bool:
        squeezed = _squeeze(text)
        return any(name in squeezed for name in self._squeezed)


def _name(company: str) -> str:
    """The company's name without its legal form, unless hardly anything would be left."""
    bare = company.strip()
    short = _FORM_LAST.sub("", bare).strip(" ,")
    return short if len(short) > 2 and short.casefold() not in _NO_NAMES else bare


def _squeeze(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
