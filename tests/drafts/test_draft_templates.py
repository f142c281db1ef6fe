"""What the English drafts say."""

from __future__ import annotations

import re

import pytest

from tests.drafts.english import ENGLISH, TODAY
from tests.drafts.reading import SITUATIONS

LENGTHS = ("subject", "short", "mail", "card", "call")
SOCIAL = {"birthday", "promoted", "work_anniversary"}
FULL, MISSING = ENGLISH.full, ENGLISH.missing
render = ENGLISH.render


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_draft_has_a_question_and_at_least_three_variants_in_every_length(situation: str) -> None:
    wanted = {"question"}
    variants = ENGLISH.variants(situation)
    for variant in variants:
        wanted |= {f"{length}_{variant}" for length in LENGTHS}
        if situation in SOCIAL:
            wanted.add(f"social_{variant}")
    assert set(ENGLISH.blocks(situation)) == wanted
    assert len(variants) >= (6 if situation == "accepted" else 3)
    assert ENGLISH.intent(situation, FULL) in ("give", "ask", "news", "thank", "none")


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


def test_nothing_is_said_of_a_silence_that_is_short_or_unknown() -> None:
    for months in (None, 0, 1):
        assert "It has been" not in render("check_in", "mail_1", MISSING | {"silence": months, "approach": "note"})


def test_a_silence_is_owned_up_to_once_and_the_favour_is_told_openly() -> None:
    for variant in ENGLISH.variants("ask_after_silence"):
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
    for variant in ENGLISH.variants("accepted"):
        for length in ("short", "mail", "card", "call"):
            text = render("accepted", f"{length}_{variant}", FULL)
            assert "Monday, 7 December" in text
            assert re.search(r"(couldn’t have done it|not have happened) without|without you I couldn’t", text, re.I)
            assert "Acme" in text
        assert re.search(r"post|announce|public", render("accepted", f"mail_{variant}", FULL))


def test_that_is_why_i_thought_of_you_only_after_a_reason() -> None:
    assert "That is why" not in render("ask", "mail_2", FULL | {"them.worked_at": ""})
    assert "when you managed me. That is why I thought of you." in render("ask", "mail_2", FULL)


@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize("kind", ["interview", "references_requested", ""])
def test_a_heads_up_on_the_day_itself_says_today(kind: str, agreed: bool) -> None:
    facts = FULL | {"event.kind": kind, "event.on": TODAY, "agreed": agreed}
    for variant in ENGLISH.variants("heads_up"):
        for length in ("short", "mail"):
            text = render("heads_up", f"{length}_{variant}", facts)
            assert "today" in text
            assert "before" not in text
            assert "24 November" not in text


@pytest.mark.parametrize("situation", ["rejected", "turned_down"])
def test_a_no_says_nothing_of_a_search_that_may_be_over(situation: str) -> None:
    for block in ENGLISH.blocks(situation):
        for warmth in ("plain", "normal", "warm"):
            text = render(situation, block, FULL | {"warmth": warmth, "answer": ""})
            found = re.search(r"keep looking|go on looking|other jobs|others;|looking for|stop me|better news", text)
            assert found is None, text


VOUCHED = re.compile(
    r"vouch|couldn’t have|back(ed|ing) me|gave (me )?your|your (help|time|good word|support)|stood up|behind (me|you\b)"
    r"|your name next to|on (my|your) side|have happened without|[Yy]ou helped|what you did|everything you did"
    r"|count(ed)? (on|all)|standing|ready to help|some of this is yours|That is why you",
)


@pytest.mark.parametrize("situation", ["accepted", "rejected", "turned_down"])
def test_who_was_only_asked_is_thanked_for_considering_it(situation: str) -> None:
    for variant in ENGLISH.variants(situation):
        for length in ("short", "mail", "card", "call"):
            for warmth in ("plain", "normal", "warm"):
                facts = FULL | {"vouched": False, "agreed": False, "answer": "", "reasons": (), "warmth": warmth}
                text = render(situation, f"{length}_{variant}", facts)
                assert not VOUCHED.search(text), text
                assert re.search(r"[Tt]hank", text), text
                assert re.search(r"consider|thinking about being a reference", text), text
    assert "helped" not in render(situation, "question", FULL | {"vouched": False})


def test_a_second_message_is_spoken_of_only_where_one_is_recorded() -> None:
    followed = r"followed up|[Tt]wo messages|third message"
    for variant in ENGLISH.variants("ask_unanswered"):
        block = f"mail_{variant}"
        assert re.search(followed, render("ask_unanswered", block, FULL))
        assert not re.search(followed, render("ask_unanswered", block, FULL | {"followed_up": False}))


@pytest.mark.parametrize("vouched", [True, False])
def test_after_the_day_of_the_post_the_news_is_not_called_a_secret(vouched: bool) -> None:
    secret = r"\bpost(ed)?\b|public|announce|first to know|from me first|hear it first|ahead of|rest of the world"
    facts = FULL | {"posted": True, "vouched": vouched, "reasons": ()}
    for block in ENGLISH.blocks("accepted"):
        for warmth in ("plain", "normal", "warm"):
            text = render("accepted", block, facts | {"warmth": warmth})
            assert not re.search(secret, text), text
