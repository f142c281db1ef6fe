"""The daemon serves the page in a thread of its own, and stops it."""

from __future__ import annotations

import http.client
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.flow.daemons import Daemon


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def status_at(port: int, path: str = "/") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def daemon(tmp_path: Path, port: int) -> Iterator[Daemon]:
    Desk(tmp_path).set_up()
    running = Daemon(tmp_path, {"WEB": "on", "LISTEN_ADDR": f"127.0.0.1:{port}"})
    yield running
    running.close()


def test_the_page_is_there_when_the_daemon_is_ready_and_gone_when_it_has_stopped(daemon: Daemon, port: int) -> None:
    daemon.wait_for("READY=1")
    assert status_at(port) == 403
    daemon.ask_to(signal.SIGHUP)
    daemon.wait_for("STATUS=Watching, with rules and settings read anew")
    assert status_at(port, "/style.css") == 200
    daemon.ask_to(signal.SIGTERM)
    assert daemon.ended() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()


def test_a_port_in_use_ends_the_start_with_a_word_about_it(tmp_path: Path) -> None:
    Desk(tmp_path).set_up()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = Daemon(tmp_path, {"WEB": "on", "LISTEN_ADDR": f"127.0.0.1:{taken.getsockname()[1]}"})
        assert running.ended() == 78
        running.close()
    assert "LISTEN_ADDR" in running.log.read_text()
