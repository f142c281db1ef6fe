"""The tables. Every row of user data carries ``user_id``; constraints live in the database."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Date,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    TextClause,
    Time,
    TypeDecorator,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from reminderd.message import Message, from_record, to_record
from reminderd.rules.states import Digest, State, Status, Tier


class UtcDateTime(TypeDecorator[dt.datetime]):
    """Aware datetimes in UTC, both ways; SQLite keeps no offset, so naive ones are refused."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone cannot be stored")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    """Naming follows Alembic's advice, so that constraints can be changed by name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {dt.datetime: UtcDateTime(), dt.date: Date(), dt.time: Time(), dict[str, Any]: JSON()}


class StepState(enum.StrEnum):
    """Where a reminder stands: waiting, carried by a delivery, or taken in by a later one."""

    PENDING = "pending"
    SENT = "sent"
    FOLDED = "folded"


class DeliveryState(enum.StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


UNSETTLED = (DeliveryState.PENDING, DeliveryState.LEASED, DeliveryState.UNKNOWN)
"""States of a delivery that is still to reach its end."""
TAKEN = (DeliveryState.SENT, DeliveryState.DELIVERED)
"""States of a delivery that the other side has."""


class DeliveryKind(enum.StrEnum):
    NUDGE = "nudge"
    DIGEST = "digest"
    NOTICE = "notice"
    ANSWER = "answer"
    TEST = "test"


REMINDERS = (DeliveryKind.NUDGE, DeliveryKind.DIGEST)
"""Kinds of messages that remind; the others answer or tell."""


class Outcome(enum.StrEnum):
    """How an attempt ended; one without an outcome is open."""

    SENT = "sent"
    AGAIN = "again"
    RECONCILE = "reconcile"
    FAILED = "failed"
    NOT_FOUND = "not_found"


def one_of(column: str, values: type[enum.StrEnum] | tuple[str, ...], *, null: bool = False) -> CheckConstraint:
    """A checked enumeration."""
    listing = ", ".join(f"'{value}'" for value in values)
    rule = f"{column} IN ({listing})"
    return CheckConstraint(f"{column} IS NULL OR {rule}" if null else rule, name=column)


def partial_index(name: str, *columns: str | TextClause, where: str, unique: bool = False) -> Index:
    """An index of some rows. PostgreSQL's dialect, which is slow to import, hears of it by `complete_for_postgres`."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


def complete_for_postgres() -> None:
    """To be called before PostgreSQL makes these tables, or is told how."""
    for table in Base.metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_kwargs["postgresql_where"] = text(index.info["where"])


USER = "users.id"
CHANNELS = ("email", "sms")
LANES = ("now", "digest")


