"""Nothing made up, no closeness that is not there; why a nudge came; and how to get in touch this time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.care.life import Life, about, plain_of

Begin = Callable[..., Life]


def draft_of(life: Life, day: str, rule: str, name: str) -> dict[str, str]:
    found: dict[str, str] = life.json_at(day, "draft", str(life.number(day, rule, name)))
    return found


def test_with_only_an_employer_given_no_draft_says_that_you_worked_there(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima")
    life.at("2026-03-02T09:31", "reference", "edit", "Ana", "--employer", "Globex", "--last-contact", "2024-01-10")
    said = life.at("2026-03-02T09:32", "need", "Acme", "--by", "2026-03-20", "Ana")
    assert "Globex" not in said
    assert "worked together" not in said.partition("\n---\n")[0]
    assert "Where did you work together?" in said  # a missing fact is a question to the user, above the draft
    life.at("2026-03-02T09:33", "reference", "edit", "Ana", "--worked-at", "Initech", "--from", "2015-01")
    assert "Initech" in draft_of(life, "2026-03-02T09:34", "ask", "Ana Lima")["body"]


def test_where_the_last_contact_is_unknown_it_asks_once_and_claims_nothing(begin: Begin) -> None:
    life = begin("2026-03-02T09:30")
    life.at("2026-03-02T09:31", "reference", "add", "Ana Lima", "--email", "ana@example.org")
    arrived = life.until("2027-03-02T10:00")
    assert len(about(arrived, "last-contact")) == 1
    life.at("2027-03-02T10:01", "need", "Acme", "--by", "2027-03-20", "Ana", "--quiet")
    body = draft_of(life, "2027-03-02T10:02", "ask", "Ana Lima")["body"]
    for claim in ("last in touch", "last met", "a while", "been too long"):
        assert claim not in body


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (("--last-contact", "2023-09-02"), "two and a half years"),
        (("--worked-at", "Initech", "--to", "2023-03"), "three years"),
    ],
)
def test_the_last_contact_is_what_was_given_else_the_end_of_the_time_together(
    begin: Begin, facts: tuple[str, ...], said: str
) -> None:
    life = begin("2026-03-02T09:30")
    life.at("2026-03-02T09:31", "reference", "add", "Ana Lima", "--email", "ana@example.org", *facts)
    life.at("2026-03-02T09:32", "need", "Acme", "--by", "2026-03-20", "Ana", "--quiet")
    assert said in draft_of(life, "2026-03-02T09:33", "ask", "Ana Lima")["body"]
    life.at("2026-03-02T09:34", "record", "met", "Ana", "--on", "2026-02-20", "--quiet")
    assert said not in draft_of(life, "2026-03-02T09:35", "ask", "Ana Lima")["body"]


def test_explain_says_rule_event_dates_end_and_next_and_the_mail_says_why(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima")
    life.at("2026-03-02T10:00", "landed", "Acme", "Ana", "--quiet")
    (mail,) = life.until("2026-03-02T10:05")
    foot = " ".join(plain_of(mail).split())
    number = life.number("2026-03-02T10:05", "accepted", "Ana Lima")
    assert "Why now: Tell everyone you asked that you got it" in foot
    assert f"due Wed 4 Mar. More: reminderd explain {number}" in foot
    said = life.at("2026-03-02T10:06", "explain", str(number))
    for part in (
        "accepted: Tell everyone you asked",
        "accepted for Acme, today",
        "by Wed 4 Mar (2 days after it starts)",
        "Fri 3 Apr",
        "you told them the news; you thanked them; reminderd done",
        "tomorrow, 09:00",
    ):
        assert part in said


def test_the_way_to_get_in_touch_follows_the_facts_turns_round_and_names_the_next_best(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima")
    life.at("2026-03-02T09:31", "reference", "edit", "Ana", "--every", "1 month", "--speaks-to", "tooling")
    life.at("2026-03-02T09:32", "record", "wrote", "Ana", "--quiet")
    for day in ("2026-03-31", "2026-05-01", "2026-06-01", "2026-07-01"):
        mail = [one for one in life.until(f"{day}T10:00") if one.nudges[0].rule == "check-in"][-1]
        assert "Or, next time: " in plain_of(mail)
        life.done(f"{day}T10:01", "check-in", "Ana Lima")
    used = [row[0] for row in life.rows("select json_extract(data, '$.approach') from events where kind = 'wrote'")][1:]
    assert len(set(used)) == 4
    assert set(used) == {"note", "share", "coffee", "advice"}
    life.at("2026-07-05T10:00", "record", "changed_job", "Ana", "--quiet")
    life.at("2026-07-05T10:01", "skip", str(life.number("2026-07-05T10:01", "promoted", "Ana Lima")))
    assert "ongratulat" in draft_of(life, "2026-08-03T10:00", "check-in", "Ana Lima")["body"]
