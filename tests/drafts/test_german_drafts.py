"""Every German draft, rendered over the facts that may be there or missing, reads like something a person wrote."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from jinja2 import nodes

from reminderd.drafts.context import context
from reminderd.drafts.environment import Environment
from reminderd.drafts.folding import fold
from reminderd.drafts.library import Library, Page, Sheet
from reminderd.store.draft_records import Person
from tests.drafts import test_draft_templates as english
from tests.drafts.builders import facts as builders_facts
from tests.drafts.builders import of_user

DRAFTS = english.DRAFTS / "de"
SITUATIONS = english.SITUATIONS
LENGTHS = english.LENGTHS
NOTES = english.TO_THE_USER
SHORT = 384  # German runs a fifth longer than English
SAID = "Du hast meine Fallstudie zweimal gelesen."

FACTS: dict[str, tuple[Any, ...]] = english.FACTS | {
    "them.relation": ("", "jemand aus dem Nachbarbüro", "Chefin", "meine Mentorin", "managed me", "hat mich geführt"),
    "them.role": ("", "Leiterin Daten"),
    "event.note": ("", "habe Jo von Acme getroffen"),
    "event.data.subject": (None, "Preise"),
    "last.note": ("", "der Umzug nach Porto"),
    "points": ((), ("Mentoring",), ("der Datenumzug", "wie ich ein Team leite", "wie ich Störungen löse")),
    "answer": ("", "du hast meine Fallstudie zweimal gelesen"),
}
MISSING = {name: values[0] for name, values in FACTS.items()}
FULL = {name: values[-1] for name, values in FACTS.items()}

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


@cache
def sheet_of(situation: str) -> Sheet:
    return Sheet(Environment(None, "de"), f"drafts/de/{situation}.j2")


def page_of(situation: str, facts: Mapping[str, Any]) -> Page:
    return sheet_of(situation).page(context(of_user(english.facts_of(facts), language="de"), facts["warmth"]))


def render(situation: str, block: str, facts: Mapping[str, Any]) -> str:
    written = page_of(situation, facts).block(block)
    assert not re.search(r" [,.;:?)]", " ".join(written.split())), written  # the engine would hide it
    return fold(written)


def variants_of(situation: str) -> range:
    return sheet_of(situation).variants


@cache
def facts_read(situation: str) -> dict[str, frozenset[str]]:
    """For each block the facts that it can read, macros included."""
    trees = [
        Environment(None, "de").parse((DRAFTS / name).read_text(encoding="utf-8"))
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
    for found in english.combinations(names, seed):
        yield {
            name: value if value in FACTS[name] else FACTS[name][-1 if value == english.FULL[name] else 0]
            for name, value in found.items()
        }


def faults(situation: str, block: str, text: str, facts: Mapping[str, Any]) -> Iterator[str]:
    kind = block.partition("_")[0]
    if not text:
        yield "empty"
        return
    if not (text[0].isupper() or text[0] in "„1"):
        yield "begins without a capital"
    for pattern, what in WRONG:
        if found := pattern.search(re.sub(r"https?://\S+", "Link", text)):
            yield f"{what}: {found.group()!r}"
    if found := BANNED.search(text):
        yield f"banned: {found.group()!r}"
    if text.count("„") != text.count("“") or text.count("(") != text.count(")") or text.count('"') % 2:
        yield "unbalanced"
    if kind not in ("question", "call") and re.search(r"Porto|Jo von Acme", text):
        yield "a note of the user's own goes to somebody else"
    if not facts["job.company"] and "acme" in text.lower():
        yield "names a company that is not to be named"
    if not facts["them.worked_at"] and re.search(r"zusammengearbeitet|[Kk]olleg|unsere gemeinsame Zeit", text):
        yield "claims that we worked together"
    if (
        facts["silence"] is None
        and situation not in NOTES
        and re.search(r"zuletzt|zu lange her|Schweigen|(Monate|Jahre?) her|so still war", text)
        and not (situation == "ask_after_silence" and "Schweigen bedaure" in text)
    ):
        yield "claims a silence of unknown length"
    if not facts["agreed"] and ("Jo Lee" in text or re.search(r"rufen sie dich|Wenn sie anrufen", text)):
        yield "names someone as called who has not agreed"
    intent = page_of(situation, facts).setting("intent")
    if intent in ("give", "thank") and "?" in text and kind != "question":
        yield "asks, though it is meant to give"
    if kind == "subject" and ("\n" in text or len(text) >= 80):
        yield "a subject of one line under 80 characters"
    if kind == "short" and "\n" in text:
        yield "a short message in several paragraphs"
    if kind == "short" and len(text) > SHORT:
        yield f"a short message of {len(text)} characters"
    if kind == "social" and len(text) >= 200:
        yield f"a social comment of {len(text)} characters"
    if kind == "mail" and len(text) > 1500:
        yield f"a mail of {len(text)} characters"
    if kind == "card" and (len(text) > 800 or "http" in text or re.search(r"^[-*1] ?", text, re.MULTILINE)):
        yield "a card is short, without links and points"
    notes = r"Einstieg: .+\n\n1\. .+\n\n2\. .+\n\n3\. .+\n\nSchluss: .+"
    if kind == "call" and situation not in NOTES and not re.fullmatch(notes, text):
        yield "call notes are an opening line, three points and an end"
    if kind in ("mail", "card") and situation not in NOTES:
        if not text.endswith(facts["me.first_name"]):
            yield "not signed with the first name"
        if not re.search(r"^Hallo( Maria)?,\n\n[a-zäöü]", text, re.MULTILINE):
            yield "German goes on in small letters after the greeting's comma"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_german_draft_reads_well_whatever_is_known(situation: str) -> None:
    found: dict[str, str] = {}
    for block, names in facts_read(situation).items():
        for facts in combinations(names, f"de.{situation}.{block}"):
            text = render(situation, block, facts)
            for fault in faults(situation, block, text, facts):
                found.setdefault(f"{block}: {fault}", text)
    assert not found, "\n".join(f"{situation}.{fault}\n    {text!r}" for fault, text in found.items())


def test_every_english_situation_has_a_german_one() -> None:
    assert sorted(path.stem for path in DRAFTS.glob("[!_]*.j2")) == SITUATIONS
    assert set(Library().names("de")) == set(Library().names("en"))


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_german_draft_has_the_blocks_and_the_intent_of_the_english_one(situation: str) -> None:
    assert set(sheet_of(situation).blocks) == set(english.blocks_of(situation))
    for approach in FACTS["approach"]:
        facts = FULL | {"approach": approach}
        assert page_of(situation, facts).setting("intent") == english.intent_of(situation, english.FULL | facts)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("facts", [MISSING | {"warmth": "normal"}, FULL], ids=["missing", "full"])
def test_no_two_german_variants_say_the_same(situation: str, facts: dict[str, Any]) -> None:
    for length in ("short", "mail", "card", "call"):
        texts = [render(situation, f"{length}_{variant}", facts) for variant in variants_of(situation)]
        assert len(set(texts)) == len(texts)
        for one, other in itertools.combinations(texts, 2):
            same = set(one.split("\n\n")) & set(other.split("\n\n"))
            assert not [part for part in same if len(part) > 60 and not part.startswith(("1.", "2.", "3.", "- "))]


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if name not in NOTES])
def test_the_answer_goes_in_as_a_sentence_and_warmth_changes_the_german_mail(situation: str) -> None:
    for variant in variants_of(situation):
        for facts in (FULL, MISSING | {"answer": FULL["answer"]}):
            for length in ("short", "mail", "card"):
                text = render(situation, f"{length}_{variant}", facts)
                assert text.count(SAID) == 1, (length, variant, text)
        mails = [render(situation, f"mail_{variant}", FULL | {"warmth": name}) for name in ("plain", "normal", "warm")]
        assert len(mails[0]) < len(mails[1]) < len(mails[2]), (situation, variant)


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if name not in NOTES])
@pytest.mark.parametrize(
    ("reason", "words"),
    [("called", "mit ihnen gesprochen"), ("promoted", "lückwunsch"), ("new_year", "neues Jahr")],
)
def test_what_a_german_draft_took_in_becomes_a_sentence(situation: str, reason: str, words: str) -> None:
    for variant in variants_of(situation) if reason != situation else ():
        assert words in render(situation, f"mail_{variant}", FULL | {"reasons": (reason,)}), (situation, variant)


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (2, "zwei Monate"),
        (11, "fast ein Jahr"),
        (12, "ein Jahr"),
        (14, "über ein Jahr"),
        (18, "etwa anderthalb Jahre"),
        (24, "zwei Jahre"),
        (30, "etwa zweieinhalb Jahre"),
        (34, "fast drei Jahre"),
        (170, "über 14 Jahre"),
    ],
)
def test_a_silence_is_told_in_german_with_its_true_length(months: int, words: str) -> None:
    text = render("check_in", "mail_1", MISSING | {"silence": months, "approach": "note"})
    assert f"Es ist {words} her, dass wir zuletzt in Kontakt waren." in text


@pytest.mark.parametrize(
    ("relation", "said"),
    [
        ("managed me", ", als du mich geführt hast."),
        ("hat mich geführt", ", als du mich geführt hast."),
        ("Chefin", ", als du meine Chefin warst."),
        ("Mein Mentor", ", als du mein Mentor warst."),
        ("jemand aus dem Nachbarbüro", "zusammengearbeitet."),
        ("", "zusammengearbeitet."),
    ],
)
def test_how_we_worked_together_is_said_to_them(relation: str, said: str) -> None:
    text = render("ask", "mail_1", FULL | {"them.relation": relation})
    start = "Wir haben von März 2017 bis Juni 2019 bei Northwind zusammengearbeitet"
    assert f"{start}{said.removeprefix('zusammengearbeitet')}" in text


def test_a_german_silence_is_owned_up_to_once_and_the_favour_is_told_openly() -> None:
    for variant in variants_of("ask_after_silence"):
        for facts in (FULL | {"silence": 34}, FULL | {"silence": None}):
            for length in ("short", "mail", "card"):
                text = render("ask_after_silence", f"{length}_{variant}", facts)
                owned = re.findall(r"früher melden sollen|lag an mir|Kontakthalten war ich nicht gut", text)
                assert len(owned) == 1, text
                assert ("fast drei Jahre" in text) == (facts["silence"] == 34)
                for words in ("ein Telefonat", "bis Freitag, den 27. November", "Staff Engineer bei Acme"):
                    assert words in text
                assert re.search(r"lieber nicht|Ein Nein|Wenn nicht", text), text


def test_the_german_offer_tells_the_news_the_start_and_that_it_took_them() -> None:
    for variant in variants_of("accepted"):
        for length in ("short", "mail", "card", "call"):
            text = render("accepted", f"{length}_{variant}", FULL)
            assert "am Montag, dem 7. Dezember" in text
            assert "Acme" in text
            assert re.search(r"[Oo]hne (dich|Maria|die|sie|das)", text)
        assert re.search(r"poste|öffentlich", render("accepted", f"mail_{variant}", FULL))


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_german_name_that_ends_in_a_full_stop_gets_no_second_one(situation: str) -> None:
    for role in ("", "Staff Engineer"):
        for block in sheet_of(situation).blocks:
            text = render(situation, block, FULL | {"job.company": "Acme Inc.", "job.role": role})
            assert ".." not in text, (situation, block, text)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_german_paragraphs_run_together(situation: str) -> None:
    lines = (DRAFTS / f"{situation}.j2").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if re.search(r"\S.*\{% end(if|for) %\}$", line)]


@pytest.mark.parametrize("language", ["de", "de_AT", "de-CH"])
def test_a_german_user_gets_german_drafts_with_german_dates(language: str) -> None:
    known = of_user(builders_facts(), language=language)
    made = Library().draft("accepted", known, variant=1)
    assert made.body.startswith("Hallo Ana,\n\nich habe die Stelle als Staff Engineer bei Acme.")
    assert "Ich fange am Montag, dem 7. Dezember an." in made.body
    assert Library().variants("accepted", language) == 6


def test_what_has_no_german_template_comes_in_english(tmp_path: Any) -> None:
    own = tmp_path / "drafts" / "mine.j2"
    own.parent.mkdir()
    text = (english.DRAFTS / "birthday.j2").read_text(encoding="utf-8")
    own.write_text(text, encoding="utf-8")
    known = of_user(builders_facts(), language="de")
    assert "Happy birthday" in Library(tmp_path).draft("mine", known, variant=1).body
    assert "zum Geburtstag" in Library(tmp_path).draft("birthday", known, variant=1).body


def test_nobody_in_particular_is_told_who_does_not_know_yet() -> None:
    facts = FULL | {"them.name": "", "them.first_name": ""}
    assert render("announcement", "short_1", facts) == "1 von 2 wissen es; noch: Ben Okafor."
    known = of_user(builders_facts(them=Person()), language="de")
    assert Library().draft("announcement", known).for_user


def test_the_day_before_a_date_is_called_tomorrow() -> None:
    facts = FULL | {"event.on": dt.date(2026, 11, 25)}
    assert "auf unser Treffen morgen um 14:30 Uhr." in render("plan_ahead", "short_1", facts)
