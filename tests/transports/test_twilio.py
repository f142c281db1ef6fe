from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.errors import ConfigError
from reminderd.message import Text
from reminderd.rules.retry import Fault, Verdict
from reminderd.transports.base import SendFailed
from reminderd.transports.twilio import TextStatus, TwilioTransport, same_body, validity
from reminderd.transports.twilio_codes import TABLE, fault_for_answer, fault_for_status
from tests.servers.twilio import ACCOUNT, SENDER, TOKEN, FakeTwilio
from tests.transports.samples import NOW, make_mail, make_text

SERVICE = "MG" + "0" * 32


def transport_to(fake: FakeTwilio, **more: object) -> TwilioTransport:
    return TwilioTransport(ACCOUNT, TOKEN, SENDER, **{"api_url": fake.url, "timeout": 10, **more})  # type: ignore[arg-type]


def failure(transport: TwilioTransport, text: Text | None = None) -> Fault:
    with pytest.raises(SendFailed) as failed:
        transport.send(text or make_text())
    transport.close()
    return failed.value.fault


# --- codes ---

ROWS = [
    (429, 429, "again"),
    (429, 20429, "again"),
    (500, None, "reconcile"),
    (500, 20500, "reconcile"),
    (502, None, "reconcile"),
    (503, 20503, "reconcile"),
    (504, 30500, "reconcile"),
    (401, None, "pause"),
    (401, 20003, "pause"),
    (403, 20003, "pause"),
    (400, 21211, "bad_address"),
    (400, 21614, "bad_address"),
    (400, 21635, "bad_address"),
    (400, 30006, "bad_address"),
    (400, 21408, "pause"),
    (400, 21606, "pause"),
    (400, 21608, "pause"),
    (400, 21612, "pause"),
    (400, 21610, "bad_address"),
    (400, 21611, "again"),
    (400, 30001, "again"),
    (400, 21617, "give_up"),
    (400, 30002, "pause"),
    (400, 30003, "again"),
    (400, 30004, "give_up"),
    (400, 30007, "give_up"),
    (400, 30450, "give_up"),
    (400, 30005, "bad_address"),
    (400, 30008, "again"),
    (400, 30032, "pause"),
    (400, 30034, "pause"),
    (400, 30036, "again"),
    (400, 30500, "again"),
    (400, None, "give_up"),
    (400, 21999, "give_up"),
    (403, None, "give_up"),
    (404, 20404, "give_up"),
    (302, None, "give_up"),
    (429, 21999, "again"),
    (500, 21999, "reconcile"),
]


@pytest.mark.parametrize(("status", "code", "verdict"), ROWS)
def test_each_code_has_its_verdict(fake_twilio: FakeTwilio, status: int, code: int | None, verdict: str) -> None:
    fake_twilio.force(status, code)
    fault = failure(transport_to(fake_twilio))
    assert fault.verdict == verdict
    assert fault.code == str(code or status)
    assert fault.words.endswith(".") or "https://" in fault.words
    assert fake_twilio.sent == []


def test_every_row_of_the_table_is_tested() -> None:
    assert {code for row in TABLE for code in row.codes} <= {code or status for status, code, _ in ROWS} | {
        500,
        503,
        401,
    }


def test_no_code_has_two_meanings() -> None:
    codes = [code for row in TABLE for code in row.codes]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("code", "verdict", "spacing_minutes", "most"),
    [
        (30003, Verdict.AGAIN, 30, 3),
        (30008, Verdict.AGAIN, None, 2),
        (30500, Verdict.AGAIN, None, 2),
        (30001, Verdict.AGAIN, 15, None),
        (30007, Verdict.GIVE_UP, None, None),
        (30005, Verdict.BAD_ADDRESS, None, None),
        (30034, Verdict.PAUSE, None, None),
        (20500, Verdict.GIVE_UP, None, None),
        (39999, Verdict.GIVE_UP, None, None),
        (None, Verdict.GIVE_UP, None, None),
    ],
)
def test_a_text_that_did_not_arrive_is_judged_by_its_error_code(
    code: int | None, verdict: Verdict, spacing_minutes: int | None, most: int | None
) -> None:
    fault = fault_for_status(code)
    spacing = dt.timedelta(minutes=spacing_minutes) if spacing_minutes else None
    assert (fault.verdict, fault.spacing, fault.most_attempts) == (verdict, spacing, most)


