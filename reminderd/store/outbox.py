"""The outbox: deliveries and their attempts. Every claim carries a fence; who lost it cannot settle."""

from __future__ import annotations

import datetime as dt
import enum
import logging
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session, aliased

from reminderd.message import Channel, Message, from_record
from reminderd.rules.retry import Decision, Fault, Next
from reminderd.rules.states import State
from reminderd.store import followers, statements
from reminderd.store.agenda import AHEAD
from reminderd.store.prepared import Answer, together
from reminderd.store.tables import (
    CLAIMABLE,
    LEASED,
    REMINDERS,
    TAKEN,
    UNSETTLED,
    Attempt,
    Base,
    ChannelHealth,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Nudge,
    Outcome,
    Step,
    StepState,
    User,
)

log = logging.getLogger(__name__)

_DELIVERIES = Base.metadata.tables["deliveries"]

LATE_FOR = dt.timedelta(minutes=1)
"""How long after its moment a message is sent without a further look."""
ANSWERED_STOP = "21610"
"""Twilio's code for a phone that answered STOP."""
NOT_FOUND = "not_found:"
"""The fault code while the other side said so; a count follows."""


class Standing(enum.Enum):
    """How the nudges stand that a delivery carries."""

    WANTED = enum.auto()
    """All that it says is still to be said now; so it is with a delivery that carries none."""
    UNWANTED = enum.auto()
    """Some of it is not to be said, or not now."""
    MOOT = enum.auto()
    """Nothing of it is still to be said."""


class Claim(NamedTuple):
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
    is_paused: bool = False
    """Whether the channel was paused for its user when it was claimed, to be sent in spite of that."""
    carries_nudges: bool = False
    standing: Standing = Standing.WANTED
    """How its nudges stood when it was claimed."""
    kind: DeliveryKind = DeliveryKind.NUDGE
    dedupe_key: str = ""
    made_for: dt.datetime | None = None
    """The moment for which it was made."""
    due_at: dt.datetime | None = None

    def is_late(self, now: dt.datetime) -> bool:
        """Whether its moment passed while nobody was there to send it, or it has waited for its turn."""
        return self.due_at is not None and now - self.due_at > LATE_FOR


def turn(
    connection: Connection, taken: Sequence[tuple[Claim, str]], now: dt.datetime, limit: int
) -> tuple[list[Claim], list[Claim]]:
    """The other side has those ``taken``, each with the reference it gave; up to ``limit`` more are found, as
    `find_due` does. The first list is of those that were settled: for the others the lease was lost meanwhile, and
    nothing of theirs is changed."""
    if not taken:
        return [], find_due(connection, now, limit) if limit else []
    with together(connection):
        settling = _settle(connection, taken, now)
        finding = statements.find_claimable(connection, now, limit) if limit else None
    settled = [claim for claim, _ in taken]
    if settling.count != len(taken):
        fences = statements.fences_of_sent(connection, [claim.delivery_id for claim in settled])
        settled = [claim for claim in settled if fences.get(claim.delivery_id) == claim.fence]
    return settled, _found(connection, finding, now, limit) if finding is not None else []


def find_due(connection: Connection, now: dt.datetime, limit: int) -> list[Claim]:
    """Up to ``limit`` due deliveries, oldest first, without those that others hold; locked until the end of the
    transaction, in which they are to be leased. One whose message cannot be read is set aside as failed."""
    return _found(connection, statements.find_claimable(connection, now, limit), now, limit)


def lease(connection: Connection, claims: Sequence[Claim], owner: str, until: dt.datetime) -> None:
    """Hold these until then, without an attempt: to look for them, or to let them go in this transaction."""
    if claims:
        statements.lease(connection, [claim.delivery_id for claim in claims], owner, until)


def begin_attempts(
    connection: Connection, claims: Sequence[Claim], owner: str, now: dt.datetime, until: dt.datetime
) -> list[Claim]:
    """Hold these until then, and note that they are about to be handed over. To be committed before the network is
    touched."""
    begun = [claim._replace(attempt=claim.attempt + 1) for claim in claims]
    attempts = [(claim.user_id, claim.delivery_id, claim.attempt) for claim in begun]
    statements.begin(connection, attempts, owner, now, until)
    return begun


