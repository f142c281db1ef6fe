"""Links in messages: shown by GET, done by POST, once."""

from __future__ import annotations

import datetime as dt

import pytest

from reminderd.message import Channel
from reminderd.rules.states import State
from reminderd.signing import Purpose
from reminderd.store.tables import Opportunity, User
from tests.flow.parts import NOON, parsed
from tests.web.parts import ROOT, Desk, links_of

ACTIONS = (Purpose.DONE, Purpose.SNOOZE, Purpose.SKIP, Purpose.ALL, Purpose.DRAFT)


@pytest.mark.parametrize("purpose", ACTIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
def test_only_post_acts(desk: Desk, purpose: Purpose, method: str) -> None:
    number = desk.story.nudges("accepted")[0].number
    before = desk.mark()
    desk.client.open(f"/a/{desk.token(purpose, number)}", method=method)
    desk.client.open(f"/u/{desk.token(Purpose.STOP)}", method=method)
    assert desk.mark() == before


@pytest.mark.parametrize(
    ("purpose", "asked", "done", "again", "state"),
    [
        (Purpose.DONE, "Mark this as done?", "Done.", "done already", State.DONE),
        (Purpose.SKIP, "Let this go?", "Let go.", "let go already", State.SKIPPED),
        (Purpose.SNOOZE, "Be quiet about this", "Quiet until Fri 27 Nov, 09:00", "quiet already", State.OPEN),
    ],
)
def test_get_shows_post_acts_and_a_second_post_says_so(
    desk_on_both: Desk, purpose: Purpose, asked: str, done: str, again: str, state: State
) -> None:
    desk = desk_on_both
    number = desk.story.nudge_of("accepted", "Maria Lopez").number
    path = f"/a/{desk.token(purpose, number)}"
    page = desk.client.get(path).text
    assert asked in page
    assert f"{number} Thank Maria Lopez for Acme" in page
    assert page.count("<button") == 1
    first = desk.client.post(path)
    assert first.status_code == 200
    assert done in first.text
    assert desk.nudge(number).state == state
    settled = desk.mark()
    second = desk.client.post(path)
    assert again in second.text
    assert "<button" not in second.text
    assert again in desk.client.get(path).text
    assert desk.mark() == settled


def test_done_records_what_the_rule_says_and_names_who_is_left(desk: Desk) -> None:
    number = desk.story.nudge_of("accepted", "Maria Lopez").number
    answer = desk.client.post(f"/a/{desk.token(Purpose.DONE, number)}")
    assert "1 of 6" in answer.text
    assert "Sam Okoro" in answer.text
    with desk.house.store.reading() as session:
        from sqlalchemy import select

        from reminderd.store.tables import Event

        assert session.scalar(select(Event.kind).where(Event.data["nudge"].as_integer() == number)) == "told"


def test_one_link_does_the_whole_group_that_its_page_lists(desk: Desk) -> None:
    numbers = [nudge.number for nudge in desk.story.nudges("accepted")]
    path = f"/a/{desk.token(Purpose.ALL, numbers[0])}"
    page = desk.client.get(path).text
    assert page.count('name="n"') == 6
    answer = desk.client.post(path, data={"n": numbers[:4]})
    assert "All done." in answer.text
    states = [desk.nudge(number).state for number in numbers]
    assert states == [State.DONE] * 4 + [State.OPEN] * 2
    assert "All done." in desk.client.post(path).text
    assert "done already" in desk.client.post(path).text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_forged_expired_altered_and_unknown_links_all_look_the_same(desk: Desk, method: str) -> None:
    number = desk.story.nudges("accepted")[0].number
    good = desk.token(Purpose.DONE, number)
    expired = desk.token(Purpose.DONE, number)
    other = desk.token(Purpose.DONE, 99_999)
    stranger = desk.token(Purpose.DONE, number, user_id=4711)
    bad = ["", "x", good[:-1], good + "A", good[1:], good.swapcase(), other, stranger]
    paths = [f"/{place}/{token}" for token in bad for place in ("a", "u", "in")]
    paths += [f"/u/{good}", f"/in/{good}", f"/a/{desk.token(Purpose.STOP)}", f"/a/{desk.token(Purpose.SESSION)}"]
    paths += ["/admin", "/a", "/.env", "/a/" + "A" * 5000]
    before = desk.mark()
    answers = {(answer.status_code, answer.text) for answer in (desk.client.open(p, method=method) for p in paths)}
    desk.now = NOON + dt.timedelta(days=61)
    late = desk.client.open(f"/a/{expired}", method=method)
    answers.add((late.status_code, late.text))
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert desk.mark() == before


def test_a_link_of_one_user_does_nothing_to_anothers_nudge(desk: Desk) -> None:
    from tests.flow.parts import make_user

    number = desk.story.nudges("accepted")[0].number
    with desk.house.store.writing() as session:
        other = make_user(email="eve@example.org", name="Eve")
        session.add(other)
        session.flush()
        eve = other.id
    before = desk.mark()
    assert desk.client.post(f"/a/{desk.token(Purpose.DONE, number, user_id=eve)}").status_code == 404
    assert desk.mark() == before


def test_done_is_taken_on_what_expired_and_skip_is_not(desk: Desk) -> None:
    number = desk.story.nudges("accepted")[0].number
    with desk.house.store.writing() as session:
        from reminderd.store.tables import Nudge

        session.get_one(Nudge, desk.nudge(number).id).state = State.EXPIRED
    assert "time is over already" in desk.client.post(f"/a/{desk.token(Purpose.SKIP, number)}").text
    assert "Done." in desk.client.post(f"/a/{desk.token(Purpose.DONE, number)}").text


def test_a_mail_carries_links_that_work(desk: Desk) -> None:
    desk.story.pass_at(NOON)
    links = links_of(desk.story)
    actions = [link for link in links if link.startswith("/a/")]
    assert len(actions) == 6 * 3 + 1
    for link in links:
        assert desk.client.get(link).status_code == 200
    pages = [desk.client.get(link).text for link in actions]
    assert sum("Mark all of these" in page for page in pages) == 1


def test_a_text_carries_the_link_to_the_draft_which_has_its_own_buttons(desk: Desk) -> None:
    for days in range(4):
        desk.story.pass_at(NOON + dt.timedelta(days=days))
    desk.now = NOON + dt.timedelta(days=4)
    link = links_of(desk.story, Channel.SMS)[0]
    page = desk.client.get(link).text
    assert "mailto:maria@example.org" in page or "mailto:" in page
    assert page.count('<form method="post" action="/a/') == 3


def test_the_unsubscribe_link_stops_all_mail_with_one_post_without_a_cookie(desk: Desk) -> None:
    desk.story.pass_at(NOON)
    mail = parsed(desk.story.transports[Channel.EMAIL].taken[0].content)  # type: ignore[attr-defined]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = mail["List-Unsubscribe"].partition(">")[0].removeprefix("<").replace(" ", "")
    assert url.startswith(f"{ROOT}/u/")
    path = url.removeprefix(ROOT)
    shown = desk.client.get(path)
    assert "Stop all mail" in shown.text
    assert desk.user().email_enabled
    answer = desk.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Mail is off" in answer.text
    assert "reminderd resume --channel email" in answer.text
    assert not desk.user().email_enabled
    assert "off already" in desk.client.post(path, data={"List-Unsubscribe": "One-Click"}).text


def test_an_embargoed_company_is_named_on_no_page(desk: Desk) -> None:
    with desk.house.store.writing() as session:
        from sqlalchemy import select

        row = session.scalars(select(Opportunity)).one()
        row.embargo_until = NOON.date() + dt.timedelta(days=30)
    desk.enter()
    number = desk.story.nudges("accepted")[0].number
    paths = [f"/a/{desk.token(purpose, number)}" for purpose in ACTIONS]
    for path in ["/", *paths]:
        text = desk.client.get(path).text
        assert "Acme" not in text
        assert "<title>reminderd</title>" in text


def test_words_come_in_the_users_language(desk: Desk) -> None:
    with desk.house.store.writing() as session:
        session.get_one(User, desk.story.user_id).language = "de"
    number = desk.story.nudges("accepted")[0].number
    page = desk.client.get(f"/a/{desk.token(Purpose.DONE, number)}").text
    assert "Als erledigt vermerken?" in page
    assert '<html lang="de">' in page


def test_without_a_public_address_mails_carry_no_links(sqlite_store, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from tests.web.parts import make_desk

    bare = make_desk(sqlite_store, tmp_path, {})
    bare.story.pass_at(NOON)
    mail = parsed(bare.story.transports[Channel.EMAIL].taken[0].content)  # type: ignore[attr-defined]
    assert "List-Unsubscribe-Post" not in mail
    assert "https://" not in mail.get_body(("plain",)).get_content()
    bare.story.stop()
