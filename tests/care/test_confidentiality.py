"""What must not be known stays unknown: in every draft, mail, subject, calendar, text, listing, page and log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from tests.care.life import Life, about, words_of

Begin = Callable[..., Life]
CANARY = "Zyxcanary"
PHONE = "+14155550100"


def hidden_from(text: str) -> bool:
    return CANARY.lower() not in text.lower()


@pytest.fixture
def life(begin: Begin) -> Life:
    life = begin("2026-03-02T09:30", "Ana Lima", "Ben Okafor", "Cleo Ames", phone=PHONE)
    life.at("2026-03-02T09:31", "user", "edit", "--digest", "daily")
    life.at("2026-03-02T09:31", "reference", "edit", "Ana", "--birthday", "03-20", "--speaks-to", "tooling")
    return life


@pytest.mark.parametrize("until", ["signed", "2026-12-31"])
def test_an_embargoed_company_is_in_nothing_that_arrives_or_is_written(
    life: Life, until: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = life.desk.home / "sheet.html"
    about_it = ("--role", f"{CANARY} lead", "--posting", f"https://{CANARY.lower()}.example/1", "--contact", CANARY)
    life.at("2026-03-02T09:32", "opportunity", "add", f"{CANARY} GmbH", *about_it, "--embargo-until", until)
    job = ("--for", CANARY)
    life.at("2026-03-02T10:00", "need", CANARY, "--by", "2026-03-20", "Ana", "Ben", "--quiet")
    life.at("2026-03-03T10:00", "record", "asked", "Ana", "Ben", *job, "--quiet")
    life.at("2026-03-09T10:00", "record", "agreed", "Ana", *job, "--quiet", "--note", f"likes {CANARY}")
    life.at("2026-03-10T10:00", "record", "interview", "--final", *job, "--on", "2026-03-12", "--quiet")
    life.at("2026-03-13T10:00", "record", "called", "Ana", *job, "--quiet")
    life.at("2026-03-25T10:00", "landed", CANARY, "--starts", "2026-05-04", "--quiet")
    life.at("2026-03-25T10:00", "record", "announcement", *job, "--on", "2026-03-30", "--quiet")
    titles = [row["title"] for row in life.json_at("2026-03-25T10:01", "upcoming", "--until", "2026-12-01")]
    life.at("2026-03-25T10:01", "sheet", CANARY, "--html", str(page))
    life.until("2026-09-15T10:00")
    rules = {nudge.rule for one in life.arrived for nudge in one.nudges}
    assert {"ask", "ask-follow-up", "heads-up", "called", "accepted", "gift", "before-you-post", "ninety-days"} <= rules
    assert [one.subject for one in life.arrived if not hidden_from(words_of(one) + one.subject)] == []
    for row in life.json_at("2026-09-15T10:00", "upcoming"):
        titles.append(row["title"])
        said = life.json_at("2026-09-15T10:00", "draft", str(row["nudge"])) if row["reference"] else {}
        assert hidden_from(json.dumps(said))
    assert [title for title in titles if not hidden_from(title)] == []
    assert hidden_from(page.read_text("utf-8"))
    assert [record.getMessage() for record in caplog.records if not hidden_from(record.getMessage())] == []


def test_an_embargo_that_begins_later_changes_the_subject_too(life: Life) -> None:
    life.at("2026-03-02T09:32", "opportunity", "add", CANARY)
    life.at("2026-03-02T10:00", "landed", CANARY, "Ana", "Ben", "--quiet")
    assert not hidden_from(life.until("2026-03-02T10:05")[0].subject)
    life.at("2026-03-02T11:00", "opportunity", "edit", CANARY, "--embargo-until", "signed")
    arrived = life.until("2026-03-03T10:00")
    assert about(arrived, "accepted")
    assert [one.subject for one in arrived if not hidden_from(words_of(one))] == []


def test_the_name_comes_back_once_it_is_signed(life: Life) -> None:
    life.at("2026-03-02T09:32", "opportunity", "add", CANARY, "--embargo-until", "signed")
    life.at("2026-03-02T10:00", "landed", CANARY, "Ana", "--quiet")
    life.at("2026-03-03T08:00", "record", "signed", "--for", CANARY, "--quiet")
    assert not hidden_from(words_of(life.until("2026-03-03T09:30")[-1]))


def test_who_must_not_know_reads_of_no_job_in_any_draft(life: Life) -> None:
    life.at("2026-03-02T09:32", "opportunity", "add", CANARY)
    life.at("2026-03-02T09:32", "reference", "edit", "Ana", "--keep-from-knowing", "--note", f"knew {CANARY}")
    life.at("2026-03-02T10:00", "landed", CANARY, "Ben", "--starts", "2026-03-09", "--quiet")
    life.until("2026-12-31T10:00")
    mine = [one for one in life.arrived for nudge in one.nudges if nudge.reference == "Ana Lima"]
    assert mine
    rows = [row for row in life.json_at("2026-12-31T10:01", "upcoming") if row["reference"] == "Ana Lima"]
    for row in rows:
        said = life.json_at("2026-12-31T10:01", "draft", str(row["nudge"]))
        assert hidden_from(json.dumps(said))
        assert "new job" not in said["body"]
    assert "Ana" not in life.refused_at("2026-12-31T10:02", "need", CANARY, "--by", "2027-01-20")


def test_all_leaves_out_who_must_not_know_and_says_so(life: Life) -> None:
    life.at("2026-03-02T09:32", "reference", "edit", "Ana", "--keep-from-knowing")
    said = life.at("2026-03-02T10:00", "landed", "Acme", "--all")
    assert "asked for Acme, today: Ben Okafor and Cleo Ames." in said
    assert "Left out, to be kept from knowing of your search: Ana Lima. If you mean them too, name them." in said
    assert "To: ana" not in said.lower()
    life.at("2026-03-02T10:01", "opportunity", "add", "Globex")
    said = life.at("2026-03-02T10:02", "record", "asked", "--all", "--for", "Globex", "--quiet")
    assert "asked for Globex, today: Ben Okafor and Cleo Ames." in said
    assert "Left out, to be kept from knowing of your search: Ana Lima." in said
    said = life.at("2026-03-02T10:03", "landed", "Acme", "Ana", "--all", "--quiet")
    assert "asked for Acme, today: Ana Lima." in said
    assert "You want to keep Ana Lima from knowing of your search; the draft speaks of it all the same." in said
    assert "Left out" not in said


def test_nobody_who_must_not_know_is_listed_to_be_named(life: Life) -> None:
    life.at("2026-03-02T09:32", "reference", "edit", "Ana", "--keep-from-knowing")
    said = life.at("2026-03-02T10:00", "landed", "Acme")
    assert "Nobody was asked for Acme" in said
    assert "Ben Okafor" in said
    assert "Ana Lima" not in said


@pytest.mark.parametrize(
    ("kind", "warns"), [("ask", True), ("accepted", True), ("heads_up", True), ("birthday", False), ("check_in", False)]
)
def test_a_draft_on_demand_warns_where_it_tells_of_the_search(life: Life, kind: str, warns: bool) -> None:
    life.at("2026-03-02T09:32", "reference", "edit", "Ana", "--keep-from-knowing")
    said = life.at("2026-03-02T10:00", "draft", kind, "--reference", "Ana")
    assert ("You want to keep Ana Lima from knowing of your search" in said) == warns


def test_at_the_present_employer_the_news_waits_until_it_is_signed(life: Life) -> None:
    life.at("2026-03-02T09:31", "reference", "edit", "Cleo", "--present-employer")
    life.at("2026-03-02T09:32", "opportunity", "add", "Acme")
    said = life.at("2026-03-02T10:00", "landed", "Acme", "Ana", "Cleo", "--starts", "2026-05-04", "--quiet")
    assert "At your present employer, so told once it is signed: Cleo Ames." in said
    life.until("2026-03-09T10:00")
    assert {reference for _, reference, _ in about(life.arrived, "accepted")} == {"Ana Lima"}
    life.at("2026-03-10T10:00", "record", "signed", "--for", "Acme", "--quiet")
    arrived = life.until("2026-03-13T10:00")
    assert {reference for _, reference, _ in about(arrived, "accepted") if reference == "Cleo Ames"} == {"Cleo Ames"}
    due = life.rows(
        "select due_at from nudges join 'references' r on r.id = reference_id where rule = 'accepted' and name > 'Cl'"
    )
    assert due[0][0].startswith("2026-03-12")


def test_without_a_signature_the_first_day_of_work_ends_the_wait(life: Life) -> None:
    life.at("2026-03-02T09:31", "reference", "edit", "Cleo", "--present-employer")
    life.at("2026-03-02T09:32", "landed", "Acme", "Cleo", "--starts", "2026-05-04", "--quiet")
    assert about(life.until("2026-05-03T20:00"), "accepted") == []
    assert about(life.until("2026-05-05T20:00"), "accepted")[0] == ("2026-05-04", "Cleo Ames", "email")


def test_a_rejection_does_not_wait(life: Life) -> None:
    life.at("2026-03-02T09:31", "reference", "edit", "Cleo", "--present-employer")
    life.at("2026-03-02T09:32", "opportunity", "add", "Acme")
    life.at("2026-03-02T09:32", "record", "asked", "Cleo", "--for", "Acme", "--quiet")
    life.at("2026-03-03T09:32", "record", "rejected", "--for", "Acme", "--quiet")
    assert about(life.until("2026-03-03T10:00"), "rejected") == [("2026-03-03", "Cleo Ames", "email")]


def test_texts_are_safe_on_a_lock_screen_unless_full_ones_are_chosen(begin: Begin) -> None:
    bodies = {}
    for texts in ("codes", "full"):
        life = begin("2026-03-02T09:30", "Ana Lima", "Ben Okafor", phone=PHONE)
        if texts == "full":
            life.at("2026-03-02T09:31", "user", "edit", "--texts", "full")
        life.at("2026-03-02T09:32", "landed", CANARY, "Ana", "Ben", "--quiet")
        life.at("2026-03-02T09:33", "record", "announcement", "--for", CANARY, "--on", "2026-03-06", "--quiet")
        life.at("2026-03-02T09:34", "need", "Otherco", "--by", "2026-03-20", "Ana", "--quiet")
        life.at("2026-03-02T09:35", "record", "asked", "Ben", "--for", "Otherco", "--quiet")
        life.at(
            "2026-03-02T09:35", "record", "interview", "--final", "--for", "Otherco", "--on", "2026-03-03", "--quiet"
        )
        bodies[texts] = [words_of(one) for one in life.until("2026-03-07T20:00") if one.channel == "sms"]
    assert len(bodies["codes"]) >= 4
    for body in bodies["codes"]:
        assert hidden_from(body)
        for word in ("Otherco", "Ana", "Lima", "Ben", "Okafor", "job", "offer", "accept"):
            assert word not in body
    assert any("Ana Lima" in body for body in bodies["full"])
