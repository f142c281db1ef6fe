"""lease -> recheck -> attempt -> send -> settle. One thread does all store work; a pool touches only the network."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime as dt
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Protocol

from sqlalchemy.orm import Session

from reminderd import crash
from reminderd.message import Channel
from reminderd.rules import retry
from reminderd.rules.retry import Decision, Fault, Next, Verdict
from reminderd.store import outbox
from reminderd.store.database import Store
from reminderd.store.outbox import Claim
from reminderd.transports.base import Receipt, SendFailed, Transport

log = logging.getLogger(__name__)

PROBE_AGAIN = dt.timedelta(hours=1)
"""How often a paused channel is tried when there is no other."""
LOOKS = 2
"""Empty looks at the other side after which an unknown message is sent again."""
COPIES = 3
"""Attempts of unknown outcome after which a transport that cannot look is given up: each may have been a copy."""


USELESS = Fault(Verdict.GIVE_UP, "useless", "It could not be sent in time, and is no longer of use.")


class Recheck(Protocol):
    """What the dispatcher asks of the composer."""

    def wanted(self, session: Session, claim: Claim, now: dt.datetime) -> bool:
        """Whether all that a delivery carries is still to be said."""
        ...

    def moot(self, session: Session, claim: Claim, now: dt.datetime) -> bool:
        """Whether nothing that a delivery carries is still to be said."""
        ...

    def other_channel(self, session: Session, claim: Claim, now: dt.datetime) -> str | None:
        """A channel that works for the user, other than the claim's."""
        ...

    def paused(self, session: Session, claim: Claim) -> bool:
        """Whether the claim's channel is paused for its user."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """How long a claim lasts, the wait before an unknown outcome is looked into, the back-off, the stop's patience."""

    lease: dt.timedelta = dt.timedelta(seconds=60)
    reconcile: dt.timedelta = retry.RECONCILE_WAIT
    backoff: tuple[dt.timedelta, ...] = retry.BACKOFF
    stop: dt.timedelta = dt.timedelta(seconds=20)


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What came of handing one claim over, or of looking for it."""

    claim: Claim
    receipt: Receipt | None = None
    fault: Fault | None = None


@dataclasses.dataclass(slots=True)
class Tally:
    """What one pass did."""

    sent: int = 0
    failed: int = 0
    """Given up, with no other channel to try."""
    moved: int = 0
    """Given up, and left to another channel."""
    waiting: int = 0
    cancelled: int = 0


@dataclasses.dataclass(slots=True)
class _Flight:
    claim: Claim
    future: concurrent.futures.Future[Result]
    lease_until: dt.datetime
    began: float


class Dispatcher:
    """Sends what is due. Not for several threads: one thread calls `step`, `run_once` and `stop`.

    With ``senders`` 0 each message is sent in the calling thread, for passes that simulate time.
    """

    def __init__(
        self,
        store: Store,
        recheck: Recheck,
        transports: Mapping[Channel, Transport],
        timing: Timing | None = None,
        *,
        senders: int = 4,
    ) -> None:
        self._store = store
        self._recheck = recheck
        self._transports = transports
        self._timing = timing or Timing()
        self._senders = senders
        self._flights: dict[int, _Flight] = {}
        self._landed: list[Result] = []
        self._on_landing: Callable[[], None] | None = None
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"[:80]

    @property
    def in_flight(self) -> int:
        """How many sends are under way."""
        return len(self._flights)

    @property
    def is_full(self) -> bool:
        """Whether every sender is busy, so that what is due must wait for a landing."""
        return len(self._flights) >= (self._senders or 1)

    @property
    def renewal_for(self) -> dt.timedelta:
        """How often `step` must be called while sends are under way."""
        return self._timing.lease / 3

    def on_landing(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, from a sender's thread, whenever a send ends."""
        self._on_landing = call

    def rescue(self, now: dt.datetime, *, alone: bool = False) -> int:
        """Take back what dead owners held; ``alone`` when no other daemon can be alive."""
        with self._store.writing() as session:
            rescued = outbox.rescue(session, now, all_but=self.owner if alone else None)
            crash.point("rescuing")
        crash.point("rescued")
        return rescued

    def rescue_if_any(self, now: dt.datetime) -> int:
        """As `rescue`, after a look that writes nothing."""
        with self._store.reading() as session:
            if not outbox.any_expired(session, now):
                return 0
        return self.rescue(now)

    def run_once(self, now: Callable[[], dt.datetime]) -> Tally:
        """Send until nothing that is due is left."""
        tally = Tally()
        while True:
            launched = self.step(now(), tally)
            if not self._flights and not self._landed:
                if not launched:
                    return tally
                continue
            self._wait(timeout=1.0)

    def step(self, now: dt.datetime, tally: Tally | None = None) -> int:
        """Settle what has landed, renew what flies, launch what is due. Returns how many were launched or ended."""
        tally = tally or Tally()
        self.land(now, tally)
        return self._launch(now, tally)

    def land(self, now: dt.datetime, tally: Tally | None = None) -> None:
        """Settle what has landed and renew what flies, launching nothing."""
        self._collect()
        self._settle(now, tally or Tally())
        self._renew(now)

    def stop(self, now: Callable[[], dt.datetime]) -> int:
        """Let what is in flight land, for as long as the timing's ``stop``; returns how many did not. Those keep
        their open attempt, to be reconciled by whoever comes next."""
        deadline = time.monotonic() + self._timing.stop.total_seconds()
        while self._flights and time.monotonic() < deadline:
            self._wait(timeout=max(0.0, min(0.5, deadline - time.monotonic())))
            self.land(now())
        for transport in self._transports.values():
            transport.close()
        return len(self._flights)

    # ---- launching

    def _launch(self, now: dt.datetime, tally: Tally) -> int:
        if self.is_full:
            return 0
        free = (self._senders or 1) - len(self._flights)
        with self._store.reading() as session:
            if not outbox.any_due(session, now):
                return 0
        until = now + self._timing.lease
        with self._store.writing() as session:
            claims = outbox.lease(session, self.owner, now, until, free)
            ours = [claim for claim in claims if not self._stranded(session, claim, now, tally)]
            looks = [claim for claim in ours if claim.unknown and self._transports[claim.channel].can_find]
            sends = [claim for claim in ours if claim not in looks and self._still(session, claim, now, tally)]
            begun = outbox.begin_attempts(session, sends, now)
            crash.point("leasing")
        crash.point("attempt-noted")
        for claim in begun:
            self._fly(claim, self._send, until)
        for claim in looks:
            self._fly(claim, self._look, until)
        return len(claims)

    def _stranded(self, session: Session, claim: Claim, now: dt.datetime, tally: Tally) -> bool:
        """Whether a claim's channel is not set up any more; then it has been given to another, or waits."""
        if claim.channel in self._transports:
            return False
        other = None if claim.unknown else self._recheck.other_channel(session, claim, now)
        if other is None:
            outbox.put_back(session, claim, now + PROBE_AGAIN)
            tally.waiting += 1
        else:
            outbox.cancel(session, claim, channel=other)
            tally.cancelled += 1
        return True

    def _still(self, session: Session, claim: Claim, now: dt.datetime, tally: Tally) -> bool:
        """Whether a claim is to be sent; where not, it has been let go here. What was attempted is sent as it is,
        unless it has become useless, or certainly was not sent and is wanted by nobody any more."""
        if claim.attempt > 0 and claim.useless_at is not None and claim.useless_at <= now:
            outbox.settle_fault(session, claim, USELESS, Decision(Next.FAIL, None), now)
            tally.failed += 1
            return False
        if not claim.unsure and self._recheck.moot(session, claim, now):
            outbox.cancel(session, claim)
            tally.cancelled += 1
            return False
        if claim.attempt == 0 and not self._recheck.wanted(session, claim, now):
            outbox.cancel(session, claim)
            tally.cancelled += 1
            return False
        if claim.attempt == 0 and self._recheck.paused(session, claim):
            other = self._recheck.other_channel(session, claim, now)
            if other is not None:
                outbox.cancel(session, claim, channel=other)
                tally.cancelled += 1
                return False
        return True

    def _fly(self, claim: Claim, work: Callable[[Claim], Result], until: dt.datetime) -> None:
        if not self._senders:
            self._landed.append(work(claim))
            return
        future: concurrent.futures.Future[Result] = concurrent.futures.Future()
        self._flights[claim.delivery_id] = _Flight(claim, future, until, time.monotonic())
        if self._on_landing is not None:
            call = self._on_landing
            future.add_done_callback(lambda _: call())
        # A daemon thread: one that is never answered must not hold up the end of the process.
        threading.Thread(target=_run, args=(future, work, claim), name="sender", daemon=True).start()

    def _send(self, claim: Claim) -> Result:
        try:
            crash.point("handing-over")
            receipt = self._transports[claim.channel].send(claim.message)
            crash.point("handed-over")
            return Result(claim, receipt=receipt)
        except SendFailed as failure:
            return Result(claim, fault=failure.fault)
        except Exception as error:  # a transport's own mistake must not stop the others
            log.exception("send_broke delivery=%s", claim.delivery_id)
            return Result(claim, fault=_broken(error))

    def _look(self, claim: Claim) -> Result:
        since = claim.since or dt.datetime.min.replace(tzinfo=dt.UTC)
        try:
            crash.point("looking")
            receipt = self._transports[claim.channel].find(claim.message, since)
            crash.point("looked")
            return Result(claim, receipt=receipt)
        except SendFailed as failure:
            return Result(claim, fault=dataclasses.replace(failure.fault, verdict=Verdict.RECONCILE))
        except Exception as error:
            log.exception("look_broke delivery=%s", claim.delivery_id)
            return Result(claim, fault=_broken(error))

    # ---- landing

    def _collect(self) -> None:
        for key, flight in list(self._flights.items()):
            if flight.future.done():
                del self._flights[key]
                self._landed.append(flight.future.result())

    def _settle(self, now: dt.datetime, tally: Tally) -> None:
        if not self._landed:
            return
        with self._store.writing() as session:
            for result in self._landed:
                self._settle_one(session, result, now, tally)
            crash.point("settling")
        self._landed = []
        crash.point("settled")

    def _settle_one(self, session: Session, result: Result, now: dt.datetime, tally: Tally) -> None:
        claim = result.claim
        if result.receipt is not None:
            if outbox.settle_sent(session, claim, result.receipt.reference, now):
                tally.sent += 1
            else:
                log.warning("lease_lost delivery=%s", claim.delivery_id)
        elif result.fault is not None:
            self._settle_fault(session, claim, result.fault, now, tally)
        else:
            resend = claim.empty_looks + 1 >= LOOKS
            outbox.settle_empty_look(
                session, claim, now if resend else now + self._timing.reconcile, resend=resend, now=now
            )
            tally.waiting += 1

    def _settle_fault(self, session: Session, claim: Claim, fault: Fault, now: dt.datetime, tally: Tally) -> None:
        log.warning("send_failed delivery=%s attempt=%s code=%s", claim.delivery_id, claim.attempt, fault.code)
        decision = self._decide(claim, fault, now)
        if decision.pauses_channel or decision.bad_address:
            outbox.pause_channel(session, claim.user_id, claim.channel, fault, now)
        if decision.next is Next.FAIL:
            other = self._recheck.other_channel(session, claim, now)
            if other is None and decision.pauses_channel:
                decision = self._later(claim, now)
            elif outbox.settle_fault(session, claim, fault, decision, now):
                if other is not None:
                    outbox.free_steps(session, claim.delivery_id, channel=other)
                    tally.moved += 1
                else:
                    tally.failed += 1
                return
            else:
                return
        outbox.settle_fault(session, claim, fault, decision, now)
        tally.waiting += 1

    def _decide(self, claim: Claim, fault: Fault, now: dt.datetime) -> Decision:
        decision = retry.decide(
            fault,
            delivery=claim.delivery_id,
            attempt=max(1, claim.attempt),
            now=now,
            useless_at=claim.useless_at,
            backoff=self._timing.backoff,
            reconcile_wait=self._timing.reconcile,
        )
        return self._unsure(claim, now) if decision.next is Next.RECONCILE else decision

    def _unsure(self, claim: Claim, now: dt.datetime) -> Decision:
        """An unknown outcome is looked into ever more slowly, until it does not matter; where nobody can look, the
        next attempt may be a copy, and there are only so many."""
        if self._transports[claim.channel].can_find:
            waited = now - claim.since if claim.since is not None else dt.timedelta()
            wait = max(self._timing.reconcile, min(waited / 2, PROBE_AGAIN))
        elif claim.unsure + 1 >= COPIES:
            return Decision(Next.FAIL, None)
        else:
            backoff = self._timing.backoff
            wait = max(self._timing.reconcile, backoff[min(claim.unsure, len(backoff) - 1)])
        at = now + wait
        if claim.useless_at is not None and at >= claim.useless_at:
            return Decision(Next.FAIL, None)
        return Decision(Next.RECONCILE, at)

    def _later(self, claim: Claim, now: dt.datetime) -> Decision:
        """With no other way the message waits for the channel, and tries it now and then, until it is useless."""
        at = now + PROBE_AGAIN
        if claim.useless_at is not None and at >= claim.useless_at:
            return Decision(Next.FAIL, None)
        return Decision(Next.RETRY, at)

    def _renew(self, now: dt.datetime) -> None:
        """Renew leases half gone, for no longer than the transport's own deadline."""
        old = [
            flight
            for flight in self._flights.values()
            if flight.lease_until - now < self._timing.lease / 2
            and time.monotonic() - flight.began < self._deadline(flight.claim).total_seconds()
        ]
        if not old:
            return
        until = now + self._timing.lease
        with self._store.writing() as session:
            outbox.renew(session, [flight.claim for flight in old], self.owner, until)
        for flight in old:
            flight.lease_until = until

    def _deadline(self, claim: Claim) -> dt.timedelta:
        return self._transports[claim.channel].deadline_for + self._timing.lease

    def _wait(self, timeout: float) -> None:
        futures = [flight.future for flight in self._flights.values()]
        if futures:
            concurrent.futures.wait(futures, timeout, concurrent.futures.FIRST_COMPLETED)


def _run(future: concurrent.futures.Future[Result], work: Callable[[Claim], Result], claim: Claim) -> None:
    try:
        future.set_result(work(claim))
    except BaseException as error:  # even an exit asked for by a transport leaves a result
        log.exception("sender_broke delivery=%s", claim.delivery_id)
        future.set_result(Result(claim, fault=_broken(error)))


def _broken(error: BaseException) -> Fault:
    """A mistake of the program's own: whether it was sent is unknown."""
    return Fault(Verdict.RECONCILE, type(error).__name__[:40], "an error inside the program; see its log")
