"""The page: who gets in, what it shows, what its forms do, and what keeps strangers' pages out."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from werkzeug.http import parse_cookie

from reminderd.message import Channel
from reminderd.rules.states import State
from reminderd.signing import Purpose
from reminderd.store.database import Store
from reminderd.store.tables import Nudge, Reference
from reminderd.web import strip
from reminderd.web.gate import COOKIE
from tests.flow.parts import NOON, make_reference, make_user
from tests.web.parts import OWN, ROOT, Desk, make_desk


def test_nobody_gets_in_without_the_link(desk: Desk) -> None:
    answer = desk.client.get("/")
    assert answer.status_code == 403
    assert "Maria" not in answer.text


def test_the_link_shows_a_button_and_the_button_lets_in(desk: Desk) -> None:
    path = f"/in/{desk.token(Purpose.ENTER)}"
    shown = desk.client.get(path)
    assert "Open the page" in shown.text
    assert "Set-Cookie" not in shown.headers
    answer = desk.client.post(path, headers=OWN)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/"))
    assert desk.client.get("/").status_code == 200


def test_a_link_to_the_page_ends_after_a_quarter_of_an_hour(desk: Desk) -> None:
    path = f"/in/{desk.token(Purpose.ENTER)}"
    desk.now = NOON + dt.timedelta(minutes=16)
    assert desk.client.post(path, headers=OWN).status_code == 404


def test_a_session_ends_after_a_month_and_cannot_be_made_up(desk: Desk) -> None:
    desk.enter()
    desk.now = NOON + dt.timedelta(days=31)
    assert desk.client.get("/").status_code == 403
    desk.client.set_cookie(COOKIE, desk.token(Purpose.DONE, 7))
    assert desk.client.get("/").status_code == 403
    desk.client.set_cookie(COOKIE, "1.2")
    assert desk.client.get("/").status_code == 403


def test_what_is_due_in_another_year_says_which(desk: Desk) -> None:
    desk.enter()
    text = desk.client.get("/").text
    due = re.findall(r'data-label="Due">([^<]*)<', text)
    assert due
    for day in due:  # what comes later than this year has the year, the rest has none
        assert day.endswith((" Nov", " Dec", f" {NOON.year + 1}", f" {NOON.year + 2}")), day
    assert any(day.endswith(f" {NOON.year + 1}") for day in due)


def test_the_page_shows_whom_the_user_owes_what_comes_and_everybody(desk: Desk) -> None:
    desk.enter()
    text = desk.client.get("/").text
    for number in (nudge.number for nudge in desk.story.nudges("accepted")):
        assert f'action="/nudge/{number}"' in text
    assert text.count("<svg") == 6
    assert text.count("<rect") == 6 * strip.WEEKS
    assert len(re.findall(r"<li><strong>\d+</strong>", text)) == 4
    assert "mailto:maria@example.org?" in text
    assert "Coming up" in text
    assert "Send Maria Lopez a card" in text or "card or a small gift" in text


def test_the_page_counts_who_knows_of_an_outcome(desk: Desk) -> None:
    desk.enter()
    assert "0 of 6 know; still: " in desk.client.get("/").text
    number = desk.story.nudges("accepted")[0].number
    desk.client.post(f"/nudge/{number}", data={"action": "done"}, headers=OWN)
    assert "1 of 6 know; still: " in desk.client.get("/").text


def test_the_page_has_no_script_and_posts_by_hand_only(desk: Desk) -> None:
    desk.enter()
    number = desk.story.nudges("accepted")[0].number
    paths = ["/", f"/a/{desk.token(Purpose.DONE, number)}", f"/a/{desk.token(Purpose.DRAFT, number)}", "/nowhere"]
    for path in paths:
        text = desk.client.get(path).text
        assert "<script" not in text
        assert not re.search(r"\son\w+=|\sstyle=|javascript:|http-equiv", text)


@pytest.mark.parametrize(
    ("fields", "said", "state"),
    [
        ({"action": "done"}, "Done.", State.DONE),
        ({"action": "skip"}, "Let go.", State.SKIPPED),
        ({"action": "snooze", "span": "1d"}, "Quiet until Wed 25 Nov, 09:00.", State.OPEN),
        ({"action": "note", "text": "left a voicemail"}, "Noted.", State.OPEN),
        ({"action": "note", "text": "  "}, "nothing was noted", State.OPEN),
    ],
)
def test_each_form_does_what_it_says(desk_on_both: Desk, fields: dict[str, str], said: str, state: State) -> None:
    desk = desk_on_both
    desk.enter()
    number = desk.story.nudge_of("accepted", "Maria Lopez").number
    answer = desk.client.post(f"/nudge/{number}", data=fields, headers=OWN, follow_redirects=True)
    assert said in answer.text
    assert desk.nudge(number).state == state
    assert (desk.nudge(number).note or "") == fields.get("text", "").strip()


def test_done_twice_says_so(desk: Desk) -> None:
    desk.enter()
    number = desk.story.nudges("accepted")[0].number
    desk.client.post(f"/nudge/{number}", data={"action": "done"}, headers=OWN)
    before = desk.mark()
    again = desk.client.post(f"/nudge/{number}", data={"action": "done"}, headers=OWN, follow_redirects=True)
    assert "done already" in again.text
    assert desk.mark() == before


@pytest.mark.parametrize(
    "fields",
    [{}, {"action": "stop"}, {"action": "snooze"}, {"action": "snooze", "span": "99y"}, {"span": "3d"}],
)
def test_a_form_that_says_nothing_changes_nothing(desk: Desk, fields: dict[str, str]) -> None:
    desk.enter()
    before = desk.mark()
    number = desk.story.nudges("accepted")[0].number
    assert desk.client.post(f"/nudge/{number}", data=fields, headers=OWN).status_code == 404
    assert desk.client.post("/nudge/99999", data={"action": "done"}, headers=OWN).status_code == 404
    assert desk.mark() == before


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ROOT}, False),
        ({"Origin": ROOT}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://r.example.org.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
        ({"Origin": "http://evil.example", "Host": "evil.example"}, False),
        ({"Origin": "http://127.0.0.1:8025", "Host": "127.0.0.1:8025"}, True),
        ({"Origin": "http://127.0.0.1:9999", "Host": "127.0.0.1:8025"}, False),
    ],
)
def test_only_our_own_page_may_post_with_the_cookie(desk: Desk, headers: dict[str, str], accepted: bool) -> None:
    client = desk.client.application.test_client(use_cookies=False)
    cookie = {"Cookie": f"{COOKIE}={desk.token(Purpose.SESSION)}"}
    number = desk.story.nudges("accepted")[0].number
    before = desk.mark()
    answer = client.post(f"/nudge/{number}", data={"action": "skip"}, headers={**cookie, **headers})
    assert answer.status_code == (303 if accepted else 403)
    assert (desk.mark() != before) == accepted


def test_somebody_elses_page_cannot_sign_one_in_or_out(desk: Desk) -> None:
    path = f"/in/{desk.token(Purpose.ENTER)}"
    assert desk.client.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert desk.client.post(path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert desk.client.post(path).status_code == 303
    assert desk.client.post("/leave", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert desk.client.get("/").status_code == 200
    assert desk.client.post("/leave", headers=OWN).status_code == 303
    assert desk.client.get("/").status_code == 403


def test_one_user_sees_and_does_nothing_of_anothers(desk: Desk) -> None:
    with desk.house.store.writing() as session:
        other = make_user(email="eve@example.org", name="Eve")
        session.add(other)
        session.flush()
        session.add(make_reference(other, "Secret Friend"))
        eve = other.id
    desk.client.set_cookie(COOKIE, desk.token(Purpose.SESSION, user_id=eve))
    text = desk.client.get("/").text
    assert "Secret Friend" in text
    assert "Maria" not in text
    before = desk.mark()
    number = desk.story.nudges("accepted")[0].number
    assert desk.client.post(f"/nudge/{number}", data={"action": "done"}, headers=OWN).status_code == 404
    assert desk.mark() == before


def test_names_and_notes_cannot_break_out_of_the_page(desk: Desk) -> None:
    sneaky = '"><script>alert(1)</script>'
    number = desk.story.nudge_of("accepted", "Maria Lopez").number
    with desk.house.store.writing() as session:
        row = session.get_one(Reference, desk.nudge(number).reference_id)
        row.name, row.profile, row.via = f"Maria {sneaky}", "javascript:alert(1)", "linkedin"
        session.get_one(Nudge, desk.nudge(number).id).note = sneaky
    desk.enter()
    for path in ("/", f"/a/{desk.token(Purpose.DRAFT, number)}", f"/a/{desk.token(Purpose.DONE, number)}"):
        text = desk.client.get(path).text
        assert "<script" not in text
        assert 'href="javascript:' not in text
    assert "&lt;script&gt;" in desk.client.get("/").text


def test_every_answer_has_the_safe_headers(desk: Desk) -> None:
    desk.enter()
    number = desk.story.nudges("accepted")[0].number
    for path in ("/", f"/a/{desk.token(Purpose.DONE, number)}", f"/u/{desk.token(Purpose.STOP)}", "/x", "/style.css"):
        headers = desk.client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        # The page has no token in its address, and Origin would be `null` without it.
        assert headers["Referrer-Policy"] == ("same-origin" if path == "/" else "no-referrer")
        assert headers["Cache-Control"] == ("max-age=3600" if path == "/style.css" else "no-store")


def test_a_broken_template_costs_its_draft_at_most(desk: Desk) -> None:
    folder = desk.house.settings.config_dir / "templates" / "drafts"
    folder.mkdir(parents=True)
    (folder / "accepted.j2").write_text("{{ them.nothing }}", encoding="utf-8")
    desk.enter()
    answer = desk.client.get("/")
    assert answer.status_code == 200
    assert answer.text.count("<article") >= 6


def test_an_empty_house_has_a_page(desk: Desk) -> None:
    with desk.house.store.writing() as session:
        other = make_user(email="new@example.org", name="New")
        session.add(other)
        session.flush()
        new = other.id
    desk.client.set_cookie(COOKIE, desk.token(Purpose.SESSION, user_id=new))
    text = desk.client.get("/").text
    assert "Nobody is waiting to hear from you." in text
    assert "Nobody is here yet." in text


def test_a_fault_shows_nothing_of_itself(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.enter()
    desk.house.store.dispose()
    path = desk.house.store.path
    assert path is not None
    path.rename(path.with_suffix(".away"))
    answer = desk.client.get("/")
    assert answer.status_code == 503
    assert str(path) not in answer.text
    assert "sqlite" not in answer.text.lower()


@pytest.mark.parametrize("text", ["{{ nonsense.at_all }}", "{% if %}"])
def test_a_page_template_of_the_user_s_that_is_broken_is_made_good_by_ours(
    sqlite_store: Store, tmp_path: Path, text: str
) -> None:
    folder = tmp_path / "templates" / "web"
    folder.mkdir(parents=True)
    for name in ("page.html.j2", "small.html.j2", "style.css.j2"):
        (folder / name).write_text(text)
    desk = make_desk(sqlite_store, tmp_path)
    desk.enter()
    assert "Coming up" in desk.client.get("/").text
    assert desk.client.get("/nowhere").status_code == 404
    assert "body" in desk.client.get("/style.css").text
    desk.story.stop()


def test_too_long_a_form_is_refused(desk: Desk) -> None:
    desk.enter()
    number = desk.story.nudges("accepted")[0].number
    answer = desk.client.post(f"/nudge/{number}", data={"action": "note", "text": "x" * 100_000}, headers=OWN)
    assert answer.status_code == 413


def test_the_log_holds_no_token_name_or_note(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    number = desk.story.nudges("accepted")[0].number
    token = desk.token(Purpose.DONE, number)
    desk.client.post(f"/a/{token}")
    assert token not in caplog.text
    assert "Maria" not in caplog.text


def test_the_public_address_may_have_a_path(sqlite_store, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from tests.web.parts import SETTINGS, make_desk

    desk = make_desk(sqlite_store, tmp_path, {**SETTINGS, "SITE_ROOT": f"{ROOT}/reminders"})
    desk.story.pass_at(NOON)
    token = desk.token(Purpose.ENTER)
    for path in (f"/reminders/in/{token}", f"/in/{token}"):  # as a proxy hands it on, or with its part taken off
        assert desk.client.get(path).status_code == 200
    answer = desk.client.post(f"/reminders/in/{token}", headers=OWN)
    assert answer.headers["Location"] == "/reminders/"
    assert "Path=/reminders" in answer.headers["Set-Cookie"]
    value = parse_cookie(answer.headers["Set-Cookie"])[COOKIE]
    text = desk.client.get("/reminders/", headers={"Cookie": f"{COOKIE}={value}"}).text
    assert 'href="/reminders/style.css"' in text
    assert 'action="/reminders/nudge/' in text
    mail = desk.story.transports[Channel.EMAIL].taken[0]  # type: ignore[attr-defined]
    assert f"{ROOT}/reminders/a/".encode() in mail.content.replace(b"=\r\n", b"")
    desk.story.stop()


def test_a_strip_marks_the_weeks_with_contact() -> None:
    today = NOON.date()
    days = [today, today - dt.timedelta(days=6), today - dt.timedelta(days=7), today - dt.timedelta(days=400)]
    marks = strip.weeks([*days, today + dt.timedelta(days=3)], today)
    assert len(marks) == 52
    assert [place for place, hit in enumerate(marks) if hit] == [50, 51]
