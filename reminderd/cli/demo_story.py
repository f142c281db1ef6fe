"""The demo's people and what happens to them: half a year, told in days from its first one."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reminderd.actions import Happening
from reminderd.rules.calendar import Span, add_span, is_working_day, local_moment
from reminderd.store.tables import Opportunity, Reference, User
from reminderd.wiring import House

ZONE = "Europe/Berlin"
BEGINS = dt.time(9, 30)
DAYS = 183
LEFT_OPEN = ("accepted", "Dana White")
"""The one thanks that Ada does not get round to until its text comes."""
SNOOZED = "gift"
"""The rule whose nudge she snoozes once, for `SNOOZE`."""
SNOOZE = Span(days=1)
IN_FULL = ("ask", "accepted")
"""The rules whose first draft is shown in full."""

ADA: dict[str, Any] = {
    "name": "Ada Byron",
    "email": "ada@example.org",
    "phone": "+4917139200042",
    "zone": ZONE,
    "hour": dt.time(9),
    "digest": "weekly",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Calendar:
    """The story's days, counted from the first one."""

    first: dt.date

    def day(self, number: int) -> dt.date:
        """So many days after the first; before it with a minus."""
        return self.first + dt.timedelta(days=number)

    def working(self, number: int) -> dt.date:
        """So many working days after the first working day."""
        start = self.first
        while not is_working_day(start):
            start += dt.timedelta(days=1)
        return add_span(start, Span(working_days=number)) if number else start

    def month(self, months: int) -> dt.date:
        """The first of a month so many months away."""
        return add_span(self.first.replace(day=1), Span(months=months))

    @property
    def begins_at(self) -> dt.datetime:
        return local_moment(self.first, BEGINS, ZONE)

    @property
    def ends_at(self) -> dt.datetime:
        return local_moment(self.day(DAYS), dt.time(20), ZONE)

    @property
    def starts_on(self) -> dt.date:
        """The first day at Acme: a Monday some four weeks after the offer."""
        day = self.working(32)
        return day + dt.timedelta(days=-day.weekday() % 7)


def make_people(days: Calendar) -> list[dict[str, Any]]:
    """The six, with all that is known of them; ``about`` is for the demo's own page."""
    birthdays = [_birthday(days.day(number)) for number in (66, 128, 161)]
    return [
        {
            "name": "Maria Lopez",
            "email": "maria.lopez@example.org",
            "relation": "managed me",
            "worked_at": "Initech",
            "role": "Engineering manager",
            "worked_from": days.month(-92),
            "worked_to": days.month(-50),
            "employer": "Globex",
            "title": "CTO",
            "speaks_to": "how I led the billing migration, keeping calm under pressure",
            "profile": "https://www.linkedin.com/in/example-maria-lopez",
            "via": "email",
            "last_contact_on": days.day(-64),
            **birthdays[0],
        },
        {
            "name": "Sam Okoro",
            "email": "sam.okoro@example.org",
            "phone": "+12025550143",
            "relation": "worked beside me",
            "worked_at": "Initech",
            "role": "Staff engineer",
            "worked_from": days.month(-92),
            "worked_to": days.month(-40),
            "speaks_to": "code review, untangling the billing migration",
            "via": "text",
            "last_contact_on": days.day(-48),
            **birthdays[1],
        },
        {
            "name": "Ana Müller",
            "email": "ana.mueller@example.org",
            "relation": "was my client",
            "worked_at": "Stark Logistics",
            "role": "Head of operations",
            "worked_from": days.month(-39),
            "worked_to": days.month(-8),
            "speaks_to": "keeping deadlines, plain words in hard moments",
            "profile": "https://www.linkedin.com/in/example-ana-mueller",
            "via": "linkedin",
            "last_contact_on": days.day(-55),
        },
        {
            "name": "Dana White",
            "email": "dana.white@example.org",
            "relation": "reported to me",
            "worked_at": "Stark Logistics",
            "role": "Backend engineer",
            "worked_from": days.month(-36),
            "worked_to": days.month(-8),
            "speaks_to": "mentoring, fair feedback",
            "via": "email",
            "last_contact_on": days.day(-38),
        },
        {
            "name": "Li Wei",
            "email": "li.wei@example.org",
            "relation": "worked beside me",
            "worked_at": "Stark Logistics",
            "role": "Product manager",
            "worked_from": days.month(-39),
            "worked_to": days.month(-8),
            "speaks_to": "turning vague wishes into plans",
            "via": "email",
            "last_contact_on": days.day(-38),
            **birthdays[2],
        },
        {
            "name": "Tom Ford",
            "email": "tom.ford@example.org",
            "relation": "taught me",
            "worked_at": "the University of Leeds",
            "role": "Thesis supervisor",
            "worked_from": days.month(-128),
            "worked_to": days.month(-104),
            "speaks_to": "research, writing clearly",
            "via": "email",
            "address": "4 Cavendish Road, Leeds LS2 9JT",
            "last_contact_on": days.month(-37),
        },
    ]


CAST = (
    ("Maria Lopez", "her manager at Initech, now CTO at Globex"),
    ("Sam Okoro", "worked beside her at Initech; best reached by text"),
    ("Ana Müller", "her client at Stark Logistics, on LinkedIn"),
    ("Dana White", "reported to her at Stark Logistics"),
    ("Li Wei", "the product manager beside her there"),
    ("Tom Ford", "supervised her thesis; not a word for three years"),
)

