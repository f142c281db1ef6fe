"""lease -> recheck -> attempt -> send -> settle. One thread does all store work; a pool touches only the network."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from reminderd import crash
from reminderd.clock import steady
from reminderd.errors import ReminderdError
from reminderd.message import Channel
from reminderd.rules import retry
from reminderd.rules.retry import Decision, Doubt, Fault, Next, Verdict
from reminderd.senders import Landings, Senders
from reminderd.store import outbox
from reminderd.store.database import Store, Transaction
from reminderd.store.outbox import Claim, Standing
from reminderd.transports.base import Receipt, SendFailed, Transport

log = logging.getLogger(__name__)

PROBE_AGAIN = dt.timedelta(hours=1)
"""How often a paused channel is tried when there is no other."""
PUT_OFF_FOR = dt.timedelta(hours=1)
"""How long a delivery waits whose rows cannot be dealt with."""
LOOKS = 2
"""Empty looks at the other side after which an unknown message is sent again."""
LINGER = 0.01
"""Seconds for which a settlement waits for others that land at the same time, to share its commit. While they all send
and then all wait, the one that settles has not to compete with them for the interpreter."""

USELESS = Fault(Verdict.GIVE_UP, "useless", "It could not be sent in time, and is no longer of use.")
OVERSLEPT = Fault(Verdict.AGAIN, "overslept", "The program was stopped before it could hand the message over.")


class Recheck(Protocol):
    """What the dispatcher asks of the composer."""

    def standing(self, transaction: Transaction, claim: Claim, now: dt.datetime) -> Standing:
        """Whether what a delivery carries is still to be said."""
        ...

    def quiet_until(self, session: Session, claim: Claim, now: dt.datetime) -> dt.datetime | None:
        """The end of the quiet hours in which a delivery must not be sent; ``None`` where it may."""
        ...

    def other_channel(self, session: Session, claim: Claim, now: dt.datetime) -> str | None:
        """A channel that works for the user, other than the claim's."""
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

    def add(self, other: Tally) -> None:
        """Count what another pass did as well."""
        self.sent += other.sent
        self.failed += other.failed
        self.moved += other.moved
        self.waiting += other.waiting
        self.cancelled += other.cancelled


@dataclasses.dataclass(slots=True)
class _Flight:
    claim: Claim
    lease_until: dt.datetime
    began: float


