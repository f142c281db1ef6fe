"""The dispatcher: nothing is lost, nothing goes out twice, whatever the other side or a kill does."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from reminderd.dispatcher import PROBE_AGAIN, PUT_OFF_FOR, Dispatcher, Timing
from reminderd.message import Channel, Message, Text
from reminderd.rules.retry import BACKOFF, COPIES, Fault, Verdict
from reminderd.store import outbox
from reminderd.store.database import Store
from reminderd.store.outbox import Claim, Standing
from reminderd.store.tables import Attempt, ChannelHealth, Delivery, DeliveryState, StoredMessage, User
from reminderd.transports.base import Receipt, SendFailed
from tests.flow.parts import PATIENCE, Recorder, recorders
from tests.store.rows import MAIL, NOW, add_delivery, add_user

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
SURE = Fault(Verdict.AGAIN, "451", "later")
UNSURE = Fault(Verdict.RECONCILE, "unconfirmed", "perhaps")
FOR_GOOD = Fault(Verdict.GIVE_UP, "554", "never")
LOGIN = Fault(Verdict.PAUSE, "535", "sign in")
NO_SUCH = Fault(Verdict.BAD_ADDRESS, "550 5.1.1", "no such mailbox")


@dataclasses.dataclass
class Answers:
    """What the composer would say."""

    is_wanted: bool = True
    is_moot: bool = False
    other: str | None = None

    def standing(self, transaction: Any, claim: Claim, now: dt.datetime) -> Standing:
        return Standing.MOOT if self.is_moot else Standing.WANTED if self.is_wanted else Standing.UNWANTED

    def quiet_until(self, session: Any, claim: Claim, now: dt.datetime) -> dt.datetime | None:
        return None

    def other_channel(self, session: Any, claim: Claim, now: dt.datetime) -> str | None:
        return self.other


@pytest.fixture
def user(store: Store) -> User:
    return add_user(store)


def queue(store: Store, user: User, count: int = 1, *, channel: Channel = Channel.EMAIL, **values: Any) -> list[int]:
    """Deliveries that are due, by id."""
    with store.writing() as session:
        rows = [Delivery(**(_delivery(user, number, channel) | values)) for number in range(count)]
        return [add_delivery(session, row, _message(number, channel)).id for number, row in enumerate(rows)]


def _message(number: int, channel: Channel) -> Message:
    if channel is Channel.EMAIL:
        return dataclasses.replace(MAIL, message_id=f"<{number}@x.test>")
    return Text("+14155550101", f"Thank Ana {number}")


def _delivery(user: User, number: int, channel: Channel) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "channel": channel,
        "kind": "nudge",
        "dedupe_key": f"{number}.1:0",
        "subject": "Thank Ana",
        "due_at": NOW,
        "created_at": NOW,
        "useless_at": NOW + dt.timedelta(days=30),
    }


def make(store: Store, transports: Any, answers: Answers | None = None, *, senders: int = 0) -> Dispatcher:
    return Dispatcher(store, answers or Answers(), transports, Timing(), senders=senders)


def row(store: Store, number: int = 1) -> Delivery:
    with store.reading() as session:
        return session.get_one(Delivery, number)


def attempts(store: Store) -> list[tuple[int, str | None]]:
    with store.reading() as session:
        found = session.scalars(select(Attempt).order_by(Attempt.delivery_id, Attempt.number))
        return [(attempt.number, attempt.outcome) for attempt in found]


def begin(session: Session, owner: str, now: dt.datetime, limit: int = 1) -> list[Claim]:
    """What an owner that is not a dispatcher holds, about to hand it over."""
    connection = session.connection()
    return outbox.begin_attempts(connection, outbox.find_due(connection, now, limit), owner, now, now + MINUTE)


class Watching(Recorder):
    """Looks into the database while it sends."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.seen: list[tuple[int, str | None]] = []

    def send(self, message: Any) -> Receipt:
        self.seen = attempts(self.store)
        with self.store.writing() as session:  # nobody holds a transaction open
            session.get_one(User, 1).name = "Written meanwhile"
        return super().send(message)


