"""The composer: what goes together, what waits, and what it answers the dispatcher."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from reminderd.actions import Happening
from reminderd.carrier import MOST_DRAFTS
from reminderd.message import Channel
from reminderd.passes import Passes
from reminderd.rules.retry import Decision, Fault, Next, Verdict
from reminderd.rules.states import State
from reminderd.store import outbox
from reminderd.store.agenda import AHEAD
from reminderd.store.database import Store
from reminderd.store.outbox import Claim, Standing
from reminderd.store.tables import Delivery, Nudge, Opportunity, Reference, Step, StepState, User
from reminderd.transports.base import SendFailed
from tests.flow.parts import NOON, SIX, Story, make_house, parsed, recorders, words_of

HOUR = dt.timedelta(hours=1)
BROKEN = Fault(Verdict.PAUSE, "535", "The login is refused")


@pytest.fixture
def story(store: Store, tmp_path: Path) -> Iterator[Story]:
    made = Story.begin(make_house(store, tmp_path), recorders(), SIX[:3])
    yield made
    made.stop()


def compose(story: Story, now: dt.datetime = NOON) -> list[Delivery]:
    story.passes.plan(now)
    story.passes.compose(now)
    return story.deliveries()


def claimed(story: Story, now: dt.datetime = NOON) -> Claim:
    with story.house.store.writing() as session:
        (claim,) = outbox.find_due(session.connection(), now, 1)
        outbox.lease(session.connection(), [claim], "test", now + HOUR)
        return claim


def test_a_message_and_its_steps_are_stored_together(story: Story) -> None:
    story.land(NOON)
    (delivery,) = compose(story)
    with story.house.store.reading() as session:
        steps = list(session.scalars(select(Step).where(Step.delivery_id == delivery.id)))
    assert {step.state for step in steps} == {StepState.SENT}
    assert len(steps) == 3
    assert len(compose(story)) == 1


def test_two_opportunities_are_two_mails(story: Story) -> None:
    story.land(NOON)
    with story.house.store.writing() as session:
        session.get_one(Opportunity, 1).company = "Zenith"
        session.add(Opportunity(user_id=story.user_id, company="Acme", created_at=NOON))
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        other = session.scalars(select(Opportunity).where(Opportunity.company == "Acme")).one()
        everyone = tuple(session.scalars(select(Reference)))
        asked = Happening("asked", NOON.date(), everyone, other)
        story.house.actions.record(session, user, [asked, Happening("turned_down", NOON.date(), (), other)], NOON)
    assert len({delivery.thread for delivery in compose(story)}) == 2


def test_what_is_wanted_is_what_is_open_and_awake(story: Story) -> None:
    story.land(NOON)
    compose(story)
    claim = claimed(story)

    with story.house.store.writing() as session:

        def standing(now: dt.datetime) -> Standing:
            session.flush()
            return outbox.standing_of(session, claim.delivery_id, now)

        assert standing(NOON) is Standing.WANTED
        first, *others = session.scalars(select(Nudge).where(Nudge.rule == "accepted"))
        first.snoozed_until = NOON + HOUR
        assert standing(NOON) is Standing.UNWANTED
        assert standing(NOON + HOUR) is Standing.WANTED
        first.state = State.DONE
        assert standing(NOON + HOUR) is Standing.UNWANTED
        for nudge in others:
            nudge.state = State.CANCELLED
        assert standing(NOON) is Standing.MOOT


def test_a_message_whose_time_is_over_is_not_wanted(story: Story) -> None:
    story.land(NOON)
    compose(story)
    with story.house.store.writing() as session:
        (late,) = outbox.find_due(session.connection(), NOON + dt.timedelta(days=60), 1)
    assert late.standing is Standing.UNWANTED


def test_the_other_channel_is_one_that_works_and_has_not_failed_at_the_same(story: Story) -> None:
    story.land(NOON)
    compose(story)
    claim = claimed(story)
    composer = story.house.composer
    with story.house.store.writing() as session:
        assert composer.other_channel(session, claim, NOON) == "sms"
        outbox.pause_channel(session, story.user_id, "sms", BROKEN, NOON)
        session.flush()
        assert composer.other_channel(session, claim, NOON) is None


def test_a_broken_channel_is_told_of_once_for_each_pause(story: Story) -> None:
    for day in range(2):
        now = NOON + day * dt.timedelta(days=1)
        with story.house.store.writing() as session:
            outbox.pause_channel(session, story.user_id, "sms", BROKEN, now)
        story.pass_at(now)
        story.pass_at(now + HOUR)
        notices = [delivery for delivery in story.deliveries() if delivery.kind == "notice"]
        assert len(notices) == day + 1
        with story.house.store.writing() as session:
            outbox.unpause_channels(session, now + 2 * HOUR)
    mail = story.transports[Channel.EMAIL].taken[-1]  # type: ignore[attr-defined]
    assert "The login is refused" in words_of(mail)


def test_a_notice_waits_for_the_end_of_quiet_hours(sqlite_store: Store, tmp_path: Path) -> None:
    quiet = {"quiet_begins": dt.time(12), "quiet_ends": dt.time(15)}
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:1], **quiet)
    with sqlite_store.writing() as session:
        outbox.pause_channel(session, story.user_id, "sms", BROKEN, NOON)
    story.pass_at(NOON)
    (notice,) = story.deliveries()
    assert (notice.state, notice.due_at) == ("pending", NOON + 2 * HOUR)


def test_with_no_channel_that_works_there_is_nothing_to_write(story: Story) -> None:
    with story.house.store.writing() as session:
        for channel in ("email", "sms"):
            outbox.pause_channel(session, story.user_id, channel, BROKEN, NOON)
    with story.house.store.reading() as session:
        assert not story.house.composer.has_notices(session, NOON)


def test_a_test_message_carries_no_nudge_and_is_always_wanted(story: Story) -> None:
    with story.house.store.writing() as session:
        story.house.composer.enqueue_test(session, session.get_one(User, story.user_id), Channel.SMS, NOON)
    claim = claimed(story)
    with story.house.store.transaction() as transaction:
        assert story.house.composer.standing(transaction, claim, NOON) is Standing.WANTED
        assert story.house.composer.other_channel(transaction.session, claim, NOON) is None
        assert not transaction.session.new
        assert not transaction.session.dirty


# ---- ahead of the moment


def ahead_of(story: Story, now: dt.datetime) -> dt.datetime:
    """A daemon's pass; when the next thing is due."""
    passes = Passes(story.house, lambda: story.passes.dispatcher, ahead=AHEAD)
    at = passes.work(now)
    assert at is not None
    return at


