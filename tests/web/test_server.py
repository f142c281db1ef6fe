"""The real server on loopback: serves, stops at once, and says when it cannot listen."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reminderd.errors import ConfigError
from reminderd.settings import load
from reminderd.store.database import Store
from reminderd.web.server import Server
from tests.flow.parts import NOON
from tests.web.parts import SETTINGS, make_desk


def test_it_serves_and_stops_with_connections_open(sqlite_store: Store, tmp_path: Path) -> None:
    desk = make_desk(sqlite_store, tmp_path, {**SETTINGS, "LISTEN_ADDR": "127.0.0.1:0"})
    server = Server(desk.house, lambda: NOON)
    server.start()
    host, port = server.address
    assert host == "127.0.0.1"
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status == 403
    assert answer.getheader("X-Frame-Options") == "DENY"
    assert "waitress" not in (answer.getheader("Server") or "")
    answer.read()
    idle = socket.create_connection((host, port))
    server.stop()
    assert [thread.name for thread in threading.enumerate() if "page" in thread.name or "waitress" in thread.name] == []
    with pytest.raises(OSError):
        socket.create_connection((host, port), timeout=2).close()
    connection.close()
    idle.close()
    desk.story.stop()


def test_a_form_works_over_the_wire(sqlite_store: Store, tmp_path: Path) -> None:
    from reminderd.rules.states import State
    from reminderd.signing import Purpose

    desk = make_desk(sqlite_store, tmp_path, {**SETTINGS, "LISTEN_ADDR": "127.0.0.1:0"})
    server = Server(desk.house, lambda: NOON)
    server.start()
    number = desk.story.nudges("accepted")[0].number
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    connection.request("POST", f"/a/{desk.token(Purpose.DONE, number)}", body="", headers={"Content-Length": "0"})
    assert b"Done." in connection.getresponse().read()
    connection.close()
    server.stop()
    assert desk.nudge(number).state == State.DONE
    desk.story.stop()


def test_an_address_in_use_is_told_by_the_settings_name(sqlite_store: Store, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        desk = make_desk(sqlite_store, tmp_path, {**SETTINGS, "LISTEN_ADDR": address})
        with pytest.raises(ConfigError, match="LISTEN_ADDR"):
            Server(desk.house, lambda: NOON)
        desk.story.stop()


@pytest.mark.parametrize(
    ("environ", "serves", "links"),
    [
        ({}, False, False),
        ({"WEB": "on"}, True, False),
        ({"SITE_ROOT": "https://r.example.org"}, True, True),
        ({"SITE_ROOT": "https://r.example.org", "WEB": "off"}, False, False),
    ],
)
def test_the_page_is_served_where_it_is_asked_for(
    environ: dict[str, str], serves: bool, links: bool, tmp_path: Path
) -> None:
    settings = load(environ, None, tmp_path)
    assert settings.serves_page == serves
    assert (settings.public_root is not None) == links
    assert settings.listen[0] == "127.0.0.1"


def test_nothing_of_it_is_imported_by_a_daemon_without_it() -> None:
    code = (
        "import sys, reminderd.daemon, reminderd.web.server;"
        "heavy = ('flask', 'waitress', 'werkzeug', 'itsdangerous');"
        "print([name for name in sys.modules if name.split('.')[0] in heavy])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
