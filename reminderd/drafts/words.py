"""Titles and subjects: who, what and by when. They name, they never count, score or blame."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reminderd.drafts.dates import day_short, local_day, upfirst
from reminderd.drafts.telling import initials, know_line, knows, marked
from reminderd.drafts.titles import TITLES, Title, fallback

if TYPE_CHECKING:
    from reminderd.store.draft_records import DraftFacts

__all__ = [
    "and_more",
    "by",
    "code",
    "digest_subject",
    "initials",
    "know_line",
    "knows",
    "lock_screen_title",
    "marked",
    "reminder",
    "short_title",
    "subject",
    "title",
    "title_of",
    "when",
]


def title(draft: str, facts: DraftFacts) -> str:
    """What there is to do, for lists: "Thank Maria Lopez for Acme"."""
    return title_of(draft, facts.them.name, facts.job.company, facts.me.language)


def title_of(draft: str, who: str, company: str, language: str = "en") -> str:
    """The same of one name and company, each of which may be empty."""
    return _fill(_words(draft, language).one, company, who or _crowd_of(company, language))


def short_title(draft: str, facts: DraftFacts) -> str:
    """What there is to do, without the company: for calendars, which others may see."""
    words = _words(draft, facts.me.language)
    return _fill(words.bare, facts.job.company, facts.them.name or _crowd_of("", facts.me.language))


def lock_screen_title(draft: str, facts: DraftFacts) -> str:
    """What there is to do, for a lock screen: initials, no employer, no outcome."""
    words = _words(draft, facts.me.language)
    return f"{initials(facts.them.name)} - {words.code}" if facts.them.name else words.code


def code(draft: str, language: str = "en") -> str:
    """The one word or two that a lock screen may show."""
    return _words(draft, language).code


def subject(draft: str, group: Sequence[DraftFacts], due_at: dt.datetime) -> str:
    """The subject of a mail: "Thank your Acme references by Wed 25 Nov". Stays the same across escalations."""
    first = group[0]
    language = first.me.language
    companies = {facts.job.company for facts in group}
    crowd = _crowd_of(companies.pop() if len(companies) == 1 else "", language)
    who = first.them.name if len(group) == 1 and first.them.name else crowd
    what = _fill(_words(draft, language).bare, first.job.company, who)
    return f"{what} {by(due_at, first.me.zone, language)}"


def still_fits(begun: str, draft: str, group: Sequence[DraftFacts], due_ats: Iterable[dt.datetime]) -> bool:
    """Whether the subject that a thread began with speaks of these: of one of them alone or of all at once, and of no
    day but one by which something is due."""
    me, who = group[0].me, group[0].them.name
    days = {f" {by(due_at, me.zone, language)}" for due_at in due_ats for language in TITLES}
    said = next((begun.removesuffix(day) for day in days if begun.endswith(day)), None)
    if said is None:
        return False
    bare = _words(draft, me.language).bare
    if "{who}" not in bare and "{wem}" not in bare:
        return True
    return (len(group) == 1 and _names(said, draft, who)) or any(crowd in said for crowd in _CROWDS)


def _names(said: str, draft: str, who: str) -> bool:
    """Whether a subject without its day names this person, in whatever words: the name is the whole name."""
    own = (_words(draft, language) for language in TITLES)
    others = (one for table in TITLES.values() for one in table.values())
    return any(said == _fill(one.bare, "", who) for one in itertools.chain(own, others))


def digest_subject(people: Sequence[str], language: str = "en") -> str:
    """The subject of a digest: names up to three people."""
    german = language.startswith("de")
    names = [*people[:3], *([f"{len(people) - 3} {'weitere' if german else 'more'}"] if len(people) > 3 else [])]
    who = (" und " if german else " and ").join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    if not who:
        return "Deine Woche mit deinen Referenzen" if german else "Your week with your references"
    german_words = "Freuen sich" if len(people) > 1 else "Freut sich"
    return f"{german_words} vielleicht, von dir zu hören: {who}" if german else f"Might enjoy hearing from you: {who}"


def and_more(what: str, others: int, language: str = "en") -> str:
    """The subject of a mail about one thing first and others after it."""
    if not others:
        return what
    return f"{what} und {others} mehr" if language.startswith("de") else f"{what}, and {others} more"


def by(due_at: dt.datetime, zone: str, language: str = "en") -> str:
    """ "by Wed 25 Nov", in the user's zone."""
    return f"{'bis' if language.startswith('de') else 'by'} {day_short(local_day(due_at, zone), language)}"


def when(due_at: dt.datetime, zone: str, language: str = "en") -> str:
    """ "Wed 25 Nov", in the user's zone."""
    return day_short(local_day(due_at, zone), language)


def reminder(position: int, language: str = "en") -> str:
    """ "2nd reminder"; nothing for the first."""
    if position < 2:
        return ""
    if language.startswith("de"):
        return f"{position}. Erinnerung"
    return f"{position}{'nd' if position == 2 else 'rd' if position == 3 else 'th'} reminder"


_CROWDS = (" references", " Referenzen")
"""In each language, what subjects say in place of names."""


def _words(draft: str, language: str) -> Title:
    return TITLES["de" if language.startswith("de") else "en"].get(draft) or fallback(draft, language)


def _crowd_of(company: str, language: str) -> str:
    """Several people in words: "your Acme references", without the company where it must not be named."""
    if language.startswith("de"):
        return f"deine Referenzen für {company}" if company else "deine Referenzen"
    return f"your {company} references" if company else "your references"


def _fill(pattern: str, company: str, who: str) -> str:
    """The pattern with names in it; its part in brackets is left out where the company is not to be named."""
    before, _, rest = pattern.partition("[")
    optional, _, after = rest.partition("]")
    inner = optional if company and company not in who else ""
    filled = f"{before}{inner}{after}"
    crowd = who.replace("deine ", "deinen ", 1) if who.startswith("deine ") else who
    return upfirst(" ".join(filled.replace("{who}", who).replace("{wem}", crowd).replace("{company}", company).split()))
