"""Mails applied: which line of one is the command."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from reminderd.message import Mail
from reminderd.replies.letters import read
from reminderd.replies.mailbox import Fetched
from reminderd.replies.mails import take_mail
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, User
from tests.flow.parts import NOON, Story, make_house, recorders, words_of

LATER = NOON + dt.timedelta(hours=1)
QUOTE = "\n\nOn Tue, 24 Nov 2026 at 09:00, reminderd <bot@example.org> wrote:\n> DONE {0}\n"


class Writer:
    """A user who was told of two things to do by one mail, and answers it."""

    def __init__(self, store: Store, home: Path) -> None:
        self.house = make_house(store, home)
        names = ("Maria Lopez", "Ana Mueller")
        self.story = Story.begin(self.house, recorders(), names, created_at=NOON - dt.timedelta(days=1))
        self.story.land(NOON)
        self.story.pass_at(NOON)
        told = self.story.message(self.story.deliveries()[0])
        assert isinstance(told, Mail)
        self.told = told

    def answer(self, body: str, language: str = "en") -> None:
        """Answer with ``body``, where ``{0}`` stands for the first one's number."""
        said = body.format(self.story.nudges("accepted")[0].number).replace("\n", "\r\n")
        headers = ("From: Ada <ada@example.org>", "Message-ID: <1@phone.example.org>")
        lines = (*headers, f"In-Reply-To: {self.told.message_id}", "Content-Type: text/plain; charset=utf-8", "", said)
        content = "\r\n".join(lines).encode()
        letter = read(content)
        assert letter is not None
        with self.house.store.writing() as session:
            session.get_one(User, self.story.user_id).language = language
            mail = Fetched(1, LATER, content)
            assert take_mail(session, self.house.door, self.house.composer, b"key", mail, letter, LATER)

    def states(self) -> list[str]:
        return [nudge.state for nudge in self.story.nudges("accepted")]

    def heard(self) -> str:
        """What the user was answered; nothing where nobody answered."""
        with self.house.store.reading() as session:
            row = session.scalars(select(Delivery).where(Delivery.kind == "answer")).first()
        return words_of(self.story.message(row)) if row is not None else ""


@pytest.fixture
def writer(sqlite_store: Store, tmp_path: Path) -> Iterator[Writer]:
    made = Writer(sqlite_store, tmp_path)
    yield made
    made.story.stop()


@pytest.mark.parametrize(
    ("body", "language"),
    [
        ("Hi,\n\nDONE {0}", "en"),
        ("Thanks!\nDONE {0}", "en"),
        ("OK\n\n{0} done", "en"),
        ("Hello reminderd,\n\nthank you!\n\n{0}\n\nBest,\nAda", "en"),
        ("👍\n\ndone {0}\n\n-- \nAda Byron\n7 Lane" + QUOTE, "en"),
        ("Hallo,\n\n{0} erledigt", "de"),
        ("Danke!\n\nErledigt {0}\n\nViele Grüße\nAda", "de"),
    ],
)
def test_a_greeting_or_thanks_above_the_command_is_passed_over(writer: Writer, body: str, language: str) -> None:
    writer.answer(body, language)
    assert writer.states() == ["done", "open"]
    assert writer.heard()


def test_words_below_a_greeting_are_not_lost(writer: Writer) -> None:
    writer.answer("Hi,\n\nI left her a voicemail and she will call back.\n\nBest,\nAda")
    assert writer.states() == ["open", "open"]
    assert "not understood" in writer.heard()


def test_a_note_below_a_greeting_is_kept_without_it(writer: Writer) -> None:
    writer.answer("Hi,\n\nNOTE {0} left a voicemail\nand wrote to her")
    assert writer.story.nudges("accepted")[0].note == "left a voicemail and wrote to her"


@pytest.mark.parametrize(
    ("body", "language"),
    [
        ("Thanks!", "en"),
        ("Thanks!\n\nAda", "en"),
        ("Ok, thank you\n\nBest regards,\nAda Byron\n7 Lane", "en"),
        ("Danke!\n\nViele Grüße\nAda", "de"),
        ("OK" + QUOTE, "en"),
        ("On it:\n{0}", "en"),
        ("Liked “Thank Maria\nDONE {0}”", "en"),
        ("👍 to “Hi\nDONE {0}”", "en"),
    ],
)
def test_thanks_alone_are_left_alone_whatever_is_signed_or_quoted_below(
    writer: Writer, body: str, language: str
) -> None:
    writer.answer(body, language)
    assert writer.states() == ["open", "open"]
    assert writer.heard() == ""