def test_the_attempt_is_committed_before_the_transport_is_called(store: Store, user: User) -> None:
    queue(store, user)
    watching = Watching(store)
    assert make(store, {Channel.EMAIL: watching}).run_once(lambda: NOW).sent == 1
    assert watching.seen == [(1, None)]
    assert attempts(store) == [(1, "sent")]
    assert row(store).provider_reference == "taken-1"


def kill_while_sending(store: Store, transports: Any, channel: Channel, *, taken: bool) -> None:
    """A process that dies in the transport: with the message handed over, or not."""
    transport = transports[channel]
    send = transport.send

    def dying(message: Any) -> Receipt:
        if taken:
            send(message)
        raise SystemExit

    transport.send = dying
    with pytest.raises(SystemExit):
        make(store, transports).step(NOW)
    transport.send = send
    assert row(store).state == DeliveryState.LEASED
    assert attempts(store) == [(1, None)]


def test_mail_in_flight_at_a_kill_goes_out_again_with_the_same_bytes(store: Store, user: User) -> None:
    queue(store, user)
    transports = recorders()
    kill_while_sending(store, transports, Channel.EMAIL, taken=True)
    after = make(store, transports)
    assert after.rescue(NOW + MINUTE / 2) == 0  # the lease may belong to somebody alive
    assert after.rescue(NOW + 2 * MINUTE) == 1
    assert row(store).state == DeliveryState.UNKNOWN
    after.run_once(lambda: NOW + 2 * MINUTE)
    first, second = transports[Channel.EMAIL].taken
    assert first == second
    assert attempts(store) == [(1, "reconcile"), (2, "sent")]


def test_whoever_is_alone_on_the_file_need_not_wait_for_the_lease(store: Store, user: User) -> None:
    queue(store, user)
    transports = recorders()
    kill_while_sending(store, transports, Channel.EMAIL, taken=False)
    after = make(store, transports)
    assert after.rescue(NOW, alone=True) == 1
    assert after.run_once(lambda: NOW).sent == 1


def test_what_was_leased_but_never_attempted_is_simply_pending_again(store: Store, user: User) -> None:
    queue(store, user)
    with store.writing() as session:
        outbox.lease(session.connection(), outbox.find_due(session.connection(), NOW, 9), "dead", NOW + MINUTE)
    after = make(store, recorders())
    assert after.rescue_if_any(NOW) == 0
    assert after.rescue_if_any(NOW + 2 * MINUTE) == 1
    assert row(store).state == DeliveryState.PENDING


def after_a_kill(store: Store, user: User, *, taken: bool) -> tuple[Any, Dispatcher]:
    """Twilio, which can be asked, with a text that it took or not when its sender was killed; and who comes next, two
    minutes later."""
    queue(store, user, channel=Channel.SMS)
    transports = recorders()
    transports[Channel.SMS].can_find = True
    kill_while_sending(store, transports, Channel.SMS, taken=taken)
    after = make(store, transports)
    after.rescue(NOW + 2 * MINUTE)
    return transports[Channel.SMS], after


def test_a_text_that_twilio_has_is_found_and_not_sent_again(store: Store, user: User) -> None:
    sms, after = after_a_kill(store, user, taken=True)
    sms.found = [Receipt("SM1")]
    assert after.run_once(lambda: NOW + 2 * MINUTE).sent == 1
    assert len(sms.taken) == 1
    assert row(store).provider_reference == "SM1"
    assert attempts(store) == [(1, "sent")]


