"""`record`, `landed`, `need` and `undo`: what they write, what they say, and what they refuse."""

from __future__ import annotations

import contextlib
import datetime as dt
import shlex
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from reminderd.cli.context import Ctx
from reminderd.cli.words import StepLine, steps_words
from reminderd.rules.kinds import ALIASES, RECORDABLE
from reminderd.store.tables import User
from tests.cli.desk import Desk
from tests.cli.story import MONDAY, SIX, after_landing, numbers, six_references, with_acme

pytestmark = pytest.mark.usefixtures("clock")
EVENTS = 'SELECT kind, "on" FROM events WHERE retracted_at IS NULL ORDER BY id'


@pytest.fixture
def clock() -> object:
    with freeze_time(MONDAY) as frozen:
        yield frozen


def test_help_lists_every_kind_with_what_it_starts(tmp_path: Path) -> None:
    text = " ".join(six_references(tmp_path).ok("record", "--help").split())
    for kind in RECORDABLE:
        assert f" {kind} " in text
    for alias, kind in ALIASES.items():
        assert f"{alias} {kind}" in text
    assert "accepted you accepted the offer → accepted, gift" in text


def test_accepted_echoes_what_it_starts_when_each_step_comes_and_the_first_draft(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "--all", "--for", "Acme")
    said = desk.ok("record", "accepted", "--for", "Acme", "--starts", "2026-12-07")
    assert "Recorded: accepted for Acme, today." in said
    assert "Started, by Wed 25 Nov:" in said
    for name in SIX:
        assert f"  Thank {name} for Acme\n" in said
    assert "now by e-mail; tomorrow, 09:00 by e-mail; Wed 25 Nov, 09:00 by e-mail" in said
    assert "Before you post: 0 of 6 know" in said
    assert "To: ana@example.org\nSubject: " in said
    assert "7 December" in said
    assert "Nothing leaves this machine while SMTP_HOST is unset" in said
    assert desk.json("opportunity", "show", "Acme")["starts_on"] == "2026-12-07"


def test_reminders_that_are_late_are_said_once() -> None:
    now = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)
    late = [StepLine(now - dt.timedelta(days=days), "email", "direct") for days in (3, 2, 1)]
    later = StepLine(now + dt.timedelta(days=1), "email", "direct")
    user = User(zone="UTC")
    assert steps_words(late, user, now) == "now by e-mail"
    assert steps_words([*late, later], user, now) == "now by e-mail; tomorrow, 09:30 by e-mail"


