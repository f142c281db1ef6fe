"""Previewing in every form, and templates of the user's own, in the language of the user."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from freezegun import freeze_time

from tests.cli.story import MONDAY, after_landing, with_acme

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def clock() -> object:
    with freeze_time(MONDAY) as frozen:
        yield frozen


def test_a_preview_opens_in_the_browser_without_sending_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = after_landing(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    desk.ok("preview", "Ana", "--open")
    (page,) = opened
    assert "<!doctype html>" in Path(page).read_text("utf-8")
    both = desk.run("preview", "Ana", "--html", str(tmp_path / "a.html"), "--text")
    assert both.stdout.startswith("Subject: ")
    assert (tmp_path / "a.html").exists()
    assert desk.rows("SELECT count(*) FROM deliveries") == [(0,)]


def test_warmer_and_plainer_are_more_and_fewer_words(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    plain, normal, warm = (
        len(desk.json("draft", "Ana", "--variant", "1", *flag)["body"]) for flag in (("--plainer",), (), ("--warmer",))
    )
    assert plain < normal < warm


@pytest.mark.parametrize("kind", ["ask", "birthday", "reconnect", "new_year", "date", "advice", "called", "gift"])
def test_any_kind_of_draft_is_made_on_demand_in_any_length(tmp_path: Path, kind: str) -> None:
    desk = with_acme(tmp_path)
    for length in ("short", "mail", "card", "call"):
        made = desk.json("draft", kind, "--reference", "Ana", "--for", "Acme", "--length", length)
        assert (made["length"], made["situation"]) == (length, kind)
        assert "Ana" in made["body"]
    assert desk.rows("SELECT count(*) FROM events") == [(0,)]


def test_a_german_template_is_copied_and_used(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("user", "edit", "--language", "de")
    copy = Path(desk.run("templates", "copy", "de/birthday").stdout.strip())
    assert copy == tmp_path / "templates" / "drafts" / "de" / "birthday.j2"
    copy.write_text(copy.read_text("utf-8").replace("alles Gute zum", "nur das Beste zum"), "utf-8")
    made = desk.json("draft", "birthday", "--reference", "Ana", "--variant", "1", "--length", "short")
    assert made["body"].startswith("Hallo Ana, nur das Beste zum Geburtstag.")
    assert "All templates can be rendered." in desk.ok("templates", "check")
    copy.write_text(copy.read_text("utf-8").replace("nur das Beste", "{{ them.liebling }}"), "utf-8")
    result = desk.run("templates", "check")
    assert result.exit_code == 78
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{copy}:")
    assert "them has no 'liebling'" in line


def test_a_way_out_of_the_sandbox_is_one_line_and_the_mail_comes_all_the_same(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    copy = Path(desk.run("templates", "copy", "accepted").stdout.strip())
    evil = "{{ them.__class__.__mro__ }}"
    copy.write_text(copy.read_text("utf-8").replace("{% block mail_1 %}", "{% block mail_1 %}" + evil), "utf-8")
    line = desk.refused(78, "draft", "Ana", "--variant", "1", "--length", "mail")
    assert str(copy) in line
    assert "__class__" in line
    said = desk.run("preview", "Ana").stdout
    assert f"A template of yours cannot be used, so this was made with ours: {copy}:" in said
    assert "Thank Ana Lima for Acme" in said


def test_copying_what_is_not_there_names_what_is(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    assert "birthdya" in desk.refused(2, "templates", "copy", "birthdya")
    assert "../../secret" in desk.refused(2, "templates", "copy", "../../secret")
