"""A typical year: six references, two opportunities, one job; the user does what each message asks."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from reminderd.actions import Happening
from reminderd.rules.kinds import TOUCHES
from reminderd.settings import load
from reminderd.simulation import Arrived, Simulation, act_on, null_transports
from reminderd.store.tables import Event, Opportunity, Reference, User
from reminderd.wiring import House, open_house

FIRST = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
PEOPLE = (
    ("Maria Lopez", (3, 14)),
    ("Ana Müller", (5, 2)),
    ("Sam Okoro", (7, 21)),
    ("Dana White", (9, 9)),
    ("Li Wei", (11, 30)),
    ("Tom Ford", (12, 24)),
)
SCRIPT: tuple[tuple[str, str, str | None, tuple[int, ...]], ...] = (
    ("2026-02-02", "applied", "Acme", ()),
    ("2026-02-03", "asked", "Acme", (0, 1, 2, 3)),
    ("2026-02-05", "agreed", "Acme", (0, 1, 2, 3)),
    ("2026-02-20", "interview", "Acme", ()),
    ("2026-02-25", "called", "Acme", (0, 1)),
    ("2026-02-27", "rejected", "Acme", ()),
    ("2026-04-06", "asked", "Globex", (0, 1, 2, 3, 4, 5)),
    ("2026-04-08", "agreed", "Globex", (0, 1, 2, 3, 4, 5)),
    ("2026-04-20", "references_requested", "Globex", ()),
    ("2026-04-23", "called", "Globex", (0, 1, 2)),
    ("2026-05-04", "accepted", "Globex", ()),
    ("2026-08-17", "promoted", None, (3,)),
    ("2026-10-01", "advised", None, (1,)),
    ("2027-01-05", "", None, ()),
)


@dataclasses.dataclass
class Year:
    """What the user got in it, and what each reference heard."""

    arrived: list[Arrived]
    contacts: Counter[str]

    @property
    def nudges(self) -> set[int]:
        return {about.nudge_id for one in self.arrived for about in one.nudges}

    @property
    def by_month(self) -> Counter[str]:
        first: dict[int, str] = {}
        for one in self.arrived:
            for about in one.nudges:
                first.setdefault(about.nudge_id, f"{one.at:%Y-%m}")
        return Counter(first.values())


def live(home: Path) -> Year:
    """Live through the year."""
    house = open_house(load({}, Path(os.devnull), home), FIRST)
    user_id = _set_up(house)
    world = Simulation(house, null_transports(("email",)), FIRST)
    arrived: list[Arrived] = []
    for date, kind, company, people in SCRIPT:
        at = dt.datetime.fromisoformat(date).replace(hour=10, tzinfo=dt.UTC)
        for one in world.advance(at):
            arrived.append(one)
            act_on(house, one, world.now)
        if kind:
            _record(house, user_id, kind, company, people, at)
    with house.store.reading() as session:
        query = select(Reference.name, Event.kind).join(Reference, Reference.id == Event.reference_id)
        rows = session.execute(query.where(Event.data["rule"].as_string().is_not(None))).all()
    return Year(arrived, Counter(name for name, kind in rows if kind in TOUCHES))


def _set_up(house: House) -> int:
    with house.store.writing() as session:
        user = User(
            email="ada@example.org",
            name="Ada Byron",
            zone="Europe/Berlin",
            hour=dt.time(9),
            digest="weekly",
            created_at=FIRST,
        )
        session.add(user)
        session.flush()
        references = [
            Reference(
                user_id=user.id,
                name=name,
                email=f"person{index}@example.org",
                birth_month=month,
                birth_day=day,
                profile=f"https://example.org/{index}",
                last_contact_on=dt.date(2025, 11, 1) + dt.timedelta(days=index * 9),
                created_on=FIRST.date(),
                created_at=FIRST,
            )
            for index, (name, (month, day)) in enumerate(PEOPLE)
        ]
        session.add_all(references)
        session.add_all(
            Opportunity(user_id=user.id, company=company, starts_on=starts, created_at=FIRST)
            for company, starts in (("Acme", None), ("Globex", dt.date(2026, 6, 1)))
        )
        house.actions.changed(session, user, references, FIRST)
        return user.id


def _record(
    house: House, user_id: int, kind: str, company: str | None, people: tuple[int, ...], now: dt.datetime
) -> None:
    with house.store.writing() as session:
        user = session.get_one(User, user_id)
        opportunity = session.scalar(select(Opportunity).where(Opportunity.company == company))
        references = tuple(
            session.scalars(select(Reference).where(Reference.name == PEOPLE[index][0])).one() for index in people
        )
        house.actions.record(session, user, [Happening(kind, now.date(), references, opportunity)], now)
