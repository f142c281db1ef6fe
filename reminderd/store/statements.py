"""The statements of the send path: a handful for all the messages of a turn, whatever their number and the stock."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Subquery,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from reminderd.message import Channel
from reminderd.rules.states import State
from reminderd.store.prepared import Prepared
from reminderd.store.tables import Base, DeliveryState, Outcome

_DELIVERIES = Base.metadata.tables["deliveries"]
_MESSAGES = Base.metadata.tables["messages"]
_ATTEMPTS = Base.metadata.tables["attempts"]
_HEALTH = Base.metadata.tables["channel_health"]
_NUDGES = Base.metadata.tables["nudges"]
_STEPS = Base.metadata.tables["steps"]

# With literals, so that the partial indexes serve them whatever plan is cached.
CLAIMABLE = _DELIVERIES.c.state.in_([literal_column("'pending'"), literal_column("'unknown'")])
LEASED = _DELIVERIES.c.state == literal_column("'leased'")
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
    return bool(_due().rows(connection, {"now": now}))


def find_claimable(connection: Connection, now: dt.datetime, limit: int) -> list[Claimable]:
    """Those due first, locked, without those that others have locked."""
    return [Claimable(*row) for row in _claimable().rows(connection, {"now": now, "limit": limit})]


def standing_of(connection: Connection, delivery_id: int, now: dt.datetime) -> int | None:
    """As `Claimable` has it."""
    ((standing,),) = _standing().rows(connection, {"this": delivery_id, "now": now})
    return standing  # type: ignore[no-any-return]  # a driver's row


def lease(connection: Connection, ids: Sequence[int], owner: str, until: dt.datetime) -> None:
    """Hold these."""
    _leased(len(ids)).run(connection, _numbered({"owner": owner, "until": until}, ["id"], [(one,) for one in ids]))


def begin(
    connection: Connection, attempts: Sequence[tuple[int, int, int]], owner: str, now: dt.datetime, until: dt.datetime
) -> None:
    """Hold deliveries, given by user, id and the number of the attempt that begins, and note the attempts."""
    given = _numbered({"owner": owner, "until": until}, ["id"], [(one,) for _, one, _ in attempts])
    _begun(len(attempts)).run(connection, given)
    given = _numbered({"now": now}, ["user", "id", "number"], attempts)
    _attempted(len(attempts)).run(connection, given)


def settle(connection: Connection, sent: Sequence[tuple[int, int, str]], now: dt.datetime) -> int:
    """Deliveries, given by id, fence and the other side's reference, are sent. How many were still held so."""
    given = _numbered({"now": now}, ["id", "fence", "reference"], sent)
    return _settled(len(sent)).run(connection, given).rowcount


