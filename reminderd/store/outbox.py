"""The outbox: deliveries and their attempts. Every claim carries a fence; who lost it cannot settle."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from reminderd.message import Channel, Message, from_record
from reminderd.rules.retry import Decision, Fault, Next
from reminderd.store.tables import Attempt, ChannelHealth, Delivery, DeliveryState, Outcome, Step, StepState, User

log = logging.getLogger(__name__)

ANSWERED_STOP = "21610"
"""Twilio's code for a phone that answered STOP."""
NOT_FOUND = "not_found:"
"""The fault code while the other side said so; a count follows."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that one owner may work on until its lease ends."""

    delivery_id: int
    user_id: int
    channel: Channel
    fence: int
    attempt: int
    """The number of its newest attempt; 0 before the first."""
    message: Message
    useless_at: dt.datetime | None
    unknown: bool
    """Whether an earlier attempt may have been sent."""
    empty_looks: int
    """How often the other side said that it has no such message."""
    since: dt.datetime | None = None
    """When the first attempt began whose outcome is unknown."""
    unsure: int = 0
    """How many attempts have an unknown outcome."""


def lease(session: Session, owner: str, now: dt.datetime, until: dt.datetime, limit: int) -> list[Claim]:
    """Claim up to ``limit`` due deliveries, oldest first, skipping those that others hold. One whose message cannot
    be read is set aside as failed."""
    query = (
        select(Delivery)
        .where(_literal_claimable(), Delivery.due_at <= now)
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(query))
    unsure = _unsure_attempts(session, [row.id for row in rows if row.attempts])
    claims = []
    for row in rows:
        unknown = row.state == DeliveryState.UNKNOWN
        try:
            message = from_record(row.message)
        except (KeyError, TypeError, ValueError):
            _set_aside(session, row)
            continue
        row.state = DeliveryState.LEASED
        row.lease_owner, row.lease_until = owner, until
        row.fence += 1
        times, since = unsure.get(row.id, (0, None))
        claims.append(claim_of(row, message, unknown=unknown, unsure=times, since=since))
    session.flush()
    if rows and not claims:  # none of them can be read: there may be others behind
        return lease(session, owner, now, until, limit)
    return claims


def begin_attempts(session: Session, claims: Sequence[Claim], now: dt.datetime) -> list[Claim]:
    """Note that these are about to be handed over. To be committed before the network is touched."""
    begun = []
    for claim in claims:
        number = claim.attempt + 1
        session.add(Attempt(user_id=claim.user_id, delivery_id=claim.delivery_id, number=number, begun_at=now))
        session.execute(
            update(Delivery)
            .where(Delivery.id == claim.delivery_id, Delivery.fence == claim.fence)
            .values(attempts=number, fault_code=None)
        )
        begun.append(dataclasses.replace(claim, attempt=number))
    session.flush()
    return begun


def settle_sent(session: Session, claim: Claim, reference: str, now: dt.datetime) -> bool:
    """The other side has it. False when the lease was lost meanwhile; then nothing is changed."""
    if not _release(session, claim, state=DeliveryState.SENT, sent_at=now, provider_reference=reference[:500]):
        return False
    _end_attempts(session, claim, Outcome.SENT, None, now)
    note_health(session, claim.user_id, claim.channel, now)
    return True


def settle_fault(session: Session, claim: Claim, fault: Fault, decision: Decision, now: dt.datetime) -> bool:
    """An attempt failed: what happens next is decided. False when the lease was lost meanwhile."""
    state = {
        Next.RETRY: DeliveryState.PENDING,
        Next.RECONCILE: DeliveryState.UNKNOWN,
        Next.FAIL: DeliveryState.FAILED,
    }[decision.next]
    values: dict[str, object] = {"state": state, "fault_code": fault.code[:40], "fault_words": fault.words[:500]}
    if decision.at is not None:
        values["due_at"] = decision.at
    if decision.next is Next.FAIL:
        values["failure_told"] = False
    if not _release(session, claim, **values):
        return False
    outcome = {Next.RETRY: Outcome.AGAIN, Next.RECONCILE: Outcome.RECONCILE, Next.FAIL: Outcome.FAILED}[decision.next]
    _end_attempts(session, claim, outcome, fault.code[:40], now)
    return True


