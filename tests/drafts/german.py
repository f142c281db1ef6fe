"""The German drafts, and what must not be in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reminderd.store.draft_records import DraftFacts
from tests.drafts.builders import of_user
from tests.drafts.english import FACTS as ENGLISH_FACTS
from tests.drafts.english import facts_of
from tests.drafts.reading import DRAFTS, TO_THE_USER, Facts, Reader

FACTS: dict[str, tuple[Any, ...]] = ENGLISH_FACTS | {
    "them.relation": ("", "jemand aus dem Nachbarbüro", "Chefin", "meine Mentorin", "managed me", "hat mich geführt"),
    "them.role": ("", "Leiterin Daten"),
    "event.note": ("", "habe Jo von Acme getroffen"),
    "event.data.subject": (None, "Preise"),
    "last.note": ("", "der Umzug nach Porto"),
    "points": ((), ("Mentoring",), ("der Datenumzug", "wie ich ein Team leite", "wie ich Störungen löse")),
    "answer": ("", "du hast meine Fallstudie zweimal gelesen"),
}
BANNED = re.compile(
    r"überfällig|schuldgefühl|vergiss|versäumt|letzte Chance|netzwerk|diese (Mail|Nachricht) dich (gut )?erreicht|!",
    re.IGNORECASE,
)
WRONG = (
    (re.compile(r"  "), "double space"),
    (re.compile(r" [,.;:?)“]"), "space before punctuation"),
    (re.compile(r"[(„] "), "space after an opening mark"),
    (re.compile(r"\.\.|,,|,\.|\.,|;\.|:\.|\?\.|\. ?,|,\?|::"), "doubled punctuation"),
    (re.compile(r"\bNone\b|\bUndefined\b|\bFalse\b"), "a value of the program"),
    (re.compile(r"\(\)|„“|\[|\]"), "empty or square brackets"),
    (re.compile(r"\{|\}|<|>"), "markup left over"),
    (
        re.compile(r"\b(bei|von|für|und|oder|der|die|dem|den|dein|mein|deine|meine|als|am|zur|zum)[.,?]"),
        "a word that wants another",
    ),
    (re.compile(r"[.?] [a-zäöü]"), "a sentence without a capital"),
    (re.compile(r"[a-zäöüß][.?,;:“][A-Za-zÄÖÜäöü]"), "no space between sentences"),
    (re.compile(r"\b(\w+) \1\b", re.IGNORECASE), "a word twice"),
    (re.compile(r"\b(mit|von|bei|zu|nach|seit) die (Person|Firma)\b|\b(für|um) der Person\b"), "a wrong case"),
    (
        re.compile(r"\bIhnen\b|\bIhre[nmrs]?\b|[a-zäöüß,] (Sie|Du|Dir|Dich|Deine?[nmr]?)\b"),
        "another way to address them",
    ),
    (re.compile(r"\b(the|you|your|and|with|thank|from)\b", re.IGNORECASE), "English left over"),
    (re.compile(r"[^\x20-\x7e’„“–éäöüÄÖÜß\n]"), "an odd character"),
)


def _make(facts: Facts) -> DraftFacts:
    return of_user(facts_of(facts), language="de")


def _also(situation: str, kind: str, text: str, facts: Facts) -> Iterator[str]:
    greeting = re.search(r"^Hallo( Maria)?,\n\n[a-zäöü]", text, re.MULTILINE)
    if kind in ("mail", "card") and situation not in TO_THE_USER and not greeting:
        yield "German goes on in small letters after the greeting's comma"


GERMAN = Reader(
    language="de",
    folder=DRAFTS / "de",
    facts=FACTS,
    make=_make,
    wrong=WRONG,
    banned=BANNED,
    quotes="„“",
    notes=re.compile(r"Porto|Jo von Acme"),
    together=re.compile(r"zusammengearbeitet|[Kk]olleg|unsere gemeinsame Zeit"),
    silence=re.compile(r"zuletzt|zu lange her|Schweigen(?! bedaure)|(Monate|Jahre?) her|so still war"),
    called=re.compile(r"rufen sie dich|Wenn sie anrufen"),
    call=re.compile(r"Einstieg: .+\n\n1\. .+\n\n2\. .+\n\n3\. .+\n\nSchluss: .+"),
    # German runs a fifth longer than English.
    most={"subject": 79, "short": 384, "social": 199, "mail": 1500, "card": 800},
    also=_also,
    answered="Du hast meine Fallstudie zweimal gelesen.",
)
