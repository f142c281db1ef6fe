"""A user's life: commands on the days they are typed, and what arrives in between."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from freezegun import freeze_time

from reminderd.message import Channel, Mail, Text
from reminderd.settings import load
from reminderd.simulation import Arrived, Simulation, null_transports
from reminderd.wiring import House, open_house
from tests.cli.desk import Desk

ZONE = "Europe/Berlin"
TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "token", "TWILIO_FROM": "+15005550006"}


def moment(text: str, zone: str = ZONE) -> dt.datetime:
    """A local moment, as UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


@dataclasses.dataclass
class Life:
    """One home, whose clock stands where the last command or arrival left it."""

    desk: Desk
    house: House
    simulation: Simulation
    arrived: list[Arrived] = dataclasses.field(default_factory=list)

    @classmethod
    def begin(cls, home: Path, day: str, *names: str, phone: str = "", zone: str = ZONE) -> Life:
        """Ada, with references that she was in touch with two months before ``day``."""
        now = moment(day, zone)
        desk = Desk(home, **(TWILIO if phone else {}))
        with freeze_time(now):
            more = ("--phone", phone) if phone else ()
            desk.ok("init", "--name", "Ada Byron", "--email", "ada@example.org", "--timezone", zone, *more)
            last = (now - dt.timedelta(days=60)).date().isoformat()
            for name in names:
                address = f"{name.split()[0].lower()}@example.org"
                desk.ok("reference", "add", name, "--email", address, "--last-contact", last)
        house = open_house(load(TWILIO if phone else {}, Path(os.devnull), home), now)
        channels = ("email", "sms") if phone else ("email",)
        return cls(desk, house, Simulation(house, null_transports(channels), now))

    def at(self, day: str, *words: str) -> str:
        """A command on its day; what came before it has arrived by then. Returns all that it said."""
        self.until(day)
        with freeze_time(self.simulation.now):
            return self.desk.ok(*words)

    def json_at(self, day: str, *words: str) -> Any:
        """The data of a command on its day."""
        self.until(day)
        with freeze_time(self.simulation.now):
            return self.desk.json(*words)

    def refused_at(self, day: str, *words: str) -> str:
        """A command that has to be refused on its day with exit code 2, in one line."""
        self.until(day)
        with freeze_time(self.simulation.now):
            return self.desk.refused(2, *words)

    def until(self, day: str) -> list[Arrived]:
        """What arrives up to a moment."""
        found = list(self.simulation.advance(moment(day)))
        self.arrived += found
        return found

    def open(self, day: str) -> list[tuple[str, str | None]]:
        """Rule and reference of what is open and has started or starts within a week of ``day``, in their order."""
        rows = self.json_at(day, "upcoming", "--until", (moment(day) + dt.timedelta(days=7)).date().isoformat())
        return sorted((row["rule"], row["reference"]) for row in rows if row["nudge"] is not None)

    def number(self, day: str, rule: str, reference: str | None = None) -> int:
        """The number of the one open nudge of a rule."""
        rows = self.json_at(day, "upcoming")
        (found,) = (r["nudge"] for r in rows if r["rule"] == rule and reference in (None, r["reference"]))
        return int(found)

    def done(self, day: str, rule: str, reference: str | None = None) -> str:
        """Mark the one open nudge of a rule done."""
        return self.at(day, "done", str(self.number(day, rule, reference)))

    def rows(self, query: str) -> list[Any]:
        """What the database holds."""
        return self.desk.rows(query)

    def close(self) -> None:
        self.simulation.close()
        self.house.store.dispose()


def about(arrived: Sequence[Arrived], rule: str) -> list[tuple[str, str | None, str]]:
    """Local day, reference and channel of each reminder of a rule."""
    return [
        (f"{one.at.astimezone(ZoneInfo(ZONE)):%Y-%m-%d}", nudge.reference, str(one.channel))
        for one in arrived
        for nudge in one.nudges
        if nudge.rule == rule
    ]


def texts_of(arrived: Sequence[Arrived]) -> list[str]:
    """The bodies of the texts."""
    return [one.message.body for one in arrived if isinstance(one.message, Text)]


def words_of(one: Arrived) -> str:
    """Everything in a message: headers and all parts of a mail, or a text."""
    message = one.message
    return "\n".join(_parts(message)) if isinstance(message, Mail) else message.body


def plain_of(one: Arrived) -> str:
    """The plain part of a mail, or a text."""
    if isinstance(one.message, Text):
        return one.message.body
    part = email.message_from_bytes(one.message.content, policy=email.policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def by(arrived: Sequence[Arrived], channel: Channel) -> list[Arrived]:
    """Those that came by one channel."""
    return [one for one in arrived if one.channel == channel]


def _parts(mail: Mail) -> Iterator[str]:
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    yield from (f"{name}: {value}" for name, value in message.items())
    for part in message.walk():
        if not part.is_multipart():
            yield str(part.get_content())
