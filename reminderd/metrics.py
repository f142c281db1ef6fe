"""How it goes, for probes and for Prometheus: counts and times, no one's name or text.

The pure `problems` says what is wrong; `Metrics` keeps the counters of one process. Neither knows a web framework:
`pages` maps paths to functions that give status, type and text.
"""

from __future__ import annotations

import bisect
import dataclasses
import datetime as dt
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from reminderd.errors import ConfigError, ReminderdError
from reminderd.store import outbox
from reminderd.store.database import Store
from reminderd.store.tables import CLAIMABLE, LEASED, Attempt, ChannelHealth, Delivery, DeliveryState, Job, Step

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

SILENT_FOR = dt.timedelta(minutes=15)
"""Without a pass for so long the daemon does not work: it notes one every five minutes."""
STUCK_FOR = dt.timedelta(hours=1)
"""A message that has been due for so long is stuck."""
UNSEEN = 1000
"""How many lower ids an attempt of another node may have that was not committed yet when one of ours was counted."""
BUCKETS = (5.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
"""Seconds of lateness."""
TEXT = "text/plain; charset=utf-8"


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """How it stands at one moment."""

    oldest_due_at: dt.datetime | None
    """Since when the message that waits longest has been due, or was first tried."""
    passes: Mapping[str, dt.datetime]
    """The last pass of each job."""
    paused: Mapping[str, int]
    """Users whose channel is paused after a fault, by channel."""


def load_standing(session: Session) -> Standing:
    """Read it; however many messages were sent, only those that wait are looked at."""
    waiting = [session.scalar(select(func.min(Delivery.due_at)).where(part)) for part in (CLAIMABLE, LEASED)]
    # An attempt that failed moves the message's due date to the next one: it has waited since the first.
    waiting += _least_of_tried(session, Attempt.begun_at)
    paused = (
        select(ChannelHealth.channel, func.count().label("users"))
        .where(ChannelHealth.paused_at.is_not(None))
        .group_by(ChannelHealth.channel)
    )
    return Standing(
        min((at for at in waiting if at is not None), default=None),
        {job.name: job.last_pass_at for job in session.scalars(select(Job))},
        {row.channel: row.users for row in session.execute(paused)},
    )


def _least_of_tried(session: Session, what: InstrumentedAttribute[Any]) -> list[Any]:
    """The least of the attempts at messages that have not reached their end: of those that wait, of those under way."""
    of_one = select(func.min(what)).where(Attempt.delivery_id == Delivery.id).scalar_subquery()
    least = select(func.min(of_one)).select_from(Delivery).where(Delivery.attempts > 0)
    return [session.scalar(least.where(part)) for part in (CLAIMABLE, LEASED)]


def problems(standing: Standing, now: dt.datetime) -> list[str]:
    """What is wrong, one line each; empty when all is well."""
    found = []
    newest = max(standing.passes.values(), default=None)
    if newest is None:
        found.append("the daemon has made no pass yet")
    elif now - newest > SILENT_FOR:
        found.append(f"the last pass was {_minutes(now - newest)} ago")
    if standing.oldest_due_at is not None and now - standing.oldest_due_at > STUCK_FOR:
        found.append(f"a message has been due for {_minutes(now - standing.oldest_due_at)}")
    found += [f"{channel} is paused for {count} after a fault" for channel, count in sorted(standing.paused.items())]
    return found


class Metrics:
    """The metrics of one process; its counters begin at ``since``. Safe to be asked by several threads."""

    def __init__(self, store: Store, since: dt.datetime) -> None:
        self._store = store
        self._counted_until = since
        self._counted_from = 0
        """Of all attempts with lower ids the end is counted, or came before; so that only the newest are read."""
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._lateness: dict[str, _Histogram] = {}
        self._lock = threading.Lock()

    def text(self, now: dt.datetime) -> bytes:
        """All of them in Prometheus' text format. Raises `ConfigError` where its client is missing."""
        try:
            from prometheus_client import CollectorRegistry, generate_latest
        except ModuleNotFoundError as error:
            raise ConfigError("Metrics need prometheus-client: pip install 'reminderd[web]'.") from error
        with self._lock:
            with self._store.reading() as session:
                standing = load_standing(session)
                states = outbox.counts(session)
                self.count(session, now)
            families = list(self._families(standing, states, now))
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Given(families))
        return generate_latest(registry)

    def count(self, session: Session, now: dt.datetime) -> None:
        """Add what ended since the last look. A moment just passed is left for the next one, which sees it whole."""
        until = max(now - dt.timedelta(seconds=2), self._counted_until)
        since, self._counted_until = self._counted_until, until
        newest = Attempt.id >= self._counted_from, Attempt.ended_at > since
        ended = (
            select(Delivery.channel, Attempt.outcome, func.count())
            .join(Delivery, Delivery.id == Attempt.delivery_id)
            .where(*newest, Attempt.ended_at <= until)
            .group_by(Delivery.channel, Attempt.outcome)
        )
        for channel, outcome, count in session.execute(ended):
            self._attempts[channel, str(outcome)] += count
        due_at = func.min(Step.at)
        sent = (
            select(Delivery.channel, Delivery.sent_at, due_at)
            .join(Attempt, Attempt.delivery_id == Delivery.id)
            .join(Step, Step.delivery_id == Delivery.id)
            .where(*newest, Delivery.sent_at > since, Delivery.sent_at <= until)
            .group_by(Delivery.id, Delivery.channel, Delivery.sent_at)
        )
        for channel, sent_at, wanted_at in session.execute(sent):
            if sent_at is not None and wanted_at is not None:
                late = max(0.0, (sent_at - wanted_at).total_seconds())
                self._lateness.setdefault(channel, _Histogram()).add(late)
        self._counted_from = self._first_uncounted(session, until)

    def _first_uncounted(self, session: Session, until: dt.datetime) -> int:
        """The least id of an attempt that may still end, or end otherwise, or that ended just now."""
        just_now = select(func.min(Attempt.id)).where(Attempt.id >= self._counted_from, Attempt.ended_at > until)
        found = [session.scalar(just_now), *_least_of_tried(session, Attempt.id)]
        newest = session.scalar(select(func.max(Attempt.id))) or 0
        return min((one for one in found if one is not None), default=newest + 1) - UNSEEN

    def _families(self, standing: Standing, counts: Mapping[str, int], now: dt.datetime) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        states = GaugeMetricFamily("reminderd_deliveries", "Messages to users, by state.", labels=["state"])
        for state in DeliveryState:
            states.add_metric([state], counts[state])
        yield states
        oldest = standing.oldest_due_at
        waiting = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
        yield GaugeMetricFamily("reminderd_oldest_due_seconds", "How long a message has been due at most.", waiting)
        passes = GaugeMetricFamily(
            "reminderd_last_pass_timestamp_seconds", "When each stage last ran.", labels=["stage"]
        )
        for name, at in sorted(standing.passes.items()):
            passes.add_metric([name], at.timestamp())
        yield passes
        paused = GaugeMetricFamily(
            "reminderd_channels_paused", "Users whose channel is paused after a fault.", labels=["channel"]
        )
        for channel, count in sorted(standing.paused.items()):
            paused.add_metric([channel], count)
        yield paused
        attempts = CounterMetricFamily(
            "reminderd_attempts", "Tries at sending since the start.", labels=["channel", "result"]
        )
        for (channel, outcome), count in sorted(self._attempts.items()):
            attempts.add_metric([channel, outcome], count)
        yield attempts
        lateness = HistogramMetricFamily(
            "reminderd_lateness_seconds", "From when a reminder was due until it was sent.", labels=["channel"]
        )
        for channel, histogram in sorted(self._lateness.items()):
            lateness.add_metric([channel], buckets=histogram.buckets(), sum_value=histogram.sum)
        yield lateness