def test_a_text_that_is_found_was_sent_before_the_pause_and_does_not_lift_it(store: Store, user: User) -> None:
    sms, after = after_a_kill(store, user, taken=True)
    at = NOW + 2 * MINUTE
    with store.writing() as session:
        outbox.pause_channel(session, user.id, Channel.SMS, LOGIN, at)
    sms.found = [Receipt("SM1")]
    assert after.run_once(lambda: at).sent == 1
    with store.reading() as session:
        assert session.get_one(ChannelHealth, (user.id, "sms")).paused_at == at


def test_a_text_goes_out_again_only_after_two_empty_looks(store: Store, user: User) -> None:
    sms, after = after_a_kill(store, user, taken=False)
    at = NOW + 2 * MINUTE
    after.run_once(lambda: at)
    assert (row(store).state, row(store).due_at) == (DeliveryState.UNKNOWN, at + MINUTE)
    after.run_once(lambda: at + MINUTE / 2)
    assert not sms.taken
    after.run_once(lambda: at + MINUTE)
    assert len(sms.taken) == 1
    assert attempts(store) == [(1, "not_found"), (2, "sent")]


def test_a_kill_between_two_looks_keeps_the_outcome_unknown(store: Store, user: User) -> None:
    queue(store, user, channel=Channel.SMS)
    transports = recorders()
    sms = transports[Channel.SMS]
    sms.can_find = True
    kill_while_sending(store, transports, Channel.SMS, taken=True)
    at = NOW + 2 * MINUTE
    looking = make(store, transports)
    looking.rescue(at)
    sms.found = [SystemExit()]
    with pytest.raises(SystemExit):
        looking.step(at)
    after = make(store, transports)
    assert after.rescue(at, alone=True) == 1
    assert row(store).state == DeliveryState.UNKNOWN
    sms.found = [Receipt("SM1")]
    after.run_once(lambda: at)
    assert len(sms.taken) == 1


def test_a_look_that_fails_never_leads_to_a_second_text(store: Store, user: User) -> None:
    queue(store, user, channel=Channel.SMS, useless_at=NOW + 5 * HOUR)
    transports = recorders()
    sms = transports[Channel.SMS]
    sms.can_find = True
    sms.script = [SendFailed(UNSURE)]
    sms.found = [SendFailed(UNSURE)] * 100
    dispatcher = make(store, transports)
    now, looks = NOW, 0
    while row(store).state in (DeliveryState.PENDING, DeliveryState.UNKNOWN):
        looks += 1
        dispatcher.run_once(lambda: now)  # noqa: B023
        now = max(row(store).due_at, now + MINUTE)
    assert not sms.taken
    assert row(store).state == DeliveryState.FAILED
    assert looks < 20  # ever more slowly, and not beyond what is of use


def test_a_stale_claim_cannot_settle(store: Store, user: User) -> None:
    queue(store, user)
    with store.writing() as session:
        (stale,) = begin(session, "slow", NOW)
    later = NOW + 2 * MINUTE
    with store.writing() as session:
        outbox.rescue(session, later)
        (fresh,) = begin(session, "next", later)
    with store.writing() as session:
        assert outbox.turn(session.connection(), [(stale, "stale")], later, 0)[0] == []
        assert not outbox.put_back(session, stale, later)
        assert not outbox.cancel(session, stale)
    assert row(store).lease_owner == "next"
    with store.writing() as session:
        assert outbox.turn(session.connection(), [(stale, "stale"), (fresh, "fresh")], later, 0)[0] == [fresh]
    assert row(store).provider_reference == "fresh"
    assert attempts(store) == [(1, "reconcile"), (2, "sent")]


def test_a_stale_claim_changes_nothing_else_of_the_user_s(store: Store, user: User) -> None:
    queue(store, user, 2, channel=Channel.SMS, due_at=NOW)
    with store.writing() as session:
        session.get_one(Delivery, 2).dedupe_key = "0.1:0+1"
        session.get_one(Delivery, 2).due_at = NOW + HOUR
        outbox.pause_channel(session, user.id, Channel.SMS, LOGIN, NOW)
    with store.writing() as session:
        (stale,) = begin(session, "slow", NOW)
    later = NOW + 2 * MINUTE
    with store.writing() as session:
        outbox.rescue(session, later)
    with store.transaction() as transaction:
        outbox.turn(transaction.connection, [(stale, "stale")], later, 0)
    assert row(store, 2).due_at == NOW + HOUR
    with store.reading() as session:
        assert session.get_one(ChannelHealth, (user.id, "sms")).paused_at == NOW


