"""Texts, there and back: sent, confirmed, answered, stopped; against a loopback Twilio."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from reminderd.message import Channel
from reminderd.passes import Passes
from reminderd.rules.book import default_book
from reminderd.settings import load
from reminderd.store.database import Store
from reminderd.store.tables import ChannelHealth, Delivery, DeliveryKind, DeliveryState, Event, Inbound, Nudge, User
from reminderd.transports.registry import make_sms
from reminderd.wiring import House
from tests.flow.parts import NOON, PATIENCE, PHONE, Recorder, Story, make_reference, make_user, words_of
from tests.servers.twilio import ACCOUNT, SENDER, TOKEN, FakeTwilio

MINUTE = dt.timedelta(minutes=1)
LANDED = ("Maria Lopez", "Ana Mueller")


class Circle:
    """A user with texts and mails whose daemon reads Twilio."""

    def __init__(self, store: Store, home: Path, fake: FakeTwilio, service: str | None = None, **user: Any) -> None:
        sender = {"TWILIO_MESSAGING_SERVICE_SID": service} if service else {"TWILIO_FROM": SENDER}
        environ = {
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_API_URL": fake.url,
            **sender,
        }
        settings = load(environ, None, home)
        self.house = House(settings, store, default_book(), frozenset({"email", "sms"}))
        self.fake = fake
        self.mails = Recorder()
        sms = make_sms(settings)
        assert sms is not None
        self.story = Story.begin(
            self.house, {Channel.EMAIL: self.mails, Channel.SMS: sms}, LANDED, created_at=NOON - dt.timedelta(1), **user
        )
        self.desk = self.house.desk(threads=False)
        assert self.desk is not None
        dispatcher = self.house.dispatcher({Channel.EMAIL: self.mails, Channel.SMS: sms})
        self.passes = Passes(self.house, lambda: dispatcher, self.desk)
        self.now = NOON

    def wait(self, span: dt.timedelta = MINUTE) -> None:
        """Time goes by, and the daemon passes."""
        self.now += span
        self.passes.drain(lambda: self.now)

    def text(self, body: str, sender: str = PHONE) -> str:
        """The user texts, and the daemon reads it."""
        sid = self.fake.receive(sender, body, at=self.now).sid
        self.wait()
        return sid

    def land(self) -> None:
        """All were asked, the job is theirs, and the first texts have gone."""
        self.story.land(self.now)
        self.wait()

    def sent(self) -> list[str]:
        return [message.body for message in self.fake.sent]

    def said(self) -> str:
        return self.fake.sent[-1].body

    def state(self, number: int) -> str:
        with self.house.store.reading() as session:
            return str(session.scalars(select(Nudge.state).where(Nudge.number == number)).one())

    def user(self) -> User:
        with self.house.store.reading() as session:
            return session.get_one(User, self.story.user_id)

    def rows(self, table: type[Any]) -> list[Any]:
        with self.house.store.reading() as session:
            return list(session.scalars(select(table).order_by(table.id)))

    def texts(self) -> list[Delivery]:
        return [row for row in self.rows(Delivery) if row.channel == "sms"]

    def numbers(self) -> list[int]:
        return [nudge.number for nudge in self.story.nudges("accepted")]

    def close(self) -> None:
        self.passes.stop_reading()
        self.passes.stop(lambda: self.now)
        self.story.stop()


Make = Callable[..., Circle]


@pytest.fixture
def make(store: Store, tmp_path: Path, fake_twilio: FakeTwilio) -> Iterator[Make]:
    made: list[Circle] = []

    def begin(**user: Any) -> Circle:
        fake_twilio.now = lambda: made[0].now if made else NOON
        made.append(Circle(store, tmp_path, fake_twilio, **user))
        return made[0]

    yield begin
    for circle in made:
        circle.close()


@pytest.fixture
def circle(make: Make) -> Circle:
    """A user who has texts only, so that everything goes that way."""
    made = make(email_enabled=False)
    made.land()
    return made


def test_a_text_is_sent_confirmed_and_answered_with_done(circle: Circle) -> None:
    first, second = circle.numbers()
    assert any(f"DONE {first}" in body for body in circle.sent())
    assert {row.state for row in circle.texts()} == {DeliveryState.SENT}
    for message in circle.fake.sent:
        circle.fake.set_status(message.sid, "delivered")
    circle.wait()
    assert {row.state for row in circle.texts()} == {DeliveryState.DELIVERED}

    circle.text(f"ok done {first} thx")
    assert circle.state(first) == "done"
    assert circle.state(second) == "open"
    assert "Done" in circle.said()
    assert "1 of 2" in circle.said()
    thanked = [event for event in circle.rows(Event) if event.data.get("nudge") == first]
    assert [event.kind for event in thanked] == ["told"]
    circle.text("DONE")
    assert circle.state(second) == "done"
    assert all(row.kind in ("nudge", "answer") for row in circle.texts())


def test_done_without_a_number_asks_which_where_several_are_open(circle: Circle) -> None:
    circle.text("done")
    assert [circle.state(number) for number in circle.numbers()] == ["open", "open"]
    assert "Which one?" in circle.said()
    assert all(str(number) in circle.said() for number in circle.numbers())
    circle.text("all done!")
    assert [circle.state(number) for number in circle.numbers()] == ["done", "done"]


def test_each_text_is_applied_once_however_often_it_is_listed(circle: Circle) -> None:
    first, _ = circle.numbers()
    circle.text(f"{first}")
    answers = len(circle.sent())
    for _ in range(3):
        circle.wait()
    circle.desk = circle.house.desk(threads=False)
    circle.passes.desk = circle.desk  # as after a restart
    circle.wait()
    assert len(circle.sent()) == answers
    assert len(circle.rows(Inbound)) == 1


def test_only_the_users_own_number_is_obeyed(circle: Circle) -> None:
    first, _ = circle.numbers()
    before = len(circle.sent())
    for sender in ("+14155550199", "14155550101", "", "whatsapp:+14155550101"):
        circle.text(f"DONE {first}", sender=sender)
    assert circle.state(first) == "open"
    assert len(circle.sent()) == before
    assert circle.rows(Inbound) == []


def test_no_text_acts_on_somebody_elses_nudge(circle: Circle) -> None:
    house = circle.house
    with house.store.writing() as session:
        other = make_user(email="bob@example.org", phone="+14155550155")
        session.add(other)
        session.flush()
        person = make_reference(other, "Zoe Quick")
        session.add(person)
        session.flush()
        house.actions.changed(session, other, [person], NOON)
    first, _ = circle.numbers()
    circle.text(f"DONE {first}", sender="+14155550155")
    assert [nudge.state for nudge in circle.story.nudges("accepted")] == ["open", "open"]
    assert "There is no number" in circle.said()


def test_snooze_skip_draft_list_and_why_are_answered(circle: Circle) -> None:
    first, second = circle.numbers()
    circle.text(f"SNOOZE {first} 1D")
    assert "Quiet until Wed 25 Nov" in circle.said()
    circle.text(f"why {second}?")
    assert f"{second} " in circle.said()
    assert "due Thu 26 Nov" in circle.said()
    circle.text("LIST")
    assert circle.said().count(" by Thu 26 Nov") == 2
    assert "Lopez" not in circle.said()
    circle.text(f"DRAFT {second}")
    assert "Acme" in circle.said()
    circle.text(f"SKIP {second}")
    assert circle.state(second) == "skipped"
    circle.text(f"skip {second}")
    assert "Already let go" in circle.said()
    circle.text("DONE 4711")
    assert "There is no number 4711" in circle.said()
    assert circle.state(first) == "open"


def test_free_words_become_a_note_and_the_meaning_is_asked(circle: Circle) -> None:
    first, second = circle.numbers()
    circle.text(f"{second} erledigt?")
    assert "not understood" in circle.said()
    circle.text(f"DONE {second}")
    circle.text(f"NOTE {first} she is on leave until May")
    assert circle.story.nudges("accepted")[0].note == "she is on leave until May"
    circle.text("not yet, still thinking about what to write")
    assert "not understood" in circle.said()


def test_words_are_noted_where_only_one_nudge_can_be_meant(make: Make) -> None:
    circle = make(email_enabled=False)
    with circle.house.store.writing() as session:
        user = session.get_one(User, circle.story.user_id)
        people = circle.rows(type(make_reference(user, "x")))
        circle.house.actions.pause_reference(session, user, session.merge(people[1]), None, NOON)
    circle.story.record("asked", circle.now, "Maria Lopez")
    circle.story.record("accepted", circle.now)
    circle.wait()
    number = circle.story.nudges("accepted")[0].number
    circle.text("Left her a voicemail")
    assert circle.story.nudges("accepted")[0].note == "Left her a voicemail"
    assert circle.state(number) == "open"
    assert f"Noted for {number}" in circle.said()
    circle.text("done maria")
    assert circle.state(number) == "done"
    circle.text("oops")
    assert circle.state(number) == "open"
    assert "Taken back" in circle.said()


def test_thanks_and_reactions_are_left_alone(circle: Circle) -> None:
    before = len(circle.sent())
    for body in ("thanks!", "👍", f"Liked “{circle.said()}”", "HELP", "info"):
        circle.text(body)
    assert len(circle.sent()) == before
    assert len(circle.rows(Inbound)) == 5


def test_stop_ends_texts_and_says_so_by_mail_and_start_brings_them_back(make: Make) -> None:
    circle = make()
    circle.text("STOP")
    assert circle.user().sms_enabled is False
    assert "no more texts" in circle.mails.taken[-1].subject
    assert "You answered STOP" in words_of(circle.mails.taken[-1])
    assert circle.sent() == []
    circle.land()
    circle.wait(dt.timedelta(days=2))
    assert circle.sent() == []
    mails = len(circle.mails.taken)
    circle.text("stop")
    assert len(circle.mails.taken) == mails
    circle.text("Yes")
    assert circle.user().sms_enabled is True
    assert "Texts are on again" in circle.said()


def test_a_refusal_because_of_stop_switches_texts_off_for_good(make: Make) -> None:
    circle = make(phone="+15005550004")
    circle.land()
    circle.wait(dt.timedelta(days=2))
    assert circle.user().sms_enabled is False
    notices = [row for row in circle.rows(Delivery) if row.kind == DeliveryKind.NOTICE]
    assert [row.channel for row in notices] == ["email"]
    assert any("STOP" in words_of(mail) for mail in circle.mails.taken)


def test_a_text_that_was_lost_after_acceptance_goes_again_and_then_by_mail(make: Make) -> None:
    circle = make()
    circle.land()
    circle.wait(dt.timedelta(hours=45))
    assert len(circle.fake.sent) == 1
    circle.fake.set_status(circle.fake.sent[0].sid, "undelivered", 30008)
    circle.wait()
    assert circle.texts()[0].state == DeliveryState.PENDING
    circle.wait(2 * MINUTE)
    assert len(circle.fake.sent) == 2
    mails = len(circle.mails.taken)
    circle.fake.set_status(circle.fake.sent[1].sid, "undelivered", 30008)
    circle.wait()
    circle.wait()
    assert circle.texts()[0].state == DeliveryState.FAILED
    assert len(circle.mails.taken) == mails + 1
    assert len(circle.fake.sent) == 2


def test_an_unknown_number_is_used_no_more(circle: Circle) -> None:
    circle.fake.set_status(circle.fake.sent[0].sid, "failed", 30005)
    circle.wait()
    with circle.house.store.reading() as session:
        health = session.get_one(ChannelHealth, (circle.story.user_id, "sms"))
    assert health.paused_at is not None
    assert health.code == "30005"


def test_a_status_moves_only_forward(circle: Circle) -> None:
    sid = circle.fake.sent[0].sid
    circle.fake.set_status(sid, "delivered")
    circle.wait()
    circle.fake.set_status(sid, "undelivered", 30003)
    circle.wait(dt.timedelta(minutes=15))
    row = next(row for row in circle.texts() if row.provider_reference == sid)
    assert row.state == DeliveryState.DELIVERED
    assert circle.fake.requests.count(f"GET /2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json") == 1


def test_an_answer_comes_in_quiet_hours_too(make: Make) -> None:
    circle = make(email_enabled=False, quiet_begins=dt.time(12), quiet_ends=dt.time(16))
    circle.text("LIST")
    assert "Nothing is open" in circle.said()


def test_a_failing_twilio_is_asked_less_often_and_nothing_is_lost(circle: Circle) -> None:
    first, _ = circle.numbers()
    circle.fake.receive(PHONE, f"DONE {first}", at=circle.now)
    circle.fake.force(503, times=2)
    circle.wait()
    asked = len(circle.fake.requests)
    circle.wait(dt.timedelta(seconds=31))
    assert len(circle.fake.requests) == asked
    circle.wait(2 * MINUTE)
    circle.wait(5 * MINUTE)
    assert circle.state(first) == "done"


def test_what_was_texted_while_the_daemon_was_down_is_read(circle: Circle) -> None:
    first, _ = circle.numbers()
    circle.passes.housekeeping(circle.now)
    circle.fake.receive(PHONE, f"DONE {first}", at=circle.now + dt.timedelta(hours=1))
    circle.passes.desk = circle.house.desk(threads=False)
    circle.wait(dt.timedelta(days=6))
    assert circle.state(first) == "done"


def test_the_network_is_asked_in_a_thread_of_its_own(circle: Circle) -> None:
    first, _ = circle.numbers()
    circle.fake.receive(PHONE, f"DONE {first}", at=circle.now)
    circle.passes.desk = circle.house.desk()
    heard = threading.Event()
    circle.passes.on_landing(heard.set)
    circle.passes.work(circle.now)
    assert heard.wait(PATIENCE)
    assert circle.state(first) == "open"
    circle.wait()
    assert circle.state(first) == "done"


def test_a_messaging_service_is_answered_as_a_number_is(make: Make) -> None:
    service = "MG" + "1" * 32
    circle = make(service=service, email_enabled=False)
    circle.land()
    first, _ = circle.numbers()
    assert "DONE" in circle.sent()[0]
    circle.fake.receive(PHONE, f"DONE {first}", to="+15005550099", at=circle.now, service=service)
    circle.wait()
    assert circle.state(first) == "done"


def test_nothing_is_imported_or_asked_where_twilio_is_not_set_up(store: Store, tmp_path: Path) -> None:
    house = House(load({}, None, tmp_path), store, default_book(), frozenset({"email"}))
    assert house.desk() is None
    assert not house.sender.texts_read
