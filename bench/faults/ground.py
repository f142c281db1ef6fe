"""The ground that faults are tried on: a store, a mail server, a stand-in for Twilio, and the count of what arrived."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import select
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_
from sqlalchemy import select as sql
from sqlalchemy.orm import Session

from bench.faults.table import Row
from reminderd.clock import utc_now
from reminderd.message import Mail, Message, Text
from reminderd.store import migrate
from reminderd.store.database import Store
from reminderd.store.tables import UNSETTLED, Attempt, Delivery, DeliveryState, Step, StepState, StoredMessage, User
from tests.flow.parts import Story, make_house
from tests.servers.smtp import SmtpServer
from tests.servers.twilio import ACCOUNT, TOKEN, Answer, FakeTwilio

USERS = 40
"""So that a phone has few texts, and Twilio's list of them few pages."""
PACE = {
    "LEASE_SECONDS": "5",
    "RECONCILE_SECONDS": "1",
    "BACKOFF_SECONDS": "1",
    "POLL_SECONDS": "0.05",
    "STOP_SECONDS": "1",
    "SENDERS": "8",
}
"""The waits of these runs, shorter than the defaults (60, 60, 60 to 3600, 4, 20)."""
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


class Post(SmtpServer):
    """A mail server that calls `on_taken` when it has taken a message and not yet said so."""

    on_taken: Callable[[], None] | None = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if self.on_taken is not None and answer.startswith("250"):
            self.on_taken()
        return answer


class Exchange(FakeTwilio):
    """A Twilio that does the same."""

    on_taken: Callable[[], None] | None = None

    def _create(self, form: dict[str, str]) -> Answer:
        answer = super()._create(form)
        if self.on_taken is not None and answer.status == 201:
            self.on_taken()
        return answer


