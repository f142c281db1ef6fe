"""What the flows share: a house, the design's six references, and a mailbox to look into."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import email
import email.policy
import queue
import threading
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import select

from reminderd.actions import Happening, Recorded
from reminderd.message import Channel, Message
from reminderd.passes import Passes
from reminderd.rules.book import default_book
from reminderd.rules.rule import Book
from reminderd.settings import load
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, Nudge, Opportunity, Reference, StoredMessage, User
from reminderd.transports.base import Receipt, Transport
from reminderd.wiring import House
from tests.servers.smtp import SmtpServer

SIX = ("Maria Lopez", "Ana Mueller", "Sam Okoro", "Dana White", "Li Wei", "Tom Ford")
NOON = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
"""A Tuesday, 13:00 in Berlin."""
PHONE = "+14155550101"
PATIENCE = 20.0
"""Seconds that a test waits for what must come much sooner."""


def make_house(store: Store, home: Path, *, ways: Sequence[str] = ("email", "sms"), book: Book | None = None) -> House:
    """A house on a store that is there already."""
    settings = load({}, None, home)
    return House(settings, store, book or default_book(), frozenset(ways))


def make_user(**values: Any) -> User:
    given: dict[str, Any] = {
        "email": "ada@example.org",
        "name": "Ada Byron",
        "phone": PHONE,
        "zone": "Europe/Berlin",
        "hour": dt.time(9),
        "digest": "weekly",
        "created_at": NOON,
    }
    return User(**(given | values))


def make_reference(user: User, name: str, now: dt.datetime = NOON, **values: Any) -> Reference:
    given: dict[str, Any] = {
        "email": f"{name.split()[0].lower()}@example.org",
        "created_on": now.date(),
        "created_at": now,
        "worked_at": "Initech",
        "relation": "managed me",
        "last_contact_on": now.date() - dt.timedelta(days=50),
    }
    return Reference(user_id=user.id, name=name, **(given | values))


@dataclasses.dataclass
class Story:
    """One user's life in a house: records, does and lets the daemon's passes run at given moments."""

    house: House
    transports: dict[Channel, Transport]
    passes: Passes
    user_id: int

    @classmethod
    def begin(
        cls,
        house: House,
        transports: dict[Channel, Transport],
        names: Sequence[str] = SIX,
        now: dt.datetime = NOON,
        *,
        reference: dict[str, Any] | None = None,
        **user: Any,
    ) -> Story:
        """A user with references, and an opportunity at Acme."""
        with house.store.writing() as session:
            row = make_user(**user)
            session.add(row)
            session.flush()
            session.add(Opportunity(user_id=row.id, company="Acme", role="Engineer", created_at=now))
            people = [make_reference(row, name, now, **(reference or {})) for name in names]
            session.add_all(people)
            session.flush()
            house.actions.changed(session, row, people, now)
        return cls(house, transports, Passes(house, house.dispatcher_to_be(transports)), row.id)

    def record(self, kind: str, now: dt.datetime, *names: str, again: bool = False, **values: Any) -> Recorded:
        """Record a happening today, about the opportunity or these references (``*`` for all)."""
        with self.house.store.writing(wake=values.pop("wake", False)) as session:
            user = session.get_one(User, self.user_id)
            mine = select(Reference).where(Reference.user_id == user.id).order_by(Reference.id)
            everyone = list(session.scalars(mine))
            people = tuple(one for one in everyone if one.name in names or "*" in names)
            opportunity = session.scalars(select(Opportunity).where(Opportunity.user_id == user.id)).first()
            happening = Happening(
                kind,
                values.pop("on", now.date()),
                people,
                opportunity if values.pop("about_it", True) else None,
                **values,
            )
            return self.house.actions.record(session, user, [happening], now, again=again)

    def land(self, now: dt.datetime, **values: Any) -> None:
        """All were asked, and the offer is accepted."""
        self.record("asked", now, "*")
        self.record("accepted", now, **values)

    def nudges(self, rule: str) -> list[Nudge]:
        with self.house.store.reading() as session:
            query = select(Nudge).where(Nudge.user_id == self.user_id, Nudge.rule == rule)
            return list(session.scalars(query.order_by(Nudge.number)))

    def nudge_of(self, rule: str, name: str) -> Nudge:
        with self.house.store.reading() as session:
            query = select(Nudge).join(Reference).where(Nudge.rule == rule, Reference.name == name)
            return session.scalars(query.where(Nudge.user_id == self.user_id).order_by(Nudge.id.desc())).first()  # type: ignore[return-value]

    def done(self, nudges: Sequence[Nudge], now: dt.datetime) -> Recorded:
        with self.house.store.writing() as session:
            rows = [session.get_one(Nudge, nudge.id) for nudge in nudges]
            return self.house.actions.done(session, session.get_one(User, self.user_id), rows, now)

    def undo(self, now: dt.datetime) -> Recorded:
        with self.house.store.writing() as session:
            return self.house.actions.undo(session, session.get_one(User, self.user_id), now)

    def deliveries(self) -> list[Delivery]:
        with self.house.store.reading() as session:
            return list(session.scalars(select(Delivery).order_by(Delivery.id)))

    def message(self, delivery: Delivery) -> Message:
        """What a delivery carries."""
        with self.house.store.reading() as session:
            return session.get_one(StoredMessage, delivery.id).read()

    def pass_at(self, now: dt.datetime) -> Any:
        """What the daemon does when it is woken at ``now``."""
        return self.passes.drain(lambda: now)

    def stop(self) -> None:
        self.passes.stop(lambda: NOON)


class Recorder:
    """A transport that keeps what it is given, and answers by a script of exceptions."""

    can_find = False

    def __init__(self, channel: Channel = Channel.EMAIL) -> None:
        self.channel, self.name = channel, f"recorder-{channel}"
        self.deadline_for = dt.timedelta(seconds=30)
        self.taken: list[Any] = []
        self.found: list[Receipt | BaseException | None] = []
        self.script: list[BaseException | None] = []
        self.always: BaseException | None = None
        self.closed = False

    def send(self, message: Any) -> Receipt:
        fault = self.script.pop(0) if self.script else self.always
        if fault is not None:
            raise fault
        self.taken.append(message)
        return Receipt(f"taken-{len(self.taken)}")

    def find(self, message: Any, since: dt.datetime) -> Receipt | None:
        answer = self.found.pop(0) if self.found else None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def probe(self) -> str:
        return "fine"

    def close(self) -> None:
        self.closed = True


def recorders() -> dict[Channel, Any]:
    return {Channel.EMAIL: Recorder(), Channel.SMS: Recorder(Channel.SMS)}


class Mailbox(SmtpServer):
    """An SMTP server that tells of each message, and can hold its answer back."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.arrived: queue.Queue[EmailMessage] = queue.Queue()
        self.holding = threading.Event()
        """Set while an answer is held."""
        self.answer = threading.Event()
        self.answer.set()

    def hold(self) -> None:
        """Answer no message until `answer` is set."""
        self.answer.clear()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if not self.answer.is_set():
            self.holding.set()
            while not self.answer.is_set():
                await asyncio.sleep(0.01)
        reply = await super().handle_DATA(server, session, envelope)
        if reply.startswith("250"):
            self.arrived.put(parsed(envelope.original_content))
        return reply


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def words_of(mail: Any) -> str:
    """The plain part of a mail."""
    message = mail if isinstance(mail, EmailMessage) else parsed(mail.content)
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
