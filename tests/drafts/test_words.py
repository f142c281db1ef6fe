"""Titles and subjects name who, what and by when, and nothing that presses."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re

import pytest

from reminderd.drafts import notices, phrases, questions, titles, words
from reminderd.drafts.dates import clock, day, day_short, listing, local_day, month, sentence
from reminderd.rules.book import default_book
from reminderd.store.draft_records import Involved, Job, Person
from tests.drafts.builders import DUE, NAMES, facts, of_user

BANNED = re.compile(
    r"going cold|streak|\bscore|overdue|\bguilt|blame|don.t forget|last chance"
    r"|you (still )?haven.t|neglect|fail|too late|must |urgent|\bred\b|!|überfällig|schuld|versäumt|vergiss",
    re.IGNORECASE,
)


def test_a_title_names_person_matter_and_company() -> None:
    assert words.title("accepted", facts("Maria Lopez")) == "Thank Maria Lopez for Acme"


def test_a_subject_names_the_group_or_the_person_and_the_day() -> None:
    everyone = [facts(name, number) for number, name in enumerate(NAMES, 1)]
    assert words.subject("accepted", everyone, DUE) == "Thank your Acme references by Wed 25 Nov"
    assert words.subject("accepted", [facts()], DUE) == "Thank Ana Müller by Wed 25 Nov"


def test_a_german_subject_too() -> None:
    assert words.subject("accepted", [of_user(facts(), language="de")], DUE) == "Ana Müller danken bis Mi. 25. Nov."


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ("accepted", "Deinen Referenzen für Acme danken bis Mi. 25. Nov."),
        ("rejected", "Deinen Referenzen für Acme erzählen, wie es ausging bis Mi. 25. Nov."),
        ("ask", "Deine Referenzen für Acme um eine Referenz bitten bis Mi. 25. Nov."),
        ("heads_up", "Deine Referenzen für Acme vorbereiten bis Mi. 25. Nov."),
    ],
)
def test_several_people_take_their_case_in_german(draft: str, said: str) -> None:
    group = [of_user(facts(name, number), language="de") for number, name in enumerate(NAMES, 1)]
    assert words.subject(draft, group, DUE) == said


@pytest.mark.parametrize("other", ["Ana Lim", "Ana", "Lima", "Ana Lima Costa"])
def test_a_thread_goes_on_with_the_person_whose_whole_name_its_subject_says(other: str) -> None:
    begun = words.subject("accepted", [facts("Ana Lima")], DUE)
    assert words.still_fits(begun, "accepted", [facts("Ana Lima")], [DUE])
    assert not words.still_fits(begun, "accepted", [facts(other)], [DUE])


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_thread_goes_on_in_another_language_and_other_words(language: str) -> None:
    begun = words.subject("check_in", [of_user(facts("Ana Lima"), language=language)], DUE)
    for now in ("en", "de"):
        assert words.still_fits(begun, "give", [of_user(facts("Ana Lima"), language=now)], [DUE])


def test_a_thread_goes_on_while_something_is_due_by_the_day_in_its_subject() -> None:
    everyone, later = [facts(name, number) for number, name in enumerate(NAMES, 1)], DUE + dt.timedelta(days=13)
    begun = words.subject("accepted", everyone, DUE)
    assert words.still_fits(begun, "accepted", everyone[:1], [DUE])
    assert words.still_fits(begun, "accepted", everyone[:2], [later, DUE])
    assert not words.still_fits(begun, "accepted", everyone[:1], [later])


def test_a_nudge_about_several_names_them_by_the_company() -> None:
    alone = facts(them=Person())
    assert words.title("gift", alone) == "Send your Acme references a card or a small gift"
    hidden = dataclasses.replace(alone, job=Job(id=1), hidden=True)
    assert words.title("gift", hidden) == "Send your references a card or a small gift"
    assert words.title("announcement", hidden) == "Before you post: who knows?"


@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_on_a_lock_screen_names_a_company_a_name_or_an_outcome(language: str) -> None:
    for name in titles.TITLES[language]:
        shown = words.lock_screen_title(name, of_user(facts(), language=language))
        assert not re.search(r"acme|müller|ana\b|offer|reject|accept|job|zusage|absage", shown, re.IGNORECASE)


def test_every_rule_of_the_book_has_a_title_in_both_languages() -> None:
    rules = default_book().rules.values()
    drafts = {draft for rule in rules for draft in (rule.draft, rule.silent_draft, rule.giving_draft) if draft}
    for language in ("en", "de"):
        assert drafts <= titles.TITLES[language].keys()


def test_a_draft_of_the_users_own_has_a_title_as_well() -> None:
    assert words.title("school_reunion", facts()) == "Ana Müller: School reunion"


def test_no_words_to_the_user_press_or_blame() -> None:
    said = [*phrases.ENGLISH.values(), *phrases.GERMAN.values(), *phrases.GERMAN_EVENTS.values()]
    said += [
        text for table in titles.TITLES.values() for title in table.values() for text in dataclasses.astuple(title)
    ]
    said += [text for needs in questions.NEEDS.values() for _, *texts in needs for text in texts]
    for language in ("en", "de"):
        said += [words.reminder(number, language) for number in range(1, 6)]
        said += [words.knows(told, 6, language) for told in range(7)]
        said += [words.digest_subject(NAMES[:count], language) for count in range(5)]
        said += [notices.ended("Thank Ana", state, language) for state in ("expired", "cancelled")]
    assert [text for text in said if BANNED.search(text)] == []


@pytest.mark.parametrize(
    ("told", "total", "said"),
    [
        (0, 6, "0 of 6 know"),
        (4, 6, "4 of 6 know"),
        (6, 6, "all six know: post away"),
        (2, 2, "both know: post away"),
        (1, 1, "the one you asked knows: post away"),
        (12, 12, "all 12 know: post away"),
    ],
)
def test_how_many_know(told: int, total: int, said: str) -> None:
    assert words.knows(told, total) == said


def test_who_does_not_know_yet_stands_by_initials_unless_names_are_wanted() -> None:
    people = tuple(Involved(number, name, name.split()[0], told=number < 5) for number, name in enumerate(NAMES, 1))
    assert words.know_line(facts(involved=people), full=False) == "4 of 6 know; still: E.M., S.O."
    assert words.know_line(facts(involved=people), full=True) == "4 of 6 know; still: Eve Martin, Sam Ortiz"


def test_the_digests_subject_names_people() -> None:
    for language, why in (("en", "The number is wrong (correct the number)."), ("de", "Keine Verbindung. ")):
        assert ".." not in notices.channel_broke("sms", why, language)[1]
    assert words.digest_subject(["Bernd"], "de") == "Freut sich vielleicht, von dir zu hören: Bernd"
    assert words.digest_subject(["Bernd", "Eva"], "de") == "Freuen sich vielleicht, von dir zu hören: Bernd und Eva"
    assert words.digest_subject([]) == "Your week with your references"
    assert words.digest_subject(["Ana"]) == "Might enjoy hearing from you: Ana"
    assert words.digest_subject(["Ana", "Ben"]) == "Might enjoy hearing from you: Ana and Ben"
    assert words.digest_subject(["Ana", "Ben", "Cleo"]) == "Might enjoy hearing from you: Ana, Ben and Cleo"
    assert (
        words.digest_subject(["Ana", "Ben", "Cleo", "Dan"]) == "Might enjoy hearing from you: Ana, Ben, Cleo and 1 more"
    )


def test_the_day_of_a_deadline_is_the_users_own() -> None:
    midnight = dt.datetime(2026, 11, 26, 5, tzinfo=dt.UTC)
    assert local_day(midnight, "America/New_York") == dt.date(2026, 11, 25)
    assert words.by(DUE, "Asia/Tokyo") == "by Thu 26 Nov"


def test_dates_and_lists_in_words() -> None:
    december = dt.date(2026, 12, 7)
    assert (day(december), day_short(december), month(december)) == ("Monday, 7 December", "Mon 7 Dec", "December 2026")
    assert (day(december, "de"), month("2019-03-01", "de")) == ("Montag, 7. Dezember", "März 2019")
    assert (day(None), day("soon"), clock(None), clock(dt.time(9, 5)), clock("14:30:00")) == (
        "",
        "",
        "",
        "09:05",
        "14:30",
    )
    assert (listing([]), listing(["a"]), listing("abc"), listing("ab", "de")) == ("", "a", "a, b and c", "a und b")
    assert (sentence(" you did it "), sentence("Well?"), sentence("he said “go.”"), sentence("")) == (
        "You did it.",
        "Well?",
        "He said “go.”",
        "",
    )
    assert day(december, "xx") == "Monday, 7 December"
