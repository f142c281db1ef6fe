"""Takes a house through time with the real planner, composer and dispatcher, from due moment to due moment."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reminderd.dispatcher import Dispatcher
from reminderd.message import Channel, Mail, Message
from reminderd.passes import Passes
from reminderd.store import due
from reminderd.store.database import Store
from reminderd.store.tables import Attempt, Delivery, Nudge, Outcome, Reference, Step, StoredMessage, User
from reminderd.transports.base import Receipt, Transport
from reminderd.transports.segments import Segments, count_segments
from reminderd.wiring import House, make_timing

SHORTEST = dt.timedelta(minutes=1)
"""The least that time moves on, whatever claims to be due already."""


@dataclasses.dataclass(frozen=True, slots=True)
class About:
    """What a message is about: one nudge, and which reminder of it this is, from 1."""

    nudge_id: int
    number: int
    rule: str
    reference: str | None
    reminder: int


@dataclasses.dataclass(frozen=True, slots=True)
class Arrived:
    """A message that reached the user at a moment (UTC)."""

    at: dt.datetime
    channel: Channel
    kind: str
    subject: str
    nudges: tuple[About, ...]
    message: Message

    @property
    def segments(self) -> Segments | None:
        """What a text is billed as; ``None`` for a mail."""
        return None if isinstance(self.message, Mail) else count_segments(self.message.body)


class Simulation:
    """A house whose clock is moved by hand; `now` is where it stands. For one thread."""

    def __init__(self, house: House, transports: Mapping[Channel, Transport], now: dt.datetime) -> None:
        self.house, self.now = house, now
        timing = make_timing(house.settings)
        dispatcher = Dispatcher(house.store, house.composer, transports, timing, senders=0)
        self._passes = Passes(house, lambda: dispatcher)
        self._passes.dispatcher.rescue(now, alone=True)
        with house.store.reading() as session:
            self._seen = session.scalar(select(func.max(Attempt.id))) or 0

    def advance(self, until: dt.datetime) -> Iterator[Arrived]:
        """Do all that is due up to ``until``, each thing at its moment, and stand there. Whoever takes an arrival may
        change the house before asking for the next one."""
        while True:
            yield from self._settle()
            at = self._passes.next_at(self.now)
            if at is None or at > until:
                break
            self.now = min(max(at, self.now + SHORTEST), until)
        self.now = max(self.now, until)

    def close(self) -> None:
        """Let go of the transports."""
        self._passes.stop(lambda: self.now)

    def _settle(self) -> Iterator[Arrived]:
        """What arrives at this moment, until nothing more does."""
        while True:
            self._passes.drain(lambda: self.now)
            with self.house.store.reading() as session:
                arrived = load_arrived(session, after=self._seen)
            if not arrived:
                return
            for self._seen, one in arrived:
                yield one


def load_arrived(session: Session, after: int = 0) -> list[tuple[int, Arrived]]:
    """The messages sent by attempts behind the one with the id ``after``, in order, each with its attempt's id."""
    query = (
        select(Attempt.id, Attempt.ended_at, Delivery)
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .where(Attempt.id > after, Attempt.outcome == Outcome.SENT)
        .order_by(Attempt.id)
    )
    return [(key, _arrived(session, at, delivery)) for key, at, delivery in session.execute(query)]


def private_copy(house: House, user_id: int, now: dt.datetime) -> House:
    """The same house with one user's data in memory: whatever is done to it is gone with it. It goes by the rule book
    and the settings as they are now, whether or not a daemon has read them yet."""
    store = Store.memory()
    house.store.copy_to(store, user_id=user_id)
    copy = dataclasses.replace(house, store=store)
    with store.writing() as session:
        copy.refresh_marks(session, now)
    return copy


def null_transports(channels: Sequence[str]) -> dict[Channel, Transport]:
    """A transport for each channel that takes everything and keeps nothing."""
    return {Channel(name): _Null(Channel(name)) for name in channels}


def act_on(house: House, arrived: Arrived, now: dt.datetime) -> None:
    """The user does what a message is about."""
    with house.store.writing() as session:
        nudges = list(session.scalars(select(Nudge).where(Nudge.id.in_([one.nudge_id for one in arrived.nudges]))))
        for user_id in {nudge.user_id for nudge in nudges}:
            mine = [nudge for nudge in nudges if nudge.user_id == user_id]
            house.actions.done(session, session.get_one(User, user_id), mine, now)


def _arrived(session: Session, at: dt.datetime | None, delivery: Delivery) -> Arrived:
    assert at is not None
    return Arrived(
        at=at,
        channel=Channel(delivery.channel),
        kind=str(delivery.kind),
        subject=delivery.subject,
        nudges=tuple(_about(session, delivery)),
        message=session.get_one(StoredMessage, delivery.id).read(),
    )


def _about(session: Session, delivery: Delivery) -> Iterator[About]:
    nudges = sorted(due.nudges_of(session, delivery.id), key=lambda nudge: nudge.number)
    ids = [nudge.reference_id for nudge in nudges if nudge.reference_id is not None]
    people = due.references_by_id(session, ids)
    for nudge in nudges:
        reference: Reference | None = people.get(nudge.reference_id or 0)
        query = select(func.count(func.distinct(Step.delivery_id))).where(
            Step.nudge_id == nudge.id, Step.delivery_id <= delivery.id
        )
        name = reference.name if reference else None
        yield About(nudge.id, nudge.number, nudge.rule, name, session.scalar(query) or 1)


class _Null:
    """Takes everything."""

    name = "null"
    can_find = False
    deadline_for = dt.timedelta(seconds=1)

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def send(self, message: Message) -> Receipt:
        return Receipt("simulated")

    def find(self, message: Message, since: dt.datetime) -> Receipt | None:
        return None

    def probe(self) -> str:
        return "nothing is sent"

    def close(self) -> None:
        """Nothing is open."""