@pytest.mark.parametrize("fault", [LOGIN, NO_SUCH])
def test_a_channel_that_fails_beside_a_success_stays_paused(store: Store, user: User, fault: Fault) -> None:
    queue(store, user, 2)
    with store.writing() as session:  # so that the success lifts a pause
        outbox.pause_channel(session, user.id, Channel.EMAIL, LOGIN, NOW - HOUR)
    transports = recorders()
    transports[Channel.EMAIL].script = [SendFailed(fault)]
    dispatcher, landed = make(store, transports, senders=2), threading.Semaphore(0)
    dispatcher.on_landing(landed.release)
    assert dispatcher.step(NOW) == 2
    for _ in range(2):
        assert landed.acquire(timeout=PATIENCE)
    dispatcher.step(NOW)
    with store.reading() as session:
        health = session.get_one(ChannelHealth, (user.id, "email"))
        assert (health.paused_at, health.code) == (NOW, fault.code)
    assert len(transports[Channel.EMAIL].taken) == 1
    dispatcher.stop(lambda: NOW)


def test_what_was_begun_before_a_pause_does_not_lift_it_and_what_was_sent_in_spite_of_it_does(
    store: Store, user: User
) -> None:
    queue(store, user, 2)
    with store.writing() as session:
        (before,) = begin(session, "a", NOW)
        outbox.pause_channel(session, user.id, Channel.EMAIL, LOGIN, NOW)
    with store.writing() as session:
        (in_spite,) = begin(session, "a", NOW)
    for claim, paused_at in ((before, NOW), (in_spite, None)):
        with store.transaction() as transaction:
            outbox.turn(transaction.connection, [(claim, "taken")], NOW + MINUTE, 0)
        with store.reading() as session:
            assert session.get_one(ChannelHealth, (user.id, "email")).paused_at == paused_at


def test_a_rescue_that_races_with_the_finish_changes_nothing(store: Store, user: User) -> None:
    queue(store, user)
    with store.writing() as session:
        (claim,) = begin(session, "slow", NOW)
    with store.writing() as session:
        assert outbox.turn(session.connection(), [(claim, "done")], NOW + 2 * MINUTE, 0)[0] == [claim]
    with store.writing() as session:
        assert outbox.rescue(session, NOW + 3 * MINUTE) == 0
    assert row(store).state == DeliveryState.SENT


def test_a_rescue_and_a_finish_at_the_same_moment_have_one_winner(store: Store, user: User) -> None:
    queue(store, user, 40)
    with store.writing() as session:
        claims = begin(session, "slow", NOW, 40)
    later, settled = NOW + 2 * MINUTE, set[int]()
    together = threading.Barrier(2)

    def finish() -> None:
        for claim in claims:
            together.wait(PATIENCE)
            with store.transaction() as transaction:
                done, _ = outbox.turn(transaction.connection, [(claim, "done")], later, 0)
            settled.update(one.delivery_id for one in done)

    thread = threading.Thread(target=finish)
    thread.start()
    rescued = 0
    for claim in claims:
        with store.writing() as session:  # one more has run out
            session.get_one(Delivery, claim.delivery_id).lease_until = NOW + MINUTE / 2
        together.wait(PATIENCE)
        with store.writing() as session:
            rescued += outbox.rescue(session, NOW + MINUTE - MINUTE / 4)
    thread.join(PATIENCE)
    with store.reading() as session:
        states = dict(session.execute(select(Delivery.id, Delivery.state)).all())
    assert {key for key, state in states.items() if state == DeliveryState.SENT} == settled
    assert {key for key, state in states.items() if state == DeliveryState.UNKNOWN} == set(states) - settled
    assert rescued == len(states) - len(settled)


