"""The user chooses the language of drafts and messages, and how much texts show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.ok(
        *("init", "--name", "Ada Byron", "--email", "ada@example.org", "--timezone", "Europe/Berlin"),
        *("--language", "de", "--phone", "+4915112345678"),
    )
    desk.ok("add", "Maria Lopez", "maria@example.org")
    desk.ok("record", "helped", "Maria")
    return desk


def test_a_german_user_gets_german_drafts_mails_and_texts(desk: Desk) -> None:
    assert "Hallo Maria" in desk.ok("draft", "helped", "--reference", "Maria")
    (nudge,) = [row for row in desk.json("upcoming") if "help" in row["rule"]]
    mail = desk.ok("preview", str(nudge["nudge"]), "--text")
    assert mail.startswith("Subject: Maria Lopez für die Hilfe danken")
    assert "Hallo Maria" in mail
    assert "Warum jetzt: " in mail
    assert desk.ok("preview", str(nudge["nudge"]), "--sms").startswith("reminderd: M.L. - danken bis ")


def test_the_language_is_changed_and_shown(desk: Desk) -> None:
    assert "language de" in desk.ok("user", "list")
    desk.ok("user", "edit", "--language", "EN")
    assert [user["language"] for user in desk.json("user", "list")] == ["en"]
    assert "Hi Maria" in desk.ok("draft", "birthday", "--reference", "Maria", "--length", "short", "--variant", "2")


def test_names_in_texts_are_a_choice(desk: Desk) -> None:
    assert [user["texts"] for user in desk.json("user", "list")] == ["short"]
    assert "full texts" in desk.ok("user", "edit", "--texts", "full", "--language", "en")
    (nudge,) = [row for row in desk.json("upcoming") if "help" in row["rule"]]
    assert "Thank Maria Lopez for the help" in desk.ok("preview", str(nudge["nudge"]), "--sms")
    desk.ok("user", "edit", "--texts", "short")
    assert "Maria" not in desk.ok("preview", str(nudge["nudge"]), "--sms")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--language", "fr"), "--language: expected en or de, not 'fr'"),
        (("--texts", "loud"), "--texts: expected short or full"),
    ],
)
def test_another_language_or_kind_of_text_is_refused(args: tuple[str, str], words: str, desk: Desk) -> None:
    assert words in desk.refused(2, "user", "edit", *args)
