"""The English drafts, and what must not be in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reminderd.store.draft_records import DraftFacts, EventView, Involved, Job, Last, Me, Person, Silence
from tests.drafts.reading import DRAFTS, Facts, Reader

TODAY = dt.date(2026, 11, 24)
KNOWS = Involved(1, "Maria Souza", "Maria", agreed=True, told=True)
FACTS: dict[str, tuple[Any, ...]] = {
    # the first value is the missing one, the last the fullest
    "me.first_name": ("", "Ana"),
    "them.first_name": ("", "Maria"),
    "them.name": ("", "Maria Souza"),
    "them.relation": ("", "a friend of a friend", "sat near the window", "managed me"),
    "them.worked_at": ("", "Northwind"),
    "them.role": ("", "Head of Data"),
    "them.worked_from": (None, dt.date(2017, 3, 1)),
    "them.worked_to": (None, dt.date(2017, 3, 28), dt.date(2019, 6, 30)),
    "them.employer": ("", "Globex"),
    "them.title": ("", "Chief Engineer"),
    "them.since": (None, dt.date(2024, 5, 1)),
    "them.speaks_to": ("", "the data migration; mentoring"),
    "them.via": ("", "email", "text", "call", "linkedin", "letter"),
    "them.profile": ("", "https://people.example/maria"),
    "them.address": ("", "1 Elm Road"),
    "job.company": ("", "Acme"),
    "job.role": ("", "Staff Engineer"),
    "job.starts_on": (None, dt.date(2026, 11, 2), dt.date(2026, 12, 7)),
    "job.contact": ("", "Jo Lee of Acme"),
    "job.posting": ("", "https://acme.example/jobs/7"),
    "job.resume": ("", "https://ana.example/for-acme.pdf"),
    "event.kind": ("", "interview", "references_requested", "changed_job", "promoted"),
    "event.on": (None, dt.date(2026, 11, 24), dt.date(2026, 11, 26)),
    "event.at": (None, dt.time(14, 30)),
    "event.note": ("", "met Jo from Acme"),
    "event.data.kind": (None, "linkedin", "form", "letter", "call"),
    "event.data.by": (None, dt.date(2026, 11, 27), "2026-11-27"),
    "event.data.subject": (None, "pricing"),
    "event.data.final": (None, True),
    "event.data.title": (None, "Director of Data"),
    "last.kind": ("", "met"),
    "last.on": (None, dt.date(2026, 6, 12)),
    "last.note": ("", "the move to Porto"),
    "silence": (None, 0, 1, 11, 14, 18, 24, 34, 5),
    "asks": (0, 3),
    "approach": ("", "advice", "coffee", "congratulate", "share", "note"),
    "stage": ("", "ninety_days", "half_year"),
    "agreed": (False, True),
    "vouched": (False, True),
    "followed_up": (False, True),
    "heard": ("", "turned_down", "rejected", "withdrawn", "accepted"),
    "posted": (False, True, False),
    "alternates": ((), ("Tom",), ("Tom", "Iris")),
    "agreed_names": ((), ("Tom", "Iris")),
    "points": ((), ("mentoring",), ("the data migration", "how I lead a team", "how I handle incidents")),
    "reasons": ((), ("promoted", "new_year", "check_in"), ("called",)),
    "answer": ("", "you read my case study twice"),
    "involved": ((), (KNOWS,), (KNOWS, Involved(2, "Ben Okafor", "Ben", agreed=True))),
    "people": ((), (Person(name="Maria Souza", profile="https://people.example/maria"), Person(name="Ben Okafor"))),
    "warmth": ("plain", "warm", "normal"),
}

BANNED = re.compile(
    r"going cold|streak|\bscore|overdue|\bguilt|don.t forget|last chance|hope this (mail |message |e-mail )?finds you"
    r"|touch base|reach out|circle back|leverage|\bsynerg|\bnetworking\b|\bASAP\b|!",
    re.IGNORECASE,
)
WRONG = (
    (re.compile(r"  "), "double space"),
    (re.compile(r" [,.;:?)]"), "space before punctuation"),
    (re.compile(r"[(“] "), "space after an opening mark"),
    (re.compile(r"\.\.|,,|,\.|\.,|;\.|:\.|\?\.|\. ?,"), "doubled punctuation"),
    (re.compile(r"\bNone\b|\bUndefined\b|\bFalse\b"), "a value of the program"),
    (re.compile(r"\(\)|“”|\[|\]"), "empty or square brackets"),
    (re.compile(r"\{|\}|<|>"), "markup left over"),
    (re.compile(r"\b(at|from|by|as|with|and|or|of|the|a|your|my)[.,?!]"), "a word that wants another"),
    (re.compile(r"[.?] [a-z]"), "a sentence without a capital"),
    (re.compile(r"[a-z][.?,;:”][A-Za-z]"), "no space between sentences"),
    (re.compile(r"\b(\w+) \1\b", re.IGNORECASE), "a word twice"),
    (re.compile(r"\bthey was\b|\bthey has\b|\bthey is\b|\bThem [a-z]+s\b"), "grammar"),
    (re.compile(r"[^\x20-\x7e’“”–é\n]"), "an odd character"),
)


def facts_of(named: Mapping[str, Any]) -> DraftFacts:
    """The engine's facts from those of our table, whose names are the ones that templates use."""
    groups: dict[str, dict[str, Any]] = {name: {} for name in ("me", "them", "job", "event", "last", "data")}
    plain = {}
    for name, value in named.items():
        group, _, rest = name.rpartition(".")
        if not group:
            plain[name] = value
        elif group == "event.data":
            groups["data"] |= {} if value is None else {rest: value}
        else:
            groups[group][rest] = value
    months = plain.pop("silence")
    return DraftFacts(
        me=Me(name="Ana Reis" if named["me.first_name"] else "", **groups["me"]),
        them=Person(**groups["them"]),
        job=Job(**groups["job"]),
        event=EventView(**groups["event"], data=groups["data"]),
        last=Last(**groups["last"]),
        silence=Silence(months or 0, months is not None),
        today=TODAY,
        **{name: value for name, value in plain.items() if name != "warmth"},
    )


def _also(situation: str, kind: str, text: str, facts: Facts) -> Iterator[str]:
    if "Globex" in text and re.search(r"(together|we were) at Globex", text):
        yield "claims that we worked at their employer"
    if any(len(line) > 600 for line in text.split("\n")):
        yield "a paragraph too long to read"


ENGLISH = Reader(
    language="en",
    folder=DRAFTS,
    facts=FACTS,
    make=facts_of,
    wrong=WRONG,
    banned=BANNED,
    quotes="“”",
    notes=re.compile(r"Porto|met Jo"),
    together=re.compile(r"work(ed|ing) (together|with)|colleague|our time at"),
    silence=re.compile(r"last in touch|been too long|[Ss]ilence|(months|years?) (since|without)|a while"),
    called=re.compile(r"(?<!I )will (call|ring|phone) you"),
    call=re.compile(r"Open: .+\n\n1\. .+\n\n2\. .+\n\n3\. .+\n\nEnd: .+"),
    most={"subject": 79, "short": 320, "social": 199, "mail": 1400, "card": 750},
    also=_also,
    answered="You read my case study twice.",
)