def standing_of(session: Session, delivery_id: int, now: dt.datetime) -> Standing:
    """How the nudges stand that a delivery carries."""
    return _standing(statements.standing_of(session.connection(), delivery_id, now))


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
    if decision.next is Next.FAIL:
        followers.drop(session, claim.delivery_id)
        untell(session, claim.delivery_id)
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


def put_off(session: Session, delivery_ids: Sequence[int], at: dt.datetime) -> None:
    """Have these looked at no sooner than ``at``; what is leased or over stays as it is."""
    query = update(_DELIVERIES).where(_DELIVERIES.c.id.in_(delivery_ids), CLAIMABLE)
    session.execute(query.values(due_at=at))


def cancel(session: Session, claim: Claim, *, channel: str | None = None) -> bool:
    """This delivery is not to be sent; its steps are free for the composer, by ``channel`` where one is given."""
    if not _release(session, claim, state=DeliveryState.CANCELLED):
        return False
    free_steps(session, claim.delivery_id, channel=channel)
    return True


def withdraw_ahead(session: Session, now: dt.datetime, user_ids: Collection[int] | None = None) -> None:
    """Take back what was made ahead of its moment, of everybody or of these users: what it says may be true no more,
    and it is made anew."""
    query = select(_DELIVERIES.c.id).where(
        _DELIVERIES.c.state == literal_column("'pending'"),
        _DELIVERIES.c.due_at > now,
        _DELIVERIES.c.due_at <= now + AHEAD,
        _DELIVERIES.c.attempts == 0,
        _DELIVERIES.c.kind.in_(REMINDERS),
    )
    if user_ids is not None:
        query = query.where(_DELIVERIES.c.user_id.in_(user_ids))
    _withdraw(session, query)


def withdraw_missed(session: Session, nudge_ids: Collection[int], now: dt.datetime) -> bool:
    """Take back messages about these nudges that missed their moment and were never tried: a further reminder takes
    them in. False where there was none."""
    query = (
        select(_DELIVERIES.c.id)
        .where(_DELIVERIES.c.id.in_(select(Step.delivery_id).where(Step.nudge_id.in_(nudge_ids))))
        .where(_DELIVERIES.c.state == literal_column("'pending'"), _DELIVERIES.c.attempts == 0)
        .where(_DELIVERIES.c.due_at <= now, _DELIVERIES.c.kind.in_(REMINDERS))
    )
    return _withdraw(session, query)


def withdraw_stopped(session: Session, user_id: int, channel: str) -> None:
    """Take back what waits to go to a user by a channel that is wanted no more, save what may have been sent."""
    unsure = select(Attempt.id).where(Attempt.delivery_id == _DELIVERIES.c.id, Attempt.outcome == Outcome.RECONCILE)
    query = select(_DELIVERIES.c.id).where(
        _DELIVERIES.c.user_id == user_id,
        _DELIVERIES.c.channel == channel,
        _DELIVERIES.c.state == literal_column("'pending'"),
        ~unsure.exists(),
    )
    _withdraw(session, query)


def look_again(session: Session, user_id: int) -> None:
    """A channel is wanted again: what was put off because there was none is due at its own moment."""
    put_off = Step.state == literal_column("'pending'"), Step.at > Step.planned_at
    session.execute(update(Step).where(Step.user_id == user_id, *put_off).values(at=Step.planned_at))


def _withdraw(session: Session, query: Select[int]) -> bool:
    ids = session.scalars(query.with_for_update(skip_locked=True)).all()
    for delivery_id in ids:
        session.execute(update(Delivery).where(Delivery.id == delivery_id).values(state=DeliveryState.CANCELLED))
        free_steps(session, delivery_id)
    return bool(ids)


def free_steps(session: Session, delivery_id: int, *, channel: str | None = None, but_of: Collection[int] = ()) -> None:
    """Give a delivery's steps back to the composer, save those of some nudges, and the ends that it told."""
    values: dict[str, object] = {"state": StepState.PENDING, "delivery_id": None}
    if channel is not None:
        values["channel"] = channel
    freed = update(Step).where(Step.delivery_id == delivery_id, Step.nudge_id.not_in(but_of))
    session.execute(freed.values(**values))
    followers.drop(session, delivery_id)
    untell(session, delivery_id)


