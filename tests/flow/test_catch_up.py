"""After downtime: one message for each nudge, late is labelled late, and nothing is silently dropped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from reminderd.message import Channel
from reminderd.replies import failures
from reminderd.rules.calendar import Span
from reminderd.rules.retry import Fault, Verdict
from reminderd.store.database import Store
from reminderd.store.tables import Nudge, Reference, Step, StepState, User
from reminderd.transports.base import SendFailed
from tests.flow.parts import NOON, SIX, Story, make_house, recorders, words_of

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def story(store: Store, tmp_path: Path) -> Iterator[Story]:
    made = Story.begin(make_house(store, tmp_path), recorders(), SIX[:2])
    yield made
    made.stop()


def mails(story: Story) -> list[Any]:
    return story.transports[Channel.EMAIL].taken  # type: ignore[attr-defined]


def texts(story: Story) -> list[Any]:
    return story.transports[Channel.SMS].taken  # type: ignore[attr-defined]


def test_after_a_day_and_a_half_down_one_message_comes_for_all_missed_steps(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON + dt.timedelta(hours=36))
    (mail,) = mails(story)
    assert all(f"To: {name} <" in words_of(mail) for name in SIX[:2])
    assert not texts(story)


def test_when_all_steps_were_missed_it_is_the_mail_with_the_draft_that_comes(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON + 2 * DAY)
    assert len(mails(story)) == 1
    assert not texts(story)


def test_when_the_draft_has_gone_out_it_is_the_text_that_comes(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON)
    story.pass_at(NOON + 2 * DAY)
    assert len(mails(story)) == 1
    assert len(texts(story)) == 1


def test_late_is_labelled_late(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON + 4 * DAY)
    (mail,) = mails(story)
    assert "late" in words_of(mail).lower() or "overdue" in words_of(mail).lower()


def test_what_is_on_time_is_not_labelled_late(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON)
    (mail,) = mails(story)
    assert "late" not in words_of(mail).lower().replace("later", "")


def test_what_expired_meanwhile_is_named_once_in_the_next_message(story: Story) -> None:
    with story.house.store.writing() as session:
        row = session.get_one(Reference, 1)
        row.birth_month, row.birth_day = 11, 26
        story.house.actions.changed(session, session.get_one(User, story.user_id), [row], NOON)
    back = NOON + 7 * DAY  # a birthday expires after three days
    story.land(back)
    story.pass_at(back)
    assert "birthday" in words_of(mails(story)[0]).lower()
    assert "its time is over" in words_of(mails(story)[0])
    story.pass_at(back + DAY)
    assert len(mails(story)) == 2
    assert "its time is over" not in words_of(mails(story)[1])


def test_what_a_message_told_that_was_not_sent_is_told_by_the_next(story: Story) -> None:
    with story.house.store.writing() as session:
        row = session.get_one(Reference, 1)
        row.birth_month, row.birth_day = 11, 26
        story.house.actions.changed(session, session.get_one(User, story.user_id), [row], NOON)
    back = NOON + 7 * DAY
    story.land(back)
    story.passes.plan(back)
    story.passes.compose(back)
    (named,) = story.deliveries()
    assert named.tells
    story.done(story.nudges("accepted"), back)
    story.pass_at(back)
    assert not mails(story)
    for day in range(1, 15):
        story.pass_at(back + day * DAY)
    assert ["its time is over" in words_of(mail) for mail in mails(story)].count(True) == 1


def test_what_expired_before_it_was_ever_due_is_not_named(story: Story) -> None:
    story.land(NOON)
    story.undo(NOON)
    story.land(NOON + DAY)
    story.pass_at(NOON + DAY)
    assert "No longer needed" not in words_of(mails(story)[0])


@pytest.mark.parametrize("snoozed", [True, False])
def test_what_was_spoken_of_and_taken_back_after_its_reminders_came_due_speaks_once_more(
    story: Story, snoozed: bool
) -> None:
    story.land(NOON)
    story.pass_at(NOON)
    (nudge,) = [one for one in story.nudges("accepted") if one.reference_id == 1]
    if snoozed:
        with story.house.store.writing() as session:
            user, row = session.get_one(User, story.user_id), session.get_one(Nudge, nudge.id)
            story.house.actions.snooze(session, user, row, Span(days=2), NOON)
    story.done(story.nudges("accepted"), NOON + HOUR)
    for day in range(1, 5):
        story.pass_at(NOON + day * DAY)
    said = times_said(story)
    story.undo(NOON + 4 * DAY)
    for day in range(4, 10):
        story.pass_at(NOON + day * DAY)
    assert times_said(story) == {number: times + 1 for number, times in said.items()}


def times_said(story: Story) -> dict[int, int]:
    """How often each nudge to tell the news has been spoken of."""
    with story.house.store.reading() as session:
        sent = select(Nudge.number, func.count()).join(Step).where(Step.state == StepState.SENT)
        return dict(session.execute(sent.where(Nudge.rule == "accepted").group_by(Nudge.number)).all())


def test_what_was_withdrawn_is_told_where_its_message_failed_for_good(sqlite_store: Store, tmp_path: Path) -> None:
    ways = recorders()
    del ways[Channel.SMS]
    story = Story.begin(make_house(sqlite_store, tmp_path, ways=("email",)), ways)
    story.land(NOON)
    story.pass_at(NOON)
    story.undo(NOON)
    story.record("rejected", NOON)
    mail = ways[Channel.EMAIL]
    mail.script = [SendFailed(Fault(Verdict.GIVE_UP, "550", "not such a message"))]
    for day in range(1, 9):
        story.pass_at(NOON + day * DAY)
    assert ["No longer needed" in words_of(one) for one in mail.taken].count(True) == 1
    story.stop()


def test_what_bounces_when_a_later_reminder_of_it_went_out_is_not_said_again(story: Story) -> None:
    story.land(NOON)
    for day in range(4):
        story.pass_at(NOON + day * DAY)
    mails_before, texts_before = len(mails(story)), len(texts(story))
    assert mails_before >= 2
    assert texts_before
    late = NOON + 3 * DAY + HOUR
    for delivery in [one for one in story.deliveries() if one.channel == Channel.EMAIL]:
        with story.house.store.writing() as session:
            fault = Fault(Verdict.GIVE_UP, "5.4.7", "delivery time expired")
            assert failures.lost(session, story.house.composer, delivery.id, fault, late)
    story.pass_at(late)
    assert (len(mails(story)), len(texts(story))) == (mails_before, texts_before)


def test_a_done_that_was_taken_back_speaks_again(story: Story) -> None:
    story.land(NOON)
    story.done(story.nudges("accepted"), NOON)
    story.pass_at(NOON)
    story.pass_at(NOON + 2 * DAY)
    assert not mails(story)
    story.undo(NOON + 2 * DAY)
    story.pass_at(NOON + 2 * DAY)
    assert len(mails(story)) == 1