class Ground:
    """One store with users, and the servers that its daemons send to."""

    def __init__(self, home: Path, url: str, post: Post, exchange: Exchange) -> None:
        self.home, self.url, self.post, self.exchange = home, url, post, exchange
        self.store = Store(url)
        self.in_flight: Counter[int] = Counter()
        """For each delivery, at how many kills it had an open attempt."""
        self._open: set[int] = set()
        self.events = 0
        self._numbers = 0
        planner = make_house(self.store, home).planner
        with self.store.writing() as session:
            users = [_user(number) for number in range(USERS)]
            for user in users:  # planned already, or the first plan would take back messages that no step asked for
                session.add(user)
                session.flush()
                user.settings_mark = planner.settings_mark(user)

    @property
    def environ(self) -> dict[str, str]:
        """The settings of its daemons."""
        return PACE | {
            "DATABASE_URL": self.url,
            "SMTP_HOST": self.post.host,
            "SMTP_PORT": str(self.post.port),
            "SMTP_SECURITY": "off",
            "SMTP_FROM": "reminderd@bench.test",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_MESSAGING_SERVICE_SID": "MG" + "0" * 32,
            "TWILIO_API_URL": self.exchange.url,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def enqueue(self, mails: int, texts: int = 0, *, due_at: dt.datetime | None = None) -> None:
        """Messages that are due now, each different, over all users."""
        now = due_at or utc_now()
        made = [make_row(self._numbers + number, number < mails, now) for number in range(mails + texts)]
        self._numbers += len(made)
        with self.store.writing(wake=True) as session:
            add(session, made)

    def happen(self) -> None:
        """A new user is accepted for a job: one message has to come of it, by planning and composing."""
        self.events += 1
        now = utc_now()
        house = make_house(self.store, self.home, ways=["email"])
        address = f"event{self.events}@bench.test"
        story = Story.begin(house, {}, ["Ana Mueller"], now, email=address, phone=None, created_at=now, zone="UTC")
        story.record("asked", now, "*", on=now.date())
        story.record("accepted", now, on=now.date())
        with self.store.writing(wake=True) as session:
            session.get_one(User, story.user_id).plan_again_at = now

    def note_in_flight(self, pid: int | None = None) -> int:
        """To be called when a daemon (``pid``, where several live) was killed: what it had handed over, or was about
        to. An attempt counts once, however many kills find it open. How many of those that are new are texts."""
        query = sql(Attempt.id, Attempt.delivery_id, Delivery.channel).join(
            Delivery, Delivery.id == Attempt.delivery_id
        )
        if pid is not None:
            query = query.where(Delivery.lease_owner.like(f"{pid}:%"))
        with self.store.reading() as session:
            found = session.execute(query.where(Attempt.outcome.is_(None))).all()
        new = [one for one in found if one.id not in self._open]
        self._open.update(one.id for one in new)
        self.in_flight.update(one.delivery_id for one in new)
        return sum(one.channel == "sms" for one in new)

    def unsettled(self) -> int:
        with self.store.reading() as session:
            waiting = session.scalar(sql(func.count()).where(Delivery.state.in_(UNSETTLED))) or 0
            unplanned = session.scalar(sql(func.count()).where(User.plan_again_at <= utc_now())) or 0
            due = sql(func.count()).where(Step.state == StepState.PENDING, Step.at <= utc_now())
            return waiting + unplanned + (session.scalar(due) or 0)

    def settle(self, within: float = 60) -> None:
        """Wait until nothing that is due is left."""
        wait_until(lambda: self.unsettled() == 0, within)

    # ---- the count

    def count(self, fault: str, injected: int, *, absent: int = 0) -> Row:
        """What came of everything that was ever due here. ``absent`` copies of texts are the documented ones."""
        mails = Counter(_message_id(one.content) for one in self.post.received)
        bytes_of: dict[str, set[bytes]] = {}
        for one in self.post.received:
            bytes_of.setdefault(_message_id(one.content), set()).add(one.content)
        texts = Counter(one.body for one in self.exchange.sent)
        with self.store.reading() as session:
            # What was taken back untried was made anew, with the same Message-ID.
            tried = or_(Delivery.state != DeliveryState.CANCELLED, Delivery.attempts > 0)
            kept = sql(Delivery.id, Delivery.channel, Delivery.state, StoredMessage.envelope)
            query = kept.join(StoredMessage, StoredMessage.delivery_id == Delivery.id).where(tried)
            rows = session.execute(query).all()
            event_users = session.execute(sql(User.id, User.email).where(User.email.like("event%"))).all()
        wrong: list[str] = []
        received = told = allowed = 0
        for id_, channel, state, message in rows:
            copies = mails[message["message_id"]] if channel == "email" else texts[message["body"]]
            received += copies > 0
            told += copies == 0 and state == DeliveryState.FAILED
            spare = self.in_flight[id_] if channel == "email" else 0
            allowed += spare
            if channel == "email" and copies - 1 > spare:
                wrong.append(f"mail {id_} came {copies} times, in flight at {spare} kills")
            if copies and state not in (DeliveryState.SENT, DeliveryState.DELIVERED):
                wrong.append(f"message {id_} arrived and is {state}")
        extra = sum(texts.values()) - len(texts)
        if extra > absent:
            wrong.append(f"{extra} texts came twice")
        wrong += [f"copies of {key} differ" for key, found in bytes_of.items() if len(found) > 1]
        unheard = {email for _, email in event_users} - {one.recipients[0] for one in self.post.received}
        wrong += [f"an event of {email} ended in nothing" for email in unheard]
        duplicated = sum(mails.values()) - len(mails) + extra
        return Row(
            fault, injected, self._numbers + self.events, received, duplicated, allowed + absent, told, tuple(wrong)
        )


@contextlib.contextmanager
def ground(url: str | None = None) -> Iterator[Ground]:
    """A ground of its own: on a new SQLite file, or on an empty PostgreSQL database."""
    with tempfile.TemporaryDirectory(prefix="rf-") as folder, Post() as post, Exchange() as exchange:
        home = Path(folder)
        place = url or f"sqlite:///{home / 'reminderd.db'}"
        store = Store(place)
        migrate.create(store)
        store.dispose()
        made = Ground(home, place, post, exchange)
        try:
            yield made
        finally:
            made.store.dispose()


def wait_until(holds: Callable[[], bool], within: float) -> bool:
    """Whether it came to hold; nothing tells of it, so that it is looked at again and again."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        pause(0.03)
    return True


def pause(seconds: float) -> None:
    """Let the daemons work."""
    select.select([], [], [], seconds)


def _user(number: int) -> User:
    return User(
        email=f"user{number}@bench.test",
        name=f"User {number}",
        phone=f"+1415555{number:04d}",
        zone="UTC",
        hour=dt.time(9),
        digest="weekly",
        created_at=utc_now(),
    )


def add(session: Session, made: Sequence[tuple[Delivery, Message]]) -> None:
    """Deliveries and what they carry."""
    session.add_all([row for row, _ in made])
    session.flush()
    session.add_all([StoredMessage.of(row, message) for row, message in made])


def make_row(number: int, is_mail: bool, now: dt.datetime) -> tuple[Delivery, Message]:
    """A delivery that is due ``now``; its number is in all that it says."""
    user = number % USERS
    key = f"<{number}@bench.test>"
    content = f"From: reminderd@bench.test\r\nMessage-ID: {key}\r\nSubject: {number}\r\n\r\nThank Ana.\r\n".encode()
    mail = Mail("reminderd@bench.test", f"user{user}@bench.test", str(number), key, content)
    row = Delivery(
        user_id=user + 1,
        channel="email" if is_mail else "sms",
        kind="nudge",
        dedupe_key=f"{number}.1:0",
        subject=str(number),
        due_at=now,
        created_at=now,
        useless_at=now + dt.timedelta(days=30),
    )
    return row, mail if is_mail else Text(f"+1415555{user:04d}", f"Thank Ana ({number})")


def _message_id(content: bytes) -> str:
    found = _MESSAGE_ID.search(content)
    return found[1].decode() if found else ""
