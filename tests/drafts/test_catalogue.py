"""The catalogue of drafts shows every situation, in both languages."""

from __future__ import annotations

import re

import pytest

from docs.catalogue import GROUPS, catalogue_page
from reminderd.drafts.library import Library

PAGE = catalogue_page()
ASKED_FOR = {
    "after an accepted offer": "accepted",
    "the gift or card that goes with it": "gift",
    "after turning an offer down": "turned_down",
    "after a rejection": "rejected",
    "after withdrawing": "withdrawn",
    "progress after each interview": "progress",
    "the first month in the job": "first_month",
    "asking, in touch recently": "ask",
    "asking after long silence": "ask_after_silence",
    "brief on what to share, thanks for agreeing": "brief_and_thanks",
    "heads-up that the employer will call": "heads_up",
    "thanks after the call": "called",
    "gracious answer to a no": "declined",
    "it's been too long": "reconnect",
    "birthday": "birthday",
    "work anniversary": "work_anniversary",
    "promotion or new job": "promoted",
    "asking for advice": "advice",
    "making a date": "date",
    "New Year round": "new_year",
    "the reply after a meeting": "after_meeting",
}


@pytest.mark.parametrize("name", Library().names())
def test_every_situation_stands_in_the_catalogue_with_a_sample_in_both_languages(name: str) -> None:
    entry = PAGE.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert re.search(r"^> \*\*.+\*\*$", entry, re.MULTILINE)
    assert "*Auf Deutsch:*" in entry
    assert "None" not in entry


@pytest.mark.parametrize("name", ASKED_FOR.values(), ids=ASKED_FOR)
def test_each_situation_asked_for_is_there(name: str) -> None:
    assert f"[`{name}`](#{name})" in PAGE


def test_every_situation_has_its_place() -> None:
    placed = [name for names in GROUPS.values() for name in names]
    assert sorted(placed) == sorted(Library().names())