@dataclasses.dataclass(slots=True)
class _Histogram:
    counts: list[int] = dataclasses.field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect.bisect_left(BUCKETS, seconds)] += 1
        self.sum += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them."""
        edges = [*map(str, BUCKETS), "+Inf"]
        return list(zip(edges, map(float, itertools.accumulate(self.counts)), strict=True))


Page = Callable[[dt.datetime], tuple[int, str, bytes]]
"""Gives status, content type and body at a moment."""


def pages(store: Store, since: dt.datetime) -> dict[str, Page]:
    """`/healthz` and `/metrics`, for whichever server wants to serve them."""
    metrics = Metrics(store, since)

    def healthz(now: dt.datetime) -> tuple[int, str, bytes]:
        try:
            with store.reading() as session:
                found = problems(load_standing(session), now)
        except ReminderdError:
            found = ["the database does not answer"]
        return (503 if found else 200), TEXT, ("\n".join(found or ["ok"]) + "\n").encode()

    def scraped(now: dt.datetime) -> tuple[int, str, bytes]:
        try:
            return 200, "text/plain; version=0.0.4; charset=utf-8", metrics.text(now)
        except ReminderdError:
            return 503, TEXT, b"not available\n"

    return {"/healthz": healthz, "/metrics": scraped}


class _Given:
    """A collector of what is there already."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families


def _minutes(span: dt.timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
