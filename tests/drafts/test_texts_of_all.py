"""Every situation as a text: who and by when first, within the segments, in GSM-7, and fit for a lock screen."""

from __future__ import annotations

import dataclasses
import re

import pytest

from reminderd.drafts import words
from reminderd.drafts.library import Library
from reminderd.drafts.samples import full
from reminderd.drafts.text import make_draft_text, make_text
from reminderd.store.draft_records import DraftFacts, EventView, Person
from reminderd.transports.segments import count_segments, fit, is_gsm7
from tests.drafts.builders import DUE, NAMES, entry, facts, of_user, text_item

LIBRARY = Library()
ALONE = ("announcement", "warm_up", "look_in")
TELLING = re.compile(
    r"acme|globex|initech|offer|reject|accept|withdr|\bjob\b|reference|vouch|hired|interview|salary"
    r"|zusage|absage|stelle\b|referenz|bewerb|gespräch mit",
    re.IGNORECASE,
)


def known_for(situation: str, language: str) -> DraftFacts:
    base = facts("Zoë Ünal-Çelik")
    if situation in ALONE:
        base = dataclasses.replace(base, them=Person(), people=(full().them,))
    return of_user(dataclasses.replace(base, event=EventView()), language=language)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("situation", LIBRARY.names())
@pytest.mark.parametrize("most", [1, 2])
def test_a_text_of_each_situation(situation: str, language: str, most: int) -> None:
    known = known_for(situation, language)
    draft = LIBRARY.draft(situation, known)
    one = entry(number=7, known=known, draft=draft, title=words.title(situation, known))
    made = make_text(text_item(one, user=known.me), lambda text, tail: fit(text, most, tail))
    body = made.body
    assert count_segments(body).count <= most
    assert is_gsm7(body)
    assert not TELLING.search(body), body
    assert not any(name in body for name in ("Zoë", "Ünal", "Müller", "Okafor"))
    who = "" if situation in ALONE else "Z.Ü.Ç. - "
    assert body.startswith(f"reminderd: {who}")
    if situation != "announcement":
        assert (" by Wed 25 Nov. " if language == "en" else " bis Mi. 25. Nov. ") in body
        assert body.index("25") < body.index("DONE 7")
    assert body.endswith("DONE 7")
    assert ("DRAFT 7" in body) != draft.for_user


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("situation", LIBRARY.names())
def test_a_short_draft_as_a_text_stays_within_the_segments(situation: str, language: str) -> None:
    known = of_user(facts(event=EventView()), language=language)  # a name that GSM-7 can write
    draft = LIBRARY.draft(situation, known)
    one = entry(number=7, known=known, draft=draft)
    body = make_draft_text(text_item(one, user=known.me), one, lambda text, tail: fit(text, 2, tail)).body
    assert count_segments(body).count <= 2
    assert is_gsm7(body)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("situation", ["accepted", "ask", "called", "heads_up"])
def test_a_group_in_a_text_names_all_by_initials_and_never_the_matter(situation: str, language: str) -> None:
    group = [of_user(facts(name, number), language=language) for number, name in enumerate(NAMES, 1)]
    entries = [
        entry(6 + place, known, draft=LIBRARY.draft(situation, known), title=words.title(situation, known))
        for place, known in enumerate(group, 1)
    ]
    made = make_text(text_item(*entries, user=group[0].me), lambda text, tail: fit(text, 2, tail))
    assert count_segments(made.body).count <= 2
    assert made.body.startswith("reminderd: 7 A.M., 8 B.O., 9 C.W., 10 D.N., 11 E.M., 12 S.O. - ")
    assert not TELLING.search(made.body)


def test_full_texts_say_names_and_companies_because_they_were_asked_to() -> None:
    known = of_user(facts(), full_texts=True)
    made = make_text(text_item(entry(known=known, due_at=DUE), user=known.me))
    assert made.body == "reminderd: Thank Ana Müller for Acme by Wed 25 Nov. DRAFT 7 / DONE 7"
