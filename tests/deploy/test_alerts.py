"""The alerts ask for what the program really tells, and say what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from reminderd.message import Channel
from reminderd.metrics import Metrics
from reminderd.rules.retry import Fault, Verdict
from reminderd.store.database import Store
from reminderd.store.tables import ChannelHealth, Job
from reminderd.transports.base import SendFailed
from tests.deploy.machine import ROOT
from tests.docs.pages import prose
from tests.flow.parts import NOON, Story, make_house, recorders
from tests.test_metrics import MINUTE

ALERTS = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PAGE = ROOT / "docs" / "monitoring.md"
METRIC = re.compile(r"(reminderd_\w+)(?:\{([^}]*)\})?")
OF_PROMETHEUS = {"instance", "alertname"}
"""Labels that no program tells: its scrape adds them."""


@pytest.fixture
def told(sqlite_store: Store, tmp_path: Path) -> dict[str, list[dict[str, str]]]:
    """Every sample that `/metrics` tells after a day with all sorts of things in it: its name, and the labels."""
    ways = recorders()
    ways[Channel.EMAIL].script = [SendFailed(Fault(Verdict.AGAIN, "451", "later"))]
    story = Story.begin(make_house(sqlite_store, tmp_path), ways)
    story.land(NOON)
    for minutes in (0, 10):
        story.pass_at(NOON + minutes * MINUTE)
    story.stop()
    with sqlite_store.writing() as session:
        session.add(Job(name="plan", last_pass_at=NOON))
        session.add(ChannelHealth(user_id=story.user_id, channel="sms", paused_at=NOON, code="20003", words="no"))
    text = Metrics(sqlite_store, NOON - MINUTE).text(NOON + 20 * MINUTE).decode()
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_and_labels_that_are_told(
    rule: dict[str, Any], told: dict[str, list[dict[str, str]]]
) -> None:
    asked = METRIC.findall(rule["expr"])
    assert asked
    known = set(OF_PROMETHEUS)
    for name, selector in asked:
        assert name in told
        known |= {label for labels in told[name] for label in labels}
        for label, value in re.findall(r'(\w+)!?="(\w+)"', selector):
            assert value in {labels.get(label) for labels in told[name]}, selector
    for grouped in re.findall(r"by \(([^)]*)\)", rule["expr"]):
        assert set(re.split(r",\s*", grouped)) <= known


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_waits_a_while_and_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"[1-9]\d*m", rule["for"])
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert not rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["description"].endswith(".")
    kept = re.findall(r"by \(([^)]*)\)", rule["expr"])
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        assert any(label in one for one in kept)


def test_the_page_names_every_alert_and_every_metric_and_no_other(told: dict[str, list[dict[str, str]]]) -> None:
    text = prose(PAGE)
    assert set(re.findall(r"`(Reminderd\w+)`", text)) == {rule["alert"] for rule in RULES}
    names = {re.sub("_(bucket|sum|count)$", "", name) for name in told if not name.endswith("_created")}
    assert set(re.findall(r"`(reminderd_\w+)`", text)) <= names


def test_no_label_is_one_that_prometheus_sets_itself(told: dict[str, list[dict[str, str]]]) -> None:
    assert not {label for samples in told.values() for labels in samples for label in labels} & {"job", "instance"}
