"""`page`, and hearing again after a stop."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from reminderd.clock import utc_now
from reminderd.secret import load_key
from reminderd.settings import load
from reminderd.signing import Purpose, Signer
from tests.cli.desk import Desk


@pytest.mark.parametrize(
    ("environ", "begins"),
    [
        ({"WEB": "on"}, "http://127.0.0.1:8025/in/"),
        ({"WEB": "on", "LISTEN_ADDR": ":9000"}, "http://127.0.0.1:9000/in/"),
        ({"WEB": "on", "LISTEN_ADDR": "[::1]:9000"}, "http://[::1]:9000/in/"),
        ({"SITE_ROOT": "https://r.example.org/x/"}, "https://r.example.org/x/in/"),
    ],
)
def test_the_link_leads_in_for_a_quarter_of_an_hour(tmp_path: Path, environ: dict[str, str], begins: str) -> None:
    desk = Desk(tmp_path, **environ).set_up()
    link = desk.run("page").stdout.strip()
    assert link.startswith(begins)
    signer = Signer(load_key(load(environ, None, tmp_path)))
    grant = signer.read(link.rpartition("/")[2], utc_now())
    assert grant is not None
    assert grant.purpose is Purpose.ENTER
    assert signer.read(link.rpartition("/")[2], utc_now() + dt.timedelta(minutes=16)) is None


def test_without_a_page_it_says_how_to_have_one(tmp_path: Path) -> None:
    assert "WEB=on" in Desk(tmp_path).set_up().refused(2, "page")


def test_what_was_stopped_comes_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    with_mail = "SELECT email_enabled FROM users"
    import sqlite3

    with sqlite3.connect(desk.database) as connection:
        connection.execute("UPDATE users SET email_enabled = 0")
    assert "on again" in desk.ok("resume", "--channel", "email")
    assert desk.rows(with_mail) == [(1,)]
    assert "on already" in desk.ok("resume", "--channel", "email")