@given(st.integers(300, 599), st.none() | st.integers(10000, 99999))
def test_any_answer_has_a_verdict_and_a_server_error_is_never_taken_for_not_sent(status: int, code: int | None) -> None:
    fault = fault_for_answer(status, code)
    assert fault.words
    assert (fault.verdict is Verdict.RECONCILE) or (status < 500 and code not in (20500, 20503))


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), (" 12 ", 12), ("999999", 86_400), ("soon", None), ("-1", None), (None, None)]
)
def test_the_wait_that_twilio_asks_for_is_kept(
    fake_twilio: FakeTwilio, header: str | None, seconds: int | None
) -> None:
    fake_twilio.force(429, 20429, retry_after=header)
    fault = failure(transport_to(fake_twilio))
    assert fault.retry_after == (None if seconds is None else dt.timedelta(seconds=seconds))
    assert len(fake_twilio.requests) == 1  # no tries of its own


def test_a_problem_document_is_understood_too(fake_twilio: FakeTwilio) -> None:
    # RFC 9457, which Twilio's newer services answer with
    fake_twilio.force(400, body='{"type": "about:blank", "title": "No", "status": 400, "code": 21610}')
    assert failure(transport_to(fake_twilio)).code == "21610"


@pytest.mark.parametrize("body", ["", "<html>", "[]", "null", '{"code": "21610"}'])
def test_an_error_without_a_readable_body_goes_by_its_status(fake_twilio: FakeTwilio, body: str) -> None:
    fake_twilio.force(400, body=body)
    assert failure(transport_to(fake_twilio)).verdict is Verdict.GIVE_UP


# --- outcomes that stay open ---


@pytest.mark.parametrize("how", ["timeout", "drop", "garbage", "empty", "500", "503"])
def test_an_answer_that_is_lost_means_that_it_may_have_been_sent(fake_twilio: FakeTwilio, how: str) -> None:
    fake_twilio.force_after_accept(how)
    transport = transport_to(fake_twilio, timeout=0.2 if how == "timeout" else 10)
    since = dt.datetime.now(dt.UTC)
    assert failure(transport).verdict is Verdict.RECONCILE
    found = transport.find(make_text(), since)
    assert found is not None
    assert found.reference == fake_twilio.sent[0].sid
    assert len(fake_twilio.sent) == 1
    transport.close()


def test_silence_without_acceptance_is_open_too_and_not_found(fake_twilio: FakeTwilio) -> None:
    fake_twilio.force_silence()
    transport = transport_to(fake_twilio, timeout=0.2)
    assert failure(transport).verdict is Verdict.RECONCILE
    assert transport.find(make_text(), NOW) is None
    transport.close()


def test_nobody_there_means_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert failure(TwilioTransport(ACCOUNT, TOKEN, SENDER, api_url=url)).verdict is Verdict.AGAIN


def test_a_host_without_an_address_means_again() -> None:
    transport = TwilioTransport(ACCOUNT, TOKEN, SENDER, api_url="http://no-such-host.invalid")
    assert failure(transport).verdict is Verdict.AGAIN


def test_a_server_without_a_trusted_certificate_gets_nothing(certificates: object) -> None:
    from tests.servers.smtp import SmtpServer  # any server with a certificate will do

    with SmtpServer(security="force_tls", context=certificates.server_context) as server:  # type: ignore[attr-defined]
        transport = TwilioTransport(ACCOUNT, TOKEN, SENDER, api_url=f"https://127.0.0.1:{server.port}", timeout=5)
        fault = failure(transport)
    assert fault.verdict is Verdict.AGAIN
    assert "certificate" in fault.words


# --- sending ---


