"""Every draft of every language, whatever is known, reads like something a person wrote."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.drafts.english import ENGLISH
from tests.drafts.german import GERMAN
from tests.drafts.reading import SITUATIONS, TO_THE_USER, Reader

pytestmark = pytest.mark.parametrize("reader", [ENGLISH, GERMAN], ids=str)
SENT = [name for name in SITUATIONS if name not in TO_THE_USER]
TOOK_IN = {
    "en": {
        "called": "thank you for talking to",
        "promoted": "ongratulations",
        "new_year": "new year",
        "brief_and_thanks": "thank",
    },
    "de": {"called": "mit ihnen gesprochen", "promoted": "lückwunsch", "new_year": "neues jahr"},
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_draft_reads_well_whatever_is_known(reader: Reader, situation: str) -> None:
    found = reader.found(situation)
    assert not found, "\n".join(f"{situation}.{fault}\n    {text!r}" for fault, text in found.items())


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("known", ["missing", "full"])
def test_no_two_variants_say_the_same(reader: Reader, situation: str, known: str) -> None:
    facts = reader.full if known == "full" else reader.missing | {"warmth": "normal"}
    for length in ("short", "mail", "card", "call"):
        texts = [reader.render(situation, f"{length}_{variant}", facts) for variant in reader.variants(situation)]
        assert len(set(texts)) == len(texts)
        for one, other in itertools.combinations(texts, 2):
            same = set(one.split("\n\n")) & set(other.split("\n\n"))
            assert not [part for part in same if len(part) > 60 and not part.startswith(("1.", "2.", "3.", "- "))]


@pytest.mark.parametrize("situation", SENT)
def test_the_answer_goes_in_as_a_sentence_and_warmth_changes_the_mail(reader: Reader, situation: str) -> None:
    for variant in reader.variants(situation):
        for facts in (reader.full, reader.missing | {"answer": reader.full["answer"]}):
            for length in ("short", "mail", "card"):
                text = reader.render(situation, f"{length}_{variant}", facts)
                assert text.count(reader.answered) == 1, (length, variant, text)
        warmths = ("plain", "normal", "warm")
        mails = [reader.render(situation, f"mail_{variant}", reader.full | {"warmth": name}) for name in warmths]
        assert len(mails[0]) < len(mails[1]) < len(mails[2]), (situation, variant)


@pytest.mark.parametrize("situation", SENT)
def test_what_a_draft_took_in_becomes_a_sentence(reader: Reader, situation: str) -> None:
    for reason, words in TOOK_IN[reader.language].items():
        for variant in reader.variants(situation) if reason != situation else ():
            text = reader.render(situation, f"mail_{variant}", reader.full | {"reasons": (reason,)})
            assert words in text.lower(), (situation, reason, variant)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_paragraphs_run_together(reader: Reader, situation: str) -> None:
    # trim_blocks eats the line end after a tag, so that a line of text must not end in a plain one
    lines = reader.source(situation).splitlines()
    assert not [line for line in lines if re.search(r"\S.*\{% end(if|for) %\}$", line)]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_name_that_ends_in_a_full_stop_gets_no_second_one(reader: Reader, situation: str) -> None:
    for role in ("", "Staff Engineer"):
        for block in reader.blocks(situation):
            text = reader.render(situation, block, reader.full | {"job.company": "Acme Inc.", "job.role": role})
            assert ".." not in text, (situation, block, text)