def next_step_at(story: Story) -> dt.datetime:
    with story.house.store.reading() as session:
        return session.scalars(select(Step.at).where(Step.state == StepState.PENDING).order_by(Step.at)).first()  # type: ignore[return-value]


def test_a_daemon_makes_messages_ahead_and_sends_them_at_their_moment(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON)
    at = next_step_at(story)
    assert ahead_of(story, at - AHEAD - dt.timedelta(seconds=1)) == at - AHEAD
    assert len(story.deliveries()) == 1
    assert ahead_of(story, at - AHEAD) == at
    made = story.deliveries()[-1]
    assert (made.state, made.due_at) == ("pending", at)
    story.pass_at(at)
    assert (story.deliveries()[-1].id, story.deliveries()[-1].state) == (made.id, "sent")


def test_what_was_made_ahead_is_what_would_have_been_made_at_the_moment(story: Story) -> None:
    story.land(NOON)
    story.pass_at(NOON)
    at = next_step_at(story)
    ahead_of(story, at - AHEAD)
    ahead = story.deliveries()[-1]
    with story.house.store.writing() as session:
        outbox.withdraw_ahead(session, at - AHEAD)
    story.pass_at(at)
    then = story.deliveries()[-1]
    assert then.id != ahead.id
    assert story.deliveries()[-2].state == "cancelled"
    keep = ("subject", "channel", "kind", "thread", "due_at", "useless_at", "created_at", "tells")
    assert [getattr(then, name) for name in keep] == [getattr(ahead, name) for name in keep]
    one, other = (words_of(story.message(row)) for row in (ahead, then))
    assert one == other


def test_what_happens_meanwhile_is_in_the_message(story: Story) -> None:
    """Made ahead with three people open; one is told before its moment: made again, without them."""
    story.land(NOON)
    story.pass_at(NOON)
    at = next_step_at(story)
    ahead_of(story, at - AHEAD)
    before = story.deliveries()[-1]
    first, *others = story.nudges("accepted")
    story.done([first], at - AHEAD / 2)
    ahead_of(story, at - AHEAD / 2)
    story.pass_at(at)
    assert [row.state for row in story.deliveries() if row.id >= before.id] == ["cancelled", "sent"]
    with story.house.store.reading() as session:
        carried = session.scalars(select(Step.nudge_id).where(Step.delivery_id == story.deliveries()[-1].id))
        assert sorted(carried) == [nudge.id for nudge in others]


