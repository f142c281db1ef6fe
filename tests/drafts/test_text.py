"""Texts: who and by when first, safe on a lock screen, with a word to answer."""

from __future__ import annotations

import pytest

from reminderd.drafts import words
from reminderd.drafts.text import make_draft_text, make_text
from reminderd.store.draft_records import Involved, Person
from tests.drafts.builders import NAMES, NOW, draft, entry, facts, of_user, text_item


def test_a_text_shows_initials_a_code_and_the_day() -> None:
    made = make_text(text_item())
    assert made.body == "reminderd: A.M. - thank by Wed 25 Nov. DRAFT 7 / DONE 7"
    assert made.recipient == "+14155550100"


def test_full_texts_by_choice() -> None:
    known = of_user(facts(), full_texts=True)
    made = make_text(text_item(entry(known=known), user=known.me))
    assert made.body == "reminderd: Thank Ana Müller for Acme by Wed 25 Nov. DRAFT 7 / DONE 7"


def test_several_of_one_matter_share_a_text() -> None:
    entries = [entry(6 + number, facts(name, number)) for number, name in enumerate(NAMES[:3], 1)]
    assert make_text(text_item(*entries)).body == (
        "reminderd: 7 A.M., 8 B.O., 9 C.W. - thank by Wed 25 Nov. DRAFT 7 / DONE 7"
    )


def test_a_page_is_linked_where_there_is_one() -> None:
    made = make_text(text_item(links=lambda number, action: f"https://r.example/{action}/{number}"))
    assert made.body == "reminderd: A.M. - thank by Wed 25 Nov. https://r.example/draft/7"


def test_without_a_way_back_the_command_is_named() -> None:
    assert make_text(text_item(answerable=False)).body.endswith("reminderd draft 7")


def test_before_a_post_a_text_says_who_does_not_know_yet() -> None:
    people = tuple(Involved(number, name, name.split()[0], told=number < 5) for number, name in enumerate(NAMES, 1))
    known = facts(them=Person(), involved=people)
    made = make_text(text_item(entry(known=known, draft=draft(situation="announcement", for_user=True))))
    assert made.body == "reminderd: 4 of 6 know; still: E.M., S.O. DONE 7"


def test_the_fit_keeps_the_way_back() -> None:
    entries = [entry(number, facts(name, number)) for number, name in enumerate(NAMES * 5, 1)]
    made = make_text(text_item(*entries, useless_at=NOW), lambda text, tail: text[: 160 - len(tail)] + tail)
    assert len(made.body) == 160
    assert made.body.endswith("… DRAFT 1 / DONE 1")
    assert made.useless_at == NOW


def test_a_second_text_carries_the_short_draft() -> None:
    assert make_draft_text(text_item(), entry()).body == "Hi Ana, I got the job."


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_text_names_the_employer_or_the_outcome(language: str) -> None:
    known = of_user(facts(), language=language)
    made = make_text(text_item(entry(known=known, title=words.title("accepted", known)), user=known.me))
    for word in ("Acme", "Müller", "Ana", "offer", "job", "Zusage"):
        assert word not in made.body