def test_two_claimers_share_a_thousand_deliveries_and_never_one(store: Store, user: User) -> None:
    ids = queue(store, user, 1000)
    url = f"sqlite:///{store.path}" if store.path else store.engine.url.render_as_string(hide_password=False)
    claimed: dict[str, list[Claim]] = {"a": [], "b": []}
    together = threading.Barrier(2)

    def claim(name: str) -> None:
        own = Store(url)
        together.wait(PATIENCE)
        while True:
            with own.writing() as session:
                got = outbox.find_due(session.connection(), NOW, 7)
                outbox.lease(session.connection(), got, name, NOW + MINUTE)
            if not got:
                break
            claimed[name] += got
            if len(claimed[name]) == len(got):
                together.wait(PATIENCE)  # both have their first ones; from here on each as fast as it can
        own.dispose()

    threads = [threading.Thread(target=claim, args=(name,)) for name in claimed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert all(claimed.values())
    both = claimed["a"] + claimed["b"]
    assert sorted(one.delivery_id for one in both) == ids
    assert {one.fence for one in both} == {1}


def test_transient_faults_back_off_until_the_message_is_useless(sqlite_store: Store) -> None:
    user = add_user(sqlite_store)
    queue(sqlite_store, user, useless_at=NOW + 4 * HOUR)
    transports = recorders()
    transports[Channel.EMAIL].always = SendFailed(SURE)
    dispatcher = make(sqlite_store, transports)
    now, waits = NOW, []
    while row(sqlite_store).state == DeliveryState.PENDING:
        dispatcher.run_once(lambda: now)  # noqa: B023
        waits.append(row(sqlite_store).due_at - now)
        now = row(sqlite_store).due_at
    assert row(sqlite_store).state == DeliveryState.FAILED
    assert not row(sqlite_store).failure_told
    for wait, usual in zip(waits, BACKOFF, strict=False):
        assert usual <= wait <= usual * 1.2
    assert len(waits) == 7


def test_a_wait_that_the_server_asks_for_is_kept(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store))
    transports = recorders()
    transports[Channel.EMAIL].script = [SendFailed(dataclasses.replace(SURE, retry_after=HOUR))]
    make(sqlite_store, transports).run_once(lambda: NOW)
    assert row(sqlite_store).due_at == NOW + HOUR


def test_a_server_that_never_confirms_gets_only_so_many_copies(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store))
    transports = recorders()
    transports[Channel.EMAIL].always = SendFailed(UNSURE)
    dispatcher = make(sqlite_store, transports)
    now = NOW
    while row(sqlite_store).state in (DeliveryState.PENDING, DeliveryState.UNKNOWN):
        dispatcher.run_once(lambda: now)  # noqa: B023
        now = max(row(sqlite_store).due_at, now + MINUTE)
    assert row(sqlite_store).state == DeliveryState.FAILED
    assert len(attempts(sqlite_store)) == COPIES


def test_what_is_no_longer_of_use_is_not_sent(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store), useless_at=NOW + HOUR)
    transports = recorders()
    transports[Channel.EMAIL].script = [SendFailed(SURE)]
    dispatcher = make(sqlite_store, transports)
    dispatcher.run_once(lambda: NOW)
    assert dispatcher.run_once(lambda: NOW + 2 * HOUR).failed == 1
    assert not transports[Channel.EMAIL].taken


def test_what_nobody_wants_any_more_is_cancelled_though_it_was_attempted(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store))
    transports = recorders()
    transports[Channel.EMAIL].script = [SendFailed(SURE)]
    answers = Answers()
    dispatcher = make(sqlite_store, transports, answers)
    dispatcher.run_once(lambda: NOW)
    answers.is_moot = True
    assert dispatcher.run_once(lambda: NOW + HOUR).cancelled == 1
    assert row(sqlite_store).state == DeliveryState.CANCELLED


