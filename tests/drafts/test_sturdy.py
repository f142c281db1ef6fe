"""A broken template of the user's costs no message: ours stands in, and the file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from reminderd.drafts import notices
from reminderd.drafts.library import Library
from reminderd.drafts.mail import make_mail
from reminderd.drafts.sturdy import Sturdy
from reminderd.errors import TemplateBroken
from tests.drafts.builders import facts, item, of_user

SYNTAX = "{% block mail_1 %}\n{{ them. }}"
NO_SUCH_NAME = "{{ nobody.knows }}"


def sturdy(folder: Path, name: str, text: str) -> Sturdy:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Sturdy(Library(folder))


@pytest.mark.parametrize("text", [SYNTAX, NO_SUCH_NAME, "", "{{ ''.__class__.__mro__ }}", "{{ 1 // 0 }}"])
def test_a_broken_draft_is_made_with_ours_and_named_with_its_line(tmp_path: Path, text: str) -> None:
    library = sturdy(tmp_path, "drafts/accepted.j2", text)
    made = library.draft("accepted", facts(), variant=2)
    assert made == Library().draft("accepted", facts(), variant=2)
    (wrong,) = library.wrong
    assert wrong.startswith(f"{tmp_path}/drafts/accepted.j2:")
    assert library.assign_variants("accepted", [facts(number=number) for number in range(1, 7)])


def test_a_broken_german_draft_is_made_with_our_german_one(tmp_path: Path) -> None:
    library = sturdy(tmp_path, "drafts/de/accepted.j2", SYNTAX)
    assert "Hallo Ana" in library.draft("accepted", of_user(facts(), language="de")).body
    assert library.draft("accepted", facts()).body.startswith(("Dear Ana", "Hi Ana"))


def test_a_situation_that_only_the_user_has_becomes_a_note_that_says_what_is_wrong(tmp_path: Path) -> None:
    library = sturdy(tmp_path, "drafts/reunion.j2", NO_SUCH_NAME)
    made = library.draft("reunion", facts(), variant=3)
    assert made.for_user
    assert made.body.startswith(f"The draft could not be made: {tmp_path}/drafts/reunion.j2:1: ")
    assert library.wrong == ()
    assert library.assign_variants("reunion", [facts(), facts()]) == [1, 1]


@pytest.mark.parametrize("name", ["nudge.html", "nudge.txt", "_parts.html", "_parts.txt"])
def test_a_broken_mail_template_is_made_with_ours(tmp_path: Path, name: str) -> None:
    library = sturdy(tmp_path, f"email/{name}.j2", NO_SUCH_NAME + "{% macro opening() %}{% endmacro %}")
    assert make_mail(item(), library).content == make_mail(item(), Library()).content
    assert all(f"{tmp_path}/email/{name}.j2" in wrong for wrong in library.wrong)
    assert library.wrong


def test_templates_that_work_are_used_and_nothing_is_wrong(tmp_path: Path) -> None:
    own = (Path(__file__).parents[2] / "templates" / "drafts" / "birthday.j2").read_text(encoding="utf-8")
    library = sturdy(tmp_path, "drafts/birthday.j2", own.replace("Happy birthday", "Many happy returns"))
    assert "Many happy returns" in library.draft("birthday", facts(), variant=1).body
    assert library.wrong == ()


def test_ours_being_broken_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(TemplateBroken):
        Sturdy(Library(tmp_path)).render("email/nothing.j2", {})


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_is_said_of_its_own_accord_comes_in_the_users_language(language: str) -> None:
    said = [
        *notices.channel_broke("email", "550 no such user", language),
        *notices.channel_broke("sms", "30003", language),
        *notices.trial(language),
        notices.ended("X", "expired", language),
        notices.ended("X", "cancelled", language),
        notices.template_broke("a.j2:1: oops", language),
        notices.no_draft("a.j2:1: oops", language),
    ]
    assert len(set(said)) == len(said)
    german = [text for text in said if any(word in text.split() for word in ("ist", "nicht", "ein", "mehr"))]
    assert (german == said) if language == "de" else not german