JOBS: tuple[dict[str, Any], ...] = (
    {"company": "Acme", "role": "Staff Engineer", "contact": "Priya Nair"},
    {"company": "Hooli", "role": "Engineering Manager"},
    {"company": "Northwind", "role": "Platform Engineer"},
)


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """What a scene may touch, within one transaction."""

    house: House
    session: Session
    days: Calendar
    now: dt.datetime

    @property
    def user(self) -> User:
        return self.session.scalars(select(User)).one()

    def people(self, names: str) -> tuple[Reference, ...]:
        """References by first names, or ``all`` of them."""
        rows = self.session.scalars(select(Reference).order_by(Reference.id))
        return tuple(row for row in rows if names == "all" or row.name.split()[0] in names.split())

    def job(self, company: str) -> Opportunity:
        return self.session.scalars(select(Opportunity).where(Opportunity.company == company)).one()

    def record(self, event: str, on: dt.date, names: str = "", company: str = "", **data: Any) -> None:
        """Record through the same door as the command line."""
        job = self.job(company) if company else None
        note = data.pop("note", None)
        happening = Happening(event, on, self.people(names) if names else (), job, note=note, data=data)
        self.house.actions.record(self.session, self.user, [happening], self.now)


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """Something that Ada records: when, in which words, and what it does."""

    on: dt.date
    at: dt.time
    text: str
    act: Callable[[Stage], None]
    command: str = ""
    """What she types, where that is worth showing."""

    @property
    def moment(self) -> dt.datetime:
        """When, in UTC."""
        return local_moment(self.on, self.at, ZONE)


def set_up(stage: Stage) -> None:
    """The people, the jobs, and what lies behind them on the first day."""
    session, days = stage.session, stage.days
    user = User(**ADA, created_at=stage.now)
    session.add(user)
    session.flush()
    for facts in make_people(days):
        created = {"created_on": days.day(-120), "created_at": stage.now}
        session.add(Reference(user_id=user.id, **facts, **created))
    for job in JOBS:
        session.add(Opportunity(user_id=user.id, **job, created_at=stage.now))
    session.flush()
    stage.house.actions.changed(session, user, stage.people("all"), stage.now)
    for company, number, names in (("Hooli", -34, "Maria Sam Ana"), ("Northwind", -27, "Dana Li")):
        stage.record("applied", days.day(number - 6), "", company)
        stage.record("asked", days.day(number), names, company)
        stage.record("agreed", days.day(number + 1), names, company)
        stage.record("briefed", days.day(number + 3), names, company)
    stage.record("applied", days.day(-9), "", "Acme")


def make_scenes(days: Calendar) -> list[Scene]:
    """The half year, in order."""
    needed_by, calls_on, lunch_on = days.working(6), days.working(9), days.working(102)
    return [
        Scene(
            days.first,
            dt.time(10, 20),
            f"Acme wants six references by {_day(needed_by)}. Five say yes on the phone. The sixth has to be Tom, "
            "after three years of silence.",
            _needed,
            f"reminderd need Acme --by {needed_by} --kind call Tom",
        ),
        Scene(days.working(1), dt.time(16, 45), "Hooli says no. Maria, Sam and Ana vouched for her there.", _rejected),
        Scene(days.working(3), dt.time(15, 40), "Tom writes back: gladly.", _tom_agrees),
        Scene(days.working(6), dt.time(14, 0), f"Acme will call on {_day(calls_on)}.", _announced),
        Scene(days.working(8), dt.time(16, 30), "Northwind makes an offer; she turns it down.", _turned_down),
        Scene(days.working(10), dt.time(17, 15), "Acme has called Maria and Tom.", _called),
        Scene(
            days.working(11),
            dt.time(12, 0),
            f"She lands the job at Acme, and starts on {_day(days.starts_on)}.",
            _landed,
            f"reminderd landed Acme --starts {days.starts_on}",
        ),
        Scene(days.starts_on, dt.time(8, 30), "Her first day at Acme.", _started),
        Scene(days.working(74), dt.time(13, 0), "Li is promoted: head of product now.", _promoted),
        Scene(days.working(96), dt.time(18, 0), f"Lunch with Sam is fixed for {_day(lunch_on)}.", _planned),
    ]


def _needed(stage: Stage) -> None:
    five, today = "Maria Sam Ana Dana Li", stage.days.first
    for kind in ("asked", "agreed", "briefed"):
        stage.record(kind, today, five, "Acme")
    by = stage.days.working(6).isoformat()
    stage.record("needed", today, "Tom", "Acme", by=by, kind="call")


def _rejected(stage: Stage) -> None:
    stage.record("rejected", stage.days.working(1), "", "Hooli")


def _tom_agrees(stage: Stage) -> None:
    stage.record("agreed", stage.days.working(3), "Tom", "Acme")


def _announced(stage: Stage) -> None:
    stage.record("references_requested", stage.days.working(9), "", "Acme")


def _turned_down(stage: Stage) -> None:
    for kind in ("offer", "turned_down"):
        stage.record(kind, stage.days.working(8), "", "Northwind")


def _called(stage: Stage) -> None:
    stage.record("called", stage.days.working(10), "Maria Tom", "Acme")


def _landed(stage: Stage) -> None:
    starts = stage.days.starts_on
    stage.job("Acme").starts_on = starts
    stage.record("accepted", stage.days.working(11), "", "Acme", starts=starts.isoformat())


def _started(stage: Stage) -> None:
    stage.record("started", stage.days.starts_on, "", "Acme")


def _promoted(stage: Stage) -> None:
    (li,) = stage.people("Li")
    li.title = "Head of product"
    stage.record("promoted", stage.days.working(74), "Li")


def _planned(stage: Stage) -> None:
    stage.record("planned", stage.days.working(102), "Sam")


def _birthday(day: dt.date) -> dict[str, int]:
    return {"birth_month": day.month, "birth_day": day.day}


def _day(day: dt.date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
