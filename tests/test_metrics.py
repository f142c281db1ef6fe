"""Health and metrics: what they say, and that they name nobody."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from reminderd import metrics
from reminderd.message import Channel
from reminderd.metrics import Metrics, Standing, pages, problems
from reminderd.rules.retry import Fault, Verdict
from reminderd.store.database import Store
from reminderd.store.tables import Attempt, ChannelHealth, Delivery, Job
from reminderd.transports.base import Receipt, SendFailed
from tests.flow.parts import NOON, SIX, Story, make_house, recorders

MINUTE = dt.timedelta(minutes=1)


def standing(**values: Any) -> Standing:
    given: dict[str, Any] = {"oldest_due_at": None, "passes": {"plan": NOON}, "paused": {}}
    return Standing(**(given | values))


@pytest.mark.parametrize(
    ("values", "after", "expected"),
    [
        ({}, MINUTE, []),
        ({"passes": {}}, MINUTE, ["the daemon has made no pass yet"]),
        ({"passes": {"plan": NOON, "housekeeping": NOON - 60 * MINUTE}}, 15 * MINUTE, []),
        ({}, 16 * MINUTE, ["the last pass was 16 minutes ago"]),
        ({}, 600 * MINUTE, ["the last pass was 10 hours ago"]),
        ({"oldest_due_at": NOON - 61 * MINUTE}, 0 * MINUTE, ["a message has been due for 61 minutes"]),
        ({"oldest_due_at": NOON - 60 * MINUTE}, 0 * MINUTE, []),
        ({"paused": {"sms": 2}}, MINUTE, ["sms is paused for 2 after a fault"]),
    ],
)
def test_health_says_what_is_wrong(values: dict[str, Any], after: dt.timedelta, expected: list[str]) -> None:
    assert problems(standing(**values), NOON + after) == expected


def landed(store: Store, home: Path) -> Story:
    story = Story.begin(make_house(store, home), recorders())
    story.land(NOON)
    story.pass_at(NOON + 20 * dt.timedelta(seconds=1))
    return story


def test_a_message_that_is_tried_again_and_again_has_been_due_since_the_first_attempt(
    store: Store, tmp_path: Path
) -> None:
    ways = recorders()
    ways[Channel.EMAIL].always = SendFailed(Fault(Verdict.AGAIN, "421", "busy"))
    story = Story.begin(make_house(store, tmp_path), ways)
    story.land(NOON)
    for minutes in (0, 30, 61, 120):
        story.pass_at(NOON + minutes * MINUTE)
    story.stop()
    with store.reading() as session:
        standing = metrics.load_standing(session)
    assert len(story.deliveries()) == 1
    assert story.deliveries()[0].due_at > NOON + 120 * MINUTE
    assert standing.oldest_due_at == NOON
    assert "a message has been due for 2 hours" in problems(standing, NOON + 120 * MINUTE)


def test_metrics_count_what_was_sent_and_how_late(store: Store, tmp_path: Path) -> None:
    story = landed(store, tmp_path)
    told = Metrics(store, NOON).text(NOON + MINUTE).decode()
    story.stop()
    assert 'reminderd_attempts_total{channel="email",result="sent"} 1.0' in told
    assert 'reminderd_deliveries{state="sent"} 1.0' in told
    assert 'reminderd_lateness_seconds_bucket{channel="email",le="5.0"} 0.0' in told
    assert 'reminderd_lateness_seconds_bucket{channel="email",le="30.0"} 1.0' in told
    assert 'reminderd_lateness_seconds_count{channel="email"} 1.0' in told


def test_a_second_look_counts_nothing_twice(sqlite_store: Store, tmp_path: Path) -> None:
    story = landed(sqlite_store, tmp_path)
    counted = Metrics(sqlite_store, NOON)
    first, second = (counted.text(NOON + minutes * MINUTE).decode() for minutes in (1, 2))
    story.stop()
    line = 'reminderd_attempts_total{channel="email",result="sent"} 1.0'
    assert line in first
    assert line in second


def test_a_text_in_doubt_is_counted_once_more_when_it_is_found(store: Store, tmp_path: Path) -> None:
    ways = recorders()
    ways[Channel.SMS].can_find = True
    ways[Channel.SMS].script = [SendFailed(Fault(Verdict.RECONCILE, "timeout", "no answer"))]
    story = Story.begin(make_house(store, tmp_path), ways, email_enabled=False)
    story.land(NOON)
    story.pass_at(NOON)
    counted = Metrics(store, NOON - MINUTE)
    in_doubt = counted.text(NOON + MINUTE).decode()
    ways[Channel.SMS].found = [Receipt("SM1")]
    story.pass_at(NOON + 2 * MINUTE)
    found = counted.text(NOON + 3 * MINUTE).decode()
    story.stop()
    assert 'reminderd_attempts_total{channel="sms",result="reconcile"} 1.0' in in_doubt
    assert 'result="sent"' not in in_doubt
    assert 'reminderd_attempts_total{channel="sms",result="sent"} 1.0' in found
    assert 'reminderd_lateness_seconds_count{channel="sms"} 1.0' in found


def test_an_attempt_that_was_open_for_days_is_counted_when_it_ends(sqlite_store: Store, tmp_path: Path) -> None:
    story = landed(sqlite_store, tmp_path)
    with sqlite_store.writing() as session:
        begun = {"begun_at": NOON - dt.timedelta(days=3), "ended_at": NOON + MINUTE, "outcome": "reconcile"}
        session.execute(update(Attempt).values(begun))
    story.stop()
    told = Metrics(sqlite_store, NOON).text(NOON + 2 * MINUTE).decode()
    assert 'reminderd_attempts_total{channel="email",result="reconcile"} 1.0' in told


def test_an_attempt_that_was_not_to_be_seen_yet_is_counted_later(sqlite_store: Store, tmp_path: Path) -> None:
    story = landed(sqlite_store, tmp_path)
    with sqlite_store.writing() as session:
        session.execute(update(Attempt).values(id=500))
    counted = Metrics(sqlite_store, NOON)
    counted.text(NOON + MINUTE)
    with sqlite_store.writing() as session:  # another node's, whose transaction ended after that look
        (delivery,) = session.scalars(select(Delivery))
        ended = {"begun_at": NOON, "ended_at": NOON + MINUTE, "outcome": "again"}
        session.add(Attempt(id=499, user_id=story.user_id, delivery_id=delivery.id, number=7, **ended))
    story.stop()
    told = counted.text(NOON + 2 * MINUTE).decode()
    assert 'reminderd_attempts_total{channel="email",result="again"} 1.0' in told
    assert 'reminderd_attempts_total{channel="email",result="sent"} 1.0' in told


def test_what_ended_a_moment_ago_is_counted_by_the_next_look(sqlite_store: Store, tmp_path: Path) -> None:
    story = landed(sqlite_store, tmp_path)
    counted = Metrics(sqlite_store, NOON)
    first, second = (counted.text(NOON + dt.timedelta(seconds=at)).decode() for at in (21, 23))
    story.stop()
    assert 'result="sent"' not in first
    assert 'reminderd_attempts_total{channel="email",result="sent"} 1.0' in second


def test_the_pages_answer_as_probes_and_scrapers_expect_and_name_nobody(sqlite_store: Store, tmp_path: Path) -> None:
    story = landed(sqlite_store, tmp_path)
    served = pages(sqlite_store, NOON)
    assert served["/healthz"](NOON) == (503, metrics.TEXT, b"the daemon has made no pass yet\n")
    with sqlite_store.writing() as session:
        session.add(Job(name="plan", last_pass_at=NOON))
    assert served["/healthz"](NOON) == (200, metrics.TEXT, b"ok\n")
    with sqlite_store.writing() as session:
        fault = {"paused_at": NOON, "code": "535", "words": "for ada@example.org"}
        session.add(ChannelHealth(user_id=story.user_id, channel="sms", **fault))
    story.stop()
    status, kind, body = served["/metrics"](NOON + MINUTE)
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    everything = body + served["/healthz"](NOON)[2]
    for name in ("Ada", "ada@", "Acme", "Initech", *SIX):
        assert name.encode() not in everything
