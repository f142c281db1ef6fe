"""Consent: asked, agreed or declined, for each job, with scope and until when; and what an unanswered ask comes to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.care.life import Life, about, plain_of

Begin = Callable[..., Life]


@pytest.fixture
def life(begin: Begin) -> Life:
    """Ben and Dana agreed to something earlier; Ben was called on more. Maria is reached by mail, and has a phone."""
    life = begin("2026-03-02T09:30", "Maria Lopez", "Ben Okafor", "Dana Wu", "Eve Silent")
    life.at("2026-03-02T09:31", "reference", "edit", "Maria", "--phone", "+14155550111")
    life.at("2026-03-02T09:31", "opportunity", "add", "Oldco")
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme", "--role", "Staff Engineer")
    life.at("2026-03-02T09:31", "record", "agreed", "Ben", "Dana", "--for", "Oldco", "--on", "2026-02-01", "--quiet")
    life.at("2026-03-02T09:31", "record", "called", "Ben", "--for", "Oldco", "--on", "2026-02-10", "--quiet")
    return life


def test_an_ask_unanswered_is_followed_up_once_by_another_medium_then_the_best_alternate_is_named(life: Life) -> None:
    life.at("2026-03-02T10:00", "need", "Acme", "--by", "2026-03-31", "Maria", "--kind", "call")
    life.done("2026-03-02T10:05", "ask")
    arrived = life.until("2026-05-31T10:00")
    assert about(arrived, "ask-follow-up") == [("2026-03-09", "Maria Lopez", "email")]
    (follow_up,) = (one for one in arrived if any(nudge.rule == "ask-follow-up" for nudge in one.nudges))
    assert "+14155550111" in plain_of(follow_up)  # she is asked by mail; the follow-up is a call
    assert about(arrived, "ask-unanswered") == [("2026-03-16", "Maria Lopez", "email")]
    (plan_b,) = (one for one in arrived if any(nudge.rule == "ask-unanswered" for nudge in one.nudges))
    assert "Dana Wu and Ben Okafor" in plain_of(plan_b)  # Dana was called on less
    assert "Eve" not in plain_of(plan_b)


def test_half_the_time_to_the_date_counts_also_when_the_ask_is_recorded_by_hand(life: Life) -> None:
    life.at("2026-03-02T10:00", "need", "Acme", "--by", "2026-03-06", "Maria", "--quiet")
    life.at("2026-03-02T10:05", "record", "asked", "Maria", "--for", "Acme", "--quiet")
    arrived = life.until("2026-03-06T20:00")
    assert about(arrived, "ask-follow-up") == [("2026-03-04", "Maria Lopez", "email")]
    assert about(arrived, "ask-unanswered") == [("2026-03-05", "Maria Lopez", "email")]


def test_no_answer_is_recorded_by_itself_and_they_rest_for_a_year(life: Life) -> None:
    life.at("2026-03-02T10:00", "record", "asked", "Maria", "--for", "Acme", "--quiet")
    life.until("2026-04-01T10:00")
    assert life.rows("select kind from events where retracted_at is null order by id desc limit 1") == [("no_answer",)]
    arrived = life.until("2027-03-01T10:00")
    assert [nudge.rule for one in arrived for nudge in one.nudges if nudge.reference == "Maria Lopez"] == []
    ideas = life.refused_at("2027-03-01T10:00", "need", "Thirdco", "--by", "2027-03-20")
    assert "Dana Wu" in ideas
    assert "Maria" not in ideas
    assert ("reconnect", "Maria Lopez") in life.open("2027-04-15T10:00")


def test_a_late_word_that_they_had_agreed_takes_the_no_answer_back(life: Life) -> None:
    life.at("2026-03-02T10:00", "record", "asked", "Maria", "--for", "Acme", "--quiet")
    life.until("2026-04-01T10:00")
    life.at("2026-04-01T10:00", "record", "agreed", "Maria", "--for", "Acme", "--on", "2026-03-10", "--quiet")
    assert life.rows("select count(*) from events where kind = 'no_answer' and retracted_at is null") == [(0,)]
    assert [row["name"] for row in life.json_at("2026-04-01T10:01", "sheet", "Acme")] == ["Maria Lopez"]


def no_answers(life: Life) -> list[tuple[str]]:
    query = "select \"on\" from events where kind = 'no_answer' and retracted_at is null"
    return [(str(day),) for (day,) in life.rows(query)]


def test_undoing_a_late_word_that_they_had_agreed_brings_the_no_answer_back(life: Life) -> None:
    life.at("2026-03-02T10:00", "record", "asked", "Maria", "--for", "Acme", "--quiet")
    life.until("2026-04-01T10:00")
    before = no_answers(life)
    life.at("2026-04-01T10:00", "record", "agreed", "Maria", "--for", "Acme", "--on", "2026-03-10", "--quiet")
    assert no_answers(life) == []
    life.at("2026-04-01T10:01", "undo")
    assert no_answers(life) == before != []
    life.at("2026-04-01T10:02", "landed", "Acme", "Dana", "--quiet")
    assert [who for rule, who in life.open("2026-04-01T10:02") if rule == "accepted"] == ["Dana Wu"]


def test_the_ask_undone_and_recorded_again_is_unanswered_again(life: Life) -> None:
    asked = ("record", "asked", "Maria", "--for", "Acme", "--on", "2026-03-02", "--quiet")
    life.at("2026-03-02T10:00", *asked)
    life.until("2026-04-01T10:00")
    before = no_answers(life)
    life.at("2026-04-01T10:00", "undo")
    assert no_answers(life) == []
    life.at("2026-04-01T10:01", *asked)
    assert no_answers(life) == before != []


def test_a_no_answer_that_the_user_recorded_themselves_meanwhile_is_not_doubled(life: Life) -> None:
    life.at("2026-03-02T10:00", "record", "asked", "Maria", "--for", "Acme", "--quiet")
    life.until("2026-04-01T10:00")
    (day,) = no_answers(life)[0]
    life.at("2026-04-01T10:00", "record", "no_answer", "Maria", "--for", "Acme", "--on", day, "--again", "--quiet")
    life.at("2026-04-01T10:01", "undo")
    life.at("2026-04-01T10:02", "record", "agreed", "Maria", "--for", "Acme", "--on", "2026-03-10", "--quiet")
    life.at("2026-04-01T10:03", "undo")
    assert no_answers(life) == [(day,)]


def test_a_no_is_thanked_and_nothing_more(life: Life) -> None:
    life.at("2026-03-02T10:00", "record", "asked", "Maria", "--for", "Acme", "--quiet")
    said = life.at("2026-03-04T10:00", "record", "declined", "Maria", "--for", "Acme")
    assert "?" not in said.partition("\n---\n")[0].partition("Subject:")[2]
    life.done("2026-03-10T10:00", "declined", "Maria Lopez")
    life.at("2026-03-12T10:00", "record", "interview", "--final", "--for", "Acme", "--on", "2026-03-20", "--quiet")
    life.at("2026-03-25T10:00", "record", "accepted", "--for", "Acme", "--quiet")
    arrived = life.until("2026-05-29T10:00")
    assert [nudge.rule for one in arrived for nudge in one.nudges if nudge.reference == "Maria Lopez"] == []


def test_asking_again_takes_no_agreement_back(life: Life) -> None:
    life.at("2026-03-02T10:00", "record", "agreed", "Maria", "--for", "Acme", "--quiet")
    life.at("2026-03-05T10:00", "need", "Acme", "--by", "2026-03-20", "Maria", "--kind", "linkedin", "--quiet")
    life.done("2026-03-05T10:05", "ask")
    assert [row["name"] for row in life.json_at("2026-03-05T10:06", "sheet", "Acme")] == ["Maria Lopez"]


@pytest.mark.parametrize(("until", "named"), [("2026-03-31", True), ("2026-03-10", False)])
def test_an_agreement_whose_time_is_over_counts_no_more(life: Life, until: str, named: bool) -> None:
    agreed = ("record", "agreed", "Maria", "--for", "Acme", "--scope", "backend roles", "--until", until, "--quiet")
    life.at("2026-03-02T10:00", *agreed)
    said = life.at("2026-03-16T10:00", "record", "interview", "--final", "--for", "Acme", "--on", "2026-03-18")
    assert ("may call you" in said) is named
    assert ("May I" in said) is not named
    sheet = life.at("2026-03-16T10:01", "sheet", "Acme")
    assert ("Maria Lopez\n" in sheet) is named
    assert (f"Maria Lopez agreed to: backend roles, until {until}." in sheet) is named
    # Nor is she named as somebody who agreed, when another one does not answer.
    life.at("2026-03-16T10:02", "opportunity", "add", "Thirdco")
    said = life.at("2026-03-16T10:03", "need", "Thirdco", "--by", "2026-04-16", "Dana")
    life.done("2026-03-16T10:04", "ask", "Dana Wu")
    plan_b = [one for one in life.until("2026-04-10T10:00") if one.nudges[0].rule == "ask-unanswered"]
    assert ("Maria Lopez" in plain_of(plan_b[0])) is named


def test_nobody_is_named_as_to_be_called_who_has_not_agreed(life: Life) -> None:
    life.at("2026-03-02T10:00", "record", "asked", "Eve", "Maria", "--for", "Acme", "--quiet")
    life.at("2026-03-03T10:00", "record", "agreed", "Maria", "--for", "Acme", "--quiet")
    assert "Eve" not in str(life.json_at("2026-03-03T10:01", "sheet", "Acme"))
    life.at("2026-03-04T10:00", "record", "references_requested", "--for", "Acme", "--quiet")
    number = life.number("2026-03-04T10:01", "heads-up", "Eve Silent")
    draft = life.json_at("2026-03-04T10:01", "draft", str(number))
    assert "May I" in draft["body"] + draft["subject"]
    assert "may call you" not in draft["body"]
    number = life.number("2026-03-04T10:01", "heads-up", "Maria Lopez")
    assert "may call you" in life.json_at("2026-03-04T10:01", "draft", str(number))["body"]


@pytest.mark.parametrize(
    ("kind", "words"), [("call", "phone call"), ("letter", "letter"), ("form", "form"), ("linkedin", "LinkedIn")]
)
def test_need_gives_the_ask_for_the_kind_of_reference(life: Life, kind: str, words: str) -> None:
    assert words in life.at("2026-03-02T10:00", "need", "Acme", "--by", "2026-03-20", "Maria", "--kind", kind)


@pytest.mark.parametrize(
    ("last", "said"), [("2023-06-02", "nearly three years"), ("2024-12-01", "over a year"), ("2025-12-20", "")]
)
def test_an_ask_after_a_silence_says_its_true_length_once(life: Life, last: str, said: str) -> None:
    life.at("2026-03-02T10:00", "reference", "edit", "Eve", "--last-contact", last)
    draft = life.at("2026-03-02T10:01", "need", "Acme", "--by", "2026-03-20", "Eve")
    assert draft.count(said) == 1 if said else "year" not in draft


def test_where_nobody_vouches_the_answer_says_what_became_of_those_asked(life: Life) -> None:
    life.at("2026-03-02T10:00", "record", "asked", "Maria", "Dana", "Ben", "--for", "Acme", "--quiet")
    life.at("2026-03-02T10:01", "record", "declined", "Ben", "--for", "Acme", "--quiet")
    life.until("2026-04-01T10:00")
    said = life.at("2026-04-01T10:00", "record", "accepted", "--for", "Acme")
    assert (
        "Nobody is to be told for Acme: Ben Okafor said no; Dana Wu and Maria Lopez were asked and did not answer."
        in said
    )
    assert "name them: reminderd landed Acme NAME…" in said
    assert "Nobody was asked" not in said


def test_a_need_says_why_there_is_nobody_to_suggest(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima", "Ben Okafor", "Cleo Ames", "Dana Wu")
    life.at("2026-03-02T09:31", "reference", "edit", "Ana", "--keep-from-knowing")
    life.at("2026-03-02T09:31", "reference", "pause", "Ben")
    life.at("2026-03-02T10:00", "landed", "Acme", "Cleo", "Dana", "--quiet")
    line = life.refused_at("2026-03-02T10:01", "need", "Acme", "--by", "2026-03-20")
    for why in ("1 is to be kept from knowing of your search", "1 is not active", "2 were asked for it already"):
        assert why in line
    assert "Name somebody: reminderd need Acme --by 2026-03-20 NAME" in line
    assert "You have no references" not in line
