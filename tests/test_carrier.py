"""What goes around the drafts: calendars with the real reminders, what ended, texts alone, and all of it in German."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import icalendar
import pytest

from reminderd.message import Channel
from reminderd.rules.states import State
from reminderd.store import due
from reminderd.store.database import Store
from reminderd.store.tables import Nudge, User
from tests.flow.parts import NOON, SIX, Story, make_house, parsed, recorders, words_of

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
BERLIN_MORNING = NOON.replace(hour=8)


def begin(store: Store, home: Path, count: int = 2, **user: Any) -> Story:
    return Story.begin(make_house(store, home), recorders(), SIX[:count], **user)


def mails(story: Story) -> list[Any]:
    return story.transports[Channel.EMAIL].taken  # type: ignore[attr-defined, no-any-return]


def texts(story: Story) -> list[str]:
    return [text.body for text in story.transports[Channel.SMS].taken]  # type: ignore[attr-defined]


def events(mail: Any) -> list[Any]:
    (part,) = [one for one in parsed(mail.content).walk() if one.get_content_type() == "text/calendar"]
    return list(icalendar.Calendar.from_ical(part.get_content()).walk("VEVENT"))


def alarms(event: Any) -> list[dt.datetime]:
    return [alarm.decoded("TRIGGER") for alarm in event.walk("VALARM")]


def test_the_calendar_rings_when_the_next_reminders_would_come(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path)
    story.land(NOON)
    story.pass_at(NOON)
    first = events(mails(story)[0])
    steps = [BERLIN_MORNING + DAY, BERLIN_MORNING + 2 * DAY]  # by mail the next morning, by text on the last day
    assert [alarms(event) for event in first] == [steps, steps]
    story.pass_at(BERLIN_MORNING + DAY)
    second = events(mails(story)[1])
    assert [str(event["UID"]) for event in second] == [str(event["UID"]) for event in first]
    assert alarms(second[0]) == steps[1:]
    assert second[0]["SEQUENCE"] > first[0]["SEQUENCE"]
    story.stop()


def test_with_no_reminder_left_the_calendar_rings_at_the_users_hour(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path, phone=None)
    story.record("helped", NOON, SIX[0], about_it=False)
    monday = NOON.replace(day=30, hour=8)
    story.pass_at(monday)
    (event,) = [one for one in events(mails(story)[0]) if "help" in str(one["SUMMARY"])]
    day = event.decoded("DTSTART")
    assert {moment.date() for moment in alarms(event)} <= {day - DAY, day}
    story.stop()


def test_what_was_withdrawn_waits_for_a_mail_that_can_name_it(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path)
    story.land(NOON)
    story.pass_at(NOON)
    story.pass_at(BERLIN_MORNING + DAY)
    story.undo(BERLIN_MORNING + DAY + HOUR)  # the offer was no offer
    story.record("rejected", BERLIN_MORNING + DAY + HOUR)
    said = [words_of(mail) for mail in mails(story)]
    assert not any("No longer needed" in text for text in said)
    for hour in range(2, 60):
        story.pass_at(BERLIN_MORNING + DAY + hour * HOUR)
    told = [text for text in map(words_of, mails(story)) if "No longer needed: Thank Maria Lopez" in text]
    assert len(told) == 1
    assert not any("No longer" in text for text in texts(story))
    story.stop()


@pytest.mark.parametrize(("full", "named"), [(False, "M.L. - thank"), (True, "Thank Maria Lopez for Acme")])
def test_who_has_texts_only_hears_of_it_as_the_lock_screen_may_show_it(
    sqlite_store: Store, tmp_path: Path, full: bool, named: str
) -> None:
    story = begin(sqlite_store, tmp_path, 1, email_enabled=False, full_texts=full)
    story.land(NOON)
    story.pass_at(NOON)
    story.undo(NOON + HOUR)
    story.record("rejected", NOON + HOUR)
    story.pass_at(NOON + 2 * HOUR)
    told = [text for text in texts(story) if "No longer needed" in text]
    assert len(told) == 1
    assert f"No longer needed: {named} (withdrawn)." in told[0]
    story.stop()


def test_who_has_texts_only_gets_no_draft_on_the_lock_screen_unless_wanted(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path, 1, email_enabled=False)
    story.land(NOON)
    story.pass_at(NOON)
    (text,) = texts(story)
    number = story.nudge_of("accepted", SIX[0]).number
    assert text == f"reminderd: M.L. - thank by Thu 26 Nov. reminderd draft {number}"
    story.stop()


def test_a_german_user_is_told_everything_in_german(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path, language="de")
    story.land(NOON)
    story.pass_at(NOON)
    first = mails(story)[0]
    assert first.subject == "Deinen Referenzen für Acme danken bis Do. 26. Nov."
    assert "Bevor du postest: 0 von 2 wissen es; noch: Maria und Ana." in words_of(first)
    assert "Hallo Maria" in words_of(first)
    assert "Warum jetzt: Nach einem angenommenen Angebot; du hast zugesagt (Di. 24. Nov.)" in words_of(first)
    english = ("Thank", "Why", "When it", " by ", " the ", " you ", "know")
    assert not [word for word in english if word in words_of(first)]
    story.undo(NOON + HOUR)
    story.record("rejected", NOON + HOUR)
    story.pass_at(NOON + 2 * HOUR)
    assert "Nicht mehr nötig: Maria Lopez danken (Zusage von Acme) (zurückgenommen)." in words_of(mails(story)[1])
    assert str(events(mails(story)[1])[0]["SUMMARY"]) == "Maria Lopez erzählen, wie es ausging"
    with story.house.store.writing() as session:
        user = session.get_one(User, story.user_id)
        for channel in (Channel.EMAIL, Channel.SMS):
            letter = story.house.composer.carrier.test(user, channel, NOON)
            body = words_of(letter.message) if channel is Channel.EMAIL else letter.message.body  # type: ignore[union-attr]
            assert "Das ist ein Test: Hier erreichen dich Erinnerungen." in body
    story.stop()


def test_a_broken_template_is_named_at_the_top_and_the_draft_is_there(sqlite_store: Store, tmp_path: Path) -> None:
    broken = tmp_path / "templates" / "drafts" / "accepted.j2"
    broken.parent.mkdir(parents=True)
    broken.write_text("{% block mail_1 %}\n{{ them. }}{% endblock %}", encoding="utf-8")
    story = begin(sqlite_store, tmp_path)
    story.land(NOON)
    story.pass_at(NOON)
    (mail,) = mails(story)
    before, _, after = words_of(mail).partition("Maria Lopez <")
    assert f"A template of yours cannot be used, so this was made with ours: {broken}:2: " in before
    assert before.count("cannot be used") == 1
    assert "without you" in after
    with story.house.store.reading() as session:
        assert {session.get_one(Nudge, nudge.id).variant for nudge in story.nudges("accepted")} <= {1, 2, 3, 4, 5, 6}
    story.stop()


def test_what_came_to_nothing_before_it_began_is_nothing_that_the_user_did(store: Store, tmp_path: Path) -> None:
    """A follow-up that an early answer made needless, unlike what the user did before its time."""
    story = begin(store, tmp_path)
    story.record("asked", NOON, SIX[0])
    follow_up = next(nudge for nudge in story.nudges("ask-follow-up") if nudge.starts_at > NOON + HOUR)
    early = next(nudge for nudge in story.nudges("check-in") if nudge.starts_at > NOON + HOUR)
    story.record("agreed", NOON + HOUR, SIX[0])
    story.done([early], NOON + HOUR)
    with story.house.store.reading() as session:
        assert session.get_one(Nudge, follow_up.id).state == State.DONE
        done = [nudge.id for nudge in due.done_since(session, story.user_id, NOON)]
    assert early.id in done
    assert follow_up.id not in done
    story.stop()