class User(Base):
    """Who receives the nudges."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(20))
    zone: Mapped[str] = mapped_column(String(64))
    hour: Mapped[dt.time]
    quiet_begins: Mapped[dt.time | None]
    quiet_ends: Mapped[dt.time | None]
    digest: Mapped[str] = mapped_column(String(10))
    digest_weekday: Mapped[int] = mapped_column(default=0)
    language: Mapped[str] = mapped_column(String(10), default="en")
    full_texts: Mapped[bool] = mapped_column(default=False)
    email_enabled: Mapped[bool] = mapped_column(default=True)
    sms_enabled: Mapped[bool] = mapped_column(default=True)
    paused: Mapped[bool] = mapped_column(default=False)
    paused_until: Mapped[dt.date | None]
    pause_all: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime]
    last_number: Mapped[int] = mapped_column(default=0)
    settings_mark: Mapped[str] = mapped_column(String(64), default="")
    change_version: Mapped[int] = mapped_column(default=1)
    planned_version: Mapped[int] = mapped_column(default=0)
    plan_again_at: Mapped[dt.datetime | None]

    def wants(self, channel: str) -> bool:
        """Whether the user has not stopped a channel."""
        return self.sms_enabled if channel == "sms" else self.email_enabled

    __table_args__ = (
        one_of("digest", Digest),
        CheckConstraint("digest_weekday BETWEEN 0 AND 6", name="digest_weekday"),
        CheckConstraint("(quiet_begins IS NULL) = (quiet_ends IS NULL)", name="quiet"),
        Index("ix_users_plan_again_at", "plan_again_at"),
    )


class Reference(Base):
    """A person who vouches for the user."""

    __tablename__ = "references"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    first_name: Mapped[str | None] = mapped_column(String(100))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20))
    relation: Mapped[str | None] = mapped_column(String(200))
    worked_at: Mapped[str | None] = mapped_column(String(200))
    role: Mapped[str | None] = mapped_column(String(200))
    worked_from: Mapped[dt.date | None]
    worked_to: Mapped[dt.date | None]
    employer: Mapped[str | None] = mapped_column(String(200))
    title: Mapped[str | None] = mapped_column(String(200))
    since: Mapped[dt.date | None]
    speaks_to: Mapped[str | None] = mapped_column(String(500))
    via: Mapped[str | None] = mapped_column(String(10))
    profile: Mapped[str | None] = mapped_column(String(500))
    address: Mapped[str | None] = mapped_column(String(500))
    birth_year: Mapped[int | None]
    birth_month: Mapped[int | None]
    birth_day: Mapped[int | None]
    leap_day: Mapped[int] = mapped_column(default=28)
    every: Mapped[str | None] = mapped_column(String(40))
    at_most: Mapped[str | None] = mapped_column(String(40))
    tier: Mapped[str] = mapped_column(String(10), default=Tier.INNER)
    keep_from_knowing: Mapped[bool] = mapped_column(default=False)
    present_employer: Mapped[bool] = mapped_column(default=False)
    last_contact_on: Mapped[dt.date | None]
    confirmed_on: Mapped[dt.date | None]
    note: Mapped[str | None] = mapped_column(String(2000))
    status: Mapped[str] = mapped_column(String(10), default=Status.ACTIVE)
    paused_until: Mapped[dt.date | None]
    created_on: Mapped[dt.date]
    created_at: Mapped[dt.datetime]
    change_version: Mapped[int] = mapped_column(default=1)
    planned_version: Mapped[int] = mapped_column(default=0)
    plan_again_at: Mapped[dt.datetime | None]

    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        one_of("status", Status),
        one_of("tier", Tier),
        one_of("via", ("email", "text", "call", "linkedin", "letter"), null=True),
        CheckConstraint("leap_day IN (1, 28)", name="leap_day"),
        Index("ix_references_plan_again_at", "plan_again_at"),
    )


class Opportunity(Base):
    """A job applied for."""

    __tablename__ = "opportunities"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"))
    company: Mapped[str] = mapped_column(String(200))
    role: Mapped[str | None] = mapped_column(String(200))
    starts_on: Mapped[dt.date | None]
    contact: Mapped[str | None] = mapped_column(String(200))
    posting: Mapped[str | None] = mapped_column(String(500))
    resume: Mapped[str | None] = mapped_column(String(500))
    embargo_until: Mapped[dt.date | None]
    embargo_until_signed: Mapped[bool] = mapped_column(default=False)
    closed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime]

    __table_args__ = (UniqueConstraint("user_id", "company"),)


BY_ITSELF = "expiry:"
"""What the batch of an event begins with that the program recorded by itself, as a nudge's time was over."""