def test_from_the_first_attempt_on_the_bytes_are_frozen(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store))
    transports = recorders()
    transports[Channel.EMAIL].script = [SendFailed(SURE)]
    answers = Answers()
    dispatcher = make(sqlite_store, transports, answers)
    dispatcher.run_once(lambda: NOW)
    answers.is_wanted = False
    assert dispatcher.run_once(lambda: NOW + HOUR).sent == 1


def test_a_message_that_cannot_be_read_does_not_stop_the_others(store: Store, user: User) -> None:
    queue(store, user, 4)
    with store.writing() as session:
        session.get_one(StoredMessage, 1).envelope = {"subject": "an envelope without addresses"}
        session.get_one(StoredMessage, 2).content = None
        session.delete(session.get_one(StoredMessage, 3))
    transports = recorders()
    assert make(store, transports).run_once(lambda: NOW).sent == 1
    assert [row(store, number).state for number in (1, 2, 3, 4)] == ["failed", "failed", "failed", "sent"]


def test_a_transport_with_a_mistake_of_its_own_does_not_stop_the_others(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store), 3)
    transports = recorders()
    transports[Channel.EMAIL].script = [ZeroDivisionError()]
    dispatcher = make(sqlite_store, transports, senders=2)
    assert dispatcher.run_once(lambda: NOW).sent == 2
    assert row(sqlite_store).state == DeliveryState.UNKNOWN
    dispatcher.stop(lambda: NOW)


def test_a_paused_channel_is_tried_every_hour_and_comes_through_once_mended(store: Store, user: User) -> None:
    queue(store, user)
    transports = recorders()
    email = transports[Channel.EMAIL]
    email.always = SendFailed(LOGIN)
    dispatcher = make(store, transports)
    for hour in range(3):
        dispatcher.run_once(lambda: NOW + hour * PROBE_AGAIN)  # noqa: B023
        assert row(store).due_at == NOW + (hour + 1) * PROBE_AGAIN
    assert row(store).state == DeliveryState.PENDING
    email.always = None
    assert dispatcher.run_once(lambda: NOW + 2 * PROBE_AGAIN).sent == 0
    assert dispatcher.run_once(lambda: NOW + 3 * PROBE_AGAIN).sent == 1
    with store.reading() as session:
        assert session.get_one(ChannelHealth, (user.id, "email")).paused_at is None


def test_settings_read_anew_bring_what_waited_at_once(store: Store, user: User) -> None:
    queue(store, user)
    transports = recorders()
    transports[Channel.EMAIL].script = [SendFailed(LOGIN)]
    dispatcher = make(store, transports)
    dispatcher.run_once(lambda: NOW)
    with store.writing() as session:
        outbox.unpause_channels(session, NOW + MINUTE)
    assert dispatcher.run_once(lambda: NOW + MINUTE).sent == 1


def test_a_pause_moves_what_was_not_attempted_to_the_other_channel(store: Store, user: User) -> None:
    queue(store, user)
    other = add_user(store, email="other@example.com")
    (unpaused,) = queue(store, other)
    with store.writing() as session:
        outbox.pause_channel(session, user.id, "email", LOGIN, NOW)
        outbox.pause_channel(session, user.id, "sms", LOGIN, NOW)
        outbox.pause_channel(session, other.id, "sms", LOGIN, NOW)
    transports = recorders()
    tally = make(store, transports, Answers(other="sms")).run_once(lambda: NOW)
    assert (tally.cancelled, tally.sent) == (1, 1)
    assert row(store, unpaused).state == DeliveryState.SENT