class Dispatcher:
    """Sends what is due. Not for several threads: one thread calls `step`, `burst`, `run_once` and `stop`.

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
        self._senders = Senders(senders) if senders else None
        self._most = senders or 1
        self._flights: dict[int, _Flight] = {}
        self._results: Landings[Result] = Landings()
        """What has landed, as the senders leave it."""
        self._landed: list[Result] = []
        """What has landed and is not settled yet."""
        self._carefully = False
        """Whether the last step broke; then each message has a transaction of its own, until one succeeds."""
        self._on_landing: Callable[[], None] | None = None
        self._attended = False
        """Whether the one thread waits for landings itself, and need not be called."""
        self.owner = f"{os.getpid()}:{uuid.uuid4().hex[:8]}"
        """What its leases are known by. Short: a row that grows much with each claim does not fit its page any more."""

    @property
    def in_flight(self) -> int:
        """How many sends are under way."""
        return len(self._flights)

    @property
    def is_full(self) -> bool:
        """Whether every sender is busy, so that what is due must wait for a landing."""
        return len(self._flights) >= self._most

    @property
    def renewal_for(self) -> dt.timedelta:
        """How often `step` must be called while sends are under way."""
        return self._timing.lease / 3

    def on_landing(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, from a sender's thread, whenever a send ends that nobody waits for."""
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
        with self._attending():
            while True:
                launched = self.step(now(), tally)
                if not self._flights and not self._landed:
                    if not launched:
                        return tally
                    continue
                self._wait(1.0)

    def burst(self, now: Callable[[], dt.datetime], for_seconds: float) -> Tally:
        """Send what is due for so long; then leave the rest, and what is in flight, to the next call."""
        tally = Tally()
        end = time.monotonic() + for_seconds
        with self._attending():
            self.step(now(), tally)
            while self._flights and time.monotonic() < end and self._wait(max(0.0, end - time.monotonic())):
                self.step(now(), tally)
        return tally

    def step(self, now: dt.datetime, tally: Tally | None = None) -> int:
        """Settle what has landed, renew what flies, launch what is due. Returns how many were launched or ended."""
        tally = tally if tally is not None else Tally()
        self._collect()
        if self._carefully:
            self._settle_each(now, tally)
        launched = self._turn(now, tally, limit=1 if self._carefully else self._most)
        self._renew(now)
        return launched

    def land(self, now: dt.datetime, tally: Tally | None = None) -> None:
        """Settle what has landed and renew what flies, launching nothing."""
        self._collect()
        tally = tally if tally is not None else Tally()
        if self._carefully:
            self._settle_each(now, tally)
        elif self._landed:
            self._turn(now, tally, limit=0)
        self._renew(now)

    def stop(self, now: Callable[[], dt.datetime]) -> int:
        """Let what is in flight land, for as long as the timing's ``stop``; returns how many did not. Those keep
        their open attempt, to be reconciled by whoever comes next."""
        deadline = time.monotonic() + self._timing.stop.total_seconds()
        while self._flights and time.monotonic() < deadline:
            self._wait(max(0.0, min(0.5, deadline - time.monotonic())))
            self.land(now())
        for transport in self._transports.values():
            transport.close()
        return len(self._flights)

    # ---- one transaction: what landed is settled, and what is due is claimed and its attempts noted

    def _turn(self, now: dt.datetime, tally: Tally, limit: int) -> int:
        """Messages that land share the commit with those that take their places. Nothing is handed over before."""
        free = min(limit, self._most - len(self._flights))
        if not self._landed and not (free > 0 and self._any_due(now)):
            return 0
        until = now + self._timing.lease
        done = Tally()
        claims: list[Claim] = []
        begun: list[Claim] = []
        looks: list[Claim] = []
        settles = bool(self._landed)
        began = steady()
        try:
            with self._store.transaction() as transaction:
                claims = self._settle(transaction, self._landed, now, done, max(0, free))
                if settles:
                    crash.point("settling")
                if free > 0:
                    looks, sends = self._sorted_out(transaction, claims, now, until, done)
                    if sends:
                        begun = outbox.begin_attempts(transaction.connection, sends, self.owner, now, until)
                    crash.point("leasing")
        except (ReminderdError, ImportError):  # the database cannot be reached; the program is being replaced
            raise
        except Exception:  # one bad row must not stop the others
            if not self._carefully:
                log.exception("turn_broke")
                self._carefully = True
                return self.step(now, tally)
            if not claims:
                raise
            self._put_off(claims, now)
            tally.waiting += len(claims)
            return len(claims)
        self._carefully = False
        self._landed = []
        tally.add(done)
        if settles:
            crash.point("settled")
        if claims:
            crash.point("attempt-noted")
        for claim in begun:
            self._fly(claim, self._send, until, began)
        for claim in looks:
            self._fly(claim, self._look, until, began)
        return len(claims)

    def _any_due(self, now: dt.datetime) -> bool:
        with self._store.reading() as session:
            return outbox.any_due(session, now)

    def _put_off(self, claims: Sequence[Claim], now: dt.datetime) -> None:
        ids = [claim.delivery_id for claim in claims]
        log.exception("put_off deliveries=%s", ",".join(map(str, ids)))
        with self._store.writing() as session:
            outbox.put_off(session, ids, now + PUT_OFF_FOR)

    def _settle_each(self, now: dt.datetime, tally: Tally) -> None:
        """Each by itself. What cannot be settled is let go: its lease ends, and its outcome is looked into."""
        while self._landed:
            result = self._landed[0]
            done = Tally()
            try:
                with self._store.transaction() as transaction:
                    self._settle(transaction, [result], now, done)
            except ReminderdError:
                raise
            except Exception:
                log.exception("settle_broke delivery=%s", result.claim.delivery_id)
            self._landed.pop(0)
            tally.add(done)

    def _sorted_out(
        self, transaction: Transaction, claims: Sequence[Claim], now: dt.datetime, until: dt.datetime, tally: Tally
    ) -> tuple[list[Claim], list[Claim]]:
        """What is to be looked for, held already, and what is to be sent; the others have been let go."""
        looks: list[Claim] = []
        sends: list[Claim] = []
        gone: list[tuple[Claim, Callable[[], None]]] = []
        for claim in claims:
            let_go = self._let_go(transaction, claim, now, tally)
            if let_go is not None:
                gone.append((claim, let_go))
            elif self._is_looked_for(claim):
                looks.append(claim._replace(is_paused=False))  # what is found was sent before: it lifts no pause
            else:
                sends.append(claim)
        held = [*looks, *(claim for claim, _ in gone)]
        if held:
            outbox.lease(transaction.connection, held, self.owner, until)
        for _, let_go in gone:
            let_go()
        return looks, sends

    def _is_looked_for(self, claim: Claim) -> bool:
        return claim.unknown and self._transports[claim.channel].can_find

    def _let_go(
        self, transaction: Transaction, claim: Claim, now: dt.datetime, tally: Tally
    ) -> Callable[[], None] | None:
        """What is to be done with a claim that is not to be sent; ``None`` for one that is. What was attempted is sent
        as it is, unless it has become useless, or certainly was not sent and is wanted by nobody any more."""

        def cancel(channel: str | None = None) -> None:
            outbox.cancel(transaction.session, claim, channel=channel)
            tally.cancelled += 1

        def put_back(at: dt.datetime) -> None:
            outbox.put_back(transaction.session, claim, at)
            tally.waiting += 1

        def fail() -> None:
            outbox.settle_fault(transaction.session, claim, USELESS, Decision(Next.FAIL, None), now)
            tally.failed += 1

        if claim.channel not in self._transports:  # not set up any more
            other = None if claim.unknown else self._recheck.other_channel(transaction.session, claim, now)
            return functools.partial(cancel, other) if other else functools.partial(put_back, now + PROBE_AGAIN)
        if self._is_looked_for(claim):
            return None
        if claim.attempt > 0 and claim.useless_at is not None and claim.useless_at <= now:
            return fail
        standing = self._recheck.standing(transaction, claim, now)
        moot = standing is Standing.MOOT and not claim.unsure
        if moot or (claim.attempt == 0 and standing is not Standing.WANTED):
            return cancel
        if claim.attempt == 0 and claim.is_paused:
            other = self._recheck.other_channel(transaction.session, claim, now)
            if other is not None:
                return functools.partial(cancel, other)
        if claim.attempt > 0 or (claim.is_late(now) and not claim.carries_nudges):  # else the standing says it
            quiet_until = self._recheck.quiet_until(transaction.session, claim, now)
            if quiet_until is not None:
                return functools.partial(put_back, quiet_until)
        return None

    # ---- in the air

    def _fly(self, claim: Claim, work: Callable[[Claim], Result], until: dt.datetime, began: float) -> None:
        if self._senders is None:
            self._landed.append(work(claim))
            return
        flight = self._flights[claim.delivery_id] = _Flight(claim, until, began)
        self._results.expect()
        self._senders.start(lambda: self._carry(flight, work))

    def _carry(self, flight: _Flight, work: Callable[[Claim], Result]) -> None:
        """In a sender's thread. A lease that ran out while this process did not run may be another's by now."""
        claim = flight.claim
        try:
            if steady() - flight.began > self._timing.lease.total_seconds():
                result = Result(claim, fault=OVERSLEPT)
            else:
                result = work(claim)
        except BaseException as error:  # even an exit asked for by a transport leaves a result
            log.exception("sender_broke delivery=%s", claim.delivery_id)
            result = Result(claim, fault=_broken(error))
        self._results.put(result)
        if self._on_landing is not None and not self._attended:
            self._on_landing()

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
        for result in self._results.take():
            del self._flights[result.claim.delivery_id]
            self._landed.append(result)

    def _wait(self, seconds: float) -> bool:
        """Wait for something to land, and a moment longer for what lands with it. False when nothing did."""
        return self._results.wait(0.0 if self._landed else seconds, LINGER) or bool(self._landed)

    @contextlib.contextmanager
    def _attending(self) -> Iterator[None]:
        """Within, whoever called waits for landings itself; what lands as it ends is still told."""
        self._attended = True
        try:
            yield
        finally:
            self._attended = False
            if self._on_landing is not None and self._results:
                self._on_landing()

    def _settle(
        self, transaction: Transaction, results: Sequence[Result], now: dt.datetime, tally: Tally, free: int = 0
    ) -> list[Claim]:
        """What has landed is settled; returns up to ``free`` that are due."""
        taken = [(one.claim, one.receipt.reference) for one in results if one.receipt is not None]
        others = [one for one in results if one.receipt is None]
        settled, due = outbox.turn(transaction.connection, taken, now, 0 if others else free)
        tally.sent += len(settled)
        lost = {claim.delivery_id for claim, _ in taken} - {claim.delivery_id for claim in settled}
        for delivery_id in sorted(lost):
            log.warning("lease_lost delivery=%s", delivery_id)
        if not others:
            return due
        for result in others:  # after what was taken: a channel that fails in the end is paused, whatever went before
            if result.fault is not None:
                self._settle_fault(transaction.session, result.claim, result.fault, now, tally)
            else:
                self._settle_empty_look(transaction.session, result.claim, now, tally)
        transaction.flush()  # a pause is to be seen by what follows
        return outbox.find_due(transaction.connection, now, free) if free else []

    def _settle_empty_look(self, session: Session, claim: Claim, now: dt.datetime, tally: Tally) -> None:
        resend = claim.empty_looks + 1 >= LOOKS
        at = now if resend else now + self._timing.reconcile
        outbox.settle_empty_look(session, claim, at, resend=resend, now=now)
        tally.waiting += 1

    def _settle_fault(self, session: Session, claim: Claim, fault: Fault, now: dt.datetime, tally: Tally) -> None:
        log.warning("send_failed delivery=%s attempt=%s code=%s", claim.delivery_id, claim.attempt, fault.code)
        decision = self._decide(claim, fault, now)
        if decision.pauses_channel or decision.bad_address:
            outbox.pause_channel(session, claim.user_id, claim.channel, fault, now)
        if decision.next is Next.FAIL:
            other = self._recheck.other_channel(session, claim, now)
            if other is None and decision.pauses_channel:
                decision = retry.later(now, PROBE_AGAIN, claim.useless_at)  # it waits for the channel
            elif outbox.settle_fault(session, claim, fault, decision, now):
                if other is not None:
                    outbox.move_steps(session, claim.delivery_id, other)
                    tally.moved += 1
                else:
                    tally.failed += 1
                return
            else:
                return
        outbox.settle_fault(session, claim, fault, decision, now)
        tally.waiting += 1

    def _decide(self, claim: Claim, fault: Fault, now: dt.datetime) -> Decision:
        return retry.decide(
            fault,
            delivery=claim.delivery_id,
            attempt=max(1, claim.attempt),
            now=now,
            useless_at=claim.useless_at,
            doubt=Doubt(self._transports[claim.channel].can_find, claim.unsure, claim.since),
            backoff=self._timing.backoff,
            reconcile_wait=self._timing.reconcile,
        )

    def _renew(self, now: dt.datetime) -> None:
        """Renew leases half gone, for no longer than the transport's own deadline."""
        old = [
            flight
            for flight in self._flights.values()
            if flight.lease_until - now < self._timing.lease / 2
            and steady() - flight.began < self._deadline(flight.claim).total_seconds()
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


def _broken(error: BaseException) -> Fault:
    """A mistake of the program's own: whether it was sent is unknown."""
    return Fault(Verdict.RECONCILE, type(error).__name__[:40], "an error inside the program; see its log")
