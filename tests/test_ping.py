"""The dead-man switch hears of good passes, once a minute at most, and of nothing else."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reminderd.ping import EVERY, Ping
from tests.cli.desk import Desk
from tests.flow.daemons import Daemon
from tests.flow.parts import PATIENCE


class Switch:
    """A server that notes what is fetched."""

    def __init__(self) -> None:
        self.heard: queue.Queue[str] = queue.Queue()
        self.status = 200
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                switch.heard.put(self.path)
                self.send_response(switch.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret"


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Switch]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Switch()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(PATIENCE)


def test_it_is_fetched_after_a_pass_and_not_again_within_a_minute(switch: Switch) -> None:
    moments = (0.0, 1.0, EVERY - 1, EVERY)
    ping = Ping(switch.url, iter(moments).__next__)
    for _ in moments:
        ping.passed()
        ping.finish()
    assert [switch.heard.get_nowait() for _ in range(switch.heard.qsize())] == ["/secret", "/secret"]


@pytest.mark.parametrize("status", [404, 500, None])
def test_a_fetch_that_fails_is_logged_without_the_address(
    switch: Switch, caplog: pytest.LogCaptureFixture, status: int | None
) -> None:
    switch.status = status or 200
    ping = Ping(switch.url if status else "http://127.0.0.1:9/secret")
    with caplog.at_level(logging.DEBUG):
        ping.passed()
        ping.finish()
    assert [record.getMessage() for record in caplog.records] == [f"ping_failed reason={status or 'URLError'}"]


def test_without_an_address_nothing_is_fetched() -> None:
    ping = Ping(None)
    ping.passed()
    ping.finish()


def test_the_daemon_tells_of_its_passes(switch: Switch, tmp_path: Path) -> None:
    Desk(tmp_path).set_up()
    daemon = Daemon(tmp_path, {"HEALTH_PING_URL": switch.url})
    try:
        assert switch.heard.get(timeout=PATIENCE) == "/secret"
    finally:
        daemon.close()


def test_one_pass_tells_of_itself_before_it_ends(switch: Switch, tmp_path: Path) -> None:
    desk = Desk(tmp_path, HEALTH_PING_URL=switch.url).set_up()
    desk.ok("run", "--once")
    assert switch.heard.get_nowait() == "/secret"


def test_a_pass_that_broke_is_not_told_of(switch: Switch, tmp_path: Path) -> None:
    desk = Desk(tmp_path, HEALTH_PING_URL=switch.url).set_up()
    desk.database.write_bytes(b"no database" * 1000)
    assert desk.run("run", "--once").exit_code != 0
    assert switch.heard.empty()
