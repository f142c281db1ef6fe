"""Replies applied: whatever is typed, it touches only what is the sender's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from reminderd.actions import Happening, said_of_job
from reminderd.message import Channel
from reminderd.replies.door import MOST_ASKED, Incoming
from reminderd.replies.sms import take_text
from reminderd.replies.vocabulary import RESERVED, VERBS
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, Event, Nudge, Opportunity, Reference, StoredMessage, User
from reminderd.transports.twilio import ReceivedText
from reminderd.wiring import House
from tests.flow.parts import NOON, PHONE, Story, make_house, make_reference, make_user, recorders, words_of

LATER = NOON + dt.timedelta(hours=1)


class Two:
    """Two users, each with open nudges; the second one's are never to change."""

    def __init__(self, store: Store, home: Path) -> None:
        self.house: House = make_house(store, home)
        self.story = Story.begin(
            self.house, recorders(), ("Maria Lopez", "Ana Mueller"), created_at=NOON - dt.timedelta(1)
        )
        with store.writing() as session:
            other = make_user(email="bob@example.org", phone="+14155550155", created_at=NOON - dt.timedelta(1))
            session.add(other)
            session.flush()
            people = [make_reference(other, name) for name in ("Zoe Quick", "Maria Lopez")]
            session.add_all(people)
            session.flush()
            self.house.actions.changed(session, other, people, NOON)
            self.other = other.id
        self.story.land(NOON)
        self.story.pass_at(NOON)
        self.count = 0

    def take(self, text: str, channel: Channel = Channel.SMS, now: dt.datetime = LATER, **more: Any) -> bool:
        self.count += 1
        message = Incoming(channel, more.pop("key", f"key-{self.count}"), more.pop("received_at", now), text, **more)
        with self.house.store.writing() as session:
            return self.house.door.take(session, self.story.user_id, message, now)

    def snapshot(self) -> list[tuple[Any, ...]]:
        with self.house.store.reading() as session:
            nudges = select(Nudge.id, Nudge.state, Nudge.snoozed_until, Nudge.note).where(Nudge.user_id == self.other)
            people = select(Reference.id, Reference.status).where(Reference.user_id == self.other)
            events = select(Event.id, Event.retracted_at).where(Event.user_id == self.other)
            messages = select(Delivery.id, Delivery.state).where(Delivery.user_id == self.other)
            user = select(User.sms_enabled, User.email_enabled).where(User.id == self.other)
            return [tuple(row) for query in (nudges, people, events, messages, user) for row in session.execute(query)]

    def said(self) -> str:
        with self.house.store.reading() as session:
            row = session.scalars(
                select(Delivery).where(Delivery.kind == "answer").order_by(Delivery.id.desc())
            ).first()
            if row is None:
                return ""
            message = session.get_one(StoredMessage, row.id).read()
        return words_of(message) if row.channel == "email" else str(message.body)  # type: ignore[union-attr]

    def numbers(self) -> list[int]:
        return [nudge.number for nudge in self.story.nudges("accepted")]


@pytest.fixture
def two(sqlite_store: Store, tmp_path: Path) -> Iterator[Two]:
    made = Two(sqlite_store, tmp_path)
    yield made
    made.story.stop()


typed = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.one_of(
            st.sampled_from([*VERBS["de"], *RESERVED, "all", "3d", "monday", "99 years", "maria", "zoe", "?"]),
            st.integers(0, 40).map(str),
        ),
        max_size=6,
    ).map(" ".join),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=typed, channel=st.sampled_from(Channel))
def test_nothing_that_is_typed_crashes_or_touches_somebody_elses(two: Two, text: str, channel: Channel) -> None:
    before = two.snapshot()
    assert two.take(text, channel)
    assert two.snapshot() == before


def test_a_message_is_applied_once_on_each_channel(two: Two) -> None:
    first, _ = two.numbers()
    assert two.take(f"DONE {first}", key="SM1")
    assert not two.take(f"SKIP {first}", key="SM1")
    assert two.take("LIST", Channel.EMAIL, key="SM1")
    assert two.story.nudges("accepted")[0].state == "done"


def test_what_was_written_before_somebody_was_a_user_is_not_applied(two: Two) -> None:
    assert not two.take("DONE ALL", received_at=NOON - dt.timedelta(days=2))


def test_a_number_of_the_past_can_still_be_done(two: Two) -> None:
    first, _ = two.numbers()
    with two.house.store.writing() as session:
        row = session.scalars(select(Nudge).where(Nudge.number == first, Nudge.user_id == two.story.user_id)).one()
        row.state = "expired"
    two.take(str(first), Channel.EMAIL)
    assert two.story.nudges("accepted")[0].state == "done"
    two.take(str(first), Channel.EMAIL)
    assert "Already done" in two.said()


