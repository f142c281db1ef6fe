"""What the German drafts say, and who gets them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from reminderd.drafts.library import Library
from reminderd.store.draft_records import Person
from tests.drafts.builders import facts as builders_facts
from tests.drafts.builders import of_user
from tests.drafts.english import ENGLISH, TODAY
from tests.drafts.german import GERMAN
from tests.drafts.reading import DRAFTS, SITUATIONS

FULL, MISSING = GERMAN.full, GERMAN.missing
render = GERMAN.render


def test_every_english_situation_has_a_german_one() -> None:
    assert sorted(path.stem for path in GERMAN.folder.glob("[!_]*.j2")) == SITUATIONS
    assert set(Library().names("de")) == set(Library().names("en"))


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_german_draft_has_the_blocks_and_the_intent_of_the_english_one(situation: str) -> None:
    assert set(GERMAN.blocks(situation)) == set(ENGLISH.blocks(situation))
    for approach in GERMAN.facts["approach"]:
        facts = FULL | {"approach": approach}
        assert GERMAN.intent(situation, facts) == ENGLISH.intent(situation, ENGLISH.full | facts)


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
    for variant in GERMAN.variants("ask_after_silence"):
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
    for variant in GERMAN.variants("accepted"):
        for length in ("short", "mail", "card", "call"):
            text = render("accepted", f"{length}_{variant}", FULL)
            assert "am Montag, dem 7. Dezember" in text
            assert "Acme" in text
            assert re.search(r"[Oo]hne (dich|Maria|die|sie|das)", text)
        assert re.search(r"poste|öffentlich", render("accepted", f"mail_{variant}", FULL))


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
    text = (DRAFTS / "birthday.j2").read_text(encoding="utf-8")
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


def test_the_german_ask_gives_a_reason_only_where_there_is_one() -> None:
    assert "Darum habe ich" not in render("ask", "mail_2", FULL | {"them.worked_at": ""})
    assert "Darum habe ich an dich gedacht." in render("ask", "mail_2", FULL)


@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize("kind", ["interview", "references_requested", ""])
def test_a_german_heads_up_on_the_day_itself_says_today(kind: str, agreed: bool) -> None:
    facts = FULL | {"event.kind": kind, "event.on": TODAY, "agreed": agreed}
    for variant in GERMAN.variants("heads_up"):
        for length in ("short", "mail"):
            text = render("heads_up", f"{length}_{variant}", facts)
            assert "heute" in text
            assert "24. November" not in text


@pytest.mark.parametrize("situation", ["rejected", "turned_down"])
def test_a_german_no_says_nothing_of_a_search_that_may_be_over(situation: str) -> None:
    for block in GERMAN.blocks(situation):
        for warmth in ("plain", "normal", "warm"):
            text = render(situation, block, FULL | {"warmth": warmth, "answer": ""})
            assert not re.search(r"such(e|st) weiter|weiterzusuchen|nächste Bewerbung|stattdessen suchst", text), text


VOUCHED = re.compile(
    r"[Oo]hne (dich|Maria) |für (mich|dich) gesprochen|eingestanden|hinter mir|[Dd]eine (Hilfe|Zeit|Unterst)|Dein Wort"
    r"|Namen neben|an meiner Seite|deinen Teil|auf dich zählen|verdanke|gezählt|Umsonst|was du getan|im Rücken"
    r"|Einstehen"
)


@pytest.mark.parametrize("situation", ["accepted", "rejected", "turned_down"])
def test_who_was_only_asked_is_thanked_in_german_for_considering_it(situation: str) -> None:
    for variant in GERMAN.variants(situation):
        for length in ("short", "mail", "card", "call"):
            for warmth in ("plain", "normal", "warm"):
                facts = FULL | {"vouched": False, "agreed": False, "answer": "", "reasons": (), "warmth": warmth}
                text = render(situation, f"{length}_{variant}", facts)
                assert not VOUCHED.search(text), text
                assert re.search(r"[Dd]ank|nett von dir", text), text
    assert "geholfen" not in render(situation, "question", FULL | {"vouched": False})


def test_a_second_message_is_spoken_of_in_german_only_where_one_is_recorded() -> None:
    followed = r"nachgefragt|[Zz]wei Nachrichten|dritte Nachricht"
    for variant in GERMAN.variants("ask_unanswered"):
        block = f"mail_{variant}"
        assert re.search(followed, render("ask_unanswered", block, FULL))
        assert not re.search(followed, render("ask_unanswered", block, FULL | {"followed_up": False}))


@pytest.mark.parametrize("vouched", [True, False])
def test_after_the_day_of_the_post_the_german_news_is_not_called_a_secret(vouched: bool) -> None:
    secret = r"[Pp]oste|öffentlich|als Erstes|den Ersten|zuerst (von|hören)|kommst zuerst|[Bb]evor|vorher|Vorher"
    facts = FULL | {"posted": True, "vouched": vouched, "reasons": (), "heard": ""}
    for block in GERMAN.blocks("accepted"):
        for warmth in ("plain", "normal", "warm"):
            text = render("accepted", block, facts | {"warmth": warmth})
            assert not re.search(secret, text), text