def test_the_request_says_what_the_text_says(fake_twilio: FakeTwilio) -> None:
    transport = transport_to(fake_twilio, now=lambda: NOW)
    receipt = transport.send(make_text(useless_at=NOW + dt.timedelta(minutes=10)))
    transport.close()
    message = fake_twilio.get(receipt.reference)
    assert message is not None
    assert (message.to, message.sender, message.validity_period, message.service) == (
        "+14155550101",
        SENDER,
        600,
        None,
    )


def test_a_text_without_an_end_leaves_the_validity_to_twilio(fake_twilio: FakeTwilio) -> None:
    transport = transport_to(fake_twilio)
    transport.send(make_text())
    transport.close()
    assert fake_twilio.sent[0].validity_period is None


def test_a_messaging_service_can_be_the_sender(fake_twilio: FakeTwilio) -> None:
    transport = TwilioTransport(ACCOUNT, TOKEN, messaging_service_sid=SERVICE, api_url=fake_twilio.url)
    transport.send(make_text())
    transport.close()
    assert (fake_twilio.sent[0].service, fake_twilio.sent[0].sender) == (SERVICE, "")


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (dt.timedelta(hours=2), 7200),
        (dt.timedelta(seconds=59.9), 59),
        (dt.timedelta(hours=10), 36_000),
        (dt.timedelta(days=3), 36_000),
        (dt.timedelta(seconds=0.5), 1),
        (dt.timedelta(0), 1),
        (dt.timedelta(hours=-1), 1),
    ],
)
def test_the_validity_ends_when_the_text_is_useless(left: dt.timedelta, seconds: int) -> None:
    assert validity(NOW + left, NOW) == seconds


def test_connections_are_used_again(fake_twilio: FakeTwilio) -> None:
    transport = transport_to(fake_twilio)
    for number in range(5):
        transport.send(make_text(number))
    transport.close()
    assert fake_twilio.connections == 1


def test_a_proxy_of_the_environment_is_used(fake_twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", fake_twilio.url)
    transport = transport_to(fake_twilio, api_url="http://twilio.invalid")
    assert transport.send(make_text()).reference.startswith("SM")
    transport.close()


def test_a_dozen_at_a_time_keep_their_connections(fake_twilio: FakeTwilio) -> None:
    transport, together = transport_to(fake_twilio), threading.Barrier(12)

    def send(number: int) -> None:
        for text in (number, number + 100):
            together.wait(10)
            transport.send(make_text(text))

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(send, range(12)))
    transport.close()
    assert fake_twilio.connections <= 12


def test_a_base_url_may_have_a_path_of_its_own(fake_twilio: FakeTwilio) -> None:
    transport = transport_to(fake_twilio, api_url=fake_twilio.url + "/proxy/")
    assert failure(transport).code == "20404"
    assert fake_twilio.requests == [f"POST /proxy/2010-04-01/Accounts/{ACCOUNT}/Messages.json"]


# --- finding ---


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, True),
        ({"to": "+14155550199"}, False),
        ({"body": "Nudge 1: thank Ana by Wed"}, False),
        ({"body": "nudge 1: thank Ana by Wed."}, False),
        ({"direction": "inbound"}, False),
        ({"direction": "outbound-reply"}, True),
        ({"status": "accepted"}, True),
        ({"status": "failed"}, True),
        ({"created_at": NOW}, True),
        ({"created_at": NOW - dt.timedelta(seconds=59)}, True),
        ({"created_at": NOW - dt.timedelta(seconds=61)}, False),
        ({"created_at": NOW - dt.timedelta(days=400)}, False),
        ({"created_at": NOW + dt.timedelta(days=1)}, True),
        ({"body": "Sent from your Twilio trial account - Nudge 1: thank Ana by Wed."}, True),
    ],
)
def test_a_text_is_found_by_number_body_and_time(
    fake_twilio: FakeTwilio, change: dict[str, object], found: bool
) -> None:
    fake_twilio.now = lambda: NOW + dt.timedelta(seconds=2)
    transport = transport_to(fake_twilio)
    receipt = transport.send(make_text())
    fake_twilio.messages[0] = dataclasses.replace(fake_twilio.messages[0], **change)  # type: ignore[arg-type]
    assert transport.find(make_text(), NOW) == (receipt if found else None)
    assert "DateSent" not in "".join(fake_twilio.queries[-1])
    transport.close()