def test_a_snooze_past_the_deadline_says_so_and_one_too_long_is_refused(two: Two) -> None:
    first, _ = two.numbers()
    two.take(f"SNOOZE {first} 1w", Channel.EMAIL)
    assert "past its deadline" in two.said()
    two.take(f"SNOOZE {first} 99 years", Channel.EMAIL)
    assert "too far away" in two.said()
    two.take(f"{first} friday", Channel.EMAIL)
    assert "Quiet until Fri 27 Nov, 09:00" in two.said()


def test_a_snooze_to_midnight_names_the_day_that_begins_then(two: Two) -> None:
    with two.house.store.writing() as session:
        session.get_one(User, two.story.user_id).hour = dt.time(0)
    two.take(f"SNOOZE {two.numbers()[0]} 1d", Channel.EMAIL)
    assert "Quiet until Wed 25 Nov, 00:00" in two.said()


def test_two_programs_that_answer_each_other_come_to_an_end(two: Two) -> None:
    for _ in range(20):
        two.take("I am driving and cannot answer now.")
    with two.house.store.reading() as session:
        answers = list(session.scalars(select(Delivery).where(Delivery.kind == "answer")))
    assert len(answers) == MOST_ASKED
    two.take("LIST")
    assert "Open" in two.said()


def test_pausing_somebody_ends_what_is_planned_for_them(two: Two) -> None:
    first, _ = two.numbers()
    two.take(f"PAUSE {first} 2mo", Channel.EMAIL)
    assert "Nothing more about Maria Lopez until Sun 24 Jan" in two.said()


@pytest.mark.parametrize(
    ("span", "until"),
    [("4 hours", "Wed 25 Nov"), ("12 hours", "Wed 25 Nov"), ("48 hours", "Thu 26 Nov"), ("1d", "Wed 25 Nov")],
)
def test_a_pause_lasts_at_least_until_tomorrow(two: Two, span: str, until: str) -> None:
    first, _ = two.numbers()
    two.take(f"PAUSE {first} {span}", Channel.EMAIL)
    assert f"Nothing more about Maria Lopez until {until}" in two.said()
    assert two.story.nudges("accepted")[0].state == "cancelled"


def test_answers_by_text_are_fit_for_a_lock_screen(two: Two) -> None:
    first, second = two.numbers()
    for text in (f"WHY {first}", "LIST", f"SNOOZE {first}", f"PAUSE {first}", f"DONE {second}", "UNDO"):
        two.take(text)
        assert not any(name in two.said() for name in ("Maria", "Lopez", "Ana", "Mueller", "Acme"))


def test_what_one_of_two_with_one_phone_texts_is_done_for_one_alone(two: Two) -> None:
    with two.house.store.writing() as session:
        session.get_one(User, two.other).phone = PHONE
    before = two.snapshot()
    first, _ = two.numbers()
    with two.house.store.writing() as session:
        text = ReceivedText("SM1", PHONE, f"DONE {first}", LATER)
        assert take_text(session, two.house.door, text, LATER) == 1
    assert two.snapshot() == before
    assert [nudge.state for nudge in two.story.nudges("accepted")] == ["done", "open"]


def test_undo_with_a_number_is_about_that_one(two: Two) -> None:
    first, second = two.numbers()
    two.take(f"DONE {first}")
    two.take(f"DONE {second}")
    two.take(f"UNDO {first}")
    assert [nudge.state for nudge in two.story.nudges("accepted")] == ["open", "done"]
    assert str(first) in two.said()
    two.take(f"UNDO {first}")
    assert "could be taken back" in two.said()
    assert [nudge.state for nudge in two.story.nudges("accepted")] == ["open", "done"]


def test_undo_takes_back_what_was_let_go(two: Two) -> None:
    first, _ = two.numbers()
    two.take(f"SKIP {first}")
    two.take("UNDO")
    assert {nudge.state for nudge in two.story.nudges("accepted")} == {"open"}


