"""Tiers and pace: inner circle, network, dormant; targets and limits; nothing in heaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from reminderd.store.tables import Reference, User
from tests.care.life import Life, about, moment, plain_of

Begin = Callable[..., Life]


def tier_of(life: Life, name: str) -> str:
    return str(life.desk.json("reference", "show", name)["tier"])


def test_an_imported_contact_becomes_inner_once_asked_and_undo_takes_it_back(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima", "Ben Okafor")
    life.at("2026-03-02T09:31", "reference", "edit", "Ana", "--tier", "network")
    life.at("2026-03-02T09:31", "opportunity", "add", "Acme")
    assert tier_of(life, "Ben") == "inner"  # added by hand
    life.at("2026-03-02T09:32", "record", "asked", "Ana", "--for", "Acme", "--quiet")
    assert tier_of(life, "Ana") == "inner"
    life.at("2026-03-02T09:33", "undo")
    assert tier_of(life, "Ana") == "network"
    life.at("2026-03-02T09:34", "need", "Acme", "--by", "2026-03-30", "Ana", "--quiet")
    life.done("2026-03-02T09:35", "ask", "Ana Lima")
    assert tier_of(life, "Ana") == "inner"


def test_thirty_imported_contacts_do_not_fall_due_on_one_day_and_three_a_week_are_the_most(begin: Begin) -> None:
    life = begin("2026-03-02T09:30")
    with life.house.store.writing() as session:
        user = session.query(User).one()
        made = {"user_id": user.id, "tier": "network", "created_on": moment("2026-03-02T09:30").date()}
        people = [
            Reference(name=f"Person {n:02}", email=f"p{n}@example.org", created_at=life.simulation.now, **made)
            for n in range(30)
        ]
        session.add_all(people)
        life.house.actions.changed(session, user, people, life.simulation.now)
    assert life.until("2027-02-20T10:00") == []
    arrived = life.until("2027-09-01T10:00")
    assert {str(one.kind) for one in arrived} == {"digest"}
    first: dict[int, str] = {}
    for one in arrived:
        for nudge in one.nudges:
            first.setdefault(nudge.nudge_id, f"{one.at:%G-%V}")
    assert len(first) == 30
    assert max(Counter(first.values()).values()) <= 3


def test_the_limit_escalates_and_the_target_only_goes_to_the_digest(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima")
    life.at("2026-03-02T09:31", "reference", "edit", "Ana", "--every", "2 months", "--at-most", "4 months")
    life.at("2026-03-03T09:31", "record", "wrote", "Ana", "--quiet")
    arrived = life.until("2026-07-10T10:00")
    assert {str(one.kind) for one in arrived for nudge in one.nudges if nudge.rule == "check-in"} == {"digest"}
    limit = [one for one in arrived if one.nudges[0].rule == "check-in-limit"]
    assert [(f"{one.at:%Y-%m-%d}", str(one.kind)) for one in limit] == [("2026-07-03", "nudge")]


@pytest.mark.parametrize(("tier", "first"), [("inner", "2026-06-01"), ("network", "2027-03-01"), ("dormant", None)])
def test_each_tier_has_its_pace(begin: Begin, tier: str, first: str | None) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima")
    life.at("2026-03-02T09:31", "reference", "edit", "Ana", "--tier", tier)
    life.at("2026-03-02T09:32", "record", "wrote", "Ana", "--quiet")
    life.until("2027-06-01T10:00")
    days = [day for rule in ("check-in", "reconnect") for day, _, _ in about(life.arrived, rule)]
    assert min(days, default=None) == first


def test_four_left_alone_ask_one_question_and_then_come_at_half_the_pace(begin: Begin) -> None:
    life = begin("2026-03-02T09:30", "Ana Lima")
    life.at("2026-03-02T09:31", "reference", "edit", "Ana", "--every", "1 month")
    life.at("2026-03-02T09:32", "record", "wrote", "Ana", "--quiet")
    arrived = life.until("2026-12-20T10:00")
    questions = [one for one in arrived if any(nudge.rule == "four-ignored" for nudge in one.nudges)]
    assert len(questions) == 1
    said = " ".join(plain_of(questions[0]).split())
    assert "a pause" in said or "pause it" in said
    dues = [
        row[0][:7]
        for row in life.rows(
            "select due_at from nudges where rule = 'check-in' and state <> 'cancelled' order by due_at"
        )
    ]
    assert dues == ["2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-10", "2026-12"]