class Event(Base):
    """Something dated that happened, or will. Retracted ones stay, and count for nothing."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30))
    reference_id: Mapped[int | None] = mapped_column(ForeignKey("references.id", ondelete="CASCADE"))
    opportunity_id: Mapped[int | None] = mapped_column(ForeignKey("opportunities.id", ondelete="CASCADE"))
    on: Mapped[dt.date]
    at: Mapped[dt.time | None]
    ordinal: Mapped[int] = mapped_column(default=1)
    note: Mapped[str | None] = mapped_column(String(2000))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    batch: Mapped[str] = mapped_column(String(32))
    """Events recorded by one command share a batch; `undo` takes back the newest batch."""
    recorded_at: Mapped[dt.datetime]
    retracted_at: Mapped[dt.datetime | None]

    __table_args__ = (
        partial_index(
            "uq_events_live",
            "user_id",
            "kind",
            text("coalesce(reference_id, 0)"),
            text("coalesce(opportunity_id, 0)"),
            "on",
            "ordinal",
            unique=True,
            where="retracted_at IS NULL",
        ),
        Index("ix_events_reference_id", "reference_id"),
        Index("ix_events_opportunity_id", "opportunity_id"),
        Index("ix_events_user_id_recorded_at", "user_id", "recorded_at"),
    )


class Nudge(Base):
    """One thing to do."""

    __tablename__ = "nudges"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"))
    number: Mapped[int]
    rule: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(60))
    """``reference:<id>``, ``opportunity:<id>`` or ``user``."""
    occasion: Mapped[str] = mapped_column(String(60))
    reference_id: Mapped[int | None] = mapped_column(ForeignKey("references.id", ondelete="CASCADE"))
    opportunity_id: Mapped[int | None] = mapped_column(ForeignKey("opportunities.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="SET NULL"))
    draft: Mapped[str] = mapped_column(String(60))
    lane: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default=State.OPEN)
    state_at: Mapped[dt.datetime]
    done_event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id", ondelete="SET NULL"))
    starts_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    snoozed_until: Mapped[dt.datetime | None]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    answer: Mapped[str | None] = mapped_column(String(1000))
    """What the user said to the question above the draft."""
    note: Mapped[str | None] = mapped_column(String(2000))
    """What the user wrote about it, a line each time."""
    approach: Mapped[str | None] = mapped_column(String(30))
    variant: Mapped[int | None]
    """The wording first sent; a nudge keeps its wording."""
    end_told: Mapped[bool] = mapped_column(default=True)
    """False when it expired or was withdrawn after the user heard of it, until a message says so."""
    created_at: Mapped[dt.datetime]

    __table_args__ = (
        UniqueConstraint("user_id", "number"),
        UniqueConstraint("user_id", "rule", "subject", "occasion"),
        one_of("state", State),
        one_of("lane", LANES),
        Index("ix_nudges_reference_id", "reference_id"),
        Index("ix_nudges_user_id_subject", "user_id", "subject"),
        Index("ix_nudges_user_id_state_due_at", "user_id", "state", "due_at"),
    )


class Step(Base):
    """One reminder of a nudge. ``planned_at`` is what the plan said, ``at`` when it is really due."""

    __tablename__ = "steps"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"))
    nudge_id: Mapped[int] = mapped_column(ForeignKey("nudges.id", ondelete="CASCADE"))
    position: Mapped[int]
    """Counts from 1 as the rule lists them; 100 is the end of a snooze."""
    planned_at: Mapped[dt.datetime]
    at: Mapped[dt.datetime]
    channel: Mapped[str] = mapped_column(String(10))
    lane: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default=StepState.PENDING)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id", ondelete="SET NULL"))

    __table_args__ = (
        UniqueConstraint("nudge_id", "position"),
        one_of("state", StepState),
        one_of("channel", CHANNELS),
        one_of("lane", LANES),
        CheckConstraint("state <> 'sent' OR delivery_id IS NOT NULL", name="sent_by"),
        partial_index("ix_steps_due", "at", where="state = 'pending'"),
        Index("ix_steps_delivery_id", "delivery_id"),
    )


class Delivery(Base):
    """One message to the user on one channel. Nothing leaves except as one of these."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(10))
    dedupe_key: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), default=DeliveryState.PENDING)
    subject: Mapped[str] = mapped_column(String(500))
    thread: Mapped[str | None] = mapped_column(String(100))
    tells: Mapped[list[int]] = mapped_column(JSON, default=list)
    """The nudges whose end it tells; untold again when it is not sent."""
    due_at: Mapped[dt.datetime]
    """When the next attempt, or the next look at an unknown outcome, is due."""
    useless_at: Mapped[dt.datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[dt.datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    fault_code: Mapped[str | None] = mapped_column(String(40))
    fault_words: Mapped[str | None] = mapped_column(String(500))
    failure_told: Mapped[bool] = mapped_column(default=True)
    provider_reference: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]

    __table_args__ = (
        UniqueConstraint("user_id", "channel", "kind", "dedupe_key"),
        one_of("state", DeliveryState),
        one_of("kind", DeliveryKind),
        one_of("channel", CHANNELS),
        CheckConstraint("(state = 'leased') = (lease_owner IS NOT NULL)", name="leased_by"),
        CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="leased_until"),
        CheckConstraint("state NOT IN ('sent', 'delivered') OR sent_at IS NOT NULL", name="sent_at"),
        # With the id, in whose order those of one moment go: a morning has thousands.
        partial_index("ix_deliveries_due", "due_at", "id", where="state IN ('pending', 'unknown')"),
        partial_index("ix_deliveries_leased", "lease_until", where="state = 'leased'"),
        partial_index(
            "ix_deliveries_user_id_channel_sent_at", "user_id", "channel", "sent_at", where="sent_at IS NOT NULL"
        ),
        partial_index("ix_deliveries_unconfirmed", "sent_at", where="state = 'sent' AND channel = 'sms'"),
    )


