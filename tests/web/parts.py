"""What the tests of the page share: a house with a public address, its people, and a browser of sorts."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select

from reminderd.message import Channel
from reminderd.rules.book import default_book
from reminderd.settings import load
from reminderd.signing import Grant, Purpose, Signer
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, Event, Nudge, User
from reminderd.web.app import make_app
from reminderd.wiring import House
from tests.flow.parts import NOON, Story, recorders
from tests.servers.twilio import ACCOUNT, SENDER, TOKEN

ROOT = "https://r.example.org"
SETTINGS = {
    "SITE_ROOT": ROOT,
    "SECRET_KEY": "a key for tests that nobody else has",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "TWILIO_FROM": SENDER,
}
OWN = {"Sec-Fetch-Site": "same-origin"}
"""What a browser sends with a form of the same page."""


@dataclasses.dataclass
class Desk:
    """A house, a moment, and requests to it."""

    story: Story
    client: FlaskClient
    now: dt.datetime

    @property
    def house(self) -> House:
        return self.story.house

    @property
    def signer(self) -> Signer:
        return Signer(self.house.sender.key)

    def token(self, purpose: Purpose, number: int = 0, user_id: int | None = None) -> str:
        return self.signer.sign(Grant(user_id or self.story.user_id, purpose, number), self.now)

    def enter(self) -> None:
        """Sign in by the link."""
        answer = self.client.post(f"/in/{self.token(Purpose.ENTER)}", headers=OWN)
        assert answer.status_code == 303

    def nudge(self, number: int) -> Nudge:
        with self.house.store.reading() as session:
            found = session.scalar(select(Nudge).where(Nudge.user_id == self.story.user_id, Nudge.number == number))
            assert found is not None
            return found

    def user(self) -> User:
        with self.house.store.reading() as session:
            return session.get_one(User, self.story.user_id)

    def mark(self) -> tuple[Any, ...]:
        """Changes whenever an event, a nudge, a user or a delivery does."""
        with self.house.store.reading() as session:
            users = select(User.email_enabled, User.sms_enabled, User.change_version)
            nudges = select(Nudge.number, Nudge.state, Nudge.snoozed_until, Nudge.note).order_by(Nudge.id)
            deliveries = select(Delivery.id, Delivery.state).order_by(Delivery.id)
            events = session.scalar(select(func.count()).select_from(Event))
            rows = [tuple(map(tuple, session.execute(query))) for query in (users, nudges, deliveries)]
            return (events, *rows)


def make_desk(store: Store, home: Path, environ: dict[str, str] | None = None, **user: Any) -> Desk:
    """Six references who vouched for Acme, which was accepted."""
    settings = load(SETTINGS if environ is None else environ, None, home)
    house = House(settings, store, default_book(), frozenset({"email", "sms"}))
    story = Story.begin(house, recorders(), **user)
    story.land(NOON)
    made: list[Desk] = []
    app = make_app(house, lambda: made[0].now if made else NOON)
    made.append(Desk(story, app.test_client(), NOON))
    return made[0]


def links_of(story: Story, channel: Channel = Channel.EMAIL) -> list[str]:
    """The paths of all links to the site in the messages that went out by a channel."""
    from tests.flow.parts import parsed

    found: list[str] = []
    for message in story.transports[channel].taken:  # type: ignore[attr-defined]  # a Recorder
        if channel is Channel.SMS:
            found += re.findall(rf"{re.escape(ROOT)}(/\S+)", message.body)
            continue
        mail = parsed(message.content)
        for kind in ("plain", "html"):
            part = mail.get_body((kind,))
            assert part is not None
            found += re.findall(rf"{re.escape(ROOT)}(/[^\s\"<>]+)", part.get_content())
    return list(dict.fromkeys(found))
