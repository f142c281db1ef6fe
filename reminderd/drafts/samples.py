"""Sample facts: what templates are checked over, and what the catalogue shows."""

from __future__ import annotations

import dataclasses
import datetime as dt

from reminderd.store.draft_records import DraftFacts, EventView, Involved, Job, Last, Me, Person, Silence

TODAY = dt.date(2026, 11, 23)


def full() -> DraftFacts:
    """Facts in which everything is known."""
    them = Person(
        id=1,
        name="Maria Lopez",
        first_name="Maria",
        relation="managed me",
        worked_at="Initech",
        role="Engineering manager",
        worked_from=dt.date(2019, 3, 1),
        worked_to=dt.date(2022, 8, 31),
        employer="Globex",
        title="CTO",
        since=dt.date(2024, 5, 1),
        speaks_to="the migration, how I lead a team and how I handle incidents",
        via="email",
        profile="https://www.linkedin.com/in/maria-lopez",
        address="12 Elm Street, Springfield",
        email="maria@example.org",
        phone="+14155550101",
    )
    return DraftFacts(
        me=Me(id=1, name="Ada Byron", first_name="Ada", email="ada@example.org", phone="+14155550100"),
        them=them,
        today=TODAY,
        job=Job(
            id=1,
            company="Acme",
            role="Staff Engineer",
            starts_on=dt.date(2026, 12, 7),
            contact="Priya Shah",
            posting="https://acme.example/jobs/7",
            resume="https://ada.example/resume.pdf",
        ),
        event=EventView(
            id=1,
            kind="interview",
            on=dt.date(2026, 11, 25),
            at=dt.time(14, 30),
            note="the final round",
            data={"final": True, "kind": "call", "by": dt.date(2026, 11, 27), "subject": "pricing"},
        ),
        last=Last(kind="met", on=dt.date(2026, 6, 12), note="her move to the coast"),
        silence=Silence(months=5, known=True),
        asks=1,
        approach="",
        agreed=True,
        vouched=True,
        followed_up=True,
        alternates=("Ben Okafor",),
        agreed_names=("Maria", "Ben"),
        points=("the migration", "how I lead a team", "how I handle incidents"),
        news=EventView(id=2, kind="promoted", on=dt.date(2026, 10, 1)),
        involved=(Involved(1, "Maria Lopez", "Maria", True), Involved(2, "Ben Okafor", "Ben", True, told=True)),
        people=(them,),
    )


def bare() -> DraftFacts:
    """Facts in which only the names are known."""
    return DraftFacts(
        me=Me(id=1, name="Ada", first_name="Ada"), them=Person(id=1, name="Max", first_name="Max"), today=TODAY
    )


def nobody() -> DraftFacts:
    """Facts in which nothing at all is known."""
    return DraftFacts(me=Me(), them=Person(), today=TODAY)


def several(language: str = "en") -> list[DraftFacts]:
    """Facts to try a template over."""
    known = full()
    spoken = dataclasses.replace(
        known, answer="you kept the team calm", asks=3, silence=Silence(30, True), stage="half_year"
    )
    found = [known, spoken, bare(), nobody()]
    return [dataclasses.replace(facts, me=dataclasses.replace(facts.me, language=language)) for facts in found]
