"""`today`, `upcoming`, `show` and `explain`."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import select

from reminderd.cli.open_lines import load_open_lines
from reminderd.cli.words import load_lines
from reminderd.clock import utc_now
from reminderd.message import Channel
from reminderd.passes import Passes
from reminderd.settings import load
from reminderd.store.agenda import AHEAD
from reminderd.store.database import Store
from reminderd.store.tables import Nudge, User
from reminderd.wiring import open_house
from tests.cli.desk import Desk
from tests.cli.story import MONDAY, SIX, after_landing, numbers, six_references, with_acme
from tests.flow.parts import Recorder

pytestmark = pytest.mark.usefixtures("clock")
KEYS = {
    "nudge", "rule", "reference", "opportunity", "title", "state", "due_at", "next_step_at", "channel",
}  # fmt: skip


@pytest.fixture
def clock() -> object:
    with freeze_time(MONDAY) as frozen:
        yield frozen


# ---- upcoming


def test_upcoming_lists_all_open_nudges_by_next_reminder_with_exactly_the_keys_that_programs_rely_on(
    tmp_path: Path,
) -> None:
    rows = after_landing(tmp_path).json("upcoming")
    assert all(set(row) == KEYS for row in rows)
    moments = [row["next_step_at"] for row in rows]
    assert moments == sorted(moments)
    first = rows[0]
    assert first["rule"] == "accepted"
    assert first["reference"] == "Ana Lima"
    assert first["opportunity"] == "Acme"
    assert first["title"] == "Thank Ana Lima for Acme"
    assert first["state"] == "open"
    assert first["due_at"] == "2026-11-25T23:59:59+01:00"
    assert dt.datetime.fromisoformat(first["next_step_at"]).utcoffset() == dt.timedelta(hours=1)
    assert first["channel"] == "email"
    gift = next(row for row in rows if row["rule"] == "gift")
    assert gift["reference"] is None
    assert gift["next_step_at"] == "2026-11-30T09:00:00+01:00"


@pytest.mark.parametrize(
    "hide",
    [
        (),
        ("opportunity", "edit", "Acme", "--embargo-until", "signed"),
        ("reference", "edit", "Ana", "--keep-from-knowing"),
    ],
    ids=["as it is", "an embargo", "kept from knowing"],
)
def test_upcoming_says_of_each_nudge_what_a_look_at_that_one_says(tmp_path: Path, hide: tuple[str, ...]) -> None:
    desk = after_landing(tmp_path)
    desk.ok("done", "Ben")
    desk.ok("snooze", str(numbers(desk, "accepted")["Ana Lima"]), "2d")
    if hide:
        desk.ok(*hide)
    store, now = Store(f"sqlite:///{desk.database}"), utc_now()
    with store.reading() as session:
        user = session.scalars(select(User)).one()
        nudges = session.scalars(select(Nudge).where(Nudge.state == "open").order_by(Nudge.number)).all()
        each = [load_lines(session, [nudge], now)[0] for nudge in nudges]
        together = load_open_lines(session, user, now)
    store.dispose()
    assert together
    assert together == [dataclasses.replace(line, nudge=None, facts=None) for line in each]


def test_upcoming_shows_how_many_know(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    desk.ok("done", "Ana", "Ben")
    assert "Acme: 2 of 6 know; still: Cleo Ames, Dana Wu, Eli Roth and Sam Ode." in desk.ok("upcoming")


def test_upcoming_until_a_day_adds_what_would_come_by_then_without_numbers(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    desk.ok("reference", "edit", "Ana", "--birthday", "04-12")
    now = desk.json("upcoming")
    rows = desk.json("upcoming", "--until", "2027-12-31")
    foreseen = [row for row in rows if row["nudge"] is None]
    assert all(set(row) == KEYS for row in rows)
    assert {row["nudge"] for row in rows if row["nudge"]} <= {row["nudge"] for row in now}
    check_ins = [row for row in foreseen if row["rule"] == "check-in" and row["reference"] == "Ben Okafor"]
    assert [row["due_at"][:10] for row in check_ins] == ["2027-02-28", "2027-05-22", "2027-08-17", "2027-11-16"]
    assert all(row["next_step_at"] < "2028" for row in rows)
    birthdays = [row["due_at"][:10] for row in rows if row["rule"] == "birthday"]
    assert birthdays == ["2027-04-12"]
    assert desk.json("upcoming") == now, "looking ahead must not change anything"


def test_upcoming_until_a_day_has_whoever_is_paused_when_the_pause_is_over(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    desk.ok("reference", "pause", "Ben", "--until", "2026-12-12")
    rows = [row for row in desk.json("upcoming", "--until", "2026-12-20") if row["reference"] == "Ben Okafor"]
    assert [(row["rule"], row["next_step_at"][:10]) for row in rows] == [("check-in", "2026-12-12")]


def test_upcoming_until_tomorrow_leaves_later_ones_out(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    rows = desk.json("upcoming", "--until", "tomorrow")
    assert {row["rule"] for row in rows} == {"accepted"}


@pytest.mark.parametrize("command", ["upcoming", "simulate"])
def test_what_looks_ahead_refuses_a_day_that_is_over(command: str, tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    line = desk.refused(2, command, "--until", "yesterday")
    assert "--until yesterday: expected a day from today on, not 2026-11-22." in line
    assert desk.refused(2, command, "--until", "yesterday", "--json") == line


def test_upcoming_of_nobody_is_an_empty_list(tmp_path: Path) -> None:
    desk = Desk(tmp_path).set_up()
    assert desk.json("upcoming") == []
    assert "Nothing is open." in desk.ok("upcoming")


# ---- today


def test_without_a_command_what_is_due_and_the_next_three(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    said = desk.ok()
    due, _, later = said.partition("Next:")
    assert all(f"Thank {name} for Acme" in due for name in SIX)
    assert "0 of 6 know" in due
    assert len(later.strip().splitlines()) == 1 + 3
    assert desk.ok("today") == said


def test_when_nothing_is_due_it_says_so(tmp_path: Path) -> None:
    assert "Nothing is due." in six_references(tmp_path).ok()


def test_a_rest_is_told(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    desk.ok("pause")
    assert "You are resting. Back: reminderd resume" in desk.run().stderr


# ---- show


def test_show_adds_what_was_sent(tmp_path: Path, clock: FrozenDateTimeFactory) -> None:
    desk = after_landing(tmp_path)
    number = str(numbers(desk, "accepted")["Ana Lima"])
    shown = desk.json("show", number)
    assert set(shown) == KEYS | {"deliveries"}
    assert shown["deliveries"] == []
    desk.ok("run", "--once")
    (delivery,) = desk.json("show", number)["deliveries"]
    assert delivery["channel"] == "email"
    assert delivery["state"] == "sent"
    assert delivery["message_id"].startswith("<")
    assert delivery["attempts"] == 1
    said = desk.ok("show", number)
    assert "email: sent, today, 10:30" in said
    assert desk.json("show", "Ana")["nudge"] == int(number)


# ---- explain


def test_explain_names_rule_event_dates_what_would_end_it_and_what_comes_next(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = str(numbers(desk, "accepted")["Ana Lima"])
    said = desk.ok("explain", number)
    assert "accepted: Tell everyone you asked that you got it" in said
    assert "accepted for Acme, today" in said
    assert "by Wed 25 Nov (2 days after it starts)" in said
    assert "you told them the news; you thanked them; reminderd done" in said
    assert "now by e-mail; tomorrow, 09:00 by e-mail; Wed 25 Nov, 09:00 by e-mail" in said
    desk.ok("done", number)
    assert "done, today, 10:30: told for Acme, today: Ana Lima" in desk.ok("explain", number)


def test_explain_tells_a_late_record_and_what_was_taken_in(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "Ana", "--for", "Acme", "--on", "2026-11-02", "--quiet")
    desk.ok("record", "promoted", "Ana", "--quiet")
    desk.ok("record", "accepted", "--for", "Acme", "--on", "yesterday", "--quiet")
    said = desk.ok("explain", str(numbers(desk, "accepted")["Ana Lima"]))
    assert "accepted for Acme, yesterday (recorded today)" in said
    assert "Congratulate them on a promotion or a new job (promoted, today: Ana Lima)" in said


def test_explain_tells_programs_the_same(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = numbers(desk, "accepted")["Ana Lima"]
    found = desk.json("explain", str(number))
    assert (found["nudge"], found["rule"], found["state"]) == (number, "accepted", "open")
    assert found["about"].startswith("Tell everyone you asked that you got it")
    assert found["because"].startswith("accepted for Acme, today")
    assert found["starts_at"] < found["due_at"] < found["expires_at"]
    assert found["next_step_at"] is not None
    assert found["ended_by"][-2:] == [f"reminderd done {number}", f"reminderd skip {number}"]
    assert (found["took_in"], found["snoozed_until"], found["ended_with"]) == ([], None, None)
    desk.ok("done", str(number))
    ended = desk.json("explain", str(number))
    assert (ended["state"], ended["next_step_at"]) == ("done", None)
    assert ended["ended_with"] == "told for Acme, today: Ana Lima"
    assert ended["state_at"] is not None


def test_explain_of_a_quiet_rule_names_the_last_contact(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    desk.ok("record", "met", "Ana", "--on", "2026-11-20")
    number = str(numbers(desk, "check-in")["Ana Lima"])
    said = desk.ok("explain", number)
    assert "last contact: met, Fri 20 Nov: Ana Lima" in said
    assert "any contact with them; reminderd done" in said


# ---- a message made ahead of its moment


def _made_ahead(desk: Desk) -> None:
    """What a daemon makes now for the next minutes; nothing is sent."""
    house = open_house(load({}, None, desk.home), utc_now())
    Passes(house, house.dispatcher_to_be({Channel.EMAIL: Recorder()})).compose(utc_now(), AHEAD)
    house.store.dispose()


@pytest.mark.parametrize("state", ["pending", "leased", "unknown"])
def test_a_reminder_whose_message_is_made_is_still_to_come_until_it_has_left(
    tmp_path: Path, clock: FrozenDateTimeFactory, state: str
) -> None:
    desk = after_landing(tmp_path)
    ana = str(numbers(desk, "accepted")["Ana Lima"])
    desk.ok("snooze", ana, "1d")
    clock.move_to(dt.datetime.fromisoformat(_row(desk, ana)["next_step_at"]) - AHEAD / 2)
    looks = [("upcoming",), ("today",), ("explain", ana), ("reference", "list")]
    before = [desk.ok(*look) for look in looks], _row(desk, ana), _reminders(desk, ana)
    assert "today" in before[2]
    _made_ahead(desk)
    if state == "leased":
        desk.rows("UPDATE deliveries SET state = 'leased', lease_owner = 'a', lease_until = due_at")
    else:
        desk.rows(f"UPDATE deliveries SET state = '{state}'")
    assert desk.rows("SELECT count(*) FROM deliveries") != [(0,)]
    assert ([desk.ok(*look) for look in looks], _row(desk, ana), _reminders(desk, ana)) == before
    desk.rows("UPDATE deliveries SET state = 'sent', sent_at = due_at, lease_owner = NULL, lease_until = NULL")
    assert "sent by e-mail" in _reminders(desk, ana)


def _row(desk: Desk, nudge: str) -> dict[str, Any]:
    return next(row for row in desk.json("upcoming") if row["nudge"] == int(nudge))


def _reminders(desk: Desk, nudge: str) -> str:
    """What `show` says of the reminders, without the messages."""
    said = desk.ok("show", nudge).partition("Reminders")[2]
    return said.partition("Messages")[0].partition("The draft")[0]


def test_explain_says_by_when_a_reference_is_needed(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    desk.ok("need", "Zenith", "Ana", "--by", "2026-11-27")
    line = next(line for line in desk.json("upcoming") if line["opportunity"] == "Zenith")
    assert desk.json("explain", str(line["nudge"]))["because"].endswith(", by Fri 27 Nov")