@pytest.mark.parametrize(("fault", "pauses"), [(FOR_GOOD, False), (NO_SUCH, True), (LOGIN, True)])
def test_what_failed_for_good_is_left_to_the_other_channel(sqlite_store: Store, fault: Fault, pauses: bool) -> None:
    user = add_user(sqlite_store)
    queue(sqlite_store, user)
    transports = recorders()
    transports[Channel.EMAIL].always = SendFailed(fault)
    tally = make(sqlite_store, transports, Answers(other="sms")).run_once(lambda: NOW)
    assert (tally.failed, tally.moved) == (0, 1)
    assert row(sqlite_store).state == DeliveryState.FAILED
    with sqlite_store.reading() as session:
        health = session.get(ChannelHealth, (user.id, "email"))
    assert (health is not None and health.paused_at is not None) is pauses


def test_a_channel_that_is_not_set_up_any_more_gives_its_messages_to_the_other(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store), channel=Channel.SMS)
    dispatcher = make(sqlite_store, {Channel.EMAIL: Recorder()}, Answers(other="email"))
    assert dispatcher.run_once(lambda: NOW).cancelled == 1
    assert row(sqlite_store).state == DeliveryState.CANCELLED


def test_a_channel_that_is_not_set_up_any_more_does_not_spin(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store), channel=Channel.SMS)
    dispatcher = make(sqlite_store, {Channel.EMAIL: Recorder()})
    dispatcher.run_once(lambda: NOW)
    assert (row(sqlite_store).state, row(sqlite_store).due_at) == (DeliveryState.PENDING, NOW + PROBE_AGAIN)


class Held(Recorder):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.let = threading.Event(), threading.Event()

    def send(self, message: Any) -> Receipt:
        self.entered.set()
        assert self.let.wait(PATIENCE)
        return super().send(message)


def test_the_lease_of_a_send_that_is_alive_is_renewed_even_after_a_sleep(store: Store, user: User) -> None:
    queue(store, user)
    held = Held()
    dispatcher = make(store, {Channel.EMAIL: held}, senders=2)
    landed = threading.Event()
    dispatcher.on_landing(landed.set)
    dispatcher.step(NOW)
    assert held.entered.wait(PATIENCE)
    asleep_until = NOW + 3 * HOUR
    dispatcher.land(asleep_until)
    assert dispatcher.rescue_if_any(asleep_until) == 0
    assert row(store).lease_until == asleep_until + MINUTE
    held.let.set()
    assert landed.wait(PATIENCE)
    dispatcher.step(asleep_until)
    assert row(store).state == DeliveryState.SENT
    assert len(held.taken) == 1
    assert dispatcher.stop(lambda: asleep_until) == 0


def test_an_unanswered_send_is_left_with_its_attempt_open(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store))
    held = Held()
    timing = Timing(stop=dt.timedelta())
    dispatcher = Dispatcher(sqlite_store, Answers(), {Channel.EMAIL: held}, timing, senders=1)
    dispatcher.step(NOW)
    assert dispatcher.stop(lambda: NOW) == 1
    assert held.closed
    assert attempts(sqlite_store) == [(1, None)]
    held.let.set()


def test_no_more_is_claimed_than_there_are_senders(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store), 5)
    held = Held()
    dispatcher = make(sqlite_store, {Channel.EMAIL: held}, senders=2)
    dispatcher.step(NOW)
    with sqlite_store.reading() as session:
        assert outbox.counts(session)["leased"] == 2
    held.let.set()
    assert dispatcher.run_once(lambda: NOW).sent == 5
    dispatcher.stop(lambda: NOW)


def test_messages_that_land_together_are_settled_in_one_commit_with_their_successors_attempts(
    sqlite_store: Store,
) -> None:
    """Forty messages, ten in flight: shared commits, and never an attempt that is noted after its message left."""
    queue(sqlite_store, add_user(sqlite_store), 40)
    commits: list[None] = []
    event.listen(sqlite_store.engine, "commit", lambda connection: commits.append(None))
    together = Together(10)
    dispatcher = make(sqlite_store, {Channel.EMAIL: together}, senders=10)
    assert dispatcher.run_once(lambda: NOW).sent == 40
    assert attempts(sqlite_store) == [(1, "sent")] * 40
    assert len(commits) < 40


