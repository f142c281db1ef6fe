"""`done`, `skip`, `snooze`, `send`, `pause` and `resume`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from tests.cli.story import MONDAY, SIX, after_landing, numbers, six_references, with_acme
from tests.flow.parts import parsed, words_of

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def clock() -> object:
    with freeze_time(MONDAY) as frozen:
        yield frozen


# ---- done


def test_done_counts_down_to_post_away(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    by_name = numbers(desk, "accepted")
    first = desk.ok("done", str(by_name["Ana Lima"]))
    assert f"{by_name['Ana Lima']}  Thank Ana Lima for Acme: done." in first
    assert "1 of 6 know; still: Ben Okafor, Cleo Ames, Dana Wu, Eli Roth and Sam Ode." in first
    rest = [str(by_name[name]) for name in SIX[1:5]]
    assert "5 of 6 know; still: Sam Ode." in desk.ok("done", *rest)
    assert "all six know: post away" in desk.ok("done", "Sam")
    assert not numbers(desk, "accepted")


def test_done_takes_names_where_they_have_one_that_has_begun(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    desk.ok("done", "Ana", "Ben Okafor")
    assert sorted(numbers(desk, "accepted")) == ["Cleo Ames", "Dana Wu", "Eli Roth", "Sam Ode"]
    desk.ok("done", "Cleo", "Ames")
    assert "Cleo Ames" not in numbers(desk, "accepted")


def test_done_by_a_name_with_several_lists_them(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    desk.ok("record", "no_answer", "Ben")
    desk.ok("opportunity", "add", "Globex")
    desk.ok("record", "asked", "Ana", "--for", "Globex")
    desk.ok("record", "rejected", "--for", "Globex")
    before = desk.rows("SELECT count(*) FROM events")
    line = desk.refused(2, "done", "Ana")
    assert "Ana Lima has several: " in line
    assert "Thank Ana Lima for Acme" in line
    assert "by its number" in line
    assert desk.rows("SELECT count(*) FROM events") == before


def test_done_twice_says_so_and_is_no_failure(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = str(numbers(desk, "accepted")["Ana Lima"])
    desk.ok("done", number)
    before = desk.rows("SELECT count(*) FROM events")
    assert "already done; nothing changed" in desk.ok("done", number)
    assert "already done; nothing changed" in desk.ok("done", "Ana")
    assert desk.rows("SELECT count(*) FROM events") == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("draft", "Ana"), "I know that Acme spoke with you"),
        (("preview", "Ana"), "I know that Acme spoke with you"),
        (("explain", "Ana"), "Thank Ana Lima for the call with Acme"),
        (("show", "Ana"), "Thank Ana Lima for the call with Acme"),
        (("send", "Ana", "--print"), "mailto:ana@example.org"),
        (("snooze", "Ana", "1d"), "Thank Ana Lima for the call with Acme: quiet until"),
        (("done", "Ana"), "Thank Ana Lima for the call with Acme: done."),
        (("skip", "Ana"), "Thank Ana Lima for the call with Acme: let go."),
    ],
)
def test_a_name_means_what_is_open_before_what_is_done(command: tuple[str, ...], words: str, tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "Ana", "--for", "Acme")
    desk.ok("record", "called", "Ana", "--for", "Acme")
    assert words in desk.ok(*command)


def test_done_keeps_the_answer(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = numbers(desk, "accepted")["Ana Lima"]
    desk.ok("done", "Ana", "--answer", "she calmed my nerves")
    assert desk.rows(f"SELECT answer FROM nudges WHERE number = {number}") == [("she calmed my nerves",)]


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    assert "No nudge matches '999'" in desk.refused(2, "done", "999")
    assert "No reference matches 'Zoe'" in desk.refused(2, "done", "Zoe")
    line = desk.refused(2, "done", "Ana")
    assert "Nothing is open for Ana Lima. Later: " in line
    assert "might enjoy hearing from you" in line


# ---- skip, snooze


def test_skip_lets_go_and_records_nothing(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    before = desk.rows("SELECT count(*) FROM events")
    number = str(numbers(desk, "accepted")["Ana Lima"])
    assert "Thank Ana Lima for Acme: let go." in desk.ok("skip", number)
    assert "already let go; nothing changed" in desk.ok("skip", number)
    assert "Ana Lima" not in numbers(desk, "accepted")
    assert desk.rows("SELECT count(*) FROM events") == before


def test_whoever_was_let_go_counts_among_those_who_do_not_know_wherever_it_is_said(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    desk.ok("skip", "Eli")
    desk.ok("skip", "Sam")
    counted = "1 of 6 know; still: Ben Okafor, Cleo Ames, Dana Wu, Eli Roth and Sam Ode."
    assert f"Acme: {counted}" in desk.ok("done", "Ana")
    assert f"Acme: {counted}" in desk.ok("upcoming")
    assert f"Before you post: {counted}" in desk.ok("record", "announcement", "Acme", "--on", "friday")
    desk.ok("run", "--once")
    mails = [words_of(parsed(path.read_bytes())) for path in (tmp_path / "Maildir" / "new").iterdir()]
    assert any("Before you post: 1 of 6 know; still: Ben, Cleo, Dana, Eli and Sam." in mail for mail in mails)


@pytest.mark.parametrize(
    ("duration", "until", "further"),
    [
        (["1d"], "tomorrow, 09:00", ""),
        (["4h"], "today, 14:30", ""),
        (["2", "weeks"], "Mon 7 Dec, 09:00", "That is past its deadline. It is due by Wed 25 Nov."),
        (["friday"], "Fri 27 Nov, 09:00", "That is past its deadline."),
        (["3mo"], "Fri 25 Dec, 23:59", "It ends then, so it will not come again."),
    ],
)
def test_snooze_tells_until_when_and_what_that_means(
    duration: list[str], until: str, further: str, tmp_path: Path
) -> None:
    desk = after_landing(tmp_path)
    number = numbers(desk, "accepted")["Ana Lima"]
    said = desk.ok("snooze", str(number), *duration)
    assert f"quiet until {until}." in said
    assert further in said
    assert bool(further) == ("due" in said)
    assert f"quiet until {until}" in desk.ok("snooze", "Ana", *duration)
    assert f"until {until}" in desk.ok("show", str(number))


@pytest.mark.parametrize("duration", ["-3d", "0d", "yesterday", "soon", "3m"])
def test_snooze_for_no_time_to_come_is_refused(duration: str, tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = str(numbers(desk, "accepted")["Ana Lima"])
    desk.refused(2, "snooze", number, "--", duration)
    assert desk.rows("SELECT count(*) FROM nudges WHERE snoozed_until IS NOT NULL") == [(0,)]


def test_only_an_open_nudge_can_be_snoozed(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = str(numbers(desk, "accepted")["Ana Lima"])
    desk.ok("done", number)
    assert f"Nudge {number} is done" in desk.refused(2, "snooze", number, "3d")


# ---- send


def test_a_snooze_to_the_end_is_told_so_wherever_one_looks(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = numbers(desk, "accepted")["Ana Lima"]
    assert "It ends then, so it will not come again." in desk.ok("snooze", str(number), "3mo")
    assert "no more reminders (snoozed until it ends)" in desk.ok("explain", str(number))
    assert "Reminders" not in desk.ok("show", str(number))
    for found in (desk.json("explain", str(number)), *desk.json("upcoming")):
        if found["nudge"] == number:
            assert (found["next_step_at"], found["channel"]) == (None, None)
    desk.ok("snooze", str(number), "1d")
    assert "tomorrow, 09:00 by e-mail (snoozed)" in desk.ok("explain", str(number))


def test_what_a_return_opens_again_is_called_so(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    desk.ok("pause", "--all")
    said = desk.ok("resume")
    assert "Open again, by Wed 25 Nov:" in said
    assert "Started" not in said


def test_send_gives_the_link_that_opens_the_draft_in_the_users_own_mail(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    number = str(numbers(desk, "accepted")["Ana Lima"])
    result = desk.run("send", number)
    link = result.stdout.strip()
    assert link.startswith("mailto:ana@example.org?subject=")
    body = desk.json("draft", number)["body"]
    assert body.replace("\n", "\r\n") in unquote(link)
    assert f"reminderd done {number}" in result.stderr


def test_send_texts_where_only_a_number_is_known(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    desk.ok("reference", "add", "Fay Stone", "--phone", "+14155550123", "--last-contact", "2026-09-01")
    desk.ok("landed", "Acme", "Fay", "--quiet")
    assert desk.ok("send", "Fay").startswith("sms:+14155550123?&body=")
    assert "the phone number is not known" in desk.refused(2, "send", "Ana", "--text")


# ---- the user's rest


def test_a_rest_leaves_outcome_and_thanks_unless_all_rest(tmp_path: Path, clock: FrozenDateTimeFactory) -> None:
    desk = after_landing(tmp_path)
    assert "Only outcome and thanks still come, until Fri 1 Jan 2027." in desk.ok("pause", "--until", "2027-01-01")
    rules = {row["rule"] for row in desk.json("upcoming")}
    assert "accepted" in rules
    assert "ninety-days" not in rules
    assert "outcome and thanks included, until: reminderd resume" in desk.ok("pause", "--all")
    assert desk.json("upcoming") == []
    assert "Welcome back." in desk.ok("resume")
    assert {"accepted", "ninety-days"} <= {row["rule"] for row in desk.json("upcoming")}
    assert "You were not resting" in desk.ok("resume")


def test_a_rest_until_a_day_gone_by_is_refused(tmp_path: Path) -> None:
    assert "expected a day to come" in six_references(tmp_path).refused(2, "pause", "--until", "today")
