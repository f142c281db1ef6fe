"""The daemon as a process of its own, against a real mail server."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from reminderd.clock import utc_now
from reminderd.daemon import _Daemon
from reminderd.errors import StoreBusy
from reminderd.message import Channel
from reminderd.metrics import load_standing, problems
from reminderd.settings import load
from reminderd.store.agenda import AHEAD
from reminderd.store.database import Store
from reminderd.store.tables import DeliveryState, Job, Step, User
from reminderd.store.wake import socket_path
from reminderd.wiring import furnish, open_house
from tests.flow.daemons import CHECKOUT, Starter, wait_until
from tests.flow.parts import PATIENCE, SIX, Mailbox, Story, make_house, words_of


@pytest.fixture
def story(store: Store, home: Path) -> Story:
    return begin(store, home)


@pytest.fixture
def sqlite_story(sqlite_store: Store, home: Path) -> Story:
    return begin(sqlite_store, home)


def begin(store: Store, home: Path) -> Story:
    now = utc_now() - dt.timedelta(minutes=1)
    far = now.date() + dt.timedelta(days=100)
    made = Story.begin(
        make_house(store, home, ways=["email"]),
        {},
        now=now,
        reference={"birth_month": far.month, "birth_day": min(far.day, 28)},
        phone=None,
        created_at=now,
        zone="UTC",
    )
    made.record("asked", now, "*")
    return made


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_one_mail_with_six_drafts_is_there_within_five_seconds(story: Story, start: Starter, mailbox: Mailbox) -> None:
    daemon = start(story.house.store)
    with at_most(5):
        story.record("accepted", utc_now(), wake=True)
        mail = mailbox.arrived.get(timeout=PATIENCE)
    text = words_of(mail)
    assert all(f"To: {name} <" in text for name in SIX)
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0
    assert mailbox.arrived.empty()
    assert mailbox.logins == ["PLAIN ada"]
    assert [delivery.state for delivery in story.deliveries()] == [DeliveryState.SENT]


@pytest.mark.parametrize("was_down_for", [None, dt.timedelta(days=30)])
def test_it_is_healthy_from_its_first_pass_on(story: Story, start: Starter, was_down_for: dt.timedelta | None) -> None:
    store = story.house.store

    def health() -> list[str]:
        with store.reading() as session:
            return problems(load_standing(session), utc_now())

    if was_down_for is not None:
        with store.writing() as session:
            session.add(Job(name="plan", last_pass_at=utc_now() - was_down_for))
    assert health()
    daemon = start(store)
    wait_until(lambda: not health())
    with store.reading() as session:
        assert {"plan", "compose", "dispatch"} <= {job.name for job in session.scalars(select(Job))}
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0


def test_a_lost_wake_up_costs_no_more_than_five_seconds(story: Story, start: Starter, mailbox: Mailbox) -> None:
    start(story.house.store)
    if story.house.store.path is not None:
        socket_path(story.house.store.path).unlink()
    story.record("accepted", utc_now(), wake=story.house.store.is_sqlite)
    with at_most(5):
        mailbox.arrived.get(timeout=PATIENCE)
    assert mailbox.arrived.empty()


def test_a_stop_waits_for_the_send_in_flight(sqlite_story: Story, start: Starter, mailbox: Mailbox) -> None:
    daemon = start(sqlite_story.house.store)
    mailbox.hold()
    sqlite_story.record("accepted", utc_now(), wake=True)
    assert mailbox.holding.wait(PATIENCE)
    daemon.ask_to(signal.SIGTERM)
    daemon.wait_for("STOPPING=1")
    assert daemon.process.poll() is None
    mailbox.answer.set()
    assert daemon.ended() == 0
    assert [delivery.state for delivery in sqlite_story.deliveries()] == [DeliveryState.SENT]


def test_a_send_that_is_never_answered_does_not_hold_the_stop_up(
    sqlite_story: Story, start: Starter, mailbox: Mailbox
) -> None:
    daemon = start(sqlite_story.house.store, STOP_SECONDS="1")
    mailbox.hold()
    sqlite_story.record("accepted", utc_now(), wake=True)
    assert mailbox.holding.wait(PATIENCE)
    with at_most(5):
        daemon.ask_to(signal.SIGTERM)
        assert daemon.ended() == 0
    assert [delivery.state for delivery in sqlite_story.deliveries()] == [DeliveryState.LEASED]


def test_what_a_killed_daemon_had_in_flight_is_sent_again_as_it_was(
    sqlite_story: Story, start: Starter, mailbox: Mailbox, tmp_path: Path
) -> None:
    daemon = start(sqlite_story.house.store)
    mailbox.hold()
    sqlite_story.record("accepted", utc_now(), wake=True)
    assert mailbox.holding.wait(PATIENCE)
    daemon.process.kill()
    daemon.process.wait(PATIENCE)
    mailbox.answer.set()
    folder = tmp_path / "2"
    folder.mkdir()
    start(sqlite_story.house.store, folder)
    wait_until(lambda: sqlite_story.deliveries()[0].state == DeliveryState.SENT)
    # The server may have taken the killed one's message before it saw the loss: two copies, the same in every byte.
    assert 1 <= len(mailbox.received) <= 2
    assert len({received.content for received in mailbox.received}) == 1


def test_it_tells_systemd_how_it_is(sqlite_story: Story, start: Starter) -> None:
    daemon = start(sqlite_story.house.store, WATCHDOG_USEC="2000000")
    daemon.wait_for("STATUS=")
    daemon.wait_for("WATCHDOG=1")
    daemon.said.clear()
    daemon.wait_for("WATCHDOG=1", patience=2)
    daemon.ask_to(signal.SIGINT)
    assert daemon.ended() == 0
    assert "STOPPING=1" in daemon.said


def test_rules_are_read_again_on_sighup_and_a_broken_book_leaves_the_last_good_one(
    sqlite_story: Story, start: Starter, mailbox: Mailbox, home: Path
) -> None:
    book = home / "rules.toml"
    daemon = start(sqlite_story.house.store)
    daemon.said.clear()
    book.write_text("[rules.accepted]\ncadence = 'often'\n")
    daemon.ask_to(signal.SIGHUP)
    daemon.wait_for("STATUS=Reload refused")
    assert "rules.toml" in daemon.log.read_text()
    sqlite_story.record("accepted", utc_now(), wake=True)
    while "Acme" not in mailbox.arrived.get(timeout=PATIENCE)["Subject"]:
        pass  # a notice of the refusal may come first

    book.write_text("[rules.birthday]\nenabled = false\n")
    assert any(nudge.state == "open" for nudge in sqlite_story.nudges("birthday"))
    daemon.said.clear()
    daemon.ask_to(signal.SIGHUP)
    daemon.wait_for("STATUS=Watching")
    wait_until(lambda: all(nudge.state == "cancelled" for nudge in sqlite_story.nudges("birthday")))
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0
    assert sum(b"Acme" in received.content for received in mailbox.received) == 1


def test_changed_rules_are_noticed_without_a_word_and_a_broken_book_leaves_the_last_good_one(
    sqlite_story: Story, start: Starter, mailbox: Mailbox, home: Path
) -> None:
    daemon = start(sqlite_story.house.store)
    daemon.said.clear()
    written_a_while_ago(home / "rules.toml", "[rules.birthday]\nenabled = false\n")
    sqlite_story.record("accepted", utc_now(), wake=True)  # whatever wakes it has it look
    daemon.wait_for("STATUS=Watching, with rules")
    wait_until(lambda: all(nudge.state == "cancelled" for nudge in sqlite_story.nudges("birthday")))
    daemon.said.clear()
    written_a_while_ago(home / "rules.toml", "[rules.birthday]\nenabled = 'perhaps'\n")
    with sqlite_story.house.store.writing(wake=True):
        pass
    daemon.wait_for("STATUS=Reload refused")
    subjects = {str(mailbox.arrived.get(timeout=PATIENCE)["Subject"]) for _ in range(2)}
    assert "reminderd: rules or settings refused" in subjects
    assert all(nudge.state == "cancelled" for nudge in sqlite_story.nudges("birthday"))
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0
    assert daemon.log.read_text().count("files_changed") == 2


def test_a_template_that_breaks_while_it_runs_is_made_good_by_ours_and_the_message_says_so(
    sqlite_story: Story, start: Starter, mailbox: Mailbox, home: Path
) -> None:
    daemon = start(sqlite_story.house.store)
    daemon.said.clear()
    template = home / "templates" / "drafts" / "accepted.j2"
    template.parent.mkdir(parents=True)
    written_a_while_ago(template, "{% block mail_1 %}{{ them.nonsense }}{% endblock %}")
    sqlite_story.record("accepted", utc_now(), wake=True)
    daemon.wait_for("STATUS=Watching, with rules")
    mail = mailbox.arrived.get(timeout=PATIENCE)
    while "Acme" not in mail["Subject"]:
        mail = mailbox.arrived.get(timeout=PATIENCE)
    assert "A template of yours cannot be used" in words_of(mail)
    assert "accepted.j2" in words_of(mail)
    assert all(f"To: {name} <" in words_of(mail) for name in SIX)
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0


def written_a_while_ago(path: Path, text: str) -> None:
    path.write_text(text)
    past = time.time() - 60
    os.utime(path, (past, past))


def test_a_reload_lets_what_is_in_flight_land(sqlite_story: Story, start: Starter, mailbox: Mailbox) -> None:
    daemon = start(sqlite_story.house.store)
    mailbox.hold()
    sqlite_story.record("accepted", utc_now(), wake=True)
    assert mailbox.holding.wait(PATIENCE)
    daemon.said.clear()
    daemon.ask_to(signal.SIGHUP)
    daemon.wait_for("STATUS=Watching", patience=5)
    mailbox.answer.set()
    mailbox.arrived.get(timeout=PATIENCE)
    wait_until(lambda: sqlite_story.deliveries()[0].state == DeliveryState.SENT)
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0
    assert mailbox.arrived.empty()


def test_a_reload_makes_anew_what_was_made_ahead(sqlite_story: Story, start: Starter) -> None:
    daemon = start(sqlite_story.house.store)
    with sqlite_story.house.store.writing(wake=True) as session:
        first = session.scalars(select(Step).order_by(Step.id)).first()
        assert first is not None
        first.at, first.lane, first.channel = utc_now() + AHEAD / 2, "now", "email"
    wait_until(lambda: len(sqlite_story.deliveries()) == 1)
    daemon.said.clear()
    daemon.ask_to(signal.SIGHUP)
    daemon.wait_for("STATUS=Watching, with rules")
    wait_until(lambda: len(sqlite_story.deliveries()) == 2)
    old, new = sqlite_story.deliveries()
    assert (old.state, new.state) == (DeliveryState.CANCELLED, DeliveryState.PENDING)
    assert new.due_at == old.due_at
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0


def test_each_reload_is_told_to_systemd_from_its_beginning_to_its_end(
    sqlite_story: Story, start: Starter, home: Path
) -> None:
    daemon = start(sqlite_story.house.store)
    for book, words in (("[rules.accepted]\ncadence = 'often'\n", "Reload refused"), ("", "Watching, with rules")):
        (home / "rules.toml").write_text(book)
        daemon.said.clear()
        daemon.ask_to(signal.SIGHUP)
        daemon.wait_for(f"STATUS={words}")
        told = [line.partition("=")[0] for line in daemon.said if not line.startswith("WATCHDOG")]
        assert told == ["RELOADING", "MONOTONIC_USEC", "READY", "STATUS"]
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0


def test_reloads_open_nothing_that_stays_open(sqlite_story: Story, start: Starter) -> None:
    daemon = start(sqlite_story.house.store)
    handles = Path(f"/proc/{daemon.process.pid}/fd")
    counts = []
    for _ in range(6):
        daemon.said.clear()
        daemon.ask_to(signal.SIGHUP)
        daemon.wait_for("STATUS=Watching, with rules")
        counts.append(
            sum(os.readlink(handle).startswith(str(sqlite_story.house.store.path)) for handle in handles.iterdir())
        )
    assert counts[-1] <= counts[1]
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0


def test_a_reload_does_not_move_to_another_database(tmp_path: Path) -> None:
    settings = load({}, Path(os.devnull), tmp_path)
    elsewhere = dataclasses.replace(settings, database_url=f"sqlite:///{tmp_path / 'other.db'}")
    house = open_house(settings, utc_now())
    daemon = _Daemon(house, lambda: elsewhere)
    daemon._reload()
    assert daemon._house is house
    assert not (tmp_path / "other.db").exists()
    daemon._listener.close()
    house.store.dispose()


def test_a_reload_that_the_database_does_not_take_is_over_for_systemd_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
        settings = load({}, Path(os.devnull), tmp_path)
        house = furnish(settings, None, Store(settings.database_url, busy_timeout=0), utc_now())
        daemon = _Daemon(house, lambda: settings)
        with house.store.writing(), pytest.raises(StoreBusy):
            daemon._reload()
        assert manager.recv(4096).startswith(b"RELOADING=1\n")
        assert manager.recv(4096) == b"READY=1\nSTATUS=Reload put off; it is tried again."
        assert daemon._house is house
        daemon._work()
        assert daemon._house is not house
        daemon._passes.dispatcher.stop(utc_now)
        daemon._listener.close()
        house.store.dispose()


def test_a_file_that_is_gone_is_told_once_and_tried_ever_less_often_until_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="reminderd")
    settings = load({}, Path(os.devnull), tmp_path)
    house = open_house(settings, utc_now())
    daemon = _Daemon(house, lambda: settings)
    path = settings.database_path
    assert path is not None
    for _ in range(2):
        caplog.clear()
        path.rename(tmp_path / "elsewhere")
        for _ in range(6):
            daemon._work()
        assert [record.getMessage() for record in caplog.records] == ["pass_put_off reason=cannot_open"]
        assert daemon._next_at is not None
        assert daemon._next_at - utc_now() > dt.timedelta(seconds=20)
        (tmp_path / "elsewhere").rename(path)
        daemon._work()
        assert caplog.records[-1].getMessage() == "passes_again"
    daemon._passes.dispatcher.stop(utc_now)
    daemon._listener.close()
    house.store.dispose()


def test_a_second_daemon_on_the_file_is_refused(sqlite_story: Story, start: Starter, tmp_path: Path) -> None:
    first = start(sqlite_story.house.store)
    folder = tmp_path / "2"
    folder.mkdir()
    second = start(sqlite_story.house.store, folder, ready=False)
    assert second.ended() == 1
    line = second.log.read_text()
    assert f"has a daemon already (process {first.process.pid})" in line
    assert "Traceback" not in line
    assert first.process.poll() is None


def test_a_wrong_book_or_setting_at_the_start_exits_with_78(sqlite_story: Story, start: Starter, home: Path) -> None:
    wrong = start(sqlite_story.house.store, ready=False, SENDERS="many")
    assert wrong.ended() == 78
    assert "SENDERS" in wrong.log.read_text()
    (home / "notify").unlink()
    (home / "rules.toml").write_text("[rules.accepted]\ncadence = 'often'\n")
    wrong = start(sqlite_story.house.store, ready=False)
    assert wrong.ended() == 78
    assert "READY=1" not in wrong.said


def test_two_daemons_share_one_postgres_and_send_once(
    postgres_store: Store, home: Path, start: Starter, mailbox: Mailbox, tmp_path: Path
) -> None:
    story = begin(postgres_store, home)
    folder = tmp_path / "2"
    folder.mkdir()
    daemons = [start(postgres_store), start(postgres_store, folder)]
    story.record("accepted", utc_now(), wake=True)
    mailbox.arrived.get(timeout=PATIENCE)
    wait_until(lambda: [row.state for row in story.deliveries()] == [DeliveryState.SENT])
    for daemon in daemons:
        daemon.ask_to(signal.SIGTERM)
    assert [daemon.ended() for daemon in daemons] == [0, 0]
    assert mailbox.arrived.empty()


def test_more_messages_than_senders_all_arrive(sqlite_story: Story, start: Starter, mailbox: Mailbox) -> None:
    start(sqlite_story.house.store, SENDERS="1")
    with sqlite_story.house.store.writing(wake=True) as session:
        user = session.get_one(User, sqlite_story.user_id)
        for second in range(6):
            at = utc_now() - dt.timedelta(seconds=second)
            sqlite_story.house.composer.enqueue_test(session, user, Channel.EMAIL, at)
    with at_most(8):
        for _ in range(6):
            mailbox.arrived.get(timeout=PATIENCE)
    wait_until(lambda: {row.state for row in sqlite_story.deliveries()} == {DeliveryState.SENT})


def test_a_daemon_whose_program_was_replaced_ends_to_be_started_anew(
    sqlite_story: Story, start: Starter, mailbox: Mailbox, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    for part in ("reminderd", "templates"):
        shutil.copytree(CHECKOUT / part, checkout / part)
    daemon = start(sqlite_story.house.store, checkout=checkout)
    # An upgrade, in which not one of the modules fits the old ones.
    for module in (checkout / "reminderd").rglob("*.py"):
        module.write_text("raise ImportError\n")
        os.utime(module, (0, 0))
    sqlite_story.record("accepted", utc_now(), wake=True)
    assert daemon.ended() == 75
    assert "was upgraded while it ran" in daemon.log.read_text()
    assert mailbox.arrived.empty()
    again = tmp_path / "again"
    again.mkdir()
    start(sqlite_story.house.store, again)
    assert f"To: {SIX[0]} <" in words_of(mailbox.arrived.get(timeout=PATIENCE))