def settle_empty_look(session: Session, claim: Claim, at: dt.datetime, *, resend: bool, now: dt.datetime) -> bool:
    """The other side knows of no such message: look again ``at``, or send again then."""
    state = DeliveryState.PENDING if resend else DeliveryState.UNKNOWN
    values = {"state": state, "due_at": at, "fault_code": None if resend else f"{NOT_FOUND}{claim.empty_looks + 1}"}
    if not _release(session, claim, **values):
        return False
    if resend:
        _end_attempts(session, claim, Outcome.NOT_FOUND, None, now, reopen=True)
    return True


def put_back(session: Session, claim: Claim, at: dt.datetime) -> bool:
    """Let a claim go untouched, to be looked at again ``at``."""
    state = DeliveryState.UNKNOWN if claim.unknown else DeliveryState.PENDING
    return _release(session, claim, state=state, due_at=at)


def cancel(session: Session, claim: Claim, *, channel: str | None = None) -> bool:
    """This delivery is not to be sent; its steps are free for the composer, by ``channel`` where one is given."""
    if not _release(session, claim, state=DeliveryState.CANCELLED):
        return False
    free_steps(session, claim.delivery_id, channel=channel)
    return True


def free_steps(session: Session, delivery_id: int, *, channel: str | None = None) -> None:
    """Give a delivery's steps back to the composer."""
    values: dict[str, object] = {"state": StepState.PENDING, "delivery_id": None}
    if channel is not None:
        values["channel"] = channel
    session.execute(update(Step).where(Step.delivery_id == delivery_id).values(**values))


def renew(session: Session, claims: Sequence[Claim], owner: str, until: dt.datetime) -> None:
    """Keep the leases of sends that are alive."""
    ids = [claim.delivery_id for claim in claims]
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids), Delivery.lease_owner == owner, Delivery.state == DeliveryState.LEASED)
        .values(lease_until=until)
    )


def rescue(session: Session, now: dt.datetime, *, all_but: str | None = None) -> int:
    """Take back what dead owners held: without an open attempt it is pending again, with one its outcome is unknown.

    Expired leases only, unless ``all_but`` names the one owner that can be alive (a single daemon on its own file).
    """
    dead: ColumnElement[bool] = Delivery.lease_until < now
    if all_but is not None:
        dead = or_(dead, Delivery.lease_owner != all_but)
    query = select(Delivery).where(_literal_leased(), dead).with_for_update(skip_locked=True)
    rows = list(session.scalars(query))
    for row in rows:
        opened = session.scalars(select(Attempt).where(Attempt.delivery_id == row.id, Attempt.outcome.is_(None))).all()
        for attempt in opened:
            attempt.outcome, attempt.ended_at = Outcome.RECONCILE, now
        looking = (row.fault_code or "").startswith(NOT_FOUND) or _last_outcome(session, row.id) == Outcome.RECONCILE
        row.state = DeliveryState.UNKNOWN if opened or looking else DeliveryState.PENDING
        row.due_at = now
        row.lease_owner = row.lease_until = None
        row.fence += 1
    session.flush()
    return len(rows)


def note_health(session: Session, user_id: int, channel: str, now: dt.datetime) -> None:
    """The channel works: note when, and end its pause."""
    health = _health(session, user_id, channel)
    health.last_success_at = now
    health.paused_at = health.code = health.words = None


def pause_channel(session: Session, user_id: int, channel: str, fault: Fault, now: dt.datetime) -> None:
    """The channel does not work until somebody mends it. Pausing it twice keeps the first moment."""
    health = _health(session, user_id, channel)
    if health.paused_at is None:
        health.paused_at = now
    health.code, health.words = fault.code[:40], fault.words[:500]
    if fault.code == ANSWERED_STOP:  # no restart of ours changes that, only the user's START
        session.execute(update(User).where(User.id == user_id).values(sms_enabled=False))


def unpause_channels(session: Session, now: dt.datetime, *, paused_before: dt.datetime | None = None) -> None:
    """Settings may have been mended: try every paused channel again, what waited for it at once."""
    for health in session.scalars(select(ChannelHealth).where(ChannelHealth.paused_at < (paused_before or now))):
        health.paused_at = health.code = health.words = None
        session.execute(
            update(Delivery)
            .where(Delivery.user_id == health.user_id, Delivery.channel == health.channel)
            .where(Delivery.state == DeliveryState.PENDING, Delivery.attempts > 0)
            .values(due_at=now)
        )


