"""The statements of the send path: a handful for all the messages of a turn, whatever their number and the stock."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    ScalarSelect,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from reminderd.rules.states import State
from reminderd.store.prepared import Answer, Prepared
from reminderd.store.row_parameters import given, parameters
from reminderd.store.tables import CLAIMABLE, LEASED, Base, DeliveryState, Outcome

_DELIVERIES = Base.metadata.tables["deliveries"]
_MESSAGES = Base.metadata.tables["messages"]
_ATTEMPTS = Base.metadata.tables["attempts"]
_HEALTH = Base.metadata.tables["channel_health"]
_NUDGES = Base.metadata.tables["nudges"]
_STEPS = Base.metadata.tables["steps"]

SOME_OPEN = 10
"""In a standing: one of the nudges is open."""
ALL_CURRENT = 12
"""A standing: every nudge is open and to be spoken of now."""


class Claimable(NamedTuple):
    """What is read of a delivery that may be claimed."""

    id: int
    user_id: int
    channel: str
    kind: str
    dedupe_key: str
    created_at: dt.datetime
    due_at: dt.datetime
    state: str
    useless_at: dt.datetime | None
    fence: int
    attempts: int
    fault_code: str | None
    envelope: Any
    content: bytes | None
    is_paused: bool
    """Whether the channel is paused for its user."""
    standing: int | None
    """Ten where a nudge that it carries is open, plus the least of all: 2 to be spoken of now, 1 open, 0 not."""


def any_due(connection: Connection, now: dt.datetime) -> bool:
    """Whether any delivery is due."""
    return bool(_due().ask(connection, {"now": now}).rows())


def find_claimable(connection: Connection, now: dt.datetime, limit: int) -> Answer:
    """Those due first, each as `Claimable` has it; locked, without those that others have locked."""
    return _claimable(limit).ask(connection, {"now": now})


def standing_of(connection: Connection, delivery_id: int, now: dt.datetime) -> int | None:
    """As `Claimable` has it."""
    ((standing,),) = _standing().ask(connection, {"this": delivery_id, "now": now}).rows()
    return standing  # type: ignore[no-any-return]  # a driver's row


def lease(connection: Connection, ids: Sequence[int], owner: str, until: dt.datetime) -> None:
    """Hold these."""
    rows = [(one,) for one in ids]
    _ask(_leased, connection, ["id"], rows, owner=owner, until=until)


def begin(
    connection: Connection, attempts: Sequence[tuple[int, int, int]], owner: str, now: dt.datetime, until: dt.datetime
) -> None:
    """Hold deliveries, given by user, id and the number of the attempt that begins, and note the attempts."""
    rows = [(one,) for _, one, _ in attempts]
    if _has_changes_in_with(connection.dialect.name):
        _ask(_begun_and_attempted, connection, ["id"], rows, owner=owner, now=now, until=until)
        return
    _ask(_begun, connection, ["id"], rows, owner=owner, until=until)
    _ask(_attempted, connection, ["user", "id", "number"], attempts, now=now)


def settle(connection: Connection, sent: Sequence[tuple[int, int, str]], now: dt.datetime) -> Answer:
    """Deliveries, given by id, fence and the other side's reference, are sent, and so are their newest attempts, unless
    another end of theirs is known. The answer counts what was still held so; on PostgreSQL those attempts, which are
    fewer where another end was known."""
    names = ["id", "fence", "reference"]
    if _has_changes_in_with(connection.dialect.name):
        return _ask(_settled_and_ended, connection, names, sent, now=now)
    settling = _ask(_settled, connection, names, sent, now=now)
    _ask(_ended, connection, ["id", "fence"], [(one, fence) for one, fence, _ in sent], now=now)
    return settling


def fences_of_sent(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The fences of those that are sent."""
    query = select(_DELIVERIES.c.id, _DELIVERIES.c.fence).where(
        _DELIVERIES.c.id.in_(ids), _DELIVERIES.c.state == DeliveryState.SENT
    )
    return {row.id: row.fence for row in connection.execute(query)}


def call(connection: Connection, texts: Sequence[tuple[int, int, str]], now: dt.datetime) -> None:
    """What follows texts that are sent, given by id, fence and the key of the one to follow, is due now where it waits
    to be tried."""
    _ask(_called, connection, ["id", "fence", "key"], texts, now=now)


