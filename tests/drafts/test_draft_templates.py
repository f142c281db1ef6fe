"""Every English draft, rendered over the facts that may be there or missing, reads like something a person wrote."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jinja2 import nodes

from reminderd.drafts.context import context
from reminderd.drafts.environment import Environment
from reminderd.drafts.folding import fold
from reminderd.drafts.library import Library, Page, Sheet
from reminderd.store.draft_records import DraftFacts, EventView, Involved, Job, Last, Me, Person, Silence

LIBRARY = Library()
DRAFTS = Path(__file__).parents[2] / "templates" / "drafts"
SITUATIONS = sorted(path.stem for path in DRAFTS.glob("*.j2") if not path.stem.startswith("_"))
LENGTHS = ("subject", "short", "mail", "card", "call")
SOCIAL = {"birthday", "promoted", "work_anniversary"}
TO_THE_USER = {"ask_unanswered", "last_contact_unknown", "four_ignored"}
SAMPLES = 60  # renderings of a block whose facts have more combinations than twice this

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
    "alternates": ((), ("Tom",), ("Tom", "Iris")),
    "agreed_names": ((), ("Tom", "Iris")),
    "points": ((), ("mentoring",), ("the data migration", "how I lead a team", "how I handle incidents")),
    "reasons": ((), ("promoted", "new_year", "check_in"), ("called",)),
    "answer": ("", "you read my case study twice"),
    "involved": ((), (KNOWS,), (KNOWS, Involved(2, "Ben Okafor", "Ben", agreed=True))),
    "people": ((), (Person(name="Maria Souza", profile="https://people.example/maria"), Person(name="Ben Okafor"))),
    "warmth": ("plain", "warm", "normal"),
}
MISSING = {name: values[0] for name, values in FACTS.items()}
FULL = {name: values[-1] for name, values in FACTS.items()}

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


@cache
def sheet_of(situation: str) -> Sheet:
    return Sheet(Environment(None, "en"), f"drafts/{situation}.j2")


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


def page_of(situation: str, facts: Mapping[str, Any]) -> Page:
    return sheet_of(situation).page(context(facts_of(facts), facts["warmth"]))


def render(situation: str, block: str, facts: Mapping[str, Any]) -> str:
    written = page_of(situation, facts).block(block)
    assert not re.search(r" [,.;:?)]", " ".join(written.split())), written  # the engine would hide it
    return fold(written)


def intent_of(situation: str, facts: Mapping[str, Any]) -> str:
    return page_of(situation, facts).setting("intent")


def blocks_of(situation: str) -> tuple[str, ...]:
    return sheet_of(situation).blocks


def variants_of(situation: str) -> list[int]:
    return sorted(int(name.rpartition("_")[2]) for name in blocks_of(situation) if name.startswith("mail_"))


@cache
def facts_read(situation: str) -> dict[str, frozenset[str]]:
    """For each block the facts that it can read, macros included: found in the syntax tree, not guessed."""
    trees = [
        Environment(None, "en").parse((DRAFTS / name).read_text(encoding="utf-8"))
        for name in ("_base.j2", f"{situation}.j2")
    ]
    macros = {macro.name: macro for tree in trees for macro in tree.find_all(nodes.Macro)}

    def read(node: nodes.Node, seen: frozenset[str]) -> Iterator[str]:
        for name in node.find_all(nodes.Name):
            if name.name in macros and name.name not in seen:
                yield from read(macros[name.name], seen | {name.name})
            yield name.name
        for attribute in node.find_all(nodes.Getattr):
            if isinstance(attribute.node, nodes.Name):
                yield f"{attribute.node.name}.{attribute.attr}"
        for call in node.find_all(nodes.Call):
            if isinstance(call.node, nodes.Getattr) and call.node.attr == "get" and call.args:
                key = call.args[0]
                if isinstance(key, nodes.Const):
                    yield f"event.data.{key.value}"

    return {block.name: frozenset(read(block, frozenset())) & FACTS.keys() for block in trees[1].find_all(nodes.Block)}


def combinations(names: frozenset[str], seed: str) -> Iterator[dict[str, Any]]:
    """All of them where they are few; else none, all, each one missing, each one alone, and a fixed sample."""
    order = sorted(names)
    count = 1
    for name in order:
        count *= len(FACTS[name])
    if count <= 2 * SAMPLES:
        for values in itertools.product(*(FACTS[name] for name in order)):
            yield MISSING | dict(zip(order, values, strict=True))
        return
    yield MISSING
    yield FULL
    for name in order:
        for value in FACTS[name]:
            yield FULL | {name: value}
            yield MISSING | {name: value}
    chance = random.Random(seed)
    for _ in range(SAMPLES):
        yield MISSING | {name: chance.choice(FACTS[name]) for name in order}


def faults(situation: str, block: str, text: str, facts: Mapping[str, Any]) -> Iterator[str]:
    kind = block.partition("_")[0]
    if not text:
        yield "empty"
        return
    if not (text[0].isupper() or text[0] in "“1"):
        yield "begins without a capital"
    for pattern, what in WRONG:
        if found := pattern.search(re.sub(r"https?://\S+", "link", text)):
            yield f"{what}: {found.group()!r}"
    if found := BANNED.search(text):
        yield f"banned: {found.group()!r}"
    if text.count("“") != text.count("”") or text.count("(") != text.count(")") or text.count('"') % 2:
        yield "unbalanced"
    if kind not in ("question", "call") and re.search(r"Porto|met Jo", text):
        yield "a note of the user's own goes to somebody else"
    if not facts["job.company"] and "acme" in text.lower():
        yield "names a company that is not to be named"
    if not facts["them.worked_at"] and re.search(r"work(ed|ing) (together|with)|colleague|our time at", text):
        yield "claims that we worked together"
    if "Globex" in text and re.search(r"(together|we were) at Globex", text):
        yield "claims that we worked at their employer"
    if (
        facts["silence"] is None
        and situation not in TO_THE_USER
        and re.search(r"last in touch|been too long|[Ss]ilence|(months|years?) (since|without)|a while", text)
    ):
        yield "claims a silence of unknown length"
    if not facts["agreed"] and ("Jo Lee" in text or re.search(r"(?<!I )will (call|ring|phone) you", text)):
        yield "names someone as called who has not agreed"
    if intent_of(situation, facts) in ("give", "thank") and "?" in text and kind != "question":
        yield "asks, though it is meant to give"
    if kind == "subject" and ("\n" in text or len(text) >= 80):
        yield "a subject of one line under 80 characters"
    if kind == "short" and "\n" in text:
        yield "a short message in several paragraphs"
    if kind == "short" and len(text) > 320:
        yield f"a short message of {len(text)} characters"
    if kind == "social" and len(text) >= 200:
        yield f"a social comment of {len(text)} characters"
    if kind == "mail" and len(text) > 1400:
        yield f"a mail of {len(text)} characters"
    if kind == "card" and (len(text) > 750 or "http" in text or re.search(r"^[-*1] ?", text, re.MULTILINE)):
        yield "a card is short, without links and points"
    notes = r"Open: .+\n\n1\. .+\n\n2\. .+\n\n3\. .+\n\nEnd: .+"
    if kind == "call" and situation not in TO_THE_USER and not re.fullmatch(notes, text):
        yield "call notes are an opening line, three points and an end"
    if any(len(line) > 600 for line in text.split("\n")):
        yield "a paragraph too long to read"
    if kind in ("mail", "card") and situation not in TO_THE_USER and not text.endswith(facts["me.first_name"]):
        yield "not signed with the first name"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_draft_reads_well_whatever_is_known(situation: str) -> None:
    found: dict[str, str] = {}
    for block, names in facts_read(situation).items():
        for facts in combinations(names, f"{situation}.{block}"):
            text = render(situation, block, facts)
            for fault in faults(situation, block, text, facts):
                found.setdefault(f"{block}: {fault}", text)
    assert not found, "\n".join(f"{situation}.{fault}\n    {text!r}" for fault, text in found.items())


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_draft_has_a_question_and_at_least_three_variants_in_every_length(situation: str) -> None:
    wanted = {"question"}
    variants = variants_of(situation)
    for variant in variants:
        wanted |= {f"{length}_{variant}" for length in LENGTHS}
        if situation in SOCIAL:
            wanted.add(f"social_{variant}")
    assert set(blocks_of(situation)) == wanted
    assert len(variants) >= (6 if situation == "accepted" else 3)
    assert variants == list(range(1, len(variants) + 1))
    assert intent_of(situation, FULL) in ("give", "ask", "news", "thank", "none")


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("facts", [MISSING | {"warmth": "normal"}, FULL], ids=["missing", "full"])
def test_no_two_variants_say_the_same(situation: str, facts: dict[str, Any]) -> None:
    for length in ("short", "mail", "card", "call"):
        texts = [render(situation, f"{length}_{variant}", facts) for variant in variants_of(situation)]
        assert len(set(texts)) == len(texts)
        for one, other in itertools.combinations(texts, 2):
            same = set(one.split("\n\n")) & set(other.split("\n\n"))
            assert not [part for part in same if len(part) > 60 and not part.startswith(("1.", "2.", "3.", "- "))]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_answer_goes_in_as_a_sentence_and_warmth_changes_the_mail(situation: str) -> None:
    for variant in variants_of(situation):
        for facts in (FULL, MISSING | {"answer": FULL["answer"]}):
            if situation not in TO_THE_USER:
                for length in ("short", "mail", "card"):
                    text = render(situation, f"{length}_{variant}", facts)
                    assert text.count("You read my case study twice.") == 1, (length, variant, text)
        mails = [render(situation, f"mail_{variant}", FULL | {"warmth": name}) for name in ("plain", "normal", "warm")]
        if situation not in TO_THE_USER:
            assert len(mails[0]) < len(mails[1]) < len(mails[2]), (situation, variant)


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if name not in TO_THE_USER])
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("called", "thank you for talking to"),
        ("promoted", "ongratulations"),
        ("new_year", "new year"),
        ("brief_and_thanks", "thank"),
    ],
)
def test_what_a_draft_took_in_becomes_a_sentence(situation: str, reason: str, words: str) -> None:
    if reason == situation:
        return
    for variant in variants_of(situation):
        text = render(situation, f"mail_{variant}", FULL | {"reasons": (reason,)})
        assert words in text.lower() or words in text, (situation, variant)


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (2, "two months"),
        (5, "five months"),
        (11, "nearly a year"),
        (12, "a year"),
        (14, "over a year"),
        (18, "about a year and a half"),
        (22, "nearly two years"),
        (24, "two years"),
        (26, "over two years"),
        (30, "about two and a half years"),
        (34, "nearly three years"),
        (170, "over 14 years"),
    ],
)
def test_a_silence_is_told_with_its_true_length(months: int, words: str) -> None:
    facts = MISSING | {"silence": months, "approach": "note"}
    assert f"It has been {words} since we were last in touch." in render("check_in", "mail_1", facts)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_paragraphs_run_together(situation: str) -> None:
    # trim_blocks eats the line end after a tag, so that a line of text must not end in a plain one
    lines = (DRAFTS / f"{situation}.j2").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if re.search(r"\S.*\{% end(if|for) %\}$", line)]


def test_nothing_is_said_of_a_silence_that_is_short_or_unknown() -> None:
    for months in (None, 0, 1):
        assert "It has been" not in render("check_in", "mail_1", MISSING | {"silence": months, "approach": "note"})


def test_a_name_that_ends_in_a_full_stop_gets_no_second_one() -> None:
    for situation in SITUATIONS:
        for block in blocks_of(situation):
            text = render(situation, block, FULL | {"job.company": "Acme Inc.", "job.role": ""})
            assert ".." not in text, (situation, block, text)


def test_a_silence_is_owned_up_to_once_and_the_favour_is_told_openly() -> None:
    for variant in variants_of("ask_after_silence"):
        for facts in (FULL | {"silence": 34}, FULL | {"silence": None}):
            for length in ("short", "mail", "card"):
                text = render("ask_after_silence", f"{length}_{variant}", facts)
                owned = re.findall(r"should have written|sorry|my doing|not been good at|bad at keeping", text)
                assert len(set(owned) - {"sorry"}) == 1, text
                assert ("nearly three years" in text) == (facts["silence"] == 34 and (length, variant) != ("short", 2))
                assert "phone call" in text
                assert "Friday, 27 November" in text
                assert "Staff Engineer at Acme" in text
                assert re.search(r"would rather not|free to say no|A no is|If not", text), text
            mail = render("ask_after_silence", f"mail_{variant}", facts)
            assert "We worked together at Northwind from March 2017 to June 2019, when you managed me." in mail


def test_a_meeting_is_remembered_as_one_only_when_it_was_the_last_contact() -> None:
    assert "since we last met" in render("check_in", "mail_1", FULL | {"stage": "", "approach": "note"})
    assert "since we were last in touch" in render(
        "check_in", "mail_1", FULL | {"stage": "", "approach": "note", "silence": 2}
    )


def test_the_offer_tells_the_news_the_start_and_that_it_took_them() -> None:
    for variant in variants_of("accepted"):
        for length in ("short", "mail", "card", "call"):
            text = render("accepted", f"{length}_{variant}", FULL)
            assert "Monday, 7 December" in text
            assert re.search(r"(couldn’t have done it|not have happened) without|without you I couldn’t", text, re.I)
            assert "Acme" in text
        assert re.search(r"post|announce|public", render("accepted", f"mail_{variant}", FULL))