def fences_of_sent(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """The fences of those that are sent."""
    query = select(_DELIVERIES.c.id, _DELIVERIES.c.fence).where(
        _DELIVERIES.c.id.in_(ids), _DELIVERIES.c.state == DeliveryState.SENT
    )
    return {row.id: row.fence for row in connection.execute(query)}


def end_attempts(connection: Connection, attempts: Sequence[tuple[int, int]], now: dt.datetime) -> None:
    """Attempts, given by delivery and number, were taken, unless another end of theirs is known."""
    _ended(len(attempts)).run(connection, _numbered({"now": now}, ["id", "number"], attempts))


def call(connection: Connection, texts: Sequence[tuple[int, str, str]], now: dt.datetime) -> None:
    """Texts, given by user, kind and dedupe key, that wait to be tried are due now."""
    _called(len(texts)).run(connection, _numbered({"now": now}, ["user", "kind", "key"], texts))


def unpause(connection: Connection, ways: Sequence[tuple[int, str]]) -> None:
    """The channels of these users work."""
    _unpaused(len(ways)).run(connection, _numbered({}, ["user", "channel"], ways))


# ---- put together when first used; those with rows of values once for each number of them


def _numbered(given: dict[str, object], names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> dict[str, object]:
    for place, row in enumerate(rows):
        for name, value in zip(names, row, strict=True):
            given[f"{name}_{place}"] = value
    return given


def _given(count: int, **columns: Any) -> Subquery:
    """So many rows of parameters, each column with the type of the one it is compared with. Not by ``WITH``: Python's
    driver for SQLite does not count what a statement changes that begins so."""
    rows = [
        select(*(bindparam(f"{name}_{place}", type_=one.type).label(name) for name, one in columns.items()))
        for place in range(count)
    ]
    return union_all(*rows).subquery("given")


_HELD = {
    "state": DeliveryState.LEASED,
    "lease_owner": bindparam("owner"),
    "lease_until": bindparam("until"),
    "fence": _DELIVERIES.c.fence + 1,
}


@functools.cache
def _leased(count: int) -> Prepared:
    given = _given(count, id=_DELIVERIES.c.id)
    return Prepared(update(_DELIVERIES).where(_DELIVERIES.c.id == given.c.id).values(_HELD))


@functools.cache
def _begun(count: int) -> Prepared:
    given = _given(count, id=_DELIVERIES.c.id)
    held = _HELD | {"attempts": _DELIVERIES.c.attempts + 1, "fault_code": None}
    return Prepared(update(_DELIVERIES).where(_DELIVERIES.c.id == given.c.id).values(held))


@functools.cache
def _attempted(count: int) -> Prepared:
    columns = {"user_id": "user", "delivery_id": "id", "number": "number"}
    rows: list[dict[str, Any]] = [
        {name: bindparam(f"{one}_{place}") for name, one in columns.items()} | {"begun_at": bindparam("now")}
        for place in range(count)
    ]
    return Prepared(insert(_ATTEMPTS).values(rows))


@functools.cache
def _settled(count: int) -> Prepared:
    own = _DELIVERIES.c
    given = _given(count, id=own.id, fence=own.fence, reference=own.provider_reference)
    return Prepared(
        update(_DELIVERIES)
        .where(own.id == given.c.id, own.fence == given.c.fence, LEASED)
        .values(
            state=DeliveryState.SENT,
            lease_owner=None,
            lease_until=None,
            sent_at=bindparam("now"),
            provider_reference=given.c.reference,
        )
    )


@functools.cache
def _ended(count: int) -> Prepared:
    own = _ATTEMPTS.c
    given = _given(count, id=own.delivery_id, number=own.number)
    return Prepared(
        update(_ATTEMPTS)
        .where(own.delivery_id == given.c.id, own.number == given.c.number)
        .where(or_(own.outcome.is_(None), own.outcome == Outcome.RECONCILE))
        .values(outcome=Outcome.SENT, ended_at=bindparam("now"), code=None)
    )


@functools.cache
def _called(count: int) -> Prepared:
    own = _DELIVERIES.c
    given = _given(count, user=own.user_id, kind=own.kind, key=own.dedupe_key)
    return Prepared(
        update(_DELIVERIES)
        .where(own.user_id == given.c.user, own.kind == given.c.kind, own.dedupe_key == given.c.key)
        .where(own.channel == Channel.SMS, own.state == DeliveryState.PENDING, own.attempts == 0)
        .values(due_at=bindparam("now"))
    )


@functools.cache
def _unpaused(count: int) -> Prepared:
    own = _HEALTH.c
    given = _given(count, user=own.user_id, channel=own.channel)
    return Prepared(
        update(_HEALTH)
        .where(own.user_id == given.c.user, own.channel == given.c.channel, own.paused_at.is_not(None))
        .values(paused_at=None, code=None, words=None)
    )


@functools.cache
def _due() -> Prepared:
    return Prepared(select(_DELIVERIES.c.id).where(CLAIMABLE, _DELIVERIES.c.due_at <= bindparam("now")).limit(1))


@functools.cache
def _standing() -> Prepared:
    return Prepared(select(_standing_in(bindparam("this", type_=_DELIVERIES.c.id.type))))


@functools.cache
def _claimable() -> Prepared:
    own = ("id", "user_id", "channel", "kind", "dedupe_key", "created_at", "due_at", "state", "useless_at", "fence")
    is_paused = exists().where(
        _HEALTH.c.user_id == _DELIVERIES.c.user_id,
        _HEALTH.c.channel == _DELIVERIES.c.channel,
        _HEALTH.c.paused_at.is_not(None),
    )
    return Prepared(
        select(
            *(_DELIVERIES.c[name] for name in (*own, "attempts", "fault_code")),
            _MESSAGES.c.envelope,
            _MESSAGES.c.content,
            is_paused.label("is_paused"),
            _standing_in(_DELIVERIES.c.id).label("standing"),
        )
        .outerjoin(_MESSAGES, _MESSAGES.c.delivery_id == _DELIVERIES.c.id)
        .where(CLAIMABLE, _DELIVERIES.c.due_at <= bindparam("now"))
        .order_by(_DELIVERIES.c.due_at, _DELIVERIES.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True, of=_DELIVERIES)
    )


def _standing_in(delivery: ColumnElement[Any]) -> ScalarSelect[int]:
    is_open = _NUDGES.c.state == State.OPEN
    awake = or_(_NUDGES.c.snoozed_until.is_(None), _NUDGES.c.snoozed_until <= bindparam("now"))
    rank = case((and_(is_open, _NUDGES.c.expires_at > bindparam("now"), awake), 2), (is_open, 1), else_=0)
    some_open = func.max(case((is_open, SOME_OPEN), else_=0))
    query = select(some_open + func.min(rank)).join_from(_STEPS, _NUDGES, _STEPS.c.nudge_id == _NUDGES.c.id)
    return query.where(_STEPS.c.delivery_id == delivery).scalar_subquery()
