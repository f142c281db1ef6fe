"""`draft`, `preview` and `templates`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from freezegun import freeze_time

from tests.cli.story import MONDAY, SIX, after_landing, numbers, six_references, with_acme

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def clock() -> object:
    with freeze_time(MONDAY) as frozen:
        yield frozen


def test_a_nudges_draft_has_the_keys_that_programs_rely_on(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    draft = desk.json("draft", str(numbers(desk, "accepted")["Ana Lima"]))
    assert {"subject", "body", "to", "variant", "length"} <= set(draft)
    assert draft["to"] == "ana@example.org"
    assert draft["length"] == "mail"
    assert "Ana" in draft["body"].splitlines()[0]
    assert "Acme" in draft["body"]


def test_no_two_of_a_group_read_alike_and_the_mail_has_the_same_wordings(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    drafts = {name: desk.json("draft", name) for name in SIX}
    assert len({draft["variant"] for draft in drafts.values()}) == 6
    desk.ok("run", "--once")
    joined = "nudges n JOIN 'references' r ON r.id = n.reference_id"
    sent = dict(desk.rows(f"SELECT r.name, n.variant FROM {joined} WHERE n.rule = 'accepted'"))
    assert {name: sent[name] for name in SIX} == {name: draft["variant"] for name, draft in drafts.items()}
    assert desk.json("draft", "Ana") == drafts["Ana Lima"]


def test_wording_length_and_warmth_can_be_chosen(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    bodies = {desk.json("draft", "Ana", "--variant", str(number))["body"] for number in range(1, 7)}
    assert len(bodies) == 6
    texts = {desk.json("draft", "Ana", "--variant", "1", "--length", length)["body"] for length in LENGTHS}
    assert len(texts) == 4
    assert "Subject:" not in desk.ok("draft", "Ana", "--length", "short")
    assert "There is no wording 99" in desk.ok("draft", "Ana", "--variant", "99")
    assert "'9words'" in desk.refused(2, "draft", "Ana", "--length", "9words")


LENGTHS = ("short", "mail", "card", "call")


def test_the_answer_to_the_question_goes_in_and_stays(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    asked = desk.run("draft", "Ana")
    assert "What did Ana do that helped?" in asked.stderr
    assert "You calmed my nerves." in desk.ok("draft", "Ana", "--answer", "you calmed my nerves")
    assert "You calmed my nerves." in desk.ok("draft", "Ana")
    assert "You calmed my nerves." not in desk.ok("draft", "Ben")


def test_a_draft_on_demand_needs_no_nudge(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    draft = desk.json("draft", "birthday", "--reference", "Ana")
    assert "birthday" in draft["subject"].casefold() + draft["body"].casefold()
    assert draft["to"] == "ana@example.org"
    assert "Acme" in desk.json("draft", "asked", "--reference", "Ben", "--for", "Acme")["body"]
    assert desk.rows("SELECT count(*) FROM events") == [(0,)]


def test_an_ask_on_demand_owns_up_to_a_long_silence(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("reference", "add", "Old Friend", "--email", "old@example.org", "--last-contact", "2023-01-10")
    assert desk.json("draft", "ask", "--reference", "Old", "--for", "Acme")["situation"] == "ask_after_silence"
    assert desk.json("draft", "ask", "--reference", "Ana", "--for", "Acme")["situation"] == "ask"


def test_what_there_is_no_draft_for_is_one_line(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    assert "Did you mean birthday" in desk.refused(2, "draft", "birthdya", "--reference", "Ana")
    assert "reminderd draft birthday --reference NAME" in desk.refused(2, "draft", "birthday")
    assert "No nudge matches '99'" in desk.refused(2, "draft", "99")
    assert "reminderd opportunity add Globex" in desk.refused(
        2, "draft", "ask", "--reference", "Ana", "--for", "Globex"
    )


# ---- preview


def test_preview_is_the_whole_mail_and_stores_nothing(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    before = desk.rows("SELECT * FROM nudges") + desk.rows("SELECT * FROM steps")
    said = desk.run("preview", "Ana").stdout
    assert said.startswith("Subject: Thank your Acme references by Wed 25 Nov\n")
    assert "Before you post: 0 of 6 know" in said
    for name in SIX:
        assert f"Thank {name} for Acme" in said
    assert desk.rows("SELECT * FROM nudges") + desk.rows("SELECT * FROM steps") == before
    assert desk.rows("SELECT count(*) FROM deliveries") == [(0,)]


def test_preview_of_a_quiet_nudge_is_the_digest_that_it_comes_in(tmp_path: Path) -> None:
    desk = six_references(tmp_path)
    said = desk.run("preview", str(numbers(desk, "check-in")["Ana Lima"])).stdout
    assert said.startswith("Subject: Might enjoy hearing from you: Ana Lima, Ben Okafor, Cleo Ames and 3 more")


def test_preview_as_a_page_and_as_a_text(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    page = tmp_path / "page.html"
    assert desk.run("preview", "Ana", "--html", str(page)).stdout == ""
    assert "Thank Ana Lima for Acme" in page.read_text("utf-8")
    text = desk.run("preview", "Ana", "--sms").stdout
    assert "A.L." in text
    assert "Acme" not in text


# ---- templates


def test_templates_are_listed_copied_and_checked(tmp_path: Path) -> None:
    desk = after_landing(tmp_path)
    listed = {row["name"]: row for row in desk.json("templates", "list")}
    assert listed["accepted"]["variants"] >= 6
    assert listed["ask"]["intent"] == "ask"
    assert "All templates can be rendered." in desk.ok("templates", "check")

    copy = Path(desk.run("templates", "copy", "accepted").stdout.strip())
    assert copy == tmp_path / "templates" / "drafts" / "accepted.j2"
    assert copy.stat().st_mode & stat.S_IWUSR
    assert "was left as it is" in desk.refused(2, "templates", "copy", "accepted")
    copy.write_text(copy.read_text("utf-8").replace("{% block mail_1 %}", "{% block mail_1 %}CANARY "), "utf-8")
    assert "CANARY" in desk.ok("draft", "Ana", "--variant", "1")

    copy.write_text(copy.read_text("utf-8").replace("CANARY", "{{ them.nickname }}"), "utf-8")
    result = desk.run("templates", "check")
    assert result.exit_code == 78
    assert str(copy) in result.stdout
    assert "nickname" in result.stdout


def test_a_broken_template_does_not_spoil_what_was_recorded(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    broken = tmp_path / "templates" / "drafts" / "promoted.j2"
    broken.parent.mkdir(parents=True)
    broken.write_text("{% block subject_1 %}", "utf-8")
    result = desk.run("record", "promoted", "Ana")
    assert result.exit_code == 0
    assert "cannot be shown" in result.stderr
    assert desk.rows("SELECT kind FROM events") == [("promoted",)]
    line = desk.refused(78, "draft", str(numbers(desk, "promoted")["Ana Lima"]))
    assert "promoted.j2" in line


def test_news_thanks_for_vouching_and_who_left_two_asks_unanswered_for_considering_it(tmp_path: Path) -> None:
    desk = with_acme(tmp_path)
    desk.ok("record", "asked", "Ana", "Ben", "--for", "Acme", "--on", "2026-11-16", "--quiet")
    desk.ok("record", "asked", "Ana", "Ben", "--for", "Acme", "--on", "2026-11-20", "--again", "--quiet")
    desk.ok("record", "agreed", "Ben", "--for", "Acme", "--on", "2026-11-21", "--quiet")
    desk.ok("landed", "Acme", "Cleo", "--quiet")
    for variant in ("1", "4", "6"):
        said = {name: desk.ok("draft", name, "--variant", variant) for name in ("Ana", "Ben", "Cleo")}
        assert "done it without" not in said["Ana"]
        assert "done it without" in said["Ben"]
        assert "done it without" in said["Cleo"]
