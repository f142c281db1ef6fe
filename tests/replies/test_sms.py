"""A round of questions to Twilio: what came in is read whatever is said of single texts that went out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from reminderd.replies.sms import Texts
from reminderd.rules.retry import Fault, Verdict
from reminderd.store.database import Store
from reminderd.store.tables import Delivery, DeliveryState
from reminderd.transports.base import SendFailed
from reminderd.transports.twilio import ReceivedText, TextStatus
from reminderd.transports.twilio_codes import UNREACHABLE, fault_for_answer
from tests.flow.parts import NOON, PHONE, make_house, make_user
from tests.store.rows import make_delivery

EVERY = dt.timedelta(seconds=30)
GONE = fault_for_answer(404, 20404)
DOWN = Fault(Verdict.RECONCILE, "unreachable", UNREACHABLE)


class Twilio:
    """Lists what was texted and says what it knows of each text that was sent."""

    def __init__(self) -> None:
        self.statuses: dict[str, TextStatus | Exception] = {}
        self.listing: Fault | None = None
        self.listed = 0
        self.asked: list[str] = []

    def list_received(self, since: dt.datetime) -> list[ReceivedText]:
        self.listed += 1
        if self.listing is not None:
            raise SendFailed(self.listing)
        return []

    def fetch_status(self, sid: str) -> TextStatus:
        self.asked.append(sid)
        status = self.statuses[sid]
        if isinstance(status, Exception):
            raise status
        return status

    def close(self) -> None:
        pass


class Round:
    """Three texts that were sent a minute ago, and whoever asks after them."""

    def __init__(self, store: Store, home: Path) -> None:
        self.store = store
        self.twilio = Twilio()
        house = make_house(store, home)
        self.texts = Texts(store, house.door, house.composer, self.twilio, EVERY, threads=False)
        with store.writing() as session:
            user = make_user(phone=PHONE)
            session.add(user)
            session.flush()
            for number in range(1, 4):
                row = make_delivery(user, str(number), state=DeliveryState.SENT)
                row.channel, row.provider_reference = "sms", f"SM{number}"
                row.sent_at = NOON - dt.timedelta(minutes=1, seconds=-number)
                session.add(row)
        self.twilio.statuses = {f"SM{number}": TextStatus("sent") for number in range(1, 4)}

    def states(self) -> list[str]:
        with self.store.reading() as session:
            return [session.get_one(Delivery, key).state for key in (1, 2, 3)]


@pytest.fixture
def asking(sqlite_store: Store, tmp_path: Path) -> Round:
    return Round(sqlite_store, tmp_path)


@pytest.mark.parametrize("broken", [SendFailed(GONE), SendFailed(fault_for_answer(500, 20500)), KeyError("status")])
def test_one_text_that_cannot_be_asked_about_slows_no_answers_and_holds_up_no_other(
    asking: Round, broken: Exception
) -> None:
    asking.twilio.statuses |= {"SM1": broken, "SM2": TextStatus("delivered")}
    asking.texts.step(NOON)
    assert asking.states() == ["sent", "delivered", "sent"]
    assert asking.twilio.asked == ["SM1", "SM2", "SM3"]
    assert asking.texts.next_at() == NOON + EVERY
    assert asking.texts.passed_at() == {"texts": NOON}


def test_a_text_that_twilio_no_longer_knows_is_asked_about_once(asking: Round) -> None:
    asking.twilio.statuses["SM2"] = SendFailed(GONE)
    for number in range(4):
        asking.texts.step(NOON + number * EVERY)
    assert asking.twilio.asked.count("SM2") == 1
    assert asking.twilio.asked.count("SM3") == 4


def test_where_nobody_answers_any_more_the_other_texts_wait_for_the_next_round(asking: Round) -> None:
    asking.twilio.statuses["SM1"] = SendFailed(DOWN)
    asking.texts.step(NOON)
    assert asking.twilio.asked == ["SM1"]
    assert asking.texts.next_at() == NOON + EVERY
    asking.texts.step(NOON + EVERY)
    assert asking.twilio.asked[1:] == ["SM2", "SM3", "SM1"]


def test_a_listing_that_fails_is_asked_for_less_often(asking: Round) -> None:
    asking.twilio.listing = DOWN
    asking.texts.step(NOON)
    assert asking.twilio.asked == []
    assert asking.texts.next_at() == NOON + 2 * EVERY