_state = Base.metadata.tables["deliveries"].c.state
CLAIMABLE = _state.in_([literal_column("'pending'"), literal_column("'unknown'")])
LEASED = _state == literal_column("'leased'")
"""The unsettled deliveries, in two parts, as the partial indexes of them have it: the states stand in the statement, so
that an index serves whatever plan is cached."""


class StoredMessage(Base):
    """The exact message of a delivery, as `reminderd.message.to_record` writes it. It is written once; in the row of
    the delivery it would be written again with every change of state."""

    __tablename__ = "messages"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"))
    message_id: Mapped[str | None] = mapped_column(String(250))
    """A mail's, by which replies to it are known."""
    envelope: Mapped[dict[str, Any]]
    content: Mapped[bytes | None]
    """The bytes of a mail; a text has none."""

    __table_args__ = (Index("ix_messages_message_id", "message_id"),)

    @classmethod
    def of(cls, delivery: Delivery, message: Message) -> StoredMessage:
        """The row for a delivery that has its id."""
        return cls(delivery_id=delivery.id, user_id=delivery.user_id, **cls.columns(message))

    @staticmethod
    def columns(message: Message) -> dict[str, Any]:
        """What the row says of the message."""
        envelope, content = to_record(message)
        return {"message_id": envelope.get("message_id"), "envelope": envelope, "content": content}

    def read(self) -> Message:
        """The message. Raises `KeyError`, `TypeError` or `ValueError` where it cannot be read."""
        return from_record(self.envelope, self.content)


class Attempt(Base):
    """One try at sending a delivery, committed before the network is touched."""

    __tablename__ = "attempts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    """Whose the delivery is, which stands for it: to ask for the user too would cost each attempt a look."""
    delivery_id: Mapped[int] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    number: Mapped[int]
    begun_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(10))
    code: Mapped[str | None] = mapped_column(String(40))

    __table_args__ = (
        UniqueConstraint("delivery_id", "number"),
        one_of("outcome", Outcome, null=True),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
    )


class Inbound(Base):
    """A message of the user's that was applied. Each is applied once, however often it is seen."""

    __tablename__ = "inbound"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(250))
    """Twilio's SID, or the Message-ID."""
    verb: Mapped[str] = mapped_column(String(20))
    received_at: Mapped[dt.datetime]
    applied_at: Mapped[dt.datetime]

    __table_args__ = (UniqueConstraint("user_id", "channel", "key"), one_of("channel", CHANNELS))


class ChannelHealth(Base):
    """How a channel of a user stands: paused after a fault that only somebody's hand can mend."""

    __tablename__ = "channel_health"
    user_id: Mapped[int] = mapped_column(ForeignKey(USER, ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(10), primary_key=True)
    paused_at: Mapped[dt.datetime | None]
    code: Mapped[str | None] = mapped_column(String(40))
    words: Mapped[str | None] = mapped_column(String(500))

    __table_args__ = (
        one_of("channel", CHANNELS),
        partial_index("ix_channel_health_paused", "paused_at", where="paused_at IS NOT NULL"),
    )


class Job(Base):
    """When each system job last finished a pass."""

    __tablename__ = "jobs"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    last_pass_at: Mapped[dt.datetime]


class SchemaFloor(Base):
    """One row: the oldest program that may still work with this database, named by the newest revision it knows."""

    __tablename__ = "schema_floor"
    revision: Mapped[str] = mapped_column(String(32), primary_key=True)
