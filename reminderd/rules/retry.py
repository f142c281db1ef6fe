"""Again, reconcile or give up, and when. Pure: returns a decision; jitter is a hash of delivery and attempt."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import hashlib


class Verdict(enum.StrEnum):
    """What a failed attempt means for its delivery and its channel."""

    AGAIN = "again"
    """Certainly not sent; it may work later."""
    RECONCILE = "reconcile"
    """It may have been sent: find out before sending again."""
    GIVE_UP = "give_up"
    """This message will never go out this way; another channel may carry it."""
    BAD_ADDRESS = "bad_address"
    """The address or number does not work: give up, and use no more until it is corrected."""
    PAUSE = "pause"
    """The whole channel does not work (credentials, sender, account) until somebody mends it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt failed. ``words`` are for the user and hold no secret, number or address."""

    verdict: Verdict
    code: str
    words: str
    retry_after: dt.timedelta | None = None
    """A wait that the other side asked for."""
    spacing: dt.timedelta | None = None
    """A wait of this fault's own (30 minutes for an unreachable handset)."""
    most_attempts: int | None = None
    """No more attempts than this for this fault."""


class Next(enum.StrEnum):
    """What happens to the delivery now."""

    RETRY = "retry"
    RECONCILE = "reconcile"
    FAIL = "fail"


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """The delivery's next state; ``at`` (aware UTC) is set unless it failed."""

    next: Next
    at: dt.datetime | None
    pauses_channel: bool = False
    bad_address: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Doubt:
    """What is known of those earlier attempts of a delivery whose outcome is not."""

    can_look: bool = True
    """Whether the other side can be asked what it has."""
    times: int = 0
    """How many there are, without the one that is decided on."""
    since: dt.datetime | None = None
    """When the first of them began."""


BACKOFF = tuple(dt.timedelta(minutes=m) for m in (1, 5, 15, 30, 60))
RECONCILE_WAIT = dt.timedelta(seconds=60)
LOOK_AGAIN_MOST = dt.timedelta(hours=1)
"""An unknown outcome is looked into at least this often."""
COPIES = 3
"""Attempts of unknown outcome after which a transport that cannot look is given up: each may have been a copy."""


def decide(
    fault: Fault,
    *,
    delivery: int,
    attempt: int,
    now: dt.datetime,
    useless_at: dt.datetime | None,
    doubt: Doubt = Doubt(),
    backoff: tuple[dt.timedelta, ...] = BACKOFF,
    reconcile_wait: dt.timedelta = RECONCILE_WAIT,
) -> Decision:
    """Decide after attempt number ``attempt`` (from 1): transient faults back off (1, 5, 15, 30 minutes, then
    hourly) until ``useless_at``. A fault that leaves the outcome unknown is looked into ever more slowly until then;
    where nobody can look, the next attempt may be a copy, and there are only so many."""
    if fault.verdict in (Verdict.GIVE_UP, Verdict.BAD_ADDRESS, Verdict.PAUSE):
        return Decision(
            Next.FAIL,
            None,
            pauses_channel=fault.verdict is Verdict.PAUSE,
            bad_address=fault.verdict is Verdict.BAD_ADDRESS,
        )
    if fault.most_attempts is not None and attempt >= fault.most_attempts:
        return Decision(Next.FAIL, None)
    if fault.verdict is Verdict.RECONCILE:
        if doubt.can_look:
            waited = now - doubt.since if doubt.since is not None else dt.timedelta()
            wait = max(reconcile_wait, min(waited / 2, LOOK_AGAIN_MOST))
        elif doubt.times + 1 >= COPIES:
            return Decision(Next.FAIL, None)
        else:
            wait = max(reconcile_wait, backoff[min(doubt.times, len(backoff) - 1)])
        return _unless_useless(Next.RECONCILE, now + wait, useless_at)
    wait = fault.spacing or backoff[min(attempt, len(backoff)) - 1]
    wait = jittered(wait, delivery=delivery, attempt=attempt)
    return _unless_useless(Next.RETRY, now + max(wait, fault.retry_after or wait), useless_at)


def later(now: dt.datetime, wait: dt.timedelta, useless_at: dt.datetime | None) -> Decision:
    """Try again after ``wait``, whatever it was, unless the message is useless by then."""
    return _unless_useless(Next.RETRY, now + wait, useless_at)


def _unless_useless(then: Next, at: dt.datetime, useless_at: dt.datetime | None) -> Decision:
    return Decision(Next.FAIL, None) if useless_at is not None and at >= useless_at else Decision(then, at)


def jittered(wait: dt.timedelta, *, delivery: int, attempt: int) -> dt.timedelta:
    """``wait`` lengthened by up to a fifth, the same each time for one delivery and attempt."""
    digest = hashlib.blake2b(f"{delivery}:{attempt}".encode(), digest_size=4).digest()
    return wait * (1 + int.from_bytes(digest) / 2**32 / 5)
