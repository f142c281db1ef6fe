"""When one way out fails, the other carries the message; with none, it waits. Neither is flooded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reminderd.carrier import Carrier
from reminderd.errors import TemplateBroken
from reminderd.message import Channel
from reminderd.passes import Passes
from reminderd.rules.retry import Fault, Verdict
from reminderd.store import outbox
from reminderd.store.database import Store
from reminderd.store.tables import DeliveryState, User
from reminderd.transports.base import SendFailed
from tests.flow.parts import NOON, SIX, Story, make_house, recorders, words_of

HOUR = dt.timedelta(hours=1)
MONDAY = dt.datetime(2026, 11, 30, 8, 0, tzinfo=dt.UTC)
LOGIN = SendFailed(Fault(Verdict.PAUSE, "535", "The mail server does not accept the login"))
SPAM = SendFailed(Fault(Verdict.GIVE_UP, "554 5.7.1", "The mail server refused the message as spam"))
NO_SUCH = SendFailed(Fault(Verdict.BAD_ADDRESS, "550 5.1.1", "The mail server rejected the address"))
UNSURE = SendFailed(Fault(Verdict.RECONCILE, "unconfirmed", "It may have been sent"))


@pytest.fixture
def story(sqlite_store: Store, tmp_path: Path) -> Iterator[Story]:
    made = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:2])
    yield made
    made.stop()


@pytest.fixture
def mail_only(sqlite_store: Store, tmp_path: Path) -> Iterator[Story]:
    made = Story.begin(make_house(sqlite_store, tmp_path, ways=["email"]), recorders(), SIX[:2], phone=None)
    yield made
    made.stop()


def way(story: Story, channel: Channel) -> Any:
    return story.transports[channel]


def kinds(story: Story, channel: str) -> list[str]:
    return [row.kind for row in story.deliveries() if row.channel == channel and row.state == DeliveryState.SENT]


def test_a_refused_login_sends_the_reminder_as_a_text_and_tells_of_it_once(story: Story) -> None:
    way(story, Channel.EMAIL).always = LOGIN
    story.land(NOON)
    for hours in (0, 21, 22, 45):
        story.pass_at(NOON + hours * HOUR)
    notices = [row for row in story.deliveries() if row.kind == "notice"]
    assert len(notices) == 1
    assert notices[0].state == DeliveryState.SENT
    assert "login" in story.message(notices[0]).body  # type: ignore[union-attr]
    assert kinds(story, "sms").count("nudge") == 3
    assert not way(story, Channel.EMAIL).taken
    attempts = sum(row.attempts for row in story.deliveries() if row.channel == "email")
    assert attempts == 1


def test_with_one_channel_it_waits_and_comes_through_once_mended(mail_only: Story) -> None:
    mail = way(mail_only, Channel.EMAIL)
    mail.always = LOGIN
    mail_only.land(NOON)
    for hour in range(4):
        mail_only.pass_at(NOON + hour * HOUR)
    (row,) = mail_only.deliveries()
    assert (row.state, row.attempts) == (DeliveryState.PENDING, 4)
    mail.always = None
    mail_only.pass_at(NOON + 4 * HOUR)
    assert all(f"To: {name} <" in words_of(mail.taken[0]) for name in SIX[:2])
    assert len(mail.taken) == 1


def test_both_channels_refused_neither_spins_nor_loses(story: Story) -> None:
    way(story, Channel.EMAIL).always = LOGIN
    way(story, Channel.SMS).always = SendFailed(Fault(Verdict.PAUSE, "20003", "Twilio does not accept the credentials"))
    story.land(NOON)
    story.pass_at(NOON)
    attempted = sum(row.attempts for row in story.deliveries())
    assert attempted <= 3
    story.pass_at(NOON)
    assert sum(row.attempts for row in story.deliveries()) == attempted
    way(story, Channel.EMAIL).always = way(story, Channel.SMS).always = None
    with story.house.store.writing() as session:
        outbox.unpause_channels(session, NOON + HOUR)
    story.pass_at(NOON + HOUR)
    assert "nudge" in kinds(story, "email") + kinds(story, "sms")


def test_a_message_that_both_channels_refuse_for_good_is_tried_once_on_each(story: Story) -> None:
    way(story, Channel.EMAIL).always = SPAM
    way(story, Channel.SMS).always = SendFailed(Fault(Verdict.GIVE_UP, "30007", "The text was filtered"))
    story.land(NOON)
    tally = story.pass_at(NOON)
    assert [(row.channel, row.attempts) for row in story.deliveries()] == [("email", 1), ("sms", 1)]
    assert tally.failed == 1
    story.pass_at(NOON + HOUR)
    assert len(story.deliveries()) == 2


def test_a_digest_that_mail_refuses_goes_as_a_text(story: Story) -> None:
    way(story, Channel.EMAIL).always = SPAM
    story.record("helped", NOON, SIX[0], about_it=False)
    story.pass_at(MONDAY)
    assert [(row.channel, row.kind) for row in story.deliveries()] == [("email", "digest"), ("sms", "digest")]
    assert kinds(story, "sms") == ["digest"]


def test_an_address_that_does_not_exist_is_not_tried_again(story: Story) -> None:
    way(story, Channel.EMAIL).always = NO_SUCH
    story.land(NOON)
    story.pass_at(NOON)
    story.pass_at(NOON + 21 * HOUR)
    assert sum(row.attempts for row in story.deliveries() if row.channel == "email") == 1
    assert kinds(story, "sms").count("nudge") == 2


def test_a_notice_that_cannot_be_delivered_raises_no_other(story: Story) -> None:
    way(story, Channel.EMAIL).always = LOGIN
    way(story, Channel.SMS).always = SendFailed(Fault(Verdict.GIVE_UP, "30007", "The text was filtered"))
    story.land(NOON)
    for hour in range(30):
        story.pass_at(NOON + hour * HOUR)
    assert sum(1 for row in story.deliveries() if row.kind == "notice") == 1


def test_texts_that_are_not_set_up_any_more_go_by_mail(sqlite_store: Store, tmp_path: Path) -> None:
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:1], email_enabled=False)
    story.land(NOON)
    story.passes.plan(NOON)
    story.passes.compose(NOON)
    assert {row.channel for row in story.deliveries()} == {"sms"}
    without = make_house(sqlite_store, tmp_path, ways=["email"])
    mail = {Channel.EMAIL: way(story, Channel.EMAIL)}
    with sqlite_store.writing() as session:
        session.get_one(User, story.user_id).email_enabled = True
    after = Story(without, mail, Passes(without, without.dispatcher_to_be(mail)), story.user_id)
    after.pass_at(NOON)
    assert len(way(story, Channel.EMAIL).taken) == 1
    after.stop()


def test_an_unknown_outcome_keeps_its_message_from_being_composed_again(mail_only: Story) -> None:
    mail = way(mail_only, Channel.EMAIL)
    mail.script = [UNSURE]
    mail_only.land(NOON)
    mail_only.pass_at(NOON)
    mail_only.pass_at(NOON + HOUR)
    (row,) = mail_only.deliveries()
    assert (row.state, row.attempts) == (DeliveryState.SENT, 2)
    assert len(mail.taken) == 1


def test_one_users_poison_row_does_not_stop_another_user(sqlite_store: Store, tmp_path: Path) -> None:
    house = make_house(sqlite_store, tmp_path)
    ways = recorders()
    first = Story.begin(house, ways, SIX[:1])
    second = Story.begin(house, ways, SIX[:1], email="bob@example.org", phone=None)
    first.land(NOON)
    second.land(NOON)
    with sqlite_store.writing() as session:
        session.get_one(User, first.user_id).zone = "Nowhere/Land"
    second.pass_at(NOON)
    assert [mail.recipient for mail in ways[Channel.EMAIL].taken] == ["bob@example.org"]
    with sqlite_store.writing() as session:
        session.get_one(User, first.user_id).zone = "Europe/Berlin"
    second.pass_at(NOON + HOUR)
    assert [mail.recipient for mail in ways[Channel.EMAIL].taken][-1] == "ada@example.org"
    first.stop()
    second.stop()


def test_a_broken_template_costs_neither_its_own_message_nor_another(sqlite_store: Store, tmp_path: Path) -> None:
    broken = tmp_path / "templates" / "drafts" / "helped.j2"
    broken.parent.mkdir(parents=True)
    broken.write_text("{{ nobody.knows.this }}")
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:2])
    story.record("helped", NOON, SIX[0], about_it=False)
    story.record("promoted", NOON, SIX[1], about_it=False)
    story.pass_at(MONDAY)
    told = "".join(words_of(mail) for mail in way(story, Channel.EMAIL).taken)
    assert all(f"To: {name} <" in told for name in SIX[:2])
    assert "helped.j2" in told
    story.stop()


def test_a_draft_that_cannot_be_made_at_all_waits_and_holds_nothing_else_back(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story.begin(make_house(sqlite_store, tmp_path), recorders(), SIX[:2])
    story.record("helped", NOON, SIX[0], about_it=False)
    story.record("promoted", NOON, SIX[1], about_it=False)
    make = Carrier.make

    def failing(self: Carrier, session: Any, user: User, bundle: Any, *rest: Any) -> Any:
        if any(nudge.rule == "helped" for nudge in bundle.nudges):
            raise TemplateBroken("helped.j2: no such name")
        return make(self, session, user, bundle, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Carrier, "make", failing)
        story.pass_at(MONDAY)
        story.pass_at(MONDAY)
    (mail,) = way(story, Channel.EMAIL).taken
    assert f"To: {SIX[1]} <" in words_of(mail)
    story.pass_at(MONDAY + HOUR)
    assert f"To: {SIX[0]} <" in words_of(way(story, Channel.EMAIL).taken[1])
    story.stop()


def test_the_last_success_of_a_channel_is_known(mail_only: Story) -> None:
    mail_only.land(NOON)
    mail_only.pass_at(NOON)
    with mail_only.house.store.reading() as session:
        assert outbox.last_sent_at(session, mail_only.user_id) == {"email": NOON}