def counts(session: Session, user_id: int | None = None) -> dict[str, int]:
    """Deliveries by state."""
    query = select(Delivery.state, func.count()).group_by(Delivery.state)
    if user_id is not None:
        query = query.where(Delivery.user_id == user_id)
    found = dict(session.execute(query).all())
    return {state.value: found.get(state, 0) for state in DeliveryState}


def any_due(session: Session, now: dt.datetime) -> bool:
    """Whether any delivery is due."""
    query = select(Delivery.id).where(_literal_claimable(), Delivery.due_at <= now).limit(1)
    return session.scalar(query) is not None


def any_expired(session: Session, now: dt.datetime) -> bool:
    """Whether any lease has run out."""
    query = select(Delivery.id).where(_literal_leased(), Delivery.lease_until < now)
    return session.scalar(query.limit(1)) is not None


def next_due_at(session: Session) -> dt.datetime | None:
    """When the next delivery is due."""
    return session.scalar(select(Delivery.due_at).where(_literal_claimable()).order_by(Delivery.due_at).limit(1))


def next_expiry_at(session: Session) -> dt.datetime | None:
    """When the next lease runs out, unless it is renewed: what a dead node held is to be taken over then."""
    query = select(Delivery.lease_until).where(_literal_leased()).order_by(Delivery.lease_until)
    return session.scalar(query.limit(1))


def _literal_claimable() -> ColumnElement[bool]:
    """Written with literals, so that the partial index serves it whatever plan is cached."""
    return Delivery.state.in_([literal_column("'pending'"), literal_column("'unknown'")])


def _literal_leased() -> ColumnElement[bool]:
    return Delivery.state == literal_column("'leased'")


def claim_of(
    row: Delivery, message: Message, *, unknown: bool = False, unsure: int = 0, since: dt.datetime | None = None
) -> Claim:
    """What is known of a delivery, as its holder sees it."""
    code = row.fault_code or ""
    return Claim(
        delivery_id=row.id,
        user_id=row.user_id,
        channel=Channel(row.channel),
        fence=row.fence,
        attempt=row.attempts,
        message=message,
        useless_at=row.useless_at,
        unknown=unknown,
        empty_looks=int(code.removeprefix(NOT_FOUND)) if code.startswith(NOT_FOUND) else 0,
        since=since,
        unsure=unsure,
    )


def _set_aside(session: Session, row: Delivery) -> None:
    log.error("message_unreadable delivery=%s", row.id)
    row.state, row.fault_code, row.failure_told = DeliveryState.FAILED, "unreadable", False
    row.fault_words = "The stored message cannot be read; see the log."
    if not row.attempts:
        free_steps(session, row.id)


def _unsure_attempts(session: Session, ids: Sequence[int]) -> dict[int, tuple[int, dt.datetime]]:
    """How many attempts of each delivery have an unknown outcome, and when the first of them began."""
    if not ids:
        return {}
    query = (
        select(Attempt.delivery_id, func.count(), func.min(Attempt.begun_at))
        .where(Attempt.delivery_id.in_(ids), Attempt.outcome == Outcome.RECONCILE)
        .group_by(Attempt.delivery_id)
    )
    return {delivery: (count, since) for delivery, count, since in session.execute(query)}


def _last_outcome(session: Session, delivery_id: int) -> str | None:
    query = select(Attempt.outcome).where(Attempt.delivery_id == delivery_id).order_by(Attempt.number.desc()).limit(1)
    return session.scalar(query)


def _release(session: Session, claim: Claim, **values: object) -> bool:
    result = session.execute(
        update(Delivery)
        .where(
            and_(
                Delivery.id == claim.delivery_id,
                Delivery.fence == claim.fence,
                Delivery.state == DeliveryState.LEASED,
            )
        )
        .values(lease_owner=None, lease_until=None, **values)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _end_attempts(
    session: Session, claim: Claim, outcome: Outcome, code: str | None, now: dt.datetime, *, reopen: bool = False
) -> None:
    query = update(Attempt).where(Attempt.delivery_id == claim.delivery_id, Attempt.number == claim.attempt)
    if not reopen:
        query = query.where(or_(Attempt.outcome.is_(None), Attempt.outcome == Outcome.RECONCILE))
    session.execute(query.values(outcome=outcome, ended_at=now, code=code))


def _health(session: Session, user_id: int, channel: str) -> ChannelHealth:
    row = session.get(ChannelHealth, (user_id, str(channel)))
    if row is None:
        row = ChannelHealth(user_id=user_id, channel=str(channel))
        session.add(row)
    return row