def unpause(connection: Connection, sent: Sequence[tuple[int, int]]) -> None:
    """The channels work, for their users, of those deliveries that are sent, given by id and fence."""
    _ask(_unpaused, connection, ["id", "fence"], sent)


def _ask(
    make: Callable[[str, int], Prepared],
    connection: Connection,
    names: Sequence[str],
    rows: Sequence[tuple[int | str, ...]],
    **others: object,
) -> Answer:
    return make(connection.dialect.name, len(rows)).ask(connection, parameters(connection, names, rows, **others))


# ---- put together when first used; those with rows of values for each kind of database and number of them

_HELD = {
    "state": DeliveryState.LEASED,
    "lease_owner": bindparam("owner"),
    "lease_until": bindparam("until"),
    "fence": _DELIVERIES.c.fence + 1,
}


@functools.cache
def _leased(dialect: str, count: int) -> Prepared:
    rows = given(dialect, count, id=_DELIVERIES.c.id)
    return Prepared(update(_DELIVERIES).where(_DELIVERIES.c.id == rows.c.id).values(_HELD))


@functools.cache
def _begun(dialect: str, count: int) -> Prepared:
    return Prepared(_begin(dialect, count))


@functools.cache
def _attempted(dialect: str, count: int) -> Prepared:
    own = _ATTEMPTS.c
    return Prepared(_attempt(given(dialect, count, user=own.user_id, id=own.delivery_id, number=own.number)))


@functools.cache
def _begun_and_attempted(dialect: str, count: int) -> Prepared:
    own = _DELIVERIES.c
    begun = _begin(dialect, count).returning(own.user_id, own.id, own.attempts).cte("begun")
    return Prepared(_attempt(begun))


@functools.cache
def _settled(dialect: str, count: int) -> Prepared:
    return Prepared(_settle(dialect, count))


@functools.cache
def _ended(dialect: str, count: int) -> Prepared:
    rows = given(dialect, count, id=_DELIVERIES.c.id, fence=_DELIVERIES.c.fence)
    return Prepared(_end(_DELIVERIES.c).where(_is_sent(rows)))


@functools.cache
def _settled_and_ended(dialect: str, count: int) -> Prepared:
    sent = _settle(dialect, count).returning(_DELIVERIES.c.id, _DELIVERIES.c.attempts).cte("sent")
    return Prepared(_end(sent.c))


@functools.cache
def _called(dialect: str, count: int) -> Prepared:
    own, before = _DELIVERIES.c, _DELIVERIES.alias("before")
    rows = given(dialect, count, id=own.id, fence=own.fence, key=own.dedupe_key)
    return Prepared(
        update(_DELIVERIES)
        .where(_is_sent(rows, before.c))
        .where(own.user_id == before.c.user_id, own.channel == before.c.channel, own.kind == before.c.kind)
        .where(own.dedupe_key == rows.c.key, own.state == literal_column("'pending'"), own.attempts == 0)
        .values(due_at=bindparam("now"))
    )


@functools.cache
def _unpaused(dialect: str, count: int) -> Prepared:
    own = _HEALTH.c
    rows = given(dialect, count, id=_DELIVERIES.c.id, fence=_DELIVERIES.c.fence)
    return Prepared(
        update(_HEALTH)
        .where(_is_sent(rows), own.user_id == _DELIVERIES.c.user_id, own.channel == _DELIVERIES.c.channel)
        .where(own.paused_at.is_not(None))
        .values(paused_at=None, code=None, words=None)
    )


def _has_changes_in_with(dialect: str) -> bool:
    """Whether a statement may change one table within its WITH and another itself, as PostgreSQL's may (its manual,
    section 7.8.4). One statement costs less than two."""
    return dialect == "postgresql"


def _begin(dialect: str, count: int) -> Update:
    rows = given(dialect, count, id=_DELIVERIES.c.id)
    held = _HELD | {"attempts": _DELIVERIES.c.attempts + 1, "fault_code": None}
    return update(_DELIVERIES).where(_DELIVERIES.c.id == rows.c.id).values(held)


