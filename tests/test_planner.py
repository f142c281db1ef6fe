"""Planning: harmless to repeat, blind to the order of recording, and without a trace of what was undone."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from reminderd.planner import PUT_OFF_FOR
from reminderd.rules.calendar import local_day
from reminderd.rules.retry import Fault, Verdict
from reminderd.rules.states import State
from reminderd.store import marks, outbox
from reminderd.store.database import Store
from reminderd.store.tables import BY_ITSELF, Base, Event, Nudge, Reference, Step, User
from reminderd.wiring import House
from tests.flow.parts import NOON, PATIENCE, SIX, Story, make_house, recorders

DAY = dt.timedelta(days=1)
BORN = {"birth_month": 6, "birth_day": 10}
LATER = NOON + dt.timedelta(hours=6)
BROKEN = Fault(Verdict.PAUSE, "21608", "The number is not verified")
# (kind, whom, days ago, about the opportunity)
HAPPENED = [
    ("applied", (), 20, True),
    ("asked", SIX[:3], 15, True),
    ("agreed", SIX[:1], 13, True),
    ("declined", SIX[1:2], 13, True),
    ("called", SIX[:1], 6, True),
    ("offer", (), 5, True),
    ("turned_down", (), 4, True),
    ("accepted", (), 1, True),
    ("told", SIX[:1], 0, True),
    ("met", SIX[2:3], 30, False),
    ("promoted", SIX[2:3], 2, False),
    ("helped", SIX[1:2], 3, False),
    ("advised", SIX[2:3], 25, False),
    ("thanked", SIX[1:2], 1, False),
]


@pytest.fixture
def story(store: Store, tmp_path: Path) -> Iterator[Story]:
    made = Story.begin(make_house(store, tmp_path), recorders(), SIX)
    yield made
    made.stop()


def fresh() -> Story:
    store = Store.memory()
    Base.metadata.create_all(store.engine)
    return Story.begin(make_house(store, Path("/nonexistent")), recorders(), SIX[:3])


def record(story: Story, happenings: list[Any], now: dt.datetime = NOON) -> None:
    for kind, whom, ago, about_it in happenings:
        story.record(kind, now, *whom, on=now.date() - ago * DAY, about_it=about_it)


def open_now(story: Story) -> set[tuple[str, str, dt.date]]:
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        story.house.planner.plan_all(session, user, LATER)
        rows = session.scalars(select(Nudge).where(Nudge.state == State.OPEN))
        return {(row.rule, row.subject, local_day(row.due_at, user.zone)) for row in rows}


def dump(store: Store) -> dict[str, list[Any]]:
    """Every row of what planning writes."""
    with store.reading() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
            if table.name in ("nudges", "steps", "events", "references", "users")
        }


def test_planning_twice_changes_nothing(story: Story) -> None:
    record(story, HAPPENED)
    with story.house.store.writing() as session:
        story.house.planner.plan_all(session, session.get_one(User, 1), NOON)
    before = dump(story.house.store)
    assert len(before["nudges"]) > 10
    with story.house.store.writing() as session:
        story.house.planner.plan_all(session, session.get_one(User, 1), NOON)
    assert dump(story.house.store) == before


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(HAPPENED))
def test_the_order_of_recording_does_not_matter(order: list[Any]) -> None:
    straight, shuffled = fresh(), fresh()
    record(straight, HAPPENED)
    record(shuffled, order)
    expected = open_now(straight)
    assert any(rule == "accepted" for rule, _, _ in expected)
    assert open_now(shuffled) == expected
    for made in (straight, shuffled):
        made.stop()
        made.house.store.dispose()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(HAPPENED) - 1))
def test_an_event_undone_leaves_no_trace(number: int) -> None:
    without, undone = fresh(), fresh()
    rest = HAPPENED[:number] + HAPPENED[number + 1 :]
    record(without, rest)
    record(undone, rest)
    record(undone, HAPPENED[number : number + 1], NOON + dt.timedelta(minutes=1))
    taken_back = undone.undo(NOON + dt.timedelta(minutes=2))
    assert [event.kind for event in taken_back.events] == [HAPPENED[number][0]] * len(taken_back.events)
    assert open_now(undone) == open_now(without)
    for made in (without, undone):
        made.stop()
        made.house.store.dispose()


def test_recording_the_same_again_changes_nothing(story: Story) -> None:
    record(story, HAPPENED)
    before = dump(story.house.store)
    for kind, whom, ago, about_it in HAPPENED:
        again = story.record(kind, NOON, *whom, on=NOON.date() - ago * DAY, about_it=about_it)
        assert not again.events
        assert len(again.known) == max(1, len(whom))
    assert dump(story.house.store) == before


def test_numbers_are_counted_for_each_user_and_never_used_again(story: Story) -> None:
    other = Story.begin(story.house, {}, SIX[:1], email="bob@example.org")
    story.land(NOON)
    other.land(NOON)
    with story.house.store.reading() as session:
        for user_id in (story.user_id, other.user_id):
            numbers = list(session.scalars(select(Nudge.number).where(Nudge.user_id == user_id)))
            assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_two_who_record_for_one_user_at_once_do_not_collide(store: Store, tmp_path: Path) -> None:
    story = Story.begin(make_house(store, tmp_path), recorders(), SIX)
    url = f"sqlite:///{store.path}" if store.path else store.engine.url.render_as_string(hide_password=False)
    begin = threading.Barrier(3)
    faults: list[BaseException] = []

    def recording(name: str) -> None:
        own = Store(url)
        mine = Story(make_house(own, tmp_path), {}, story.passes, story.user_id)
        try:
            begin.wait(PATIENCE)
            for kind in ("helped", "promoted", "advised", "reached_out"):
                mine.record(kind, NOON, name, about_it=False)
        except BaseException as error:
            faults.append(error)
        own.dispose()

    threads = [threading.Thread(target=recording, args=(name,)) for name in SIX[:3]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not faults
    with store.reading() as session:
        events = session.scalars(select(Event)).all()
        numbers = list(session.scalars(select(Nudge.number)))
        last = session.get_one(User, story.user_id).last_number
    assert len(events) == 12
    assert len(numbers) == len(set(numbers)) == last
    story.stop()


def test_one_reference_that_cannot_be_planned_does_not_stop_the_others(story: Story) -> None:
    with story.house.store.writing() as session:
        rows = list(session.scalars(select(Reference).order_by(Reference.id)))
        for row in rows:
            row.birth_month, row.birth_day, row.plan_again_at = 11, 25, NOON
        rows[0].every = "every other blue moon"
    story.pass_at(NOON)
    assert len(story.nudges("birthday")) == len(SIX) - 1
    with story.house.store.writing() as session:
        session.execute(update(Reference).values(every=None))
    story.pass_at(NOON + DAY)
    assert len(story.nudges("birthday")) == len(SIX)


def test_one_user_who_cannot_be_planned_does_not_stop_the_others(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    others = [Story.begin(story.house, {}, SIX[:1], email=f"{name}@example.org") for name in ("bob", "cleo", "dan")]
    with story.house.store.writing() as session:
        session.execute(update(User).values(plan_again_at=NOON))
        session.get_one(User, story.user_id).zone = "Nowhere/Land"
        session.get_one(User, others[1].user_id).settings_mark = "of another book"
        for other in others:
            reference = session.scalars(select(Reference).where(Reference.user_id == other.user_id)).one()
            reference.birth_month, reference.birth_day, reference.plan_again_at = 11, 25, NOON
    story.passes.plan(NOON)
    with story.house.store.reading() as session:
        users = session.scalars(select(User).order_by(User.id)).all()
        assert [user.plan_again_at == NOON + PUT_OFF_FOR for user in users] == [True, False, False, False]
        assert users[2].settings_mark == story.house.planner.settings_mark(users[2])
        for other, user in zip(others, users[1:], strict=True):
            assert len(other.nudges("birthday")) == 1
            numbers = session.scalars(select(Nudge.number).where(Nudge.user_id == user.id).order_by(Nudge.number))
            assert list(numbers) == list(range(1, user.last_number + 1))
    assert [record.getMessage() for record in caplog.records if "user=" in record.getMessage()] == [
        f"plan_broke user={story.user_id}"
    ]


def test_several_users_are_planned_together_as_each_would_be_alone(store: Store, tmp_path: Path) -> None:
    alone = Store.memory()
    Base.metadata.create_all(alone.engine)
    dumps = []
    for place, batch in ((store, 100), (alone, 1)):
        live_six_lives(make_house(place, tmp_path))
        house = make_house(place, tmp_path)
        forget_plans(place)
        found = []
        for now in (NOON, NOON + 45 * DAY, NOON + 200 * DAY):
            while plan_due(house, now, batch):
                pass
            found.append(plans_of(place))
        dumps.append(found)
    alone.dispose()
    assert dumps[0] == dumps[1]
    assert {row[2] for row in dumps[0][0][0]} >= {"accepted", "birthday", "check-in", "ask"}
    assert {row[-1] for row in dumps[0][-1][0]} >= {"open", "expired"}
    assert len({row[0] for row in dumps[0][-1][-1]}) > 1  # of more than one user something is recorded on expiry


def live_six_lives(house: House) -> None:
    """Users of different habits, of whom each has had another life."""
    for number, habits in enumerate(
        ({}, {"phone": None}, {"zone": "Asia/Tokyo"}, {"digest": "off"}, {"digest": "daily"}, {"hour": dt.time(20)})
    ):
        story = Story.begin(
            house, recorders(), SIX[: 3 + number % 4], email=f"{number}@example.org", reference=BORN, **habits
        )
        record(story, HAPPENED[: 2 * number + 4])
        if number == 2:
            story.record("needed", NOON, SIX[2], data={"by": (NOON + 9 * DAY).date().isoformat()})
        if number == 3:
            story.record("deceased", NOON, SIX[1], about_it=False)
        if number == 4:
            with house.store.writing() as session:
                outbox.pause_channel(session, story.user_id, "sms", BROKEN, NOON)
        story.stop()


def forget_plans(store: Store) -> None:
    """All is to be planned from nothing."""
    with store.writing() as session:
        for table in (Step, Nudge):
            session.execute(delete(table))
        session.execute(update(User).values(last_number=0, settings_mark="", plan_again_at=NOON))
        session.execute(update(Reference).values(plan_again_at=NOON + 365 * DAY))


def plan_due(house: House, now: dt.datetime, batch: int) -> int:
    with house.store.writing() as session:
        return house.planner.plan_due(session, now, batch)


def plans_of(store: Store) -> tuple[list[Any], ...]:
    """Nudges, steps, who is planned next and what planning recorded by itself, without the ids of rows."""
    nudge = Nudge.user_id, Nudge.number
    facts = Nudge.rule, Nudge.subject, Nudge.occasion, Nudge.draft, Nudge.lane, Nudge.reasons, Nudge.end_told
    moments = Nudge.state_at, Nudge.starts_at, Nudge.due_at, Nudge.expires_at
    step = Step.position, Step.at, Step.planned_at, Step.channel, Step.lane, Step.state
    with store.reading() as session:
        nudges = session.execute(select(*nudge, *facts, *moments, Nudge.state).order_by(*nudge)).all()
        steps = session.execute(select(*nudge, *step).join(Nudge).order_by(*nudge, Step.position)).all()
        again = session.execute(select(Reference.id, Reference.plan_again_at).order_by(Reference.id)).all()
        users = session.execute(select(User.id, User.plan_again_at, User.last_number).order_by(User.id)).all()
        event = Event.user_id, Event.reference_id, Event.kind, Event.on, Event.retracted_at
        own = session.execute(select(*event).where(Event.batch.like(f"{BY_ITSELF}%")).order_by(*event[:4])).all()
    return tuple([tuple(row) for row in rows] for rows in (nudges, steps, again, users, own))


def test_what_one_node_plans_another_leaves_to_it_and_takes_the_next(
    postgres_store: Store, postgres_url: str, tmp_path: Path
) -> None:
    house = make_house(postgres_store, tmp_path)
    for number in range(3):
        Story.begin(house, recorders(), SIX[:1], email=f"{number}@example.org").stop()
    with postgres_store.writing() as session:
        session.execute(update(User).values(plan_again_at=None))
        for number in (1, 2, 3):
            due = update(Reference).where(Reference.user_id == number)
            session.execute(due.values(plan_again_at=NOON - (3 - number) * DAY))
    other = Store(postgres_url)
    with postgres_store.writing() as mine, other.writing() as theirs:
        assert house.planner.plan_due(mine, NOON, 1) == 1
        assert house.planner.plan_due(theirs, NOON, 2) == 2
        assert house.planner.plan_due(mine, NOON, 1) == 0
    other.dispose()
    with postgres_store.reading() as session:
        assert session.scalars(select(Reference.id).where(Reference.plan_again_at <= NOON)).all() == []


def test_a_changed_book_is_planned_for_everybody(sqlite_store: Store, tmp_path: Path) -> None:
    from reminderd.rules.book import parse_with_default

    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:2], reference=BORN)
    assert story.nudges("birthday")
    book = parse_with_default("[rules.birthday]\nenabled = false\n", "rules.toml")
    after = make_house(sqlite_store, tmp_path, book=book)
    with sqlite_store.writing() as session:
        assert after.refresh_marks(session, NOON) == 1
    with sqlite_store.writing() as session:
        while after.planner.plan_due(session, NOON):
            pass
    assert {nudge.state for nudge in story.nudges("birthday")} == {State.CANCELLED}
    with sqlite_store.writing() as session:
        assert after.refresh_marks(session, NOON) == 0


def test_a_start_looks_at_all_users_a_part_at_a_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "PART", 2)
    house = make_house(store, tmp_path)
    for number in range(5):
        Story.begin(house, recorders(), SIX[:1], email=f"{number}@example.org").stop()
    with store.writing() as session:
        mark = house.planner.settings_mark(session.get_one(User, 3))
        session.execute(update(User).values(settings_mark="of another book", plan_again_at=None))
        session.execute(update(User).where(User.id == 3).values(settings_mark=mark))
        assert house.refresh_marks(session, NOON) == 4
        due = session.scalars(select(User.id).where(User.plan_again_at == NOON).order_by(User.id))
        assert list(due) == [1, 2, 4, 5]


def test_a_pause_that_is_over_is_over_everywhere(store: Store, tmp_path: Path) -> None:
    story = Story.begin(make_house(store, tmp_path), recorders(), SIX[:2], zone="UTC")
    until = NOON.date() + 10 * DAY
    actions = story.house.actions
    with store.writing() as session:
        user = session.get_one(User, story.user_id)
        first, second = session.scalars(select(Reference).order_by(Reference.id))
        actions.pause_reference(session, user, first, until, NOON)
        actions.pause_reference(session, user, second, None, NOON)
        actions.pause(session, user, until, True, NOON)

    def standing() -> list[tuple[Any, dt.date | None]]:
        with store.reading() as session:
            user = session.get_one(User, story.user_id)
            people = session.scalars(select(Reference).order_by(Reference.id))
            return [(user.paused, user.paused_until), *((one.status, one.paused_until) for one in people)]

    story.pass_at(NOON + 9 * DAY)
    assert standing() == [(True, until), ("paused", until), ("paused", None)]
    story.pass_at(NOON + 10 * DAY)
    assert standing() == [(False, None), ("active", None), ("paused", None)]
    story.stop()


@pytest.mark.parametrize(("digest", "between"), [("daily", DAY), ("weekly", 7 * DAY)])
def test_what_is_planned_late_is_mentioned_twice_in_digests_that_follow_each_other(
    sqlite_store: Store, tmp_path: Path, digest: str, between: dt.timedelta
) -> None:
    silent = {"last_contact_on": NOON.date() - 150 * DAY, "created_on": NOON.date() - 140 * DAY}
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:1], reference=silent, digest=digest)
    with sqlite_store.reading() as session:
        query = select(Step).join(Nudge).where(Nudge.starts_at < NOON, Step.lane == "digest").order_by(Step.at)
        first, second = session.scalars(query)
    story.stop()
    assert NOON < first.at <= NOON + between
    assert second.at - first.at == between


def test_a_due_date_that_moves_keeps_its_number_and_moves_its_steps(story: Story) -> None:
    with story.house.store.writing() as session:
        row = session.get_one(Reference, 1)
        row.birth_month, row.birth_day = 6, 20
        story.house.actions.changed(session, session.get_one(User, story.user_id), [row], NOON)
    (before,) = story.nudges("birthday")
    with story.house.store.writing() as session:
        row = session.get_one(Reference, 1)
        row.birth_day = 10
        story.house.actions.changed(session, session.get_one(User, story.user_id), [row], NOON)
    with story.house.store.reading() as session:
        after = session.get_one(Nudge, before.id)
        assert (after.number, after.occasion) == (before.number, before.occasion)
        assert after.due_at < before.due_at
        steps = list(session.scalars(select(Step).where(Step.nudge_id == after.id)))
        assert all(step.at <= after.expires_at for step in steps)