@pytest.mark.parametrize(
    ("language", "channel", "role", "day"),
    [
        ("en", Channel.EMAIL, "Acme: the role is Clerk again.", "Acme: the first day of work is not known any more."),
        (
            "de",
            Channel.EMAIL,
            "Acme: Die Rolle ist wieder Clerk.",
            "Acme: Der erste Arbeitstag ist nicht mehr bekannt.",
        ),
        ("en", Channel.SMS, "The role is Clerk again.", "The first day of work is not known any more."),
        ("de", Channel.SMS, "Die Rolle ist wieder Clerk.", "Der erste Arbeitstag ist nicht mehr bekannt."),
    ],
)
def test_undo_says_what_a_job_has_again(two: Two, language: str, channel: Channel, role: str, day: str) -> None:
    with two.house.store.writing() as session:
        user = session.get_one(User, two.story.user_id)
        user.language = language
        job = session.scalars(select(Opportunity).where(Opportunity.user_id == user.id)).one()
        job.role, job.starts_on = "Engineer", dt.date(2026, 12, 7)
        said = {
            "interview": said_of_job("role", "Engineer", "Clerk"),
            "signed": said_of_job("starts", "2026-12-07", None),
        }
        two.house.actions.record(
            session, user, [Happening(kind, NOON.date(), (), job, data=data) for kind, data in said.items()], NOON
        )
    two.take("UNDO", channel)
    assert role in two.said()
    assert day in two.said()
    assert ("Acme" in two.said()) == (channel is Channel.EMAIL)


def test_the_draft_comes_by_the_way_it_was_asked_for(two: Two) -> None:
    first, _ = two.numbers()
    two.take(f"DRAFT {first}")
    assert two.said().startswith("Hi Maria")
    two.take(f"DRAFT {first}", Channel.EMAIL)
    assert "Thank Maria Lopez" in two.said()


def test_a_german_user_is_answered_in_german(two: Two) -> None:
    with two.house.store.writing() as session:
        session.get_one(User, two.story.user_id).language = "de"
    first, second = two.numbers()
    two.take(f"{first} erledigt, danke", Channel.EMAIL)
    assert "Erledigt:" in two.said()
    two.take("Liste", Channel.EMAIL)
    assert "Offen:" in two.said()
    assert f"{second} " in two.said()


def test_a_german_user_is_taught_german_words(two: Two) -> None:
    with two.house.store.writing() as session:
        session.get_one(User, two.story.user_id).language = "de"
    first, _ = two.numbers()
    two.take("erledigt", Channel.EMAIL)
    assert f"etwa ERLEDIGT {first}, oder mit ALLE ERLEDIGT" in two.said()
    two.take(f"ERLEDIGT {first}", Channel.EMAIL)
    assert "Erledigt: " in two.said()


@pytest.mark.parametrize("channel", Channel)
def test_german_sentences_end_with_one_full_stop_after_a_date(two: Two, channel: Channel) -> None:
    with two.house.store.writing() as session:
        session.get_one(User, two.story.user_id).language = "de"
    first, second = two.numbers()
    for text, said in (
        (f"WARUM {first}", "fällig Do. 26. Nov."),
        ("LISTE", "bis Do. 26. Nov."),
        (f"SNOOZE {first} 1w", "nach der Frist, Do. 26. Nov."),
        (f"PAUSE {first} 2w", "bis Di. 8. Dez."),
        (f"PAUSE {second}", "Nichts mehr zu A"),
    ):
        two.take(text, channel)
        assert said in two.said()
        assert ".." not in two.said()


def test_why_is_answered_in_german_alone(two: Two) -> None:
    with two.house.store.writing() as session:
        session.get_one(User, two.story.user_id).language = "de"
    two.take(f"WARUM {two.numbers()[0]}", Channel.EMAIL)
    assert "Nach einem angenommenen Angebot; du hast zugesagt; fällig" in two.said()
    assert "Tell everyone" not in two.said()


def test_every_phrase_is_there_in_both_languages() -> None:
    from reminderd.replies.answers import ENGLISH, GERMAN

    assert set(ENGLISH) == set(GERMAN)
    for key, text in ENGLISH.items():
        assert {part.partition("}")[0] for part in text.split("{")[1:]} == {
            part.partition("}")[0] for part in GERMAN[key].split("{")[1:]
        }


def test_initials_end_a_sentence_with_one_full_stop(two: Two) -> None:
    two.take(f"DONE {two.numbers()[0]}")
    assert "still: A.M." in two.said()
    assert ".." not in two.said()


def test_by_a_stopped_channel_what_is_written_is_done_and_not_answered(two: Two) -> None:
    first, second = two.numbers()
    two.take("STOP", Channel.EMAIL)
    assert "Answer START to this one" in two.said()
    answers = select(func.count()).where(Delivery.kind == "answer")
    with two.house.store.reading() as session:
        before = session.scalar(answers)
    for words in (f"DONE {first}", f"DRAFT {second}", "LIST", "DONE 999", "STOP"):
        assert two.take(words, Channel.EMAIL)
    with two.house.store.reading() as session:
        assert session.scalar(answers) == before
    assert two.story.nudges("accepted")[0].state == "done"
    two.take("START", Channel.EMAIL)
    assert "on again" in two.said()