def _attempt(rows: FromClause) -> Insert:
    """An attempt begins for each of these, given by user, delivery and its number."""
    begun_at = bindparam("now", type_=_ATTEMPTS.c.begun_at.type)
    names = ["user_id", "delivery_id", "number", "begun_at"]
    return insert(_ATTEMPTS).from_select(names, select(*rows.c, begun_at.label("begun_at")))


def _settle(dialect: str, count: int) -> Update:
    own = _DELIVERIES.c
    rows = given(dialect, count, id=own.id, fence=own.fence, reference=own.provider_reference)
    return (
        update(_DELIVERIES)
        .where(own.id == rows.c.id, own.fence == rows.c.fence, LEASED)
        .values(
            state=DeliveryState.SENT,
            lease_owner=None,
            lease_until=None,
            sent_at=bindparam("now"),
            provider_reference=rows.c.reference,
        )
    )


def _end(delivery: Any) -> Update:
    """The newest attempt of a delivery was taken, unless another end of it is known."""
    own = _ATTEMPTS.c
    return (
        update(_ATTEMPTS)
        .where(own.delivery_id == delivery.id, own.number == delivery.attempts)
        .where(or_(own.outcome.is_(None), own.outcome == Outcome.RECONCILE))
        .values(outcome=Outcome.SENT, ended_at=bindparam("now"), code=None)
    )


def _is_sent(rows: FromClause, delivery: Any = _DELIVERIES.c) -> ColumnElement[bool]:
    return and_(delivery.id == rows.c.id, delivery.fence == rows.c.fence, delivery.state == literal_column("'sent'"))


@functools.cache
def _due() -> Prepared:
    query = select(_DELIVERIES.c.id).where(CLAIMABLE, _DELIVERIES.c.due_at <= bindparam("now")).limit(1)
    return Prepared(query)


@functools.cache
def _standing() -> Prepared:
    query = select(_standing_in(bindparam("this", type_=_DELIVERIES.c.id.type)))
    return Prepared(query)


@functools.cache
def _claimable(limit: int) -> Prepared:
    own = ("id", "user_id", "channel", "kind", "dedupe_key", "created_at", "due_at", "state", "useless_at", "fence")
    is_paused = exists().where(
        _HEALTH.c.user_id == _DELIVERIES.c.user_id,
        _HEALTH.c.channel == _DELIVERIES.c.channel,
        _HEALTH.c.paused_at.is_not(None),
    )
    # PostgreSQL plans anew each time where a plan for all values seems dearer than one for these: it would for another
    # limit, and for a moment before which, by its statistics, hardly any are due.
    unseen_now = select(bindparam("now", type_=_DELIVERIES.c.due_at.type)).scalar_subquery()
    query = (
        select(
            *(_DELIVERIES.c[name] for name in (*own, "attempts", "fault_code")),
            _MESSAGES.c.envelope,
            _MESSAGES.c.content,
            is_paused.label("is_paused"),
            _standing_in(_DELIVERIES.c.id).label("standing"),
        )
        .outerjoin(_MESSAGES, _MESSAGES.c.delivery_id == _DELIVERIES.c.id)
        .where(CLAIMABLE, _DELIVERIES.c.due_at <= unseen_now)
        .order_by(_DELIVERIES.c.due_at, _DELIVERIES.c.id)
        .limit(literal_column(str(limit)))
        .with_for_update(skip_locked=True, of=_DELIVERIES)
    )
    return Prepared(query)


def _standing_in(delivery: ColumnElement[Any]) -> ScalarSelect[int]:
    is_open = _NUDGES.c.state == State.OPEN
    awake = or_(_NUDGES.c.snoozed_until.is_(None), _NUDGES.c.snoozed_until <= bindparam("now"))
    rank = case((and_(is_open, _NUDGES.c.expires_at > bindparam("now"), awake), 2), (is_open, 1), else_=0)
    some_open = func.max(case((is_open, SOME_OPEN), else_=0))
    query = select(some_open + func.min(rank)).join_from(_STEPS, _NUDGES, _STEPS.c.nudge_id == _NUDGES.c.id)
    return query.where(_STEPS.c.delivery_id == delivery).scalar_subquery()
