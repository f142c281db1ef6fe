"""`sheet`: the reference list for an employer, and what is better settled before it is sent."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from freezegun import freeze_time

from tests.cli.desk import Desk
from tests.cli.story import MONDAY, numbers, with_acme

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def clock() -> object:
    with freeze_time(MONDAY) as frozen:
        yield frozen


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Ana agreed, Ben was asked, Cleo said no; of the others nothing is recorded."""
    desk = with_acme(tmp_path)
    ana = ["--phone", "+14155550101", "--relation", "managed me", "--worked-at", "Initech", "--employer", "Globex"]
    desk.ok("reference", "edit", "Ana", *ana, "--title", "CTO", "--from", "2019-03", "--to", "2022-08")
    desk.ok("record", "asked", "Ana", "Ben", "Cleo", "--for", "Acme", "--on", "2026-11-02", "--quiet")
    desk.ok("record", "agreed", "Ana", "--for", "Acme", "--on", "2026-11-03", "--quiet")
    desk.ok("record", "declined", "Cleo", "--for", "Acme", "--on", "2026-11-03", "--quiet")
    return desk


def test_only_those_who_agreed_may_be_called(desk: Desk) -> None:
    result = desk.run("sheet", "Acme")
    assert result.exit_code == 0
    assert "References for Ada Byron\nStaff Engineer, Acme\nada@example.org" in result.stdout
    assert (
        "Ana Lima\nCTO, Globex\nPhone: +14155550101\nE-mail: ana@example.org\n"
        "Managed me at Initech, March 2019 to August 2022\n" in result.stdout
    )
    for name in ("Ben", "Cleo", "Dana", "Eli", "Sam"):
        assert name not in result.stdout


def test_it_says_who_is_missing_and_why_and_leaves_a_no_in_peace(desk: Desk) -> None:
    told = desk.run("sheet", "Acme").stderr
    assert "Asked, but not answered yet, so not listed: Ben Okafor." in told
    assert "Not asked, so not listed: Dana Wu, Eli Roth and Sam Ode." in told
    assert "Cleo" not in told


def test_the_data_is_there_for_programs(desk: Desk) -> None:
    assert desk.json("sheet", "Acme") == [
        {
            "name": "Ana Lima",
            "title": "CTO",
            "company": "Globex",
            "phone": "+14155550101",
            "email": "ana@example.org",
            "how": "Managed me at Initech, March 2019 to August 2022",
            "confirmed_on": None,
        }
    ]


def test_a_change_of_job_asks_to_confirm_and_confirming_settles_it(desk: Desk) -> None:
    assert "confirm title and phone" not in desk.run("sheet", "Acme").stderr
    desk.ok("record", "changed_job", "Ana", "--on", "2026-11-10", "--quiet")
    told = desk.run("sheet", "Acme").stderr
    assert "Ana Lima: changed job on 2026-11-10; confirm title and phone before you list them" in told
    settled = desk.run("sheet", "Acme", "--confirm", "Ana")
    assert "confirm title and phone" not in settled.stderr
    assert "Confirmed on Monday, 23 November 2026" in settled.stdout


def test_who_is_not_on_the_list_is_not_confirmed_for_it(desk: Desk) -> None:
    line = desk.refused(2, "sheet", "Acme", "--confirm", "Ana", "--confirm", "Cleo")
    assert "Cleo Ames: not on the list for Acme, as only those who agreed are. Nothing was confirmed." in line
    assert desk.rows("SELECT count(*) FROM 'references' WHERE confirmed_on IS NOT NULL") == [(0,)]


def test_who_has_died_is_not_listed(desk: Desk) -> None:
    desk.ok("record", "deceased", "Ana", "--quiet")
    assert "Ana" not in desk.ok("sheet", "Acme")


def test_two_years_without_contact_ask_to_confirm(desk: Desk) -> None:
    with freeze_time("2028-11-02 09:00:00+00:00"):
        assert "confirm title and phone" not in desk.run("sheet", "Acme").stderr
    with freeze_time("2028-11-05 09:00:00+00:00"):
        told = desk.run("sheet", "Acme").stderr
    assert "Ana Lima: no contact since 2026-11-03; confirm title and phone" in told


def test_it_warns_of_thanks_that_are_still_owed(desk: Desk) -> None:
    assert "Ana Lima was not thanked yet: reminderd record thanked" in desk.run("sheet", "Acme").stderr
    desk.ok("record", "briefed", "Ana", "--for", "Acme", "--quiet")
    assert "was not thanked" not in desk.run("sheet", "Acme").stderr
    desk.ok("record", "called", "Ana", "--for", "Acme", "--quiet")
    assert "Ana Lima was not thanked yet" in desk.run("sheet", "Acme").stderr
    desk.ok("record", "thanked", "Ana", "--for", "Acme", "--quiet")
    assert "was not thanked" not in desk.run("sheet", "Acme").stderr


def test_thanks_that_another_message_took_in_are_owed_no_more(desk: Desk) -> None:
    desk.ok("reference", "edit", "Ben", "--birthday", "11-23", "--speaks-to", "the migration, mentoring")
    desk.ok("record", "agreed", "Ben", "--for", "Acme", "--quiet")
    wish = str(numbers(desk, "birthday")["Ben Okafor"])
    said = desk.json("draft", wish)["body"]
    assert "agreeing to be a reference; what helps most is to hear about the migration and mentoring." in said
    assert "Ben Okafor was not thanked yet" in desk.run("sheet", "Acme").stderr
    desk.ok("done", wish)
    assert "Ben Okafor was not thanked" not in desk.run("sheet", "Acme").stderr


def test_consent_for_a_time_that_is_over_counts_no_more(desk: Desk) -> None:
    desk.ok("record", "agreed", "Dana", "--for", "Acme", "--on", "2026-11-01", "--until", "2026-11-20", "--quiet")
    result = desk.run("sheet", "Acme")
    assert "Dana" not in result.stdout
    assert "Agreed for a time that is over, so not listed: Dana Wu." in result.stderr


def test_an_embargoed_company_stands_nowhere_on_it(desk: Desk, tmp_path: Path) -> None:
    desk.ok("opportunity", "add", "Canaryco", "--role", "Head of Canaryco", "--embargo-until", "signed")
    desk.ok("record", "agreed", "Ana", "--for", "Canaryco", "--quiet")
    page = tmp_path / "page.html"
    result = desk.run("sheet", "Canaryco", "--html", str(page))
    assert result.exit_code == 0
    assert "Ana Lima" in page.read_text("utf-8")
    assert "Canaryco" not in page.read_text("utf-8")
    assert "Canaryco" not in desk.run("sheet", "Canaryco").stdout


def test_the_page_is_whole_escaped_and_made_for_paper(desk: Desk, tmp_path: Path) -> None:
    desk.ok("reference", "edit", "Ana", "--title", "CTO <Europe> & more")
    page = tmp_path / "page.html"
    desk.ok("sheet", "Acme", "--html", str(page))
    text = page.read_text("utf-8")
    reader = _Reader()
    reader.feed(text)
    assert "CTO <Europe> & more, Globex" in reader.texts
    assert reader.links == ["tel:+14155550101", "mailto:ana@example.org"]
    assert reader.open == []
    assert "@page" in text
    assert "@media print" in text


class _Reader(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_an_opportunity_that_is_not_there_is_refused(desk: Desk) -> None:
    assert "Add it: reminderd opportunity add Globex" in desk.refused(2, "sheet", "Globex")
