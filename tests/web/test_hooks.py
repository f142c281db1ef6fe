"""Twilio's webhooks: only what Twilio signed for the public address, each text once, states only forward."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from reminderd.message import Channel, Text
from reminderd.rules.retry import Verdict
from reminderd.rules.states import State
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, DeliveryState
from reminderd.transports.twilio_codes import TABLE, fault_for_status
from tests.flow.parts import NOON, PHONE
from tests.servers.twilio import ACCOUNT, SENDER, TOKEN
from tests.store.rows import add_delivery
from tests.web.parts import ROOT, SETTINGS, Desk, make_desk

SID = "SM" + "1" * 32


def inbound(body: str, sid: str = SID, sender: str = PHONE, **more: str) -> dict[str, str]:
    fields = {"MessageSid": sid, "AccountSid": ACCOUNT, "From": sender, "To": SENDER, "Body": body, "NumMedia": "0"}
    return fields | more


def post(desk: Desk, path: str, fields: dict[str, str], *, url: str = "", token: str = TOKEN, **more: Any) -> int:
    """As Twilio posts: signed over the public address and the sorted fields."""
    signature = RequestValidator(token).compute_signature(url or f"{ROOT}{path}", fields)
    headers = {"X-Twilio-Signature": signature, **more.pop("headers", {})}
    return desk.client.post(path, data=fields, headers=headers, **more).status_code


def test_a_signed_text_is_applied_once_however_often_it_is_posted(desk_on_both: Desk) -> None:
    desk = desk_on_both
    number = desk.story.nudges("accepted")[0].number
    assert post(desk, "/twilio/inbound", inbound(f"DONE {number}")) == 200
    assert desk.nudge(number).state == State.DONE
    with desk.house.store.writing() as session:
        desk.house.actions.undo(session, session.merge(desk.user()), desk.now)
    assert desk.nudge(number).state == State.OPEN
    before = desk.mark()
    assert post(desk, "/twilio/inbound", inbound(f"DONE {number}")) == 200
    assert desk.mark() == before


def test_a_text_that_was_posted_is_not_applied_again_when_it_is_polled(desk: Desk) -> None:
    from reminderd.replies.sms import take_text
    from reminderd.transports.twilio import ReceivedText

    number = desk.story.nudges("accepted")[0].number
    post(desk, "/twilio/inbound", inbound(f"SKIP {number}"))
    before = desk.mark()
    with desk.house.store.writing() as session:
        assert take_text(session, desk.house.door, ReceivedText(SID, PHONE, f"SKIP {number}", NOON), NOON) == 0
    assert desk.mark() == before


def test_the_answer_is_empty_twiml(desk: Desk) -> None:
    fields = inbound("LIST")
    signature = RequestValidator(TOKEN).compute_signature(f"{ROOT}/twilio/inbound", fields)
    answer = desk.client.post("/twilio/inbound", data=fields, headers={"X-Twilio-Signature": signature})
    assert answer.mimetype == "text/xml"
    assert answer.text.endswith("<Response/>")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Twilio-Signature": ""},
        {"X-Twilio-Signature": "bm90IGl0"},
        {"X-Twilio-Signature": "\u00e9"},
    ],
)
@pytest.mark.parametrize("path", ["/twilio/inbound", "/twilio/status"])
def test_without_a_right_signature_nothing_happens(desk: Desk, path: str, headers: dict[str, str]) -> None:
    before = desk.mark()
    number = desk.story.nudges("accepted")[0].number
    assert desk.client.post(path, data=inbound(f"DONE {number}"), headers=headers).status_code == 403
    assert desk.mark() == before


def test_the_signature_is_for_the_public_address_whatever_host_header_comes(desk: Desk) -> None:
    number = desk.story.nudges("accepted")[0].number
    before = desk.mark()
    # Signed by somebody who has the token of another address: replayed against ours.
    forged = post(
        desk,
        "/twilio/inbound",
        inbound(f"DONE {number}"),
        url="https://evil.example/twilio/inbound",
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
    )
    assert forged == 403
    assert desk.mark() == before
    behind = post(desk, "/twilio/inbound", inbound(f"DONE {number}"), headers={"Host": "127.0.0.1:8025"})
    assert behind == 200
    assert desk.nudge(number).state == State.DONE


def test_the_signature_covers_every_field_and_the_query(desk: Desk) -> None:
    number = desk.story.nudges("accepted")[0].number
    signature = RequestValidator(TOKEN).compute_signature(f"{ROOT}/twilio/inbound", inbound(f"SNOOZE {number}"))
    headers = {"X-Twilio-Signature": signature}
    altered = desk.client.post("/twilio/inbound", data=inbound(f"DONE {number}"), headers=headers)
    assert altered.status_code == 403
    assert post(desk, "/twilio/inbound?a=b", inbound("LIST"), url=f"{ROOT}/twilio/inbound") == 403
    assert post(desk, "/twilio/inbound?a=b", inbound("LIST")) == 200


def test_a_stranger_and_another_account_are_not_obeyed(desk: Desk) -> None:
    number = desk.story.nudges("accepted")[0].number
    before = desk.mark()
    assert post(desk, "/twilio/inbound", inbound(f"DONE {number}", sender="+14155559999")) == 200
    assert post(desk, "/twilio/inbound", inbound(f"DONE {number}", sid="SM2", AccountSid="AC" + "9" * 32)) == 200
    assert post(desk, "/twilio/inbound", {"AccountSid": ACCOUNT}) == 200
    assert desk.mark() == before


def test_stop_switches_texts_off_and_says_so_by_mail(desk: Desk) -> None:
    assert post(desk, "/twilio/inbound", inbound("STOP")) == 200
    assert not desk.user().sms_enabled
    desk.story.pass_at(NOON)
    assert any("text" in mail.subject.lower() or b"START" in mail.content for mail in _mails(desk))


def _mails(desk: Desk) -> list[Any]:
    taken: list[Any] = desk.story.transports[Channel.EMAIL].taken  # type: ignore[attr-defined]
    return taken


# ---- statuses


@pytest.fixture
def sent(desk: Desk) -> tuple[Desk, int]:
    """A text that Twilio has taken."""
    with desk.house.store.writing() as session:
        row = Delivery(
            user_id=desk.story.user_id,
            channel="sms",
            kind="nudge",
            dedupe_key="1",
            state=DeliveryState.SENT,
            subject="x",
            due_at=NOON,
            created_at=NOON,
            sent_at=NOON,
            useless_at=NOON + dt.timedelta(days=2),
            attempts=1,
            provider_reference=SID,
        )
        return desk, add_delivery(session, row, Text(PHONE, "x")).id


def state_of(desk: Desk, delivery: int) -> str:
    with desk.house.store.reading() as session:
        return session.get_one(Delivery, delivery).state


def status(word: str, **more: str) -> dict[str, str]:
    return {"MessageSid": SID, "AccountSid": ACCOUNT, "MessageStatus": word, **more}


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["queued", "sending", "sent"], DeliveryState.SENT),
        (["delivered"], DeliveryState.DELIVERED),
        (["delivered", "delivered"], DeliveryState.DELIVERED),
        (["delivered", "sent", "queued"], DeliveryState.DELIVERED),
        (["delivered", "failed"], DeliveryState.DELIVERED),
        (["undelivered", "delivered"], DeliveryState.FAILED),
        (["undelivered", "sent", "undelivered", "failed"], DeliveryState.FAILED),
        (["nonsense"], DeliveryState.SENT),
    ],
)
def test_states_only_move_forward_in_whatever_order_they_come(
    sent: tuple[Desk, int], words: list[str], state: DeliveryState
) -> None:
    desk, delivery = sent
    for word in words:
        assert post(desk, "/twilio/status", status(word, ErrorCode="30005")) == 204
    assert state_of(desk, delivery) == state


def test_after_any_code_a_lost_text_goes_again_or_its_end_is_to_be_told(sent: tuple[Desk, int]) -> None:
    desk, delivery = sent
    codes = [code for row in TABLE for code in row.codes if code >= 30000]
    assert len(codes) > 10
    for code in codes:
        with desk.house.store.writing() as session:
            row = session.get_one(Delivery, delivery)
            row.state, row.sent_at, row.provider_reference, row.failure_told = DeliveryState.SENT, NOON, SID, True
        assert post(desk, "/twilio/status", status("undelivered", ErrorCode=str(code))) == 204
        with desk.house.store.reading() as session:
            row = session.get_one(Delivery, delivery)
        again = fault_for_status(code).verdict is Verdict.AGAIN
        assert row.state == (DeliveryState.PENDING if again else DeliveryState.FAILED)
        assert row.due_at > NOON if again else not row.failure_told
        assert row.fault_code == str(code)


@pytest.mark.parametrize("code", ["30003", "30005"])  # one that is tried again, one that is not
def test_a_loss_that_is_told_twice_is_dealt_with_once(sent: tuple[Desk, int], code: str) -> None:
    desk, _ = sent
    before = desk.story.deliveries()
    assert post(desk, "/twilio/status", status("undelivered", ErrorCode=code)) == 204
    once = [row_of(row) for row in desk.story.deliveries()]
    assert once != [row_of(row) for row in before]
    desk.now += dt.timedelta(minutes=1)
    for word in ("undelivered", "failed", "sent"):
        assert post(desk, "/twilio/status", status(word, ErrorCode=code)) == 204
    assert [row_of(row) for row in desk.story.deliveries()] == once


def test_a_status_that_comes_before_the_text_is_known_as_sent_changes_nothing(sent: tuple[Desk, int]) -> None:
    desk, delivery = sent
    with desk.house.store.writing() as session:
        row = session.get_one(Delivery, delivery)
        row.state, row.sent_at, row.provider_reference = DeliveryState.LEASED, None, None
        row.lease_owner, row.lease_until = "a node", NOON + dt.timedelta(minutes=1)
    for word in ("sent", "delivered", "failed"):
        assert post(desk, "/twilio/status", status(word, ErrorCode="30005")) == 204
    assert state_of(desk, delivery) == DeliveryState.LEASED


def row_of(row: Delivery) -> tuple[Any, ...]:
    return (row.id, row.state, row.due_at, row.fault_code, row.provider_reference, row.attempts, row.failure_told)


def test_the_status_of_somebody_elses_text_changes_nothing(sent: tuple[Desk, int]) -> None:
    desk, delivery = sent
    assert post(desk, "/twilio/status", status("failed") | {"MessageSid": "SM9"}) == 204
    assert post(desk, "/twilio/status", status("failed", ErrorCode="x" * 50) | {"AccountSid": "AC9"}) == 204
    assert state_of(desk, delivery) == DeliveryState.SENT


@pytest.mark.parametrize("missing", ["SITE_ROOT", "TWILIO"])
def test_without_address_or_account_nothing_counts_as_signed(sqlite_store: Store, tmp_path: Path, missing: str) -> None:
    environ = {name: value for name, value in SETTINGS.items() if not name.startswith(missing)} | {"WEB": "on"}
    desk = make_desk(sqlite_store, tmp_path, environ)
    assert post(desk, "/twilio/inbound", inbound("DONE 1")) == 403
    desk.story.stop()
