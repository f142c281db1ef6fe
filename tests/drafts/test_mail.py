"""Mails to the user: complete for every reader, threaded, and with nothing in them that could act by itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
import html
import re
import shlex
from email.message import EmailMessage
from typing import Any

import fast_mail_parser
import icalendar
import pytest

from reminderd.drafts import notices, words
from reminderd.drafts.bars import blocks, marks
from reminderd.drafts.items import Bar, Digest
from reminderd.drafts.library import Library
from reminderd.drafts.mail import make_digest_mail, make_mail
from reminderd.message import Mail
from reminderd.store.draft_records import EventView, Me
from tests.drafts.builders import NAMES, NOW, draft, entry, facts, item, of_person, of_user
from tests.drafts.weekly import weekly

LIBRARY = Library()


def parsed(mail: Mail) -> EmailMessage:
    return email.message_from_bytes(mail.content, policy=email.policy.default)


def part(mail: Mail, kind: str) -> str:
    body = parsed(mail).get_body((kind,))
    assert body is not None
    return str(body.get_content())


def calendar(mail: Mail) -> icalendar.Calendar:
    (found,) = [one for one in parsed(mail).walk() if one.get_content_type() == "text/calendar"]
    return icalendar.Calendar.from_ical(found.get_content())


def links(mail: Mail) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', part(mail, "html"))]


def offer(**changes: Any) -> Mail:
    group = [facts(name, number) for number, name in enumerate(NAMES, 1)]
    entries = [
        entry(6 + place, known, draft=LIBRARY.draft("accepted", known, variant=variant))
        for place, (known, variant) in enumerate(zip(group, LIBRARY.assign_variants("accepted", group), strict=True), 1)
    ]
    return make_mail(item(*entries, **changes), LIBRARY)


def test_the_headers_say_what_a_generated_mail_should() -> None:
    message = parsed(make_mail(item(), LIBRARY))
    assert message.defects == []
    assert str(message["From"]) == "reminderd <reminderd@example.org>"
    assert str(message["To"]) == "Ada Byron <ada@example.org>"
    assert message["Subject"] == "Thank your Acme references by Wed 25 Nov"
    assert message["Message-ID"] == "<nudge-7.1@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    assert message["List-Unsubscribe"] == "<mailto:reminderd@example.org?subject=unsubscribe>"
    assert message["List-Unsubscribe-Post"] is None
    assert message["In-Reply-To"] is None


def test_a_later_reminder_is_in_the_thread_of_the_first() -> None:
    message = parsed(make_mail(item(references_root="<root@example.org>"), LIBRARY))
    assert message["In-Reply-To"] == message["References"] == "<root@example.org>"
    root = parsed(make_mail(item(references_root="<nudge-7.1@example.org>"), LIBRARY))
    assert root["References"] is None


def test_a_digest_never_threads() -> None:
    assert parsed(make_digest_mail(item(references_root="<root@example.org>"), Digest(), LIBRARY))["References"] is None


def test_one_click_stands_only_with_an_https_address() -> None:
    public = parsed(make_mail(item(unsubscribe_url="https://r.example/stop/abc"), LIBRARY))
    assert public["List-Unsubscribe"].startswith("<https://r.example/stop/abc>, <mailto:")
    assert public["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    local = parsed(make_mail(item(unsubscribe_url="http://localhost:8025/stop/abc"), LIBRARY))
    assert local["List-Unsubscribe-Post"] is None


def test_the_bytes_are_seven_bit_with_short_lines() -> None:
    mail = offer()
    assert mail.content.isascii()
    assert b"\n" not in mail.content.replace(b"\r\n", b"")
    assert max(map(len, mail.content.split(b"\r\n"))) <= 78


def test_the_same_item_makes_the_same_bytes() -> None:
    assert offer() == offer()


def test_both_parts_carry_every_draft_whole() -> None:
    mail = offer()
    plain, shown = part(mail, "plain"), html.unescape(part(mail, "html"))
    group = [facts(name, number) for number, name in enumerate(NAMES, 1)]
    for known, variant in zip(group, LIBRARY.assign_variants("accepted", group), strict=True):
        for line in LIBRARY.draft("accepted", known, variant=variant).body.splitlines():
            assert line in plain
            assert line in shown


def test_another_parser_reads_the_same_texts() -> None:
    user = of_user(facts(), name="Zoë Ünal-Çelik").me
    mail = offer(user=user, subject="Dank für Ana Müller — bis Mittwoch, den 25. November, und für alle anderen auch ✓")
    other = fast_mail_parser.parse_email(mail.content)
    assert other.subject == mail.subject
    assert other.text_plain[0].replace("\r\n", "\n").strip() == part(mail, "plain").replace("\r\n", "\n").strip()
    assert other.text_html[0].replace("\r\n", "\n").strip() == part(mail, "html").replace("\r\n", "\n").strip()
    assert other.headers["Message-ID"] == [mail.message_id]
    assert "Zoë Ünal-Çelik" in other.headers["To"][0]


def test_before_you_post_opens_the_accepted_mail_and_the_preheader() -> None:
    mail = offer()
    line = "Before you post: 0 of 6 know; still: Ana, Ben, Chen, Dana, Eve and Sam."
    assert part(mail, "plain").startswith(line)
    assert line.rstrip(".") in part(mail, "html").partition("&#847;")[0]


def test_after_the_day_of_the_post_the_mail_only_says_who_knows() -> None:
    known = facts(posted=True)
    assert part(make_mail(item(entry(known=known)), LIBRARY), "plain").startswith("0 of 6 know; still: Ana, Ben, ")
    all_know = dataclasses.replace(known, involved=tuple(dataclasses.replace(one, told=True) for one in known.involved))
    assert part(make_mail(item(entry(known=all_know)), LIBRARY), "plain").splitlines()[0] == "All six know."


def test_a_later_reminder_says_so_and_who_is_left() -> None:
    entries = [
        entry(7, facts("Ana Müller", 1), position=2, draft=draft(situation="turned_down"), done=True),
        entry(8, facts("Ben Okafor", 2), position=2, draft=draft(situation="turned_down"), late=True),
        entry(9, facts("Chen Wei", 3), position=2, draft=draft(situation="turned_down")),
    ]
    mail = make_mail(item(*entries), LIBRARY)
    assert "2nd reminder · Still open: Ben and Chen" in part(mail, "html")
    assert "later than planned" in part(mail, "plain")


def test_lines_above_come_first() -> None:
    line = notices.ended("Thank Dana Novak for Initech", "expired")
    mail = make_mail(item(lines=(line,)), LIBRARY)
    assert "No longer needed: Thank Dana Novak for Initech (let go, its time is over)." in part(mail, "plain")
    assert part(mail, "plain").index(line) < part(mail, "plain").index("7. Thank Ana")


def test_each_draft_opens_in_the_users_own_apps() -> None:
    found = links(make_mail(item(), LIBRARY))
    assert any(
        link.startswith("mailto:ana@example.org?subject=I%20got%20the%20job&body=Hi%20Ana%2C%0D%0A") for link in found
    )
    assert "sms:+14155550101?&body=Hi%20Ana%2C%20I%20got%20the%20job." in found


def test_a_long_draft_says_that_the_button_carries_its_beginning() -> None:
    mail = make_mail(item(entry(draft=draft(body="A sentence of some length. " * 90))), LIBRARY)
    assert "The button carries the beginning" in part(mail, "html")
    assert part(mail, "plain").count("A sentence of some length.") == 90


@pytest.mark.parametrize(
    ("via", "start"), [("call", "tel:"), ("linkedin", "https://www.linkedin.com/"), ("text", "sms:")]
)
def test_the_references_own_way_comes_first(via: str, start: str) -> None:
    known = of_person(facts(), via=via)
    mail = make_mail(item(entry(known=known, draft=LIBRARY.draft("accepted", known))), LIBRARY)
    assert links(mail)[0].startswith(start)


def test_without_a_way_back_the_command_stands_where_buttons_would() -> None:
    mail = make_mail(item(), LIBRARY)
    assert "reminderd done 7" in part(mail, "html")
    assert "reminderd done 7" in part(mail, "plain")
    assert not any("DONE" in link for link in links(mail))


def test_with_several_users_every_command_says_whose() -> None:
    known = of_user(facts(), shares=True, email="o'neil+tag@example.org")
    whose = f"reminderd --user {shlex.quote(known.me.email)}"
    group = [entry(7, known), entry(8, known)]
    line = 'May it rest? reminderd reference pause "Ana"'
    mail = make_mail(item(*group, user=known.me, lines=(line, "reminderd records it.")), LIBRARY)
    plain, shown = part(mail, "plain"), html.unescape(part(mail, "html"))
    for text in (plain, shown):
        for command in ("done 7", "done 8", "done 7 8", "explain 7", 'reference pause "Ana"'):
            assert f"{whose} {command}" in text
        assert "reminderd records it." in text
    assert not re.search("reminderd (done|draft|explain|reference)", plain + shown)
    (first, _) = calendar(mail).walk("VEVENT")
    assert str(first["description"]) == f"{whose} done 7\n{whose} draft 7"


def test_what_a_draft_asks_the_user_says_whose_with_several_users() -> None:
    known = of_user(facts(), shares=True)
    asked = LIBRARY.draft("last_contact_unknown", known).body
    assert 'reminderd --user ada@example.org reference edit "Ana Müller" --last-contact DATE' in asked
    known = dataclasses.replace(known, job=dataclasses.replace(known.job, starts_on=None))
    (question, *_) = LIBRARY.draft("accepted", known).missing
    assert question == "When do you start? reminderd --user ada@example.org opportunity edit Acme --starts DATE"


def test_buttons_answer_by_mail_where_mail_is_read() -> None:
    mail = make_mail(item(reply_address="reply+tok@example.org"), LIBRARY)
    found = [link for link in links(mail) if link.startswith("mailto:reply+tok@example.org")]
    assert [link.split("&body=")[1] for link in found[:3]] == ["DONE%207", "SNOOZE%207%203D", "SKIP%207"]
    assert parsed(mail)["Reply-To"] == "reply+tok@example.org"
    assert parsed(mail)["List-Unsubscribe"] == "<mailto:reply+tok@example.org?subject=unsubscribe>"


def test_buttons_are_links_where_there_is_a_page() -> None:
    mail = make_mail(item(links=lambda number, action: f"https://r.example/{action}/{number}?t=a&b"), LIBRARY)
    assert [link for link in links(mail) if "r.example" in link] == [
        f"https://r.example/{action}/7?t=a&b" for action in ("done", "snooze", "skip")
    ]
    assert "https://r.example/done/7?t=a&b" in part(mail, "plain")


def test_one_answer_for_the_whole_group() -> None:
    assert "reminderd done 7 8 9 10 11 12" in part(offer(), "plain")
    assert any(
        link.endswith("&body=DONE%207%208%209%2010%2011%2012") for link in links(offer(reply_address="r@example.org"))
    )


def test_the_foot_says_why_now() -> None:
    assert (
        "Why now: Tell everyone you asked that you got it; you accepted the offer (Mon 23 Nov); due Wed 25 Nov. "
        "More: reminderd explain 7"
    ) in part(make_mail(item(), LIBRARY), "plain")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Why now: Ask them to be your reference; you need this reference by Fri 27 Nov; due Wed 25 Nov. "),
        ("de", "Warum jetzt: Ask them to be your reference; du brauchst eine Referenz bis Fr. 27. Nov.; fällig "),
    ],
)
def test_why_now_says_of_a_need_by_when_and_not_when_it_was_recorded(language: str, said: str) -> None:
    need = EventView(id=3, kind="needed", on=dt.date(2026, 11, 23), data={"by": dt.date(2026, 11, 27)})
    known = of_user(facts(event=need), language=language)
    mail = make_mail(item(entry(7, known, about="Ask them to be your reference"), user=known.me), LIBRARY)
    assert said in " ".join(part(mail, "plain").split())


def test_what_people_write_cannot_become_markup() -> None:
    nasty = '<script>alert(1)</script><img src=x onerror="x">'
    known = of_person(facts(name=f"Ana {nasty}"), profile=f"https://p.example/{nasty}", phone='"><b>')
    mail = make_mail(
        item(entry(known=known, draft=draft(body=nasty, question=nasty, social=nasty), title=nasty)), LIBRARY
    )
    assert "<script" not in part(mail, "html")
    assert "<img" not in part(mail, "html")


def test_header_values_cannot_smuggle_headers() -> None:
    evil = "x\r\nBcc: eve@evil.example\r\n\r\n<p>"
    mail = make_mail(
        item(
            subject=evil,
            sender_name=evil,
            sender=f"a@example.org{evil}",
            message_id=f"<a@b>{evil}",
            references_root=f"<c@d>{evil}",
            reply_address=f"r@example.org{evil}",
            unsubscribe_url=f"https://r.example/{evil}",
            user=Me(name=evil, email=f"ada@example.org{evil}"),
        ),
        LIBRARY,
    )
    message = parsed(mail)
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated"
    for value in (mail.sender, mail.recipient, mail.subject, mail.message_id):
        assert "\r" not in value
        assert "\n" not in value


def test_names_and_domains_of_all_the_world() -> None:
    user = Me(name="Łukasz Grün, PhD", email="lukasz@bücher.example")
    mail = make_mail(item(user=user, subject="Dank für Łukasz"), LIBRARY)
    (address,) = parsed(mail)["To"].addresses
    assert (address.display_name, address.addr_spec) == ("Łukasz Grün, PhD", "lukasz@xn--bcher-kva.example")
    assert mail.recipient == "lukasz@xn--bcher-kva.example"


def test_the_calendar_has_every_deadline_with_alarms() -> None:
    found = calendar(offer())
    assert found["METHOD"] == "PUBLISH"
    events = found.walk("VEVENT")
    assert [str(event["SUMMARY"]) for event in events] == [f"Thank {name}" for name in NAMES]
    assert {event.decoded("DTSTART") for event in events} == {dt.date(2026, 11, 25)}
    alarms = [alarm.decoded("TRIGGER") for alarm in events[0].walk("VALARM")]
    assert alarms == [dt.datetime(2026, 11, 24, 14, tzinfo=dt.UTC), dt.datetime(2026, 11, 25, 14, tzinfo=dt.UTC)]
    assert "Acme" not in str(found.to_ical())


def test_a_calendar_entry_keeps_its_uid_and_counts_its_changes() -> None:
    (first,) = calendar(make_mail(item(), LIBRARY)).walk("VEVENT")
    moved = entry(due_at=NOW + dt.timedelta(days=9), sequence=1, alarms=(NOW - dt.timedelta(1), NOW + dt.timedelta(1)))
    (second,) = calendar(make_mail(item(moved, message_id="<other@example.org>"), LIBRARY)).walk("VEVENT")
    assert first["UID"] == second["UID"]
    assert (first["SEQUENCE"], second["SEQUENCE"]) == (0, 1)
    assert len(second.walk("VALARM")) == 1


def test_the_calendar_is_as_the_standard_wants_it() -> None:
    (attached,) = [one for one in parsed(offer()).walk() if one.get_content_type() == "text/calendar"]
    text = attached.get_content()
    assert text.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert "\n" not in text.replace("\r\n", "")
    found = icalendar.Calendar.from_ical(text)
    assert found.to_ical() == icalendar.Calendar.from_ical(found.to_ical()).to_ical()
    for event in found.walk("VEVENT"):
        assert event.errors == []
        assert event.required
        assert all(name in event for name in (*event.required, "DTSTAMP", "DTSTART", "SUMMARY"))
        assert event["CLASS"] == "PRIVATE"
    assert len({str(event["UID"]) for event in found.walk("VEVENT")}) == 6
    assert attached.get_filename() == "reminderd.ics"
    assert attached.get_param("method") == "PUBLISH"


def test_another_parser_reads_the_digest_and_a_german_one_too() -> None:
    for language in ("en", "de"):
        mail = weekly(language)
        other = fast_mail_parser.parse_email(mail.content)
        for kind, texts in (("plain", other.text_plain), ("html", other.text_html)):
            assert texts[0].replace("\r\n", "\n").strip() == part(mail, kind).replace("\r\n", "\n").strip()


def test_a_german_weekly_mail_has_no_english_around_its_drafts() -> None:
    known = of_user(facts(), language="de")
    german = item(user=known.me, subject="Ana gratulieren bis Mi. 25. Nov.")
    made = entry(known=known, draft=LIBRARY.draft("birthday", known), about="Geburtstag", title="Ana gratulieren")
    digest = Digest(("Maria danken",), ("Eve schreiben",), (Bar("Ana Müller", (NOW.date(),), NOW.date(), 7),))
    mail = make_digest_mail(dataclasses.replace(german, entries=(made,)), digest, LIBRARY)
    shown = re.sub(r"<!--.*?-->|<style>.*?</style>|<[^>]*>", " ", part(mail, "html"), flags=re.DOTALL)
    text = part(mail, "plain") + html.unescape(shown)
    left = {"no", "the", "you", "what", "when", "last", "weeks", "done", "open", "why", "more", "copy", "your", "this"}
    said = text.replace("reminderd done 7", "").replace("reminderd explain 7", "")
    assert ".." not in text
    assert left & set(re.findall(r"[a-zäöü]+", said.lower())) == set()


def test_odd_names_go_through_the_calendar() -> None:
    name = "Ana; Müller, \\ " + "Ü" * 80
    (event,) = calendar(make_mail(item(entry(known=facts(name=name))), LIBRARY)).walk("VEVENT")
    assert event["SUMMARY"] == f"Thank {name}"


def test_a_notice_has_lines_and_no_calendar() -> None:
    mail = make_mail(dataclasses.replace(item(kind="notice", lines=("Texts are paused.",)), entries=()), LIBRARY)
    assert [one.get_content_type() for one in parsed(mail).walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert part(mail, "plain").startswith("Texts are paused.")


def test_the_digest_says_what_was_done_is_open_and_who_might_enjoy_it() -> None:
    today = dt.date(2026, 11, 23)
    people = (Bar("Ana Müller", (today, today - dt.timedelta(days=30)), today, 20), Bar("Ben Okafor"))
    digest = Digest(done=("Thanked Maria Lopez",), open=("Thank Eve Martin by Wed 25 Nov",), people=people)
    mail = make_digest_mail(item(subject=words.digest_subject(["Ana", "Ben"])), digest, LIBRARY)
    plain = part(mail, "plain")
    order = [
        "What you did",
        "Thanked Maria Lopez",
        "What is open",
        "Thank Eve",
        "Might enjoy hearing from you",
        "Ana Müller (20)",
    ]
    places = [plain.index(each) for each in (*order, "░█░█", "last in touch Mon 23 Nov", "Ben Okafor", "Hi Ana,")]
    assert places == sorted(places)
    shown = part(mail, "html")
    assert shown.count('class="hit"') == 2
    assert shown.count('class="gap"') == 50
    assert "<img" not in shown


def test_in_german_one_person_enjoys_it_alone() -> None:
    german = item()
    german = dataclasses.replace(german, user=dataclasses.replace(german.user, language="de"))
    for people, words_said in ((("Bernd",), "Freut sich vielleicht"), (("Bernd", "Eva"), "Freuen sich vielleicht")):
        mail = make_digest_mail(german, Digest(people=tuple(Bar(name) for name in people)), LIBRARY)
        assert words_said in part(mail, "plain")
        assert words_said in part(mail, "html")


def test_a_digest_without_anything_open_says_so() -> None:
    mail = make_digest_mail(dataclasses.replace(item(), entries=()), Digest(done=("Thanked Ana",)), LIBRARY)
    assert "Nothing is waiting for you." in part(mail, "plain")


def test_a_bar_is_a_year_in_fortnights() -> None:
    today = dt.date(2026, 11, 23)
    ages = (0, 13, 14, 363, 364, -3)
    days = tuple(today - dt.timedelta(days=age) for age in ages)
    assert blocks(days, today) == "█" + "░" * 23 + "██"
    assert len(marks((), today)) == 26


def test_a_german_user_reads_german_around_the_drafts() -> None:
    known = of_user(facts(), language="de")
    mail = make_mail(item(entry(known=known, position=2), user=known.me), LIBRARY)
    assert "Bevor du postest: 0 von 6 wissen es; noch: Ana, Ben, Chen, Dana, Eve und Sam." in part(mail, "plain")
    assert "Mit meinem Mailprogramm senden" in part(mail, "html")
    assert 'lang="de"' in part(mail, "html")


def test_the_html_says_its_colours_for_light_and_dark() -> None:
    shown = part(offer(), "html")
    assert '<meta name="color-scheme" content="light dark">' in shown
    assert '<meta name="supported-color-schemes" content="light dark">' in shown
    assert "@media (prefers-color-scheme: dark)" in shown
    assert len(shown.encode()) < 100_000  # larger ones are clipped by some readers


PAIRS = [
    ("#1f2328", "#f4f2ee"),
    ("#1f2328", "#ffffff"),
    ("#1f2328", "#f1f5f2"),
    ("#55595f", "#ffffff"),
    ("#55595f", "#f4f2ee"),
    ("#ffffff", "#1b5e4a"),
    ("#1b5e4a", "#ffffff"),
    ("#1b5e4a", "#f4f2ee"),
    ("#e9e7e2", "#16181c"),
    ("#e9e7e2", "#20242a"),
    ("#f3f1ec", "#2a2f37"),
    ("#b9b6ae", "#20242a"),
    ("#b9b6ae", "#16181c"),
    ("#10201a", "#8fd6b8"),
    ("#a9e3ca", "#20242a"),
]


@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_every_pair_of_colours_has_enough_contrast(text: str, ground: str) -> None:
    assert text in part(offer(), "html")
    assert ground in part(offer(), "html")
    lighter, darker = sorted((luminance(text), luminance(ground)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