def move_steps(session: Session, delivery_id: int, channel: str) -> None:
    """As `free_steps`, for another channel: without those of a nudge of which a later message is on its way or went
    out, as that says the same."""
    carried = select(Step.nudge_id).where(Step.delivery_id == delivery_id)
    later = select(Step.nudge_id).join(Delivery, Delivery.id == Step.delivery_id).where(Step.nudge_id.in_(carried))
    said = later.where(Delivery.id > delivery_id, Delivery.state.in_((*UNSETTLED, *TAKEN)))
    free_steps(session, delivery_id, channel=channel, but_of=session.scalars(said).all())


def untell(session: Session, delivery_id: int) -> None:
    """The ends that a delivery was to tell are told by the next message."""
    tells = session.scalar(select(_DELIVERIES.c.tells).where(_DELIVERIES.c.id == delivery_id))
    if tells:
        ended = Nudge.state.in_((State.EXPIRED, State.CANCELLED))
        session.execute(update(Nudge).where(Nudge.id.in_(tells), ended).values(end_told=False))


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
    query = select(Delivery).where(LEASED, dead).with_for_update(skip_locked=True)
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


def pause_channel(session: Session, user_id: int, channel: str, fault: Fault, now: dt.datetime) -> None:
    """The channel does not work until somebody mends it. Pausing it twice keeps the first moment."""
    health = _health(session, user_id, channel)
    if health.paused_at is None:
        health.paused_at = now
    health.code, health.words = fault.code[:40], fault.words[:500]
    if fault.code == ANSWERED_STOP:  # no restart of ours changes that, only the user's START
        session.execute(update(User).where(User.id == user_id).values(sms_enabled=False))
        withdraw_stopped(session, user_id, channel)


def unpause_channels(session: Session, now: dt.datetime, *, paused_before: dt.datetime | None = None) -> None:
    """Settings may have been mended: try every paused channel again, what waited for it at once."""
    for health in session.scalars(select(ChannelHealth).where(ChannelHealth.paused_at < (paused_before or now))):
        health.paused_at = health.code = health.words = None
        _hurry(session, health.user_id, health.channel, now)


def take_up_again(session: Session, user_id: int, channel: str, now: dt.datetime) -> None:
    """A channel works again: what waited for it is due at once, and the steps of what failed on it are free for the
    composer where their nudge is open and no later message of it went out."""
    _hurry(session, user_id, channel, now)
    later = aliased(Delivery)
    went_out = (
        select(Step.nudge_id)
        .join(later, later.id == Step.delivery_id)
        .where(Step.nudge_id == Nudge.id, later.id > Delivery.id)
        .where(later.state.in_((*UNSETTLED, *TAKEN)))
        .correlate(Nudge, Delivery)
    )
    failed = (
        select(Step.id)
        .join(Delivery, Delivery.id == Step.delivery_id)
        .join(Nudge, Nudge.id == Step.nudge_id)
        .where(Delivery.user_id == user_id, Delivery.channel == channel, Delivery.state == DeliveryState.FAILED)
        .where(Step.state == StepState.SENT, Nudge.state == State.OPEN, Nudge.expires_at > now, ~went_out.exists())
    )
    values = {"state": StepState.PENDING, "delivery_id": None}
    session.execute(update(Step).where(Step.id.in_(session.scalars(failed).all())).values(**values))