def test_a_text_is_found_beyond_the_first_page(fake_twilio: FakeTwilio) -> None:
    transport = transport_to(fake_twilio, page_size=2)
    receipt = transport.send(make_text(0))
    for number in range(1, 8):
        transport.send(make_text(number))
    assert transport.find(make_text(0), dt.datetime.now(dt.UTC)) == receipt
    assert sum(request.startswith("GET") for request in fake_twilio.requests) == 4
    transport.close()


def test_pages_older_than_the_attempt_are_not_read(fake_twilio: FakeTwilio) -> None:
    fake_twilio.now = lambda: NOW - dt.timedelta(days=30)
    transport = transport_to(fake_twilio, page_size=2)
    for number in range(9):
        transport.send(make_text(number))
    assert transport.find(make_text(0), NOW) is None
    assert sum(request.startswith("GET") for request in fake_twilio.requests) == 1
    transport.close()


def test_a_text_may_be_missing_from_the_first_listings(fake_twilio: FakeTwilio) -> None:
    fake_twilio.hide_for = 2
    transport = transport_to(fake_twilio)
    since = dt.datetime.now(dt.UTC)
    receipt = transport.send(make_text())
    assert [transport.find(make_text(), since) for _ in range(3)] == [None, None, receipt]
    transport.close()


def test_the_newest_of_the_same_words_is_found_in_one_look(fake_twilio: FakeTwilio) -> None:
    transport = transport_to(fake_twilio)
    since = dt.datetime.now(dt.UTC)
    transport.send(make_text())
    again = transport.send(make_text())
    assert transport.find(make_text(), since) == again
    transport.close()


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [(429, 20429, "reconcile"), (500, 20500, "reconcile"), (404, 20404, "reconcile"), (401, 20003, "pause")],
)
def test_a_question_that_failed_never_says_that_nothing_was_sent(
    fake_twilio: FakeTwilio, status: int, code: int, verdict: str
) -> None:
    transport = transport_to(fake_twilio)
    fake_twilio.force(status, code)
    with pytest.raises(SendFailed) as failed:
        transport.find(make_text(), NOW)
    assert failed.value.fault.verdict == verdict
    transport.close()


@pytest.mark.parametrize("body", ["<html>", "{}", '{"messages": [1]}', '{"messages": null}', '{"messages": [{}]}'])
def test_a_listing_that_makes_no_sense_is_no_answer(fake_twilio: FakeTwilio, body: str) -> None:
    transport = transport_to(fake_twilio)
    fake_twilio.force(200, body=body)
    if body == '{"messages": [{}]}':
        assert transport.find(make_text(), NOW) is None
    else:
        with pytest.raises(SendFailed) as failed:
            transport.find(make_text(), NOW)
        assert failed.value.fault.verdict is Verdict.RECONCILE
    transport.close()


@pytest.mark.parametrize(
    ("sent", "listed", "same"),
    [
        ("a\nb", "a\r\nb", True),
        ("a ", "a", True),
        ("a", "Sent from your Twilio trial account - a", True),
        ("a", "ab", False),
        ("a", "", False),
    ],
)
def test_bodies_are_compared_but_for_what_twilio_tidies(sent: str, listed: str, same: bool) -> None:
    assert same_body(sent, listed) is same


def test_a_trial_account_s_texts_are_found() -> None:
    with FakeTwilio(trial=True) as fake:
        transport = transport_to(fake)
        since = dt.datetime.now(dt.UTC)
        receipt = transport.send(make_text())
        assert transport.find(make_text(), since) == receipt
        assert "Trial" in transport.probe()
        transport.close()


# --- status, inbound, account ---


