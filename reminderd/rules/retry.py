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


BACKOFF = tuple(dt.timedelta(minutes=m) for m in (1, 5, 15, 30, 60))
RECONCILE_WAIT = dt.timedelta(seconds=60)


def decide(
    fault: Fault,
    *,
    delivery: int,
    attempt: int,
    now: dt.datetime,
    useless_at: dt.datetime | None,
    backoff: tuple[dt.timedelta, ...] = BACKOFF,
    reconcile_wait: dt.timedelta = RECONCILE_WAIT,
) -> Decision:
    """Decide after attempt number ``attempt`` (from 1): transient faults back off (1, 5, 15, 30 minutes, then
    hourly) until ``useless_at``; a fault that leaves the outcome unknown is reconciled first."""
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
        return Decision(Next.RECONCILE, now + reconcile_wait)
    wait = fault.spacing or backoff[min(attempt, len(backoff)) - 1]
    wait = jittered(wait, delivery=delivery, attempt=attempt)
    at = now + max(wait, fault.retry_after or wait)
    if useless_at is not None and at >= useless_at:
        return Decision(Next.FAIL, None)
    return Decision(Next.RETRY, at)


def jittered(wait: dt.timedelta, *, delivery: int, attempt: int) -> dt.timedelta:
    """``wait`` lengthened by up to a fifth, the same each time for one delivery and attempt."""
    digest = hashlib.blake2b(f"{delivery}:{attempt}".encode(), digest_size=4).digest()
    return wait * (1 + int.from_bytes(digest) / 2**32 / 5)
