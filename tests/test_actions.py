"""The one door: each action is planned at once, says what it did, and done twice changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from reminderd.actions import Happening
from reminderd.errors import UsageError
from reminderd.rules.calendar import parse_span
from reminderd.rules.states import State
from reminderd.store.database import Store
from reminderd.store.tables import Event, Nudge, Opportunity, Reference, Step, User
from tests.flow.parts import NOON, SIX, Story, make_house, recorders

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@pytest.fixture
def story(store: Store, tmp_path: Path) -> Iterator[Story]:
    made = Story.begin(make_house(store, tmp_path), recorders(), SIX[:3])
    yield made
    made.stop()


def events(story: Story, kind: str) -> list[Event]:
    with story.house.store.reading() as session:
        return list(session.scalars(select(Event).where(Event.kind == kind, Event.retracted_at.is_(None))))


def test_an_action_says_what_it_started(story: Story) -> None:
    story.record("asked", NOON, "*")
    started = story.record("accepted", NOON).changes.opened
    assert [nudge.rule for nudge in started].count("accepted") == 3


def test_the_same_again_is_known_and_again_takes_the_next_ordinal(story: Story) -> None:
    first = story.record("helped", NOON, SIX[0], about_it=False)
    second = story.record("helped", NOON, SIX[0], about_it=False)
    assert not second.events
    assert second.known[0].id == first.events[0].id
    third = story.record("helped", NOON, SIX[0], about_it=False, again=True)
    assert third.events[0].ordinal == 2
    assert len(events(story, "helped")) == 2


def test_an_undone_event_can_be_recorded_again(story: Story) -> None:
    story.record("helped", NOON, SIX[0], about_it=False)
    story.undo(NOON)
    assert not events(story, "helped")
    assert story.record("helped", NOON + HOUR, SIX[0], about_it=False).events
    assert {nudge.state for nudge in story.nudges("helped")} == {State.OPEN}


def test_undo_takes_back_all_of_one_command_and_then_the_one_before(story: Story) -> None:
    story.record("asked", NOON, "*")
    story.record("accepted", NOON + HOUR)
    assert [event.kind for event in story.undo(NOON + 2 * HOUR).events] == ["accepted"]
    assert [event.kind for event in story.undo(NOON + 2 * HOUR).events] == ["asked"] * 3
    with pytest.raises(UsageError, match="Nothing is recorded"):
        story.undo(NOON + 2 * HOUR)


def test_done_records_what_it_means_once(story: Story) -> None:
    story.land(NOON)
    nudges = story.nudges("accepted")
    assert len(story.done(nudges, NOON).events) == 3
    again = story.done(story.nudges("accepted"), NOON)
    assert not again.events
    assert len(events(story, "told")) == 3
    assert {nudge.state for nudge in story.nudges("accepted")} == {State.DONE}


@pytest.mark.parametrize(("heard", "day"), [(3 * DAY, 3), (-5 * DAY, 0), (9 * DAY, 6)])
def test_what_was_done_is_dated_when_the_user_said_so(story: Story, heard: dt.timedelta, day: int) -> None:
    """Said while the daemon was down; never before the nudge began, nor after the present."""
    story.land(NOON)
    nudge = story.nudges("accepted")[0]
    with story.house.store.writing() as session:
        user, row = session.get_one(User, story.user_id), session.get_one(Nudge, nudge.id)
        story.house.actions.done(session, user, [row], NOON + 6 * DAY, heard_at=NOON + heard)
    (told,) = events(story, "told")
    assert told.on == (NOON + day * DAY).date()


def test_undo_of_a_done_opens_its_nudge_under_the_same_number(story: Story) -> None:
    story.land(NOON)
    before = [nudge.number for nudge in story.nudges("accepted")]
    story.done(story.nudges("accepted"), NOON + HOUR)
    story.undo(NOON + 2 * HOUR)
    assert [(nudge.number, nudge.state) for nudge in story.nudges("accepted")] == [(n, State.OPEN) for n in before]


def skip(story: Story, nudges: list[Nudge], now: dt.datetime) -> None:
    with story.house.store.writing() as session:
        rows = [session.get_one(Nudge, nudge.id) for nudge in nudges]
        story.house.actions.skip(session, session.get_one(User, story.user_id), rows, now)


def test_undo_opens_what_was_let_go_last_and_only_then_takes_back_what_was_recorded_before(story: Story) -> None:
    story.land(NOON)
    first, *others = story.nudges("accepted")
    skip(story, [first], NOON + HOUR)
    skip(story, others, NOON + 2 * HOUR)
    opened = story.undo(NOON + 3 * HOUR).changes.opened
    assert [nudge.number for nudge in opened] == [nudge.number for nudge in others]
    assert [nudge.state for nudge in story.nudges("accepted")] == [State.SKIPPED, State.OPEN, State.OPEN]
    story.undo(NOON + 4 * HOUR)
    assert {nudge.state for nudge in story.nudges("accepted")} == {State.OPEN}
    assert events(story, "accepted")
    story.undo(NOON + 5 * HOUR)
    assert not events(story, "accepted")


def test_what_was_recorded_after_something_was_let_go_is_taken_back_first(story: Story) -> None:
    story.land(NOON)
    skip(story, story.nudges("accepted"), NOON + HOUR)
    story.record("helped", NOON + 2 * HOUR, SIX[0], about_it=False)
    story.undo(NOON + 3 * HOUR)
    assert not events(story, "helped")
    assert {nudge.state for nudge in story.nudges("accepted")} == {State.SKIPPED}


def test_undo_of_one_nudge_leaves_what_was_done_since(story: Story) -> None:
    story.land(NOON)
    first, second, third = story.nudges("accepted")
    story.done([first, second], NOON + HOUR)
    story.done([third], NOON + 2 * HOUR)

    def undo(nudge: Nudge) -> None:
        with story.house.store.writing() as session:
            user, row = session.get_one(User, story.user_id), session.get_one(Nudge, nudge.id)
            story.house.actions.undo(session, user, NOON + 3 * HOUR, row)

    undo(first)
    assert [nudge.state for nudge in story.nudges("accepted")] == [State.OPEN, State.DONE, State.DONE]
    with pytest.raises(UsageError):
        undo(first)
    skip(story, [first], NOON + 4 * HOUR)
    undo(first)
    assert [nudge.state for nudge in story.nudges("accepted")] == [State.OPEN, State.DONE, State.DONE]


def test_a_gift_to_all_is_not_noted_again_for_who_has_had_it(story: Story) -> None:
    story.land(NOON)
    story.record("gift_sent", NOON + DAY, SIX[0])
    story.done(story.nudges("gift"), NOON + 3 * DAY)
    given = {event.reference_id: event.on for event in events(story, "gift_sent")}
    assert len(events(story, "gift_sent")) == len(given) == 3
    assert sorted(given.values()) == [dt.date(2026, 11, 25), dt.date(2026, 11, 27), dt.date(2026, 11, 27)]


def test_a_gift_for_another_job_is_none_for_this_one(story: Story) -> None:
    story.land(NOON)
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        other = Opportunity(user_id=user.id, company="Globex", created_at=NOON)
        session.add(other)
        session.flush()
        ana = session.scalars(select(Reference).order_by(Reference.id)).first()
        assert ana is not None
        given = Happening("gift_sent", NOON.date() + DAY, (ana,), other)
        story.house.actions.record(session, user, [given], NOON + DAY)
    story.done(story.nudges("gift"), NOON + 3 * DAY)
    with story.house.store.reading() as session:
        for_acme = select(Event.reference_id).join(Opportunity).where(Opportunity.company == "Acme")
        assert set(session.scalars(for_acme.where(Event.kind == "gift_sent"))) == {1, 2, 3}


def test_done_is_taken_on_an_expired_nudge(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON + 60 * DAY)
    assert {nudge.state for nudge in story.nudges("accepted")} == {State.EXPIRED}
    story.done(story.nudges("accepted"), NOON + 60 * DAY)
    assert {nudge.state for nudge in story.nudges("accepted")} == {State.DONE}


def test_a_skipped_nudge_stays_skipped_whatever_is_planned(story: Story) -> None:
    story.land(NOON)
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        rows = list(session.scalars(select(Nudge).where(Nudge.rule == "accepted")))
        assert len(story.house.actions.skip(session, user, rows, NOON)) == 3
        assert story.house.actions.skip(session, user, rows, NOON) == []
        story.house.planner.plan_all(session, user, NOON)
    assert {nudge.state for nudge in story.nudges("accepted")} == {State.SKIPPED}
    story.pass_at(NOON)
    assert not story.deliveries()


def snooze(story: Story, span: str, now: dt.datetime = NOON) -> dt.datetime:
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        nudge = session.get_one(Nudge, story.nudges("accepted")[0].id)
        return story.house.actions.snooze(session, user, nudge, parse_span(span), now)


def test_a_snooze_by_days_ends_at_the_users_hour_and_by_hours_to_the_minute(story: Story) -> None:
    story.land(NOON)
    assert snooze(story, "3 hours") == NOON + 3 * HOUR
    assert snooze(story, "1 day") == dt.datetime(2026, 11, 25, 8, tzinfo=dt.UTC)


def test_a_snooze_is_clipped_to_the_expiry_and_survives_planning(story: Story) -> None:
    story.land(NOON)
    expires_at = story.nudges("accepted")[0].expires_at
    assert snooze(story, "6 months") == expires_at
    snooze(story, "1 week")
    with story.house.store.writing() as session:
        story.house.planner.plan_all(session, session.get_one(User, story.user_id), NOON + HOUR)
    kept = story.nudges("accepted")[0]
    assert kept.snoozed_until == dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)
    with story.house.store.reading() as session:
        states = session.scalars(select(Step.state).where(Step.nudge_id == kept.id).order_by(Step.position))
        assert list(states) == ["folded", "folded", "folded", "pending"]


def test_only_an_open_nudge_can_be_snoozed(story: Story) -> None:
    story.land(NOON)
    story.done(story.nudges("accepted"), NOON)
    with pytest.raises(UsageError, match="only an open one can be snoozed"):
        snooze(story, "1 day")


def test_a_kind_that_lacks_whom_or_what_it_is_about_is_refused_and_nothing_is_written(story: Story) -> None:
    with pytest.raises(UsageError, match="about a reference"):
        story.record("helped", NOON, about_it=False)
    with pytest.raises(UsageError, match="about an opportunity"):
        story.record("accepted", NOON, about_it=False)
    with pytest.raises(UsageError, match="about a reference and an opportunity"):
        story.record("asked", NOON, SIX[0], about_it=False)
    with story.house.store.reading() as session:
        assert not session.scalars(select(Event)).all()


def test_how_far_a_group_is(story: Story) -> None:
    story.land(NOON)
    first, *_ = story.nudges("accepted")
    story.done([first], NOON)
    with story.house.store.reading() as session:
        standing = story.house.actions.standing(session, session.get_one(Nudge, first.id), NOON)
    assert standing is not None
    assert (standing.told, standing.total) == (1, 3)
    assert set(standing.left) == set(SIX[1:3])


def test_whoever_was_let_go_is_counted_as_not_knowing(story: Story) -> None:
    story.land(NOON)
    first, second, _ = story.nudges("accepted")
    story.done([first], NOON)
    skip(story, [second], NOON + HOUR)
    with story.house.store.reading() as session:
        standing = story.house.actions.standing(session, session.get_one(Nudge, first.id), NOON + HOUR)
    assert standing is not None
    assert (standing.told, standing.total, set(standing.left)) == (1, 3, set(SIX[1:3]))
