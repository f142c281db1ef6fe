"""Previewing in every form, and templates of the user's own, in the language of the user."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from freezegun import freeze_time

from tests.cli.desk import Desk
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


def test_what_is_copied_is_the_file_that_the_users_drafts_are_made_of(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("user", "edit", "--language", "de")
    result = desk.run("templates", "copy", "accepted")
    copy = Path(result.stdout.strip())
    assert copy == tmp_path / "templates" / "drafts" / "de" / "accepted.j2"
    assert "It is used instead of ours from now on." in result.stderr
    copy.write_text(copy.read_text("utf-8").replace("Hallo", "Moin"), "utf-8")
    exactly = desk.run("templates", "copy", "drafts/accepted")
    assert Path(exactly.stdout.strip()) == tmp_path / "templates" / "drafts" / "accepted.j2"
    assert "It is used instead of ours for drafts in English; yours are in another language." in exactly.stderr


def test_a_situation_that_is_not_there_in_the_users_language_is_copied_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = with_acme(tmp_path)
    desk.ok("user", "edit", "--language", "de")
    ours = tmp_path / "ours"
    (ours / "drafts" / "de").mkdir(parents=True)
    (ours / "drafts" / "gift.j2").write_text("{% set about = 'A gift' %}", "utf-8")
    for module in ("environment", "library"):
        monkeypatch.setattr(f"reminderd.drafts.{module}.PACKAGED", (ours,))
    result = desk.run("templates", "copy", "gift")
    assert Path(result.stdout.strip()) == tmp_path / "templates" / "drafts" / "gift.j2"
    assert "It is used instead of ours from now on." in result.stderr


def test_where_users_differ_in_language_the_copy_is_for_whoever_is_named(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("init", "--name", "Bo Dahl", "--email", "bo@example.org", "--timezone", "Europe/Berlin")
    desk.ok("--user", "bo@example.org", "user", "edit", "--language", "de")
    assert "Say whose with --user EMAIL" in desk.refused(2, "templates", "copy", "accepted")
    named = desk.run("--user", "bo@example.org", "templates", "copy", "accepted")
    assert Path(named.stdout.strip()).parent.name == "de"


def test_a_template_is_copied_before_anybody_is_set_up(tmp_path: Path) -> None:
    copy = Path(Desk(tmp_path).run("templates", "copy", "accepted").stdout.strip())
    assert copy == tmp_path / "templates" / "drafts" / "accepted.j2"


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