def test_two_moments_within_reach_are_two_messages_each_at_its_own(story: Story) -> None:
    story.land(NOON)
    with story.house.store.writing() as session:
        first = select(Step).join(Nudge).where(Step.position == 1, Nudge.rule == "accepted").order_by(Step.id)
        for step, minutes in zip(session.scalars(first), (2, 2, 4), strict=True):
            step.at = NOON + minutes * dt.timedelta(minutes=1)
    ahead_of(story, NOON)
    assert [row.due_at for row in story.deliveries()] == [NOON + n * dt.timedelta(minutes=1) for n in (2, 4)]


def test_what_can_go_now_does_not_wait_for_what_is_made_ahead(story: Story) -> None:
    story.land(NOON)
    with story.house.store.writing() as session:
        story.house.composer.compose(session, NOON)
        first = select(Step).join(Nudge).where(Step.state == StepState.PENDING).order_by(Step.at)
        later = session.scalars(first).first()
        assert later is not None
        later.at = NOON + AHEAD / 2
    assert ahead_of(story, NOON) <= NOON
    assert [row.due_at for row in story.deliveries()] == [NOON]
    ahead_of(story, NOON)
    assert [row.due_at for row in story.deliveries()] == [NOON, NOON + AHEAD / 2]


def test_what_belongs_into_one_message_is_not_divided_among_batches(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reminderd.composer.BATCH", 1)
    story.land(NOON)
    (delivery,) = compose(story)
    with story.house.store.reading() as session:
        assert len(session.scalars(select(Step).where(Step.delivery_id == delivery.id)).all()) == 3


# ---- what missed its moment


def sleepy(store: Store, home: Path, **user: object) -> tuple[Story, dt.datetime]:
    """Somebody whose second reminder was made ahead, before the machine fell asleep; and its moment."""
    story = Story.begin(make_house(store, home), recorders(), SIX[:1], sms_enabled=False, **user)
    story.land(NOON)
    story.pass_at(NOON)
    at = next_step_at(story)
    ahead_of(story, at - AHEAD)
    assert story.deliveries()[-1].state == "pending"
    return story, at


def test_after_a_sleep_one_message_comes_and_not_also_the_one_that_was_made_ahead(store: Store, tmp_path: Path) -> None:
    story, at = sleepy(store, tmp_path)
    awake = at + dt.timedelta(days=1, hours=1)
    mails = story.transports[Channel.EMAIL].taken  # type: ignore[attr-defined]
    ahead_of(story, awake)
    story.pass_at(awake)
    assert len(mails) == 2
    with story.house.store.reading() as session:
        sent = session.scalars(select(Delivery).where(Delivery.state == "sent").order_by(Delivery.id)).all()
    assert [row.due_at for row in sent] == [NOON, awake]
    story.stop()


def test_what_was_made_ahead_is_not_sent_in_quiet_hours_that_began_meanwhile(store: Store, tmp_path: Path) -> None:
    story, at = sleepy(store, tmp_path, quiet_begins=dt.time(21), quiet_ends=dt.time(8))
    night = at.replace(hour=22)
    story.pass_at(night)
    assert [row.state for row in story.deliveries()] == ["sent", "cancelled"]
    morning = next_step_at(story)
    story.pass_at(morning - dt.timedelta(minutes=1))
    assert len(story.deliveries()) == 2
    story.pass_at(morning)
    assert [row.state for row in story.deliveries()] == ["sent", "cancelled", "sent"]
    story.stop()


def test_what_only_waited_for_its_turn_is_sent_as_it_is(store: Store, tmp_path: Path) -> None:
    story, at = sleepy(store, tmp_path)
    story.pass_at(at + HOUR)
    assert [row.state for row in story.deliveries()] == ["sent", "sent"]
    story.stop()


@pytest.mark.parametrize(
    ("begins", "retried", "sent"),
    [
        pytest.param(dt.time(12, 30), NOON + HOUR, False, id="made before they began"),
        pytest.param(dt.time(11), NOON + HOUR / 2, True, id="made within them, as it was just recorded"),
        pytest.param(dt.time(11), NOON + 2 * HOUR, False, id="not just now any more"),
    ],
)
def test_a_retry_keeps_quiet_hours(
    store: Store, tmp_path: Path, begins: dt.time, retried: dt.datetime, sent: bool
) -> None:
    user = {"quiet_begins": begins, "quiet_ends": dt.time(18), "sms_enabled": False, "zone": "UTC"}
    story = Story.begin(make_house(store, tmp_path), recorders(), SIX[:1], **user)  # type: ignore[arg-type]
    mails = story.transports[Channel.EMAIL]
    mails.script = [SendFailed(Fault(Verdict.AGAIN, "451", "later"))]  # type: ignore[attr-defined]
    story.land(NOON)
    story.pass_at(NOON)
    story.pass_at(retried)
    evening = NOON.replace(hour=18)
    found = story.deliveries()[0]
    assert (found.state, found.due_at) == (("sent", found.due_at) if sent else ("pending", evening))
    story.pass_at(evening)
    assert story.deliveries()[0].state == "sent"
    story.stop()


# ---- drafts that follow a text


def only_texts(store: Store, home: Path, count: int) -> Story:
    return Story.begin(make_house(store, home), recorders(), SIX[:count], email_enabled=False, full_texts=True)


def bodies(story: Story) -> list[str]:
    return [text.body for text in taken(story, Channel.SMS)]  # type: ignore[attr-defined]


def test_each_persons_draft_follows_the_text_that_announces_them_in_order(store: Store, tmp_path: Path) -> None:
    story = only_texts(store, tmp_path, 2)
    story.transports[Channel.SMS].script = [SendFailed(Fault(Verdict.AGAIN, "503", "Later"))]  # type: ignore[attr-defined]
    story.land(NOON)
    story.pass_at(NOON)
    assert bodies(story) == []
    story.pass_at(NOON + HOUR)
    reminder, first, second = bodies(story)
    assert reminder.startswith("reminderd: ")
    assert "Maria" in first
    assert "Ana" in second
    assert {delivery.state for delivery in story.deliveries()} == {"sent"}
    story.stop()


def test_what_was_to_follow_a_text_that_is_not_sent_is_not_sent_either(store: Store, tmp_path: Path) -> None:
    story = only_texts(store, tmp_path, 1)
    story.transports[Channel.SMS].always = SendFailed(Fault(Verdict.GIVE_UP, "30005", "No such phone"))  # type: ignore[attr-defined]
    story.land(NOON)
    story.pass_at(NOON)
    story.transports[Channel.SMS].always = None  # type: ignore[attr-defined]
    story.pass_at(NOON + HOUR)
    assert bodies(story) == []
    assert [delivery.state for delivery in story.deliveries()] == ["failed", "cancelled"]
    story.stop()


def test_no_more_drafts_follow_a_text_than_somebody_would_read(sqlite_store: Store, tmp_path: Path) -> None:
    story = only_texts(sqlite_store, tmp_path, 6)
    story.land(NOON)
    story.pass_at(NOON)
    assert len(bodies(story)) == 1 + MOST_DRAFTS
    story.stop()


# ---- what failed


def test_what_failed_is_taken_up_again_unless_a_later_message_of_it_went_out(mail_only: Story) -> None:
    mail_only.land(NOON)
    compose(mail_only)
    with mail_only.house.store.writing() as session:
        session.execute(update(Delivery).values(state="failed", fault_code="550"))
        outbox.take_up_again(session, mail_only.user_id, "email", NOON)
    mail_only.pass_at(NOON)
    assert [delivery.state for delivery in mail_only.deliveries()] == ["failed", "sent"]
    assert len(taken(mail_only)) == 1
    with mail_only.house.store.writing() as session:
        outbox.take_up_again(session, mail_only.user_id, "email", NOON)
    mail_only.pass_at(NOON)
    morning = NOON + 20 * HOUR
    mail_only.pass_at(morning)
    assert [delivery.state for delivery in mail_only.deliveries()] == ["failed", "sent", "sent"]
    with mail_only.house.store.writing() as session:
        session.execute(update(Delivery).where(Delivery.id == 2).values(state="failed", fault_code="550"))
        outbox.take_up_again(session, mail_only.user_id, "email", morning)
    mail_only.pass_at(morning)
    assert len(taken(mail_only)) == 2


# ---- threads


def test_a_thread_never_names_somebody_who_is_not_in_the_mail(story: Story) -> None:
    maria, ana, sam = SIX[:3]
    story.record("asked", NOON, maria)
    story.record("accepted", NOON)
    story.pass_at(NOON)
    story.done(story.nudges("accepted"), NOON + HOUR)
    story.record("asked", NOON + HOUR, ana, on=NOON.date() - dt.timedelta(days=1))
    story.pass_at(NOON + HOUR)
    morning = NOON + 20 * HOUR
    story.pass_at(morning)
    story.record("asked", morning + HOUR, sam, on=NOON.date() - dt.timedelta(days=1))
    story.pass_at(morning + HOUR)
    story.pass_at(morning + 24 * HOUR)
    mails = [mail for mail in map(parsed, (one.content for one in taken(story))) if "hank" in mail["Subject"]]  # type: ignore[attr-defined]
    assert len(mails) >= 3
    for mail in mails:
        people = [name for name in SIX[:3] if f"{name.split()[0].lower()}@example.org" in words_of(mail)]
        named = [name for name in SIX[:3] if name in mail["Subject"]]
        assert named in ([], people), (mail["Subject"], people)
    assert maria in mails[0]["Subject"]
    assert ana in mails[1]["Subject"]
    threads = [str(mail["References"] or mail["Message-ID"]) for mail in mails]
    assert threads[0] != threads[1]


# ---- what the user stopped


def stop_mail(story: Story, now: dt.datetime) -> None:
    with story.house.store.writing() as session:
        story.house.actions.stop_channel(session, session.get_one(User, story.user_id), "email")


def start_mail(story: Story) -> None:
    with story.house.store.writing() as session:
        story.house.actions.start_channel(session, session.get_one(User, story.user_id), "email")


def taken(story: Story, channel: Channel = Channel.EMAIL) -> list[object]:
    return story.transports[channel].taken  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def mail_only(store: Store, tmp_path: Path) -> Iterator[Story]:
    made = Story.begin(make_house(store, tmp_path), recorders(), SIX[:2], phone=None)
    yield made
    made.stop()


def test_nothing_is_made_while_the_user_stopped_the_only_channel_and_then_the_latest_step_of_each(
    mail_only: Story,
) -> None:
    stop_mail(mail_only, NOON)
    mail_only.land(NOON)
    for hour in range(30):
        mail_only.pass_at(NOON + hour * HOUR)
        next_at = mail_only.passes.next_at(NOON + hour * HOUR)
        assert next_at is None or next_at > NOON + hour * HOUR
    assert mail_only.deliveries() == []
    start_mail(mail_only)
    back = NOON + 30 * HOUR + dt.timedelta(minutes=5)
    mail_only.pass_at(back)
    (mail,) = taken(mail_only)
    assert "Maria Lopez" in words_of(mail)
    assert "Ana Mueller" in words_of(mail)
    assert mail_only.deliveries()[0].channel == "email"


def test_a_stopped_channel_gives_way_to_the_other(story: Story) -> None:
    stop_mail(story, NOON)
    story.land(NOON)
    story.pass_at(NOON)
    assert taken(story) == []
    assert len(taken(story, Channel.SMS)) == 1


def test_what_waits_to_be_sent_is_taken_back_when_its_channel_is_stopped(mail_only: Story) -> None:
    mail_only.transports[Channel.EMAIL].always = SendFailed(Fault(Verdict.AGAIN, "421", "Later"))  # type: ignore[attr-defined]
    mail_only.land(NOON)
    mail_only.pass_at(NOON)
    stop_mail(mail_only, NOON)
    mail_only.transports[Channel.EMAIL].always = None  # type: ignore[attr-defined]
    for hour in range(1, 4):
        mail_only.pass_at(NOON + hour * HOUR)
    assert taken(mail_only) == []
    assert [delivery.state for delivery in mail_only.deliveries()] == ["cancelled"]
    start_mail(mail_only)
    mail_only.pass_at(NOON + 4 * HOUR)
    assert len(taken(mail_only)) == 1


def test_what_was_under_way_when_its_channel_was_stopped_is_not_tried_again(mail_only: Story) -> None:
    mail_only.land(NOON)
    compose(mail_only)
    with mail_only.house.store.writing() as session:
        claims = outbox.find_due(session.connection(), NOON, 1)
        (claim,) = outbox.begin_attempts(session.connection(), claims, "test", NOON, NOON + HOUR)
    stop_mail(mail_only, NOON)
    with mail_only.house.store.writing() as session:
        fault = Fault(Verdict.AGAIN, "421", "Later")
        outbox.settle_fault(session, claim, fault, Decision(Next.RETRY, NOON + HOUR), NOON)
    mail_only.pass_at(NOON + HOUR)
    assert taken(mail_only) == []
    assert [delivery.state for delivery in mail_only.deliveries()] == ["cancelled"]


def test_a_paused_mail_is_no_reason_to_text_somebody_without_a_phone(mail_only: Story) -> None:
    with mail_only.house.store.writing() as session:
        outbox.pause_channel(session, mail_only.user_id, "email", BROKEN, NOON)
    mail_only.land(NOON)
    for day in range(4):
        mail_only.pass_at(NOON + dt.timedelta(days=day))
    assert {delivery.channel for delivery in mail_only.deliveries()} == {"email"}


def test_who_stopped_everything_is_not_told_that_rules_were_refused(mail_only: Story) -> None:
    stop_mail(mail_only, NOON)
    with mail_only.house.store.writing() as session:
        assert mail_only.house.composer.enqueue_refusal(session, "a wrong rule", NOON) is None
