"""The book is humane: a typical year stays within what people bear."""

from __future__ import annotations

from pathlib import Path

from tests.flow.typical_year import PEOPLE, live

MOST_NUDGES = 65
MOST_IN_A_MONTH = 25
MOST_CONTACTS = 12


def test_a_typical_year_is_bearable(tmp_path: Path) -> None:
    year = live(tmp_path)
    assert len(year.nudges) <= MOST_NUDGES
    assert max(year.by_month.values()) <= MOST_IN_A_MONTH
    assert max(year.contacts.values()) <= MOST_CONTACTS
    # And nobody is forgotten.
    assert set(year.contacts) == {name for name, _ in PEOPLE}
    assert min(year.contacts.values()) >= 4
