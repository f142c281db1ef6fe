"""Tokens: read back as they were made, and never when anything about them is different."""

from __future__ import annotations

import datetime as dt
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.signing import ON_NUDGES_FOR, VALID_FOR, Grant, Purpose, Signer, Site

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
SIGNER = Signer(b"k" * 64)
GRANTS = st.builds(Grant, st.integers(1, 2**40), st.sampled_from(list(Purpose)), st.integers(0, 999_999))
SAFE = string.ascii_letters + string.digits + "-_.="


@given(GRANTS)
def test_a_token_says_what_it_was_made_for(grant: Grant) -> None:
    token = SIGNER.sign(grant, NOW)
    assert SIGNER.read(token, NOW) == grant
    assert re.fullmatch(r"[\w.-]+", token), "it must stand in a link as it is"


@given(GRANTS, st.data())
def test_no_altered_token_is_accepted(grant: Grant, data: st.DataObject) -> None:
    token = SIGNER.sign(grant, NOW)
    place = data.draw(st.integers(0, len(token)))
    length = data.draw(st.integers(0, 3))
    instead = data.draw(st.text(st.sampled_from(SAFE), max_size=3) | st.text(max_size=2))
    altered = token[:place] + instead + token[place + length :]
    assert (SIGNER.read(altered, NOW) is not None) == (altered == token)


@given(GRANTS)
def test_no_other_spelling_of_a_signature_is_accepted(grant: Grant) -> None:
    token = SIGNER.sign(grant, NOW)
    others = [token[:-1] + letter for letter in SAFE if letter != token[-1]]
    assert [other for other in others if SIGNER.read(other, NOW)] == []


@given(st.text(max_size=300))
def test_whatever_somebody_sends_is_no_token_and_raises_nothing(text: str) -> None:
    assert SIGNER.read(text, NOW) is None


@given(GRANTS, GRANTS)
def test_a_token_is_bound_to_user_nudge_and_action(one: Grant, other: Grant) -> None:
    mixed = SIGNER.sign(one, NOW).rpartition(".")[0] + "." + SIGNER.sign(other, NOW).rpartition(".")[2]
    assert (SIGNER.read(mixed, NOW) is not None) == (one == other)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_token_ends_when_its_purpose_does(purpose: Purpose) -> None:
    lasts_for = VALID_FOR.get(purpose, ON_NUDGES_FOR)
    token = SIGNER.sign(Grant(1, purpose, 7), NOW)
    assert SIGNER.read(token, NOW + lasts_for - dt.timedelta(minutes=1)) is not None
    assert SIGNER.read(token, NOW + lasts_for) is None


def test_another_key_reads_nothing() -> None:
    token = SIGNER.sign(Grant(1, Purpose.DONE, 7), NOW)
    assert Signer(b"j" * 64).read(token, NOW) is None


def test_the_key_is_in_no_text_of_it() -> None:
    assert "kkk" not in repr(Site("https://r.example.org", SIGNER))


def test_a_link_for_a_text_leaves_room_for_words() -> None:
    link = Site("https://reminders.example.org", SIGNER).action(1, 123, "draft", NOW)
    assert link.startswith("https://reminders.example.org/a/")
    assert len(link) <= 110