def test_the_status_of_a_text_can_be_asked(fake_twilio: FakeTwilio) -> None:
    transport = transport_to(fake_twilio)
    sid = transport.send(make_text()).reference
    assert transport.fetch_status(sid) == TextStatus("queued")
    assert transport.fetch_status(sid).fault is None
    fake_twilio.set_status(sid, "delivered")
    assert transport.fetch_status(sid) == TextStatus("delivered")
    fake_twilio.set_status(sid, "undelivered", 30003)
    status = transport.fetch_status(sid)
    assert status == TextStatus("undelivered", 30003)
    assert status.fault is not None
    assert status.fault.most_attempts == 3
    with pytest.raises(SendFailed):
        transport.fetch_status("SM" + "f" * 32)
    transport.close()


def test_received_texts_are_listed_oldest_first(fake_twilio: FakeTwilio) -> None:
    transport = transport_to(fake_twilio, page_size=2)
    for number in range(5):
        fake_twilio.receive("+14155550101", f"done {number}", at=NOW + dt.timedelta(minutes=number))
    fake_twilio.receive("+14155550101", "to another number", to="+15005550099", at=NOW)
    transport.send(make_text(recipient=SENDER))
    received = transport.list_received(NOW + dt.timedelta(minutes=1))
    assert [text.body for text in received] == ["done 1", "done 2", "done 3", "done 4"]
    assert {text.sender for text in received} == {"+14155550101"}
    assert received[0].received_at == NOW + dt.timedelta(minutes=1)
    transport.close()


def test_of_a_messaging_service_the_texts_are_listed_that_came_in_by_it(fake_twilio: FakeTwilio) -> None:
    service = "MG" + "1" * 32
    transport = TwilioTransport(ACCOUNT, TOKEN, None, service, api_url=fake_twilio.url, page_size=2)
    transport.send(make_text(recipient="+14155550101"))
    for number in range(3):
        fake_twilio.receive("+14155550101", f"done {number}", to=f"+1500555009{number}", service=service)
    fake_twilio.receive("+14155550101", "to another service", to="+15005550099", service="MG" + "2" * 32)
    fake_twilio.receive("+14155550101", "to a number alone", to="+15005550098")
    assert sorted(text.body for text in transport.list_received(NOW)) == ["done 0", "done 1", "done 2"]
    transport.close()


def test_probe_tells_a_wrong_token_and_a_suspended_account(fake_twilio: FakeTwilio) -> None:
    with pytest.raises(SendFailed) as failed:
        TwilioTransport(ACCOUNT, "wrong", SENDER, api_url=fake_twilio.url).probe()
    assert failed.value.fault.verdict is Verdict.PAUSE
    assert "TWILIO_AUTH_TOKEN" in failed.value.fault.words
    fake_twilio.account_status = "suspended"
    transport = transport_to(fake_twilio)
    with pytest.raises(SendFailed) as failed:
        transport.probe()
    assert failed.value.fault.verdict is Verdict.PAUSE
    transport.close()


# --- discretion, settings, imports ---


def test_nothing_of_a_text_reaches_a_log(fake_twilio: FakeTwilio, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        transport = transport_to(fake_twilio)
        transport.send(make_text())
        transport.find(make_text(), NOW)
        fake_twilio.force(400, 21211)
        failure(transport)
    for secret in ("14155550101", "15005550006", "thank Ana", TOKEN):
        assert secret not in caplog.text


def test_settings_that_cannot_work_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="TWILIO_FROM"):
        TwilioTransport(ACCOUNT, TOKEN)
    with pytest.raises(ConfigError, match="TWILIO_API_URL"):
        TwilioTransport(ACCOUNT, TOKEN, SENDER, api_url="localhost:8080")


def test_it_carries_texts_only() -> None:
    transport = TwilioTransport(ACCOUNT, TOKEN, SENDER)
    with pytest.raises(TypeError):
        transport.send(make_mail())
    with pytest.raises(TypeError):
        transport.find(make_mail(), NOW)


def test_heavy_libraries_are_imported_on_first_use_only() -> None:
    code = (
        "import sys, reminderd.transports.registry, reminderd.transports.twilio as t\n"
        f"t.TwilioTransport({ACCOUNT!r}, {TOKEN!r}, {SENDER!r})\n"
        "print(sorted({'twilio', 'requests', 'smtplib', 'urllib3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"
