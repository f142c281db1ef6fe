"""Before you post: who does not know yet is said the day before and that morning, and each answer counts on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from reminderd.message import Channel
from reminderd.store.database import Store
from tests.flow.parts import NOON, SIX, Story, make_house, recorders, words_of

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
THAT_MORNING = (NOON + 3 * DAY).replace(hour=8)
POST_ON = (NOON + 3 * DAY).date()


def begin(store: Store, home: Path, **user: Any) -> Story:
    story = Story.begin(make_house(store, home), recorders(), **user)
    story.land(NOON)
    story.pass_at(NOON)
    return story


def texts(story: Story, word: str = "know") -> list[str]:
    return [one.body for one in story.transports[Channel.SMS].taken if word in one.body]  # type: ignore[attr-defined]


def mails(story: Story) -> list[str]:
    return [words_of(mail) for mail in story.transports[Channel.EMAIL].taken]  # type: ignore[attr-defined]


def tell(story: Story, names: tuple[str, ...], now: dt.datetime) -> None:
    story.done([story.nudge_of("accepted", name) for name in names], now)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({}, "4 of 6 know; still: L.W., T.F."),
        ({"full_texts": True}, "4 of 6 know; still: Li Wei, Tom Ford."),
        ({"language": "de"}, "4 von 6 wissen es; noch: L.W., T.F."),
        ({"language": "de", "full_texts": True}, "4 von 6 wissen es; noch: Li Wei, Tom Ford."),
    ],
)
def test_a_planned_post_is_counted_by_text_the_day_before_and_that_morning(
    sqlite_store: Store, tmp_path: Path, user: dict[str, Any], said: str
) -> None:
    story = begin(sqlite_store, tmp_path, **user)
    tell(story, SIX[:4], NOON + HOUR)
    story.record("announcement", NOON + HOUR, on=POST_ON)
    story.pass_at(NOON + HOUR)
    word = "know;" if user.get("language") != "de" else "wissen"
    assert texts(story, word) == []
    story.pass_at(THAT_MORNING - DAY - HOUR)
    assert texts(story, word) == []
    story.pass_at(THAT_MORNING - DAY)
    assert len(texts(story, word)) == 1
    story.pass_at(THAT_MORNING)
    first, second = texts(story, word)
    number = story.nudges("before-you-post")[0].number
    for text in (first, second):
        assert text == f"reminderd: {said} reminderd draft {number}"
    story.pass_at(THAT_MORNING + DAY)
    assert len(texts(story, word)) == 2
    story.stop()


def test_each_text_counts_as_it_stands_then(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path)
    story.record("announcement", NOON + HOUR, on=POST_ON)
    tell(story, SIX[:1], NOON + HOUR)
    story.pass_at(THAT_MORNING - DAY)
    tell(story, SIX[1:5], THAT_MORNING - DAY + HOUR)
    story.pass_at(THAT_MORNING)
    before, morning = texts(story)
    assert "1 of 6 know; still: A.M., S.O., D.W., L.W., T.F." in before
    assert "5 of 6 know; still: T.F." in morning
    story.stop()


def test_when_all_know_the_post_is_free(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path)
    story.record("announcement", NOON + HOUR, on=POST_ON)
    tell(story, SIX, NOON + HOUR)
    for hour in range(1, 4 * 24):
        story.pass_at(NOON + hour * HOUR)
    assert [text for text in texts(story) if "All six know: post away" not in text] == []
    assert not any("still" in text for text in texts(story))
    story.stop()


def test_a_post_that_moves_or_is_called_off_moves_or_ends_its_texts(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path)
    story.record("announcement", NOON + HOUR, on=POST_ON)
    story.undo(NOON + 2 * HOUR)
    for hour in range(2, 4 * 24):
        story.pass_at(NOON + hour * HOUR)
    assert texts(story) == []
    story.stop()


def test_without_a_planned_post_the_mail_opens_with_it_and_counts_on(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path)
    (first,) = mails(story)
    assert first.startswith("Before you post: 0 of 6 know; still: Maria, Ana, Sam, Dana, Li and Tom.")
    tell(story, SIX[:2], NOON + HOUR)
    story.pass_at((NOON + DAY).replace(hour=8))
    (_, second) = mails(story)
    assert second.startswith("Before you post: 2 of 6 know; still: Sam, Dana, Li and Tom.")
    assert texts(story, "still:") == []
    story.stop()


def test_who_has_mail_only_is_told_by_mail(sqlite_store: Store, tmp_path: Path) -> None:
    story = begin(sqlite_store, tmp_path, phone=None)
    tell(story, SIX[:4], NOON + HOUR)
    story.record("announcement", NOON + HOUR, on=POST_ON)
    for at in (THAT_MORNING - DAY, THAT_MORNING):
        story.pass_at(at)
    told = [mail for mail in mails(story) if "4 of 6 know; still: Li" in mail]
    assert len(told) >= 2
    assert any("What you could write to them" in mail for mail in told)
    story.stop()
