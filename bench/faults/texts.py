"""Twilio refuses, fails, is silent and makes no sense; then it mends."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.faults.table import Row
from bench.faults.virtual import deliver, try_often
from reminderd.clock import utc_now
from reminderd.message import Channel
from reminderd.transports.twilio import TwilioTransport
from reminderd.transports.twilio_codes import TABLE
from tests.servers.twilio import ACCOUNT, SENDER, TOKEN, FakeTwilio

CODES = sorted(code for row in TABLE for code in row.codes if code >= 20000)
SHORT = 0.3
"""Seconds; the default is that of the transport."""

FAULTS: dict[str, Callable[[FakeTwilio], None]] = {
    "429 without Retry-After": lambda fake: fake.force(429, times=2),
    "429 with Retry-After": lambda fake: fake.force(429, 20429, retry_after="90", times=2),
    "500 and 503": lambda fake: (fake.force(500), fake.force(503))[0],
    "invalid JSON, not accepted": lambda fake: fake.force(201, body="<html>"),
    "time-out before acceptance": lambda fake: fake.force_silence(),
    "time-out after acceptance": lambda fake: fake.force_after_accept("timeout"),
    "drop after acceptance": lambda fake: fake.force_after_accept("drop"),
    "500 after acceptance": lambda fake: fake.force_after_accept("500"),
    "invalid JSON after acceptance": lambda fake: fake.force_after_accept("garbage"),
    "no SID after acceptance": lambda fake: fake.force_after_accept("empty"),
    "unanswered, and absent from one listing": lambda fake: _hidden(fake, 1),
}


def _hidden(fake: FakeTwilio, listings: int) -> None:
    fake.hide_for = listings
    fake.force_after_accept("drop")


def text_faults(times: int) -> Iterator[Row]:
    """A row for each kind of fault, each tried ``times``."""
    for fault, force in FAULTS.items():
        yield try_often(f"Twilio: {fault}", times, lambda force=force: _once(force))  # type: ignore[misc]  # bound at once
    yield try_often(
        "Twilio: unanswered, and absent from two listings (documented)",
        times,
        lambda: _once(lambda fake: _hidden(fake, 2)),
        copies=1,
    )
    codes = iter(CODES * times)
    yield try_often("Twilio: every code of its table", len(CODES) * times, lambda: _code(next(codes)))


def _code(code: int) -> tuple[str, int]:
    status = 429 if code == 20429 else 500 if str(code).startswith("205") else 400
    return _once(lambda fake: fake.force(status, code))


def _once(force: Callable[[FakeTwilio], object]) -> tuple[str, int]:
    with FakeTwilio() as fake:
        force(fake)
        transport = TwilioTransport(ACCOUNT, TOKEN, SENDER, None, fake.url, timeout=SHORT)
        state = deliver(Channel.SMS, {Channel.SMS: transport}, utc_now())
        return state, len(fake.sent)