def test_quiet_leaves_the_draft_out(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "Ana", "--for", "Acme")
    said = desk.ok("record", "accepted", "--for", "Acme", "--quiet")
    assert "Thank Ana Lima for Acme" in said
    assert "Subject:" not in said


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("met", "Ana", "--final"), "--final belongs to interview, not to met: leave it out."),
        (("thanked", "Ana", "--starts", "tomorrow"), "--starts belongs to offer, accepted, signed or started, not to"),
        (("asked", "Ana", "--for", "Acme", "--scope", "x"), "--scope belongs to agreed, not to asked"),
        (("accepted", "--for", "Acme", "--until", "tomorrow"), "--until belongs to agreed, not to accepted"),
    ],
)
def test_an_option_that_says_nothing_of_a_kind_is_refused(command: tuple[str, ...], words: str, tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    assert words in desk.refused(2, "record", *command)
    assert desk.rows(EVENTS) == []


@pytest.mark.parametrize(("starts", "is_remarked"), [("2020-01-01", True), ("2025-11-23", False)])
def test_a_first_day_long_ago_is_taken_and_remarked_on(starts: str, is_remarked: bool, tmp_path: Path) -> None:
    for home, command in (("record", ("record", "accepted", "--for", "Acme")), ("landed", ("landed", "Acme"))):
        desk = with_acme(tmp_path / home)
        said = desk.ok(*command, "--starts", starts)
        assert ("The first day of work, Wed 1 Jan 2020, lies more than a year back." in said) == is_remarked
        assert ("lies more than a year back" in said) == is_remarked
        assert desk.json("opportunity", "show", "Acme")["starts_on"] == starts


def test_the_same_again_changes_nothing_says_so_and_is_no_failure(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    before, nudges = desk.rows(EVENTS), desk.json("upcoming")
    said = desk.ok("record", "accepted", "--for", "Acme")
    assert "already recorded; nothing changed (--again for another)" in said
    assert desk.rows(EVENTS) == before
    assert desk.json("upcoming") == nudges
    desk.ok("record", "interview", "Acme")
    desk.ok("record", "interview", "Acme", "--again")
    assert [kind for kind, _ in desk.rows(EVENTS)].count("interview") == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["record", "accpted", "--for", "Acme"], "There is no event kind 'accpted'. Did you mean accepted"),
        (["record", "thank", "Ana"], "thanked"),
        (["record", "met", "Zoe"], "No reference matches 'Zoe'"),
        (["record", "met"], "met is about a reference: name one, or --all."),
        (["record", "accepted"], "add --for COMPANY (open: Acme)"),
        (["record", "asked", "Ana"], "add --for COMPANY (open: Acme)"),
        (["record", "asked", "Ana", "--for", "Globex"], "Add it: reminderd opportunity add Globex"),
        (["record", "met", "Ana", "--on", "yesteryear"], "Expected a day"),
        (["record", "met", "Ana", "--on", "1949-12-31"], "from 1950 to 10 years from now"),
        (["record", "met", "Ana", "--on", "2037-01-01"], "from 1950 to 10 years from now"),
        (["record", "met", "Ana", "--at", "25:00"], "Expected a time of day"),
        (["record", "agreed", "Ana", "--for", "Acme", "--until", "2026-11-01"], "expected a day after 2026-11-23"),
        (["record", "accepted", "Ana", "--for", "Acme"], "accepted is about the job alone"),
        (["record", "told", "--all", "--for", "Acme"], "there are no references who vouch for Acme"),
        (["need", "Acme"], "Missing option '--by'"),
        (["need", "Acme", "Ana", "--by", "yesterday"], "expected a day to come"),
    ],
)
def test_bad_input_is_one_line_and_code_2_and_writes_nothing(args: list[str], words: str, tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    assert words in desk.refused(2, *args)
    assert desk.rows(EVENTS) == []


def test_two_references_that_match_are_listed(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    desk.ok("reference", "add", "Ana Petrova")
    assert "Ana Lima, Ana Petrova" in desk.refused(2, "record", "met", "Ana")
    desk.ok("record", "met", "Ana", "Lima")
    assert desk.rows(EVENTS) == [("met", "2026-11-23")]


@pytest.mark.parametrize(("word", "kind"), [*ALIASES.items(), ("gift-sent", "gift_sent"), ("MET", "met")])
def test_kinds_may_be_named_otherwise(word: str, kind: str, tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    whom = () if kind == "accepted" else ("Ana",)
    desk.ok("record", word, *whom, "--for", "Acme", "--on", "yesterday")
    assert desk.rows(EVENTS) == [(kind, "2026-11-22")]


def test_called_without_a_company_names_both_meanings(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    line = desk.refused(2, "record", "called", "Ana")
    assert "--for COMPANY (Acme)" in line
    assert "reminderd record contacted Ana" in line
    desk.ok("record", "called", "Ana", "--for", "Acme")
    assert desk.rows(EVENTS) == [("called", "2026-11-23")]


def test_a_future_interview_that_is_the_last_briefs_those_who_vouch(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "agreed", "Dana", "--for", "Acme", "--scope", "staff roles", "--until", "2027-06-30")
    desk.ok("record", "interview", "--for", "Acme", "--on", "next thursday", "--at", "14:30")
    assert not numbers(desk, "heads-up")
    said = desk.ok("record", "interview", "--for", "Acme", "--on", "next friday", "--at", "14:30", "--final")
    assert list(numbers(desk, "heads-up")) == ["Dana Wu"]
    assert "Started, by Fri 27 Nov, 14:30:" in said
    data = desk.rows("SELECT data FROM events WHERE kind = 'agreed'")[0][0]
    assert '"scope": "staff roles"' in data
    assert '"until": "2027-06-30"' in data


def test_told_without_a_company_means_the_one_outcome_that_waits(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    said = desk.ok("record", "told", "Ana")
    assert "Recorded: told for Acme, today: Ana Lima." in said
    assert "Done by this: " in said
    assert "Ana Lima" not in numbers(desk, "accepted")


def test_told_without_a_company_lists_the_several_that_it_could_mean(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    desk.ok("opportunity", "add", "Globex")
    desk.ok("record", "asked", "Ana", "--for", "Globex")
    desk.ok("record", "rejected", "--for", "Globex")
    before = desk.rows(EVENTS)
    line = desk.refused(2, "record", "told", "Ana")
    assert "Thank Ana Lima for Acme" in line
    assert "Globex" in line
    assert desk.rows(EVENTS) == before
    desk.ok("record", "told", "Ana", "--for", "Globex")
    assert "Ana Lima" in numbers(desk, "accepted")
    assert not numbers(desk, "rejected")


def test_told_that_nothing_waits_for_is_recorded_alone(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "told", "Ana")
    assert desk.rows("SELECT kind, opportunity_id FROM events") == [("told", None)]


def test_all_with_a_company_means_those_who_vouch_for_it(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "Ana", "Ben", "Cleo", "--for", "Acme")
    desk.ok("record", "declined", "Cleo", "--for", "Acme")
    said = desk.ok("record", "briefed", "--all", "--for", "Acme")
    assert "briefed for Acme, today: Ana Lima and Ben Okafor." in said


def test_accepted_when_nobody_was_asked_lists_them_and_says_the_command(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    result = desk.run("record", "accepted", "--for", "Acme")
    assert result.exit_code == 0
    assert "Nobody was asked for Acme" in result.stderr
    for name in SIX:
        assert f"  {name}\n" in result.stderr
    assert "reminderd landed Acme NAME… (or --all)" in result.stderr
    assert desk.rows(EVENTS) == [("accepted", "2026-11-23")]


def test_the_fourth_use_in_ninety_days_warns_and_names_who_agreed_and_is_least_used(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    for company in ("One", "Two", "Three", "Four"):
        desk.ok("opportunity", "add", company)
    for company in ("One", "Two"):
        desk.ok("record", "asked", "Ben", "--for", company)
    desk.ok("record", "agreed", "Ben", "Cleo", "--for", "One")
    for company in ("One", "Two", "Three"):
        assert "time in 90 days" not in desk.ok("record", "asked", "Ana", "--for", company, "--quiet")
    said = desk.ok("record", "asked", "Ana", "--for", "Four", "--quiet")
    assert "That is the 4th time in 90 days that you call on Ana Lima." in said
    assert "Cleo Ames agreed before" in said


def test_what_was_just_set_silent_by_an_embargo_is_not_named_in_titles(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    desk.ok("opportunity", "add", "Canaryco", "--embargo-until", "2027-02-01")
    desk.ok("record", "asked", "Ana", "--for", "Canaryco", "--quiet")
    desk.ok("record", "accepted", "--for", "Canaryco", "--quiet")
    assert numbers(desk, "accepted")
    assert all("Canaryco" not in row["title"] for row in desk.json("upcoming"))
    number = numbers(desk, "accepted")["Ana Lima"]
    assert "Canaryco" not in desk.ok("draft", str(number))
    assert "Canaryco" not in desk.ok("preview", str(number))


def test_a_planned_post_says_who_knows(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    desk.ok("done", "Ana", "Ben")
    said = desk.ok("record", "announcement", "Acme", "--on", "friday")
    assert "Started, by Fri 27 Nov:" in said
    assert "Before you post: 2 of 6 know; still: Cleo Ames, Dana Wu, Eli Roth and Sam Ode." in said


def test_what_only_adds_a_sentence_to_another_draft_says_to_which(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = numbers(desk, "accepted")["Eli Roth"]
    said = desk.ok("record", "changed_job", "Eli")
    assert f"Goes along with: {number}  Thank Eli Roth for Acme" in said
    assert "Nothing is to be done" not in said


def test_an_event_that_starts_nothing_says_so_and_a_far_draft_is_not_shown(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    assert "Nothing is to be done for it now." in desk.ok("record", "met", "Ana", "--on", "tomorrow")
    said = desk.ok("record", "met", "Ben")
    assert "Ben Okafor might enjoy hearing from you" in said
    assert "Subject:" not in said


# ---- landed


def test_landed_makes_the_job_and_the_asking_and_records_the_news(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    said = desk.ok("landed", "Acme", *SIX, "--starts", "2026-12-07")
    assert "Added the opportunity Acme." in said
    assert sorted(numbers(desk, "accepted")) == sorted(SIX)
    assert [kind for kind, _ in desk.rows(EVENTS)] == ["asked"] * 6 + ["accepted"]
    assert "7 December" in said
    assert "all six" not in said
    desk.ok("undo")
    assert desk.rows(EVENTS) == []
    assert not numbers(desk, "accepted")


def test_landed_keeps_the_day_of_what_was_recorded_and_only_adds_who_was_missing(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "Ana", "--for", "Acme", "--on", "2026-11-02")
    desk.ok("record", "accepted", "--for", "Acme", "--on", "yesterday", "--quiet")
    desk.ok("landed", "Acme", "Ana", "Ben", "--quiet")
    assert desk.rows(EVENTS) == [("asked", "2026-11-02"), ("accepted", "2026-11-22"), ("asked", "2026-11-22")]
    assert sorted(numbers(desk, "accepted")) == ["Ana Lima", "Ben Okafor"]


def test_landed_for_all_leaves_those_who_said_no_in_peace(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "Ana", "Ben", "--for", "Acme", "--on", "2026-11-02")
    desk.ok("record", "declined", "Ben", "--for", "Acme", "--on", "2026-11-03")
    desk.ok("landed", "Acme", "--all", "--quiet")
    assert sorted(numbers(desk, "accepted")) == sorted(set(SIX) - {"Ben Okafor"})


def test_landed_without_names_says_whom_to_name(tmp_path: Path) -> None:
    result = six_references(tmp_path).run("landed", "Acme")
    assert result.exit_code == 0
    assert "reminderd landed Acme NAME… (or --all)" in result.stderr


def test_landed_of_somebody_who_said_no_that_day_names_what_outweighs_it(
    tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "no", "Ana", "--for", "Acme")
    said = desk.run("landed", "Acme", "Ana").stderr
    assert "Nobody is to be told for Acme: Ana Lima said no.\n" in said
    assert "reminderd landed" not in said
    command = 'reminderd record agreed "Ana Lima" --for Acme --on tomorrow'
    assert command in said
    desk.ok(*shlex.split(command)[1:], "--quiet")
    clock.tick(dt.timedelta(days=1))
    desk.ok("run", "--once")
    assert list(numbers(desk, "accepted")) == ["Ana Lima"]


def test_landed_of_nobody_but_who_said_no_before_names_the_way_to_name_them(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "no", "Ana", "--for", "Acme", "--on", "yesterday")
    said = desk.run("landed", "Acme").stderr
    assert "If somebody vouched for you all the same, name them: reminderd landed Acme NAME… (or --all)" in said
    desk.ok("landed", "Acme", "Ana", "--quiet")
    assert list(numbers(desk, "accepted")) == ["Ana Lima"]


# ---- need


def test_need_gives_the_drafts_at_once_for_the_right_kind(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    said = desk.ok("need", "Globex", "Ana", "Ben", "--by", "friday", "--kind", "letter", "--role", "CTO")
    assert "Added the opportunity Globex." in said
    assert "To: ana@example.org" in said
    assert "To: ben@example.org" in said
    assert said.count("letter") >= 2
    assert "27 November" in said
    assert sorted(numbers(desk, "ask")) == ["Ana Lima", "Ben Okafor"]
    data = desk.rows("SELECT data FROM events WHERE kind = 'needed'")[0][0]
    assert '"by": "2026-11-27"' in data
    assert '"kind": "letter"' in data
    desk.ok("done", "Ana")
    assert "Ana Lima" in numbers(desk, "ask-follow-up")


def test_need_with_another_role_makes_it_the_jobs_and_says_so(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    said = desk.ok("need", "Acme", "Ana", "--by", "friday", "--role", "Head of Data")
    assert "Acme: the role is Head of Data, and was Staff Engineer.\n" in said
    assert "for the role of Head of Data at Acme" in said
    assert desk.json("opportunity", "show", "Acme")["role"] == "Head of Data"
    assert "the role is" not in desk.ok("need", "Acme", "Ben", "--by", "friday", "--role", "Head of Data")
    assert "at most 200 characters" in desk.refused(2, "need", "Acme", "Cleo", "--by", "friday", "--role", "x" * 201)


def test_need_at_a_company_whose_job_is_over_says_how_that_one_ended(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "rejected", "--for", "Acme", "--on", "2024-11-20")
    said = desk.ok("need", "Acme", "Ana", "--by", "friday", "--role", "Head of Data")
    assert "Acme: the role is Head of Data, and was Staff Engineer (rejected Wed 20 Nov 2024).\n" in said
    assert "for the role of Head of Data at Acme" in said


def test_need_at_a_company_whose_job_was_closed_says_so(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("opportunity", "close", "Acme")
    said = desk.ok("need", "Acme", "Ana", "--by", "friday", "--role", "Head of Data")
    assert "Acme: the role is Head of Data, and was Staff Engineer (closed).\n" in said


def test_need_without_a_name_suggests_who_agreed_before_and_is_least_used(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "Ben", "--for", "Acme", "--on", "2026-10-01", "--quiet")
    desk.ok("record", "agreed", "Ben", "Cleo", "--for", "Acme", "--on", "2026-10-02", "--quiet")
    line = desk.refused(2, "need", "Globex", "--by", "2026-12-01")
    assert "Whom? Cleo Ames (agreed before, not called on lately, in touch this year); Ben Okafor (agreed" in line
    assert 'reminderd need Globex --by 2026-12-01 "Cleo Ames"' in line
    assert desk.rows("SELECT company FROM opportunities") == [("Acme",)]


def test_need_makes_no_silence_up_of_whom_no_contact_is_known(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    desk.ok("add", "Maria Lopez", "maria@example.org")
    desk.ok("reference", "add", "Ben Okafor", "--last-contact", "2024-01-05")
    line = desk.refused(2, "need", "Globex", "--by", "friday")
    assert "Maria Lopez (not asked before, not called on lately, last contact unknown)" in line
    assert "Ben Okafor (not asked before, not called on lately, long silent)" in line


# ---- undo


def test_undo_says_what_it_took_back_and_opens_what_was_done(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = numbers(desk, "accepted")["Ana Lima"]
    desk.ok("done", str(number))
    said = desk.ok("undo")
    assert "Taken back: told for Acme, today: Ana Lima." in said
    assert f"{number}  Thank Ana Lima for Acme" in said
    assert numbers(desk, "accepted")["Ana Lima"] == number
    assert "Taken back: accepted for Acme, today." in desk.ok("undo")
    assert not numbers(desk, "accepted")


def test_undo_gives_the_job_back_the_role_that_need_replaced(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("need", "Acme", "Ana", "Ben", "--by", "2026-12-01", "--role", "CTO", "--quiet")
    assert desk.ok("undo").count("Acme: the role is Staff Engineer again.") == 1
    assert desk.json("opportunity", "show", "Acme")["role"] == "Staff Engineer"


@pytest.mark.parametrize("command", [("record", "accepted", "--for", "Acme"), ("landed", "Acme", "Ana")])
def test_undo_takes_the_first_day_back(command: tuple[str, ...], tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok(*command, "--starts", "2027-01-11", "--quiet")
    assert "Acme: the first day of work is not known any more." in desk.ok("undo")
    assert desk.json("opportunity", "show", "Acme")["starts_on"] is None


def test_undo_of_another_first_day_moves_what_hangs_on_it_back(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    before = desk.json("upcoming")
    desk.ok("record", "signed", "--for", "Acme", "--starts", "2027-01-11", "--quiet")
    assert "Acme: the first day of work is Mon 7 Dec again." in desk.ok("undo")
    assert desk.json("upcoming") == before


@pytest.mark.parametrize("days", [("2027-01-11",), ("2027-01-11", "2027-02-01")])
def test_undo_takes_a_first_day_back_that_was_said_of_what_was_recorded_already(
    days: tuple[str, ...], tmp_path: Path
) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "accepted", "--for", "Acme", "--quiet")
    for day in days:
        assert "already recorded" in desk.ok("record", "accepted", "--for", "Acme", "--starts", day, "--quiet").lower()
    assert "Acme: the first day of work is not known any more." in desk.ok("undo")
    assert desk.json("opportunity", "show", "Acme")["starts_on"] is None


@pytest.mark.parametrize("after", ["2027-02-01", ""])
def test_undo_leaves_a_first_day_that_was_changed_since(after: str, tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "accepted", "--for", "Acme", "--starts", "2027-01-11", "--quiet")
    desk.ok("opportunity", "edit", "Acme", "--starts", after)
    assert "first day" not in desk.ok("undo")
    assert desk.json("opportunity", "show", "Acme")["starts_on"] == (after or None)


def test_undo_of_nothing_is_refused(tmp_path: Path) -> None:
    assert "Nothing is recorded" in six_references(tmp_path).refused(2, "undo")


# ---- on a terminal


@pytest.mark.parametrize(
    ("answers", "event"),
    [("y\n", ("called", 1)), ("n\n", ("contacted", None))],
)
def test_on_a_terminal_called_without_a_company_is_asked(
    answers: str, event: tuple[str, int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ctx, "is_terminal", lambda ctx: True)
    desk = with_acme(tmp_path)
    assert "Did the employer call them?" in desk.ok("record", "called", "Ana", input=answers)
    assert desk.rows("SELECT kind, opportunity_id FROM events") == [event]


def test_on_a_terminal_need_asks_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ctx, "is_terminal", lambda ctx: True)
    desk = six_references(tmp_path)
    said = desk.ok("need", "Globex", "--by", "friday", input="Ben, Cleo\n")
    assert "  Ana Lima: not asked before" in said
    assert sorted(numbers(desk, "ask")) == ["Ben Okafor", "Cleo Ames"]


@pytest.mark.parametrize("command", [("need", "Globex", "--by", "friday"), ("record", "called", "Ana Lima")])
def test_nothing_is_locked_while_somebody_thinks(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ctx, "is_terminal", lambda ctx: True)
    desk = six_references(tmp_path)

    def answer(question: str, default: Any, **_: Any) -> Any:
        with contextlib.closing(sqlite3.connect(desk.database, timeout=0)) as daemon:
            daemon.execute("UPDATE users SET name = 'Ada'")
            daemon.commit()
        return False if default is True else default

    monkeypatch.setattr("click.prompt", answer)
    monkeypatch.setattr("click.confirm", answer)
    desk.ok(*command)
    assert desk.rows("SELECT name FROM users") == [("Ada",)]
