"""What every transport promises. A new one adds one harness and one parameter."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import email
import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reminderd.message import Message
from reminderd.rules.retry import Verdict
from reminderd.transports.base import SendFailed, Transport
from reminderd.transports.console import ConsoleTransport
from reminderd.transports.maildir import MaildirTransport
from reminderd.transports.smtp import SmtpTransport
from reminderd.transports.twilio import TwilioTransport
from tests.servers.certificates import Certificates
from tests.servers.smtp import SmtpServer
from tests.servers.twilio import ACCOUNT, SENDER, TOKEN, FakeTwilio
from tests.transports.samples import make_mail, make_text

NASTY = b".\r\n..two dots\r\n.one dot\r\nFrom here\r\n\r\n  spaces  \r\n.\r\n"


@dataclasses.dataclass(frozen=True)
class Harness:
    """A transport and a view of what arrives at its other end."""

    transport: Transport
    make: Callable[[int], Message]
    arrived: Callable[[], list[bytes]]
    break_for_good: Callable[[], None] | None = None
    break_for_now: Callable[[], None] | None = None
    """The next attempt fails; those after it do not."""
    mend: Callable[[], None] = lambda: None


@contextlib.contextmanager
def smtp(security: str, certificates: Certificates, login: bool = False) -> Iterator[Harness]:
    accounts = {"ana": "pä55 wörd"} if login else None
    with SmtpServer(security=security, context=certificates.server_context, accounts=accounts) as server:
        yield Harness(
            SmtpTransport(
                server.host,
                server.port,
                security,
                "ana" if login else None,
                "pä55 wörd" if login else None,
                certificates.ca_file,
                step_timeout=10,
            ),
            lambda number: make_mail(number, body=NASTY),
            lambda: [received.content for received in server.received],
            lambda: server.refuse("RCPT", "550 5.1.1 No such user"),
            lambda: server.refuse("RCPT", "451 4.3.0 Later"),
            server.relent,
        )


@contextlib.contextmanager
def twilio() -> Iterator[Harness]:
    with FakeTwilio() as fake:
        yield Harness(
            TwilioTransport(ACCOUNT, TOKEN, SENDER, api_url=fake.url, timeout=10),
            lambda number: dataclasses.replace(make_text(number), body=f"Nudge {number}: “naïve” + 100% & “żółw” ✓\n7"),
            lambda: [message.body.encode() for message in fake.sent],
            lambda: fake.force(400, 21211),
            lambda: fake.force(429, 20429),
        )


@contextlib.contextmanager
def maildir(folder: Path) -> Iterator[Harness]:
    path = folder / "Maildir"

    def block() -> None:
        path.rename(folder / "away")
        path.write_text("a file in the way")

    def mend() -> None:
        path.unlink()
        (folder / "away").rename(path)

    yield Harness(
        MaildirTransport(path),
        lambda number: make_mail(number, body=NASTY),
        lambda: [file.read_bytes() for file in (path / "new").iterdir()],
        break_for_good=block,
        mend=mend,
    )


@contextlib.contextmanager
def console_file(folder: Path) -> Iterator[Harness]:
    path = folder / "texts.log"

    def bodies() -> list[bytes]:
        return [entry.partition(b"\n")[2] for entry in path.read_bytes().split(b"\n\n") if entry]

    def block() -> None:
        path.unlink(missing_ok=True)
        path.mkdir()

    yield Harness(ConsoleTransport(path=path), make_text, bodies, break_for_now=block, mend=lambda: os.rmdir(path))


@contextlib.contextmanager
def console_stream() -> Iterator[Harness]:
    stream = io.StringIO()

    def bodies() -> list[bytes]:
        return [entry.partition("\n")[2].encode() for entry in stream.getvalue().split("\n\n") if entry]

    yield Harness(ConsoleTransport(stream), make_text, bodies)


NAMES = ["smtp-off", "smtp-starttls", "smtp-force_tls", "smtp-login", "twilio", "maildir", "console", "console-stream"]


@pytest.fixture(params=NAMES)
def harness(request: pytest.FixtureRequest, tmp_path: Path, certificates: Certificates) -> Iterator[Harness]:
    makers = {
        "smtp-off": lambda: smtp("off", certificates),
        "smtp-starttls": lambda: smtp("starttls", certificates),
        "smtp-force_tls": lambda: smtp("force_tls", certificates),
        "smtp-login": lambda: smtp("starttls", certificates, login=True),
        "twilio": twilio,
        "maildir": lambda: maildir(tmp_path),
        "console": lambda: console_file(tmp_path),
        "console-stream": console_stream,
    }
    with makers[request.param]() as made:
        yield made
        made.transport.close()


def as_sent(message: Message) -> bytes:
    return message.content if hasattr(message, "content") else message.body.encode()


def test_a_message_arrives_byte_for_byte_and_gives_a_receipt(harness: Harness) -> None:
    message = harness.make(1)
    receipt = harness.transport.send(message)
    assert receipt.reference
    assert harness.arrived() == [as_sent(message)]


def test_it_carries_the_channel_it_names(harness: Harness) -> None:
    assert harness.transport.channel is harness.make(1).channel
    assert harness.transport.name
    assert harness.transport.deadline_for > dt.timedelta(0)


def test_several_threads_may_send_at_once(harness: Harness) -> None:
    messages = [harness.make(number) for number in range(24)]
    with ThreadPoolExecutor(6) as threads:
        receipts = list(threads.map(harness.transport.send, messages))
    assert sorted(harness.arrived()) == sorted(as_sent(message) for message in messages)
    assert len({receipt.reference for receipt in receipts}) == len(messages)


def test_after_close_it_works_again(harness: Harness) -> None:
    harness.transport.send(harness.make(1))
    harness.transport.close()
    harness.transport.close()
    harness.transport.send(harness.make(2))
    assert len(harness.arrived()) == 2


def test_probe_says_one_line_and_sends_nothing(harness: Harness) -> None:
    line = harness.transport.probe()
    assert line
    assert "\n" not in line
    harness.transport.send(harness.make(1))
    assert len(harness.arrived()) == 1


def test_find_tells_what_was_handed_over_or_says_that_it_cannot(harness: Harness) -> None:
    since = dt.datetime.now(dt.UTC)
    assert harness.transport.find(harness.make(1), since) is None
    receipt = harness.transport.send(harness.make(1))
    found = harness.transport.find(harness.make(1), since)
    assert found == (receipt if harness.transport.can_find else None)
    assert harness.transport.find(harness.make(2), since) is None


@pytest.mark.parametrize("harness", [name for name in NAMES if "console" not in name], indirect=True)
def test_a_permanent_fault_is_not_to_be_tried_again(harness: Harness) -> None:
    assert harness.break_for_good is not None
    harness.transport.send(harness.make(1))
    harness.break_for_good()
    with pytest.raises(SendFailed) as failed:
        harness.transport.send(harness.make(2))
    assert failed.value.fault.verdict in (Verdict.GIVE_UP, Verdict.BAD_ADDRESS, Verdict.PAUSE)
    assert_discreet(failed.value, harness.make(2))
    harness.mend()
    assert len(harness.arrived()) == 1


@pytest.mark.parametrize(
    "harness", [name for name in NAMES if name not in ("maildir", "console-stream")], indirect=True
)
def test_a_passing_fault_is_to_be_tried_again_and_then_works(harness: Harness) -> None:
    assert harness.break_for_now is not None
    harness.break_for_now()
    with pytest.raises(SendFailed) as failed:
        harness.transport.send(harness.make(1))
    assert failed.value.fault.verdict is Verdict.AGAIN
    assert_discreet(failed.value, harness.make(1))
    harness.mend()
    harness.transport.send(harness.make(1))
    assert len(harness.arrived()) == 1


def assert_discreet(failed: SendFailed, message: Message) -> None:
    told = f"{failed} {failed.fault}"
    assert failed.fault.words == str(failed)
    assert "\n" not in failed.fault.words
    for secret in (message.recipient, message.recipient.partition("@")[0], TOKEN, ACCOUNT, "pä55 wörd"):
        assert secret not in told


@pytest.mark.parametrize("harness", ["smtp-off", "maildir"], indirect=True)
def test_a_mail_is_still_readable_by_a_parser_at_the_other_end(harness: Harness) -> None:
    message = harness.make(1)
    harness.transport.send(message)
    assert email.message_from_bytes(harness.arrived()[0])["Message-ID"] == message.message_id
