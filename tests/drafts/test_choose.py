"""Wordings and approaches: always the same for the same facts, never the same twice running."""

from __future__ import annotations

import dataclasses
import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from reminderd.drafts.choose import assign_variants, choose_approach, choose_variant
from reminderd.rules.balance import GIVING
from reminderd.store.draft_records import DraftFacts, EventView, Silence
from tests.drafts.builders import facts, of_person


@given(st.integers(1, 10_000), st.integers(2, 8), st.integers(1, 30))
def test_nobody_gets_the_same_wording_twice_running(person: int, count: int, times: int) -> None:
    used: tuple[int, ...] = ()
    for _ in range(times):
        chosen = choose_variant("birthday", facts(number=person, used_variants={"birthday": used}), count)
        assert 1 <= chosen <= count
        assert used[-1:] != (chosen,)
        used = (*used, chosen)
    assert len(set(used)) == min(count, times)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=20, unique=True), st.integers(1, 8))
def test_within_a_group_no_two_are_alike_while_wordings_last(people: list[int], count: int) -> None:
    chosen = assign_variants("accepted", [facts(number=person) for person in people], count)
    for start in range(0, len(chosen), count):
        part = chosen[start : start + count]
        assert len(set(part)) == len(part)


def test_a_wording_that_a_nudge_has_is_not_given_to_another() -> None:
    group = [facts(number=number) for number in range(1, 7)]
    first = assign_variants("accepted", group, 6)
    kept = [dataclasses.replace(one, variant=first[place] if place < 3 else None) for place, one in enumerate(group)]
    assert sorted(assign_variants("accepted", kept, 6)) == [1, 2, 3, 4, 5, 6]


def test_choosing_is_deterministic() -> None:
    group = [facts(number=number) for number in range(1, 7)]
    assert assign_variants("accepted", group, 6) == assign_variants("accepted", group, 6)


def quiet(**changes: object) -> DraftFacts:
    return dataclasses.replace(facts(), **{"news": EventView(), **changes})  # type: ignore[arg-type]


def test_news_is_congratulated_on_first() -> None:
    news = EventView(id=9, kind="promoted", on=dt.date(2026, 10, 1))
    assert choose_approach(quiet(news=news))[0] == "congratulate"
    assert "congratulate" not in choose_approach(quiet())


def test_after_two_asks_the_next_one_gives() -> None:
    for number in range(1, 40):
        for used in ((), ("note",), ("share", "note")):
            best, following = choose_approach(quiet(them=facts(number=number).them, asks=2, used_approaches=used))
            assert best in GIVING
            assert following in ("", *GIVING)


def test_the_approach_used_longest_ago_comes_next() -> None:
    seen = []
    used: tuple[str, ...] = ()
    for _ in range(8):
        best, following = choose_approach(quiet(used_approaches=used))
        assert best != following
        seen.append(best)
        used = (*used, best)
    assert set(seen[:4]) == {"note", "share", "coffee", "advice"}
    assert seen[:4] == seen[4:]


def test_no_closeness_is_claimed_after_long_or_unknown_silence() -> None:
    for silence in (Silence(), Silence(20, True)):
        for number in range(1, 30):
            best, following = choose_approach(quiet(them=facts(number=number).them, silence=silence))
            assert not {best, following} & {"coffee", "advice"}


def test_with_nothing_known_a_note_is_left() -> None:
    assert choose_approach(of_person(quiet(silence=Silence()), speaks_to="", title="")) == ("note", "")


def test_the_approach_that_a_nudge_has_stays() -> None:
    assert choose_approach(quiet(approach="coffee"))[0] == "coffee"
