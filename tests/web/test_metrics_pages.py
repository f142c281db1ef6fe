"""`/healthz` and `/metrics` on the page's server."""

from __future__ import annotations

from pathlib import Path

from reminderd.settings import load
from reminderd.store.database import Store
from reminderd.web.app import make_app
from tests.flow.parts import NOON, make_house
from tests.web.parts import Desk


def test_they_are_not_there_unless_asked_for(desk: Desk) -> None:
    for path in ("/healthz", "/metrics"):
        assert desk.client.get(path).status_code == 404


def test_they_answer_once_switched_on(sqlite_store: Store, tmp_path: Path) -> None:
    house = make_house(sqlite_store, tmp_path)
    object.__setattr__(house, "settings", load({"METRICS": "on"}, None, tmp_path))
    client = make_app(house, lambda: NOON).test_client()
    health = client.get("/healthz")
    assert (health.status_code, health.text) == (503, "the daemon has made no pass yet\n")
    scraped = client.get("/metrics")
    assert scraped.status_code == 200
    assert "reminderd_deliveries" in scraped.text
