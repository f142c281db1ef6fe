"""The user moves to another zone while nudges are open: what is to come follows, nothing is lost or sent twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from reminderd.message import Channel
from reminderd.passes import Passes
from reminderd.rules.retry import Fault, Verdict
from reminderd.store.agenda import AHEAD
from reminderd.store.database import Store
from reminderd.store.tables import DeliveryState, Nudge, Step, StepState, User
from reminderd.transports.base import SendFailed
from tests.flow.parts import NOON, SIX, Story, make_house, recorders

HOUR = dt.timedelta(hours=1)
WEEK = range(9 * 24)
"""The hours from the news on in which everything about it comes, the gift in the digest of the Monday included."""
AT_HOME = [
    "Thank your Acme references by Thu 26 Nov",
    "Thank your Acme references by Thu 26 Nov",
    "a text",
    "Send your references a card or a small gift",
]
ZONES = ("America/Los_Angeles", "Asia/Tokyo")


@pytest.fixture
def story(store: Store, tmp_path: Path) -> Iterator[Story]:
    made = Story.begin(make_house(store, tmp_path), recorders(), SIX[:2])
    made.land(NOON)
    yield made
    made.stop()


def move(story: Story, zone: str, now: dt.datetime) -> None:
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        user.zone = zone
        story.house.actions.changed_user(session, user, now)


def look(story: Story, now: dt.datetime) -> list[str]:
    """What comes at one moment."""
    before = {channel: len(recorder.taken) for channel, recorder in story.transports.items()}  # type: ignore[attr-defined]
    story.pass_at(now)
    new = [one for channel, recorder in story.transports.items() for one in recorder.taken[before[channel] :]]  # type: ignore[attr-defined]
    return [getattr(one, "subject", "a text") for one in new]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moved_after", [1, 12, 19, 20, 21, 43, 100, 136, 140, 141])
def test_whenever_the_user_moves_each_message_comes_once_and_at_the_new_hour(
    sqlite_store: Store, tmp_path: Path, zone: str, moved_after: int
) -> None:
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:2])
    story.land(NOON)
    came: list[str] = []
    for hour in WEEK:
        now = NOON + hour * HOUR
        if hour == moved_after:
            move(story, zone, now)
        new = look(story, now)
        came += new
        if new and hour > moved_after:
            assert now.astimezone(ZoneInfo(zone)).time() == dt.time(9)
    assert came == AT_HOME
    story.stop()


def test_open_nudges_follow_into_the_new_zone(story: Story) -> None:
    look(story, NOON)
    due_at = story.nudges("accepted")[0].due_at
    move(story, "America/Los_Angeles", NOON + HOUR)
    zone = ZoneInfo("America/Los_Angeles")
    with story.house.store.reading() as session:
        open_steps = select(Step.at).join(Nudge).where(Step.state == StepState.PENDING, Nudge.state == "open")
        assert {at.astimezone(zone).time() for at in session.scalars(open_steps)} == {dt.time(9)}
    moved = story.nudges("accepted")[0].due_at
    assert moved - due_at == 9 * HOUR
    assert moved.astimezone(zone).date() == due_at.astimezone(ZoneInfo("Europe/Berlin")).date()


def test_a_message_that_is_on_its_way_stays_as_it_is_and_comes_once(story: Story) -> None:
    mail = story.transports[Channel.EMAIL]
    mail.script = [SendFailed(Fault(Verdict.AGAIN, "451", "later"))]  # type: ignore[attr-defined]
    assert look(story, NOON) == []
    (written,) = story.deliveries()
    assert written.state == DeliveryState.PENDING
    message = story.message(written)
    move(story, "Asia/Tokyo", NOON)
    assert look(story, written.due_at) == AT_HOME[:1]
    (sent,) = story.deliveries()
    assert (sent.state, story.message(sent)) == (DeliveryState.SENT, message)
    assert look(story, written.due_at + HOUR) == []


def test_what_was_made_ahead_for_the_old_hour_comes_at_the_new_one(story: Story) -> None:
    look(story, NOON)
    old_hour = NOON + 20 * HOUR  # 09:00 in Berlin
    Passes(story.house, lambda: story.passes.dispatcher, ahead=AHEAD).work(old_hour - AHEAD)
    assert [row.state for row in story.deliveries()] == [DeliveryState.SENT, DeliveryState.PENDING]
    move(story, "America/Los_Angeles", old_hour - AHEAD / 2)
    assert look(story, old_hour) == []
    assert look(story, old_hour + 9 * HOUR) == AT_HOME[:1]
    states = [row.state for row in story.deliveries()]
    assert states == [DeliveryState.SENT, DeliveryState.CANCELLED, DeliveryState.SENT]


def test_a_digest_that_the_move_leaves_behind_comes_at_once_where_the_next_would_be_too_late(story: Story) -> None:
    monday = NOON + 136 * HOUR  # 05:00 in Berlin, four hours before the digest with the gift; 13:00 in Tokyo
    for hour in range(136):
        look(story, NOON + hour * HOUR)
    move(story, "Asia/Tokyo", monday)
    assert look(story, monday) == AT_HOME[3:]
