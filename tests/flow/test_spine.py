"""The main job, from an event to what the user reads, through the real planner, composer, dispatcher and servers."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from reminderd.message import Channel
from reminderd.rules.calendar import local_time, parse_span
from reminderd.settings import load
from reminderd.store.database import Store
from reminderd.store.tables import Nudge, Step, StepState, User
from reminderd.transports.registry import make_sms
from reminderd.transports.smtp import SmtpTransport
from tests.flow.parts import NOON, PHONE, SIX, Mailbox, Story, make_house, parsed, recorders, words_of
from tests.servers.certificates import Certificates
from tests.servers.twilio import ACCOUNT, SENDER, TOKEN, FakeTwilio

DAY = dt.timedelta(days=1)
NEXT_MORNING = dt.datetime(2026, 11, 25, 8, 0, tzinfo=dt.UTC)
LAST_DAY = dt.datetime(2026, 11, 26, 8, 0, tzinfo=dt.UTC)
MONDAY = dt.datetime(2026, 11, 30, 8, 0, tzinfo=dt.UTC)


@pytest.fixture
def real(
    store: Store, tmp_path: Path, mailbox: Mailbox, certificates: Certificates, fake_twilio: FakeTwilio
) -> Iterator[Story]:
    """Six references and two real ways out."""
    fake_twilio.now = lambda: NOON
    house = make_house(store, tmp_path)
    twilio = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": SENDER}
    sms = make_sms(load(twilio | {"TWILIO_API_URL": fake_twilio.url}, None, tmp_path))
    assert sms is not None
    mail = SmtpTransport("localhost", mailbox.port, "starttls", "ada", "correct horse", certificates.ca_file)
    story = Story.begin(house, {Channel.EMAIL: mail, Channel.SMS: sms})
    yield story
    story.stop()


@pytest.fixture
def story(sqlite_store: Store, tmp_path: Path) -> Iterator[Story]:
    """Six references, and recorders in place of the ways out."""
    made = Story.begin(make_house(sqlite_store, tmp_path), recorders())
    yield made
    made.stop()


def mails(story: Story) -> list[Any]:
    return story.transports[Channel.EMAIL].taken  # type: ignore[attr-defined]


def texts(story: Story) -> list[Any]:
    return story.transports[Channel.SMS].taken  # type: ignore[attr-defined]


def test_six_are_thanked_from_the_news_to_the_text_on_the_last_day(
    real: Story, mailbox: Mailbox, fake_twilio: FakeTwilio
) -> None:
    real.land(NOON)
    real.pass_at(NOON)
    first = mailbox.arrived.get_nowait()
    assert all(f"To: {name} <" in words_of(first) for name in SIX)
    assert first["To"].addresses[0].addr_spec == "ada@example.org"

    left = real.nudge_of("accepted", "Tom Ford")
    real.done([nudge for nudge in real.nudges("accepted") if nudge.id != left.id], NOON + dt.timedelta(hours=1))
    real.pass_at(NEXT_MORNING - dt.timedelta(minutes=1))
    assert mailbox.arrived.empty()
    real.pass_at(NEXT_MORNING)
    second = mailbox.arrived.get_nowait()
    assert "To: Tom Ford <" in words_of(second)
    assert not any(f"To: {name} <" in words_of(second) for name in SIX[:5])

    assert second["Subject"] == first["Subject"]
    assert second["Message-ID"] != first["Message-ID"]
    assert second["References"] == second["In-Reply-To"] == first["Message-ID"]

    assert not fake_twilio.sent
    real.pass_at(LAST_DAY)
    (text,) = fake_twilio.sent
    assert (text.to, text.sender) == (PHONE, SENDER)
    assert mailbox.arrived.empty()
    for secret in ("Ford", "Acme", "Engineer"):
        assert secret not in text.body
    assert "Thu 26 Nov" in text.body or "today" in text.body
    assert str(left.number) in text.body

    real.done([left], LAST_DAY)
    real.pass_at(LAST_DAY + DAY)
    assert len(fake_twilio.sent) == 1
    assert mailbox.arrived.empty()


def test_every_mail_is_marked_as_written_by_a_program(real: Story, mailbox: Mailbox) -> None:
    real.land(NOON)
    real.pass_at(NOON)
    mail = mailbox.arrived.get_nowait()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert email.utils.parsedate_to_datetime(mail["Date"]) == NOON


def test_running_again_at_once_sends_nothing_twice(real: Story, mailbox: Mailbox) -> None:
    real.land(NOON)
    for _ in range(3):
        real.pass_at(NOON)
    assert mailbox.arrived.qsize() == 1


def test_without_a_phone_the_last_step_goes_by_mail(sqlite_store: Store, tmp_path: Path) -> None:
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:1], phone=None)
    story.land(NOON)
    for now in (NOON, NEXT_MORNING, LAST_DAY):
        story.pass_at(now)
    assert len(mails(story)) == 3
    assert not texts(story)


def test_who_has_texts_only_and_wants_them_in_full_gets_the_draft_as_one(sqlite_store: Store, tmp_path: Path) -> None:
    only_texts = {"email_enabled": False, "full_texts": True}
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:1], **only_texts)
    story.land(NOON)
    story.pass_at(NOON)
    assert not mails(story)
    reminder, draft = texts(story)
    assert "Maria" in draft.body
    assert draft.recipient == reminder.recipient == PHONE


def test_quiet_hours_hold_a_text_until_they_end(sqlite_store: Store, tmp_path: Path) -> None:
    quiet = {"quiet_begins": dt.time(21), "quiet_ends": dt.time(10)}
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:1], **quiet)
    story.land(NOON)
    for now in (NOON, NEXT_MORNING, LAST_DAY):
        story.pass_at(now)
    assert len(mails(story)) == 1
    ends = LAST_DAY.replace(hour=9)
    story.pass_at(ends - dt.timedelta(minutes=1))
    assert not texts(story)
    story.pass_at(ends)
    assert len(texts(story)) == 1


def test_what_was_just_recorded_breaks_into_quiet_hours_by_mail(sqlite_store: Store, tmp_path: Path) -> None:
    quiet = {"quiet_begins": dt.time(12), "quiet_ends": dt.time(15)}
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:1], **quiet)
    story.land(NOON)
    story.pass_at(NOON)
    assert len(mails(story)) == 1


def test_done_while_queued_is_not_sent_and_the_others_go_without_it(story: Story) -> None:
    story.land(NOON)
    story.passes.plan(NOON)
    assert story.passes.compose(NOON) > 0
    maria = story.nudge_of("accepted", "Maria Lopez")
    story.done([maria], NOON)
    story.pass_at(NOON)
    (mail,) = mails(story)
    assert "To: Maria Lopez <" not in words_of(mail)
    assert all(f"To: {name} <" in words_of(mail) for name in SIX[1:])
    assert [delivery.state for delivery in story.deliveries()] == ["cancelled", "sent"]


def test_a_snooze_while_queued_is_not_sent_and_ends_in_one_message(story: Story) -> None:
    story.land(NOON)
    story.passes.plan(NOON)
    story.passes.compose(NOON)
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        for nudge in session.scalars(select(Nudge).where(Nudge.rule == "accepted")):
            until = story.house.actions.snooze(session, user, nudge, parse_span("2 days"), NOON)
    assert until == LAST_DAY
    for now in (NOON, NEXT_MORNING, LAST_DAY - dt.timedelta(minutes=1)):
        story.pass_at(now)
        assert not mails(story)
        assert not texts(story)
    story.pass_at(LAST_DAY)
    assert len(mails(story)) + len(texts(story)) == 1
    with story.house.store.reading() as session:
        assert not list(
            session.scalars(select(Step).join(Nudge).where(Nudge.rule == "accepted", Step.state == "pending"))
        )


def test_an_undone_event_is_named_in_the_next_message(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON)
    story.undo(NOON + dt.timedelta(hours=1))
    story.pass_at(NEXT_MORNING)
    assert len(mails(story)) == 1
    story.record("rejected", NEXT_MORNING)
    story.pass_at(NEXT_MORNING)
    told = words_of(mails(story)[-1])
    for name in SIX:
        assert re.search(rf"No longer needed: .*{name.split()[0]}.*withdrawn", told)
    story.pass_at(NEXT_MORNING + DAY)
    assert not any("withdrawn" in words_of(mail) for mail in mails(story)[2:])


def test_what_was_withdrawn_before_it_was_heard_of_is_not_named(story: Story) -> None:
    story.land(NOON)
    story.passes.plan(NOON)
    story.passes.compose(NOON)
    story.undo(NOON)
    story.pass_at(NOON)
    assert not mails(story)
    story.record("rejected", NOON)
    story.pass_at(NOON)
    assert "withdrawn" not in words_of(mails(story)[0])


def test_one_who_joins_late_gets_a_mail_of_their_own_in_the_thread(story: Story) -> None:
    story.record("asked", NOON, *SIX[:5])
    story.record("accepted", NOON)
    story.pass_at(NOON)
    later = NOON + dt.timedelta(hours=2)
    story.record("asked", later, "Tom Ford")
    story.pass_at(later)
    first, second = (parsed(mail.content) for mail in mails(story))
    assert "To: Tom Ford <" in words_of(second)
    assert second["Message-ID"] != first["Message-ID"]
    assert second["References"] == first["Message-ID"]
    assert second["Subject"] == first["Subject"]


def test_the_digest_gathers_the_week_and_never_threads(sqlite_store: Store, tmp_path: Path) -> None:
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX)
    for name in SIX[:3]:
        story.record("helped", NOON, name, about_it=False)
    story.record("promoted", NOON, SIX[3], about_it=False)
    story.pass_at(NOON)
    story.pass_at(MONDAY - dt.timedelta(minutes=1))
    assert not mails(story)
    story.pass_at(MONDAY)
    (mail,) = mails(story)
    message = parsed(mail.content)
    assert all(f"To: {name} <" in words_of(message) for name in SIX[:4])
    assert message["References"] is None
    assert story.deliveries()[0].kind == "digest"


def test_a_digest_that_is_off_sends_each_singly(sqlite_store: Store, tmp_path: Path) -> None:
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX, digest="off")
    for name in SIX[:3]:
        story.record("helped", NOON, name, about_it=False)
    story.pass_at(NEXT_MORNING)
    assert len(mails(story)) == 3
    assert {delivery.kind for delivery in story.deliveries()} == {"nudge"}


def test_no_more_than_three_a_week_are_to_be_kept_in_touch_with(sqlite_store: Store, tmp_path: Path) -> None:
    ago = {"last_contact_on": NOON.date() - dt.timedelta(days=89)}
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX, reference=ago)
    weeks: dict[int, set[int]] = {}
    for week in range(2):
        now = MONDAY + week * 7 * DAY
        story.pass_at(now)
        with story.house.store.reading() as session:
            sent = select(Step.nudge_id).join(Nudge).where(Step.state == StepState.SENT, Nudge.rule == "check-in")
            weeks[week] = set(session.scalars(sent))
    assert len(weeks[0]) == 3
    assert len(weeks[1] - weeks[0]) == 3


@pytest.mark.parametrize(
    ("first", "late"),
    [
        (dt.datetime(2026, 11, 30, 8, 0, tzinfo=dt.UTC), dt.timedelta(hours=2)),  # the machine was off
        (dt.datetime(2027, 3, 22, 8, 0, tzinfo=dt.UTC), dt.timedelta()),  # summer time begins before the next
        (dt.datetime(2026, 10, 19, 7, 0, tzinfo=dt.UTC), dt.timedelta()),  # and ends
    ],
)
def test_each_weekly_digest_has_room_for_its_own_three(
    sqlite_store: Store, tmp_path: Path, first: dt.datetime, late: dt.timedelta
) -> None:
    begun = first - 4 * DAY
    ago = {"last_contact_on": begun.date() - dt.timedelta(days=89)}
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX, begun, reference=ago, created_at=begun)
    second = first + 7 * DAY
    second += dt.timedelta(hours=9 - local_time(second, "Europe/Berlin").hour)
    sent: list[set[int]] = []
    for now in (first + late, second):
        story.pass_at(now)
        with story.house.store.reading() as session:
            mine = select(Step.nudge_id).join(Nudge).where(Step.state == StepState.SENT, Nudge.rule == "check-in")
            sent.append(set(session.scalars(mine)))
    assert (len(sent[0]), len(sent[1] - sent[0])) == (3, 3)


EVENING = dt.datetime(2026, 11, 24, 20, 2, tzinfo=dt.UTC)
"""21:02 in Berlin."""


def by_text_alone(store: Store, home: Path, hour: dt.time) -> Story:
    """Somebody who has no mails, and texts from 8:00 to 21:00 only, lands a job after that."""
    ways = recorders()
    del ways[Channel.EMAIL]
    quiet = {"quiet_begins": dt.time(21), "quiet_ends": dt.time(8)}
    story = Story.begin(make_house(store, home, ways=("sms",)), ways, SIX[:1], hour=hour, **quiet)
    story.land(EVENING)
    return story


def test_what_quiet_hours_put_off_is_said_by_the_reminder_that_comes_soon_after(
    sqlite_store: Store, tmp_path: Path
) -> None:
    story = by_text_alone(sqlite_store, tmp_path, dt.time(9))
    for hour in (7, 8, 9):
        story.pass_at(dt.datetime(2026, 11, 25, hour, 1, tzinfo=dt.UTC))
    assert len(texts(story)) == 1
    story.stop()


def test_another_hour_sends_no_reminder_once_more_that_a_later_one_stood_for(
    sqlite_store: Store, tmp_path: Path
) -> None:
    story = by_text_alone(sqlite_store, tmp_path, dt.time(7, 30))
    for day in range(1, 3):
        story.pass_at(dt.datetime(2026, 11, 24 + day, 7, 1, tzinfo=dt.UTC))
    before = len(texts(story))
    assert before == 2
    changed_at = dt.datetime(2026, 11, 26, 18, 1, tzinfo=dt.UTC)
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        user.hour = dt.time(10)
        story.house.actions.changed_user(session, user, changed_at)
    story.pass_at(changed_at)
    assert len(texts(story)) == before
    story.stop()


def test_what_is_over_the_cap_of_a_day_joins_the_digest(sqlite_store: Store, tmp_path: Path) -> None:
    house = make_house(sqlite_store, tmp_path)
    house.composer._per_day = 2
    story = Story.begin(house, recorders(), SIX, digest="off")
    for name in SIX[:4]:
        story.record("helped", NOON, name, about_it=False)
    story.land(NOON)
    story.pass_at(NOON)
    assert len(mails(story)) == 1
    story.pass_at(NEXT_MORNING)
    singles = [delivery for delivery in story.deliveries() if delivery.created_at == NEXT_MORNING]
    about_help = [delivery for delivery in singles if "Acme" not in delivery.subject]
    assert len(about_help) <= 2
    story.pass_at(NEXT_MORNING + DAY)
    named = "".join(words_of(mail) for mail in mails(story))
    assert all(f"To: {name} <" in named for name in SIX[:4])
    assert story.deliveries()[-1].kind in ("digest", "nudge")
    assert any(delivery.kind == "digest" for delivery in story.deliveries())