class Together(Recorder):
    """Answers when so many are in flight."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.all_here = threading.Barrier(count, timeout=PATIENCE)

    def send(self, message: Any) -> Receipt:
        self.all_here.wait()
        return super().send(message)


def test_a_delivery_whose_rows_break_the_recheck_is_put_off_and_the_others_go_out(store: Store, user: User) -> None:
    first, second, *_ = queue(store, user, 5)

    class Broken(Answers):
        def standing(self, transaction: Any, claim: Claim, now: dt.datetime) -> Standing:
            if claim.delivery_id == second:
                raise ValueError("a row that nobody understands")
            return super().standing(transaction, claim, now)

    transports = recorders()
    dispatcher = make(store, transports, Broken(), senders=4)
    tally = dispatcher.run_once(lambda: NOW)
    assert (tally.sent, tally.waiting) == (4, 1)
    assert row(store, first).state == DeliveryState.SENT
    assert (row(store, second).state, row(store, second).due_at) == (DeliveryState.PENDING, NOW + PUT_OFF_FOR)
    assert len(transports[Channel.EMAIL].taken) == 4


def test_what_cannot_be_settled_does_not_keep_the_others_from_it(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(sqlite_store, add_user(sqlite_store), 3)
    turn = outbox.turn

    def broken(connection: Any, taken: Any, now: dt.datetime, limit: int) -> Any:
        if any(claim.delivery_id == 2 for claim, _ in taken):
            raise ValueError("a row that nobody understands")
        return turn(connection, taken, now, limit)

    monkeypatch.setattr(outbox, "turn", broken)
    assert make(sqlite_store, recorders(), senders=3).run_once(lambda: NOW).sent == 2
    assert [row(sqlite_store, number).state for number in (1, 2, 3)] == ["sent", "leased", "sent"]
    monkeypatch.undo()
    after = make(sqlite_store, recorders())
    assert after.rescue(NOW + 2 * MINUTE) == 1
    assert after.run_once(lambda: NOW + 2 * MINUTE).sent == 1


def test_a_process_that_was_stopped_past_its_lease_hands_nothing_over(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be another's by now; what was not handed over is tried again by whoever holds it then."""
    queue(sqlite_store, add_user(sqlite_store))
    steady = iter([0.0, 61.0])
    monkeypatch.setattr("reminderd.dispatcher.steady", lambda: next(steady, 61.0))
    transports = recorders()
    assert make(sqlite_store, transports, senders=1).run_once(lambda: NOW).waiting == 1
    assert transports[Channel.EMAIL].taken == []
    found = row(sqlite_store)
    assert (found.state, found.fault_code) == (DeliveryState.PENDING, "overslept")


def test_a_burst_ends_while_something_hangs_and_is_called_when_that_lands(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store), 5)
    held = Held()
    dispatcher = make(sqlite_store, {Channel.EMAIL: held}, senders=1)
    called = threading.Event()
    dispatcher.on_landing(called.set)
    assert dispatcher.burst(lambda: NOW, for_seconds=0.01).sent == 0
    assert dispatcher.in_flight == 1
    assert not called.is_set()
    held.let.set()
    assert called.wait(PATIENCE)
    assert dispatcher.burst(lambda: NOW, for_seconds=PATIENCE).sent == 5


def test_a_burst_leaves_the_rest_when_its_time_is_over(sqlite_store: Store) -> None:
    queue(sqlite_store, add_user(sqlite_store), 5)
    called = threading.Event()
    dispatcher = make(sqlite_store, recorders(), senders=1)
    dispatcher.on_landing(called.set)
    assert dispatcher.burst(lambda: NOW, for_seconds=0).sent == 0
    assert called.wait(PATIENCE)