def _hurry(session: Session, user_id: int, channel: str, now: dt.datetime) -> None:
    session.execute(
        update(Delivery)
        .where(Delivery.user_id == user_id, Delivery.channel == channel)
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


def last_sent_at(session: Session, user_id: int) -> dict[str, dt.datetime]:
    """When a message of the user's was last taken, by channel; each the end of an index."""
    found: dict[str, dt.datetime] = {}
    for channel in Channel:
        mine = Delivery.user_id == user_id, Delivery.channel == channel, Delivery.sent_at.is_not(None)
        at = session.scalar(select(func.max(Delivery.sent_at)).where(*mine))
        if at is not None:
            found[channel] = at
    return found


def any_due(session: Session, now: dt.datetime) -> bool:
    """Whether any delivery is due."""
    return statements.any_due(session.connection(), now)


def any_expired(session: Session, now: dt.datetime) -> bool:
    """Whether any lease has run out."""
    query = select(Delivery.id).where(LEASED, Delivery.lease_until < now)
    return session.scalar(query.limit(1)) is not None


def claim_of(
    row: Delivery | statements.Claimable,
    message: Message,
    *,
    fence: int | None = None,
    unknown: bool = False,
    unsure: int = 0,
    since: dt.datetime | None = None,
    is_paused: bool = False,
    carries_nudges: bool = False,
    standing: Standing = Standing.WANTED,
) -> Claim:
    """What is known of a delivery, as its holder sees it."""
    code = row.fault_code or ""
    return Claim(
        delivery_id=row.id,
        user_id=row.user_id,
        channel=Channel(row.channel),
        fence=row.fence if fence is None else fence,
        attempt=row.attempts,
        message=message,
        useless_at=row.useless_at,
        unknown=unknown,
        empty_looks=int(code.removeprefix(NOT_FOUND)) if code.startswith(NOT_FOUND) else 0,
        since=since,
        unsure=unsure,
        is_paused=is_paused,
        carries_nudges=carries_nudges,
        standing=standing,
        kind=DeliveryKind(row.kind),
        dedupe_key=row.dedupe_key,
        made_for=row.created_at,
        due_at=row.due_at,
    )


def _settle(connection: Connection, taken: Sequence[tuple[Claim, str]], now: dt.datetime) -> Answer:
    """How many of them were still held so. The other statements see by themselves which those are."""
    claims = [claim for claim, _ in taken]
    rows = [(claim.delivery_id, claim.fence, reference[:500]) for claim, reference in taken]
    settling = statements.settle(connection, rows, now)
    texts = [claim for claim in claims if claim.channel is Channel.SMS and claim.kind in REMINDERS]
    if texts:  # what is to come right after each is due
        keys = [(claim.delivery_id, claim.fence, followers.next_key(claim.dedupe_key)) for claim in texts]
        statements.call(connection, keys, now)
    tried = [(claim.delivery_id, claim.fence) for claim in claims if claim.is_paused]
    if tried:  # what was begun before a pause says nothing against it
        statements.unpause(connection, tried)
    return settling


def _found(connection: Connection, finding: Answer, now: dt.datetime, limit: int) -> list[Claim]:
    while rows := [statements.Claimable(*row) for row in finding.rows()]:
        claims = _claims(connection, rows)
        if claims:
            return claims
        finding = statements.find_claimable(connection, now, limit)  # none can be read: there may be others behind
    return []


def _claims(connection: Connection, rows: Sequence[statements.Claimable]) -> list[Claim]:
    unsure = _unsure_attempts(connection, [row.id for row in rows if row.attempts])
    claims = []
    for row in rows:
        try:
            message = from_record(row.envelope, row.content)
        except (KeyError, TypeError, ValueError):
            _set_aside(connection, row)
            continue
        times, since = unsure.get(row.id, (0, None))
        claims.append(
            claim_of(
                row,
                message,
                fence=row.fence + 1,
                unknown=row.state == DeliveryState.UNKNOWN,
                unsure=times,
                since=since,
                is_paused=bool(row.is_paused),
                carries_nudges=row.standing is not None,
                standing=_standing(row.standing),
            )
        )
    return claims


def _standing(code: int | None) -> Standing:
    """From what the statement finds; nothing where no nudge is carried."""
    if code is None or code == statements.ALL_CURRENT:
        return Standing.WANTED
    return Standing.MOOT if code < statements.SOME_OPEN else Standing.UNWANTED


def _set_aside(connection: Connection, row: statements.Claimable) -> None:
    log.error("message_unreadable delivery=%s", row.id)
    words = "The stored message cannot be read; see the log."
    values = {"state": DeliveryState.FAILED, "fault_code": "unreadable", "fault_words": words, "failure_told": False}
    connection.execute(update(_DELIVERIES).where(_DELIVERIES.c.id == row.id).values(values))
    if not row.attempts:
        with Session(connection) as session:
            free_steps(session, row.id)


def _unsure_attempts(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[int, dt.datetime]]:
    """How many attempts of each delivery have an unknown outcome, and when the first of them began."""
    if not ids:
        return {}
    query = (
        select(Attempt.delivery_id, func.count(), func.min(Attempt.begun_at))
        .where(Attempt.delivery_id.in_(ids), Attempt.outcome == Outcome.RECONCILE)
        .group_by(Attempt.delivery_id)
    )
    return {delivery: (count, since) for delivery, count, since in connection.execute(query)}


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
