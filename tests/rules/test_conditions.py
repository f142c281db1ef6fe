"""`when`: checked where it is read, compiled where it is asked."""

from __future__ import annotations

import datetime as dt

import pytest

from reminderd.errors import BookError
from reminderd.rules import conditions
from reminderd.rules.book import default_book, parse_book, parse_with_default
from reminderd.rules.conditions import Condition
from reminderd.rules.shipped import DEFAULT_SOURCE, default_text

_OFTEN = """[rules.often]
about = "Often"
every = "{every}"
concerns = "reference"
role = "keep"
weight = 1
lane = "digest"
draft = "check_in"
"""


def test_our_own_conditions_would_pass_the_check_that_reading_our_book_leaves_out() -> None:
    checked = parse_book(default_text(), DEFAULT_SOURCE)
    assert checked.rules == default_book().rules
    assert sum(rule.when is not None for rule in checked.rules.values()) >= 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[rules.accepted]\nwhen = 'weather.nice'\n", "unknown name 'weather'"),
        ("[rules.accepted]\nwhen = 'event.final and'\n", "expected an expression"),
        ("[rules.accepted]\nwhen = 'involved()'\n", "calls something"),
        (
            "[rules.accepted]\nwhen = 'reference.nope == 1'\n",
            "'reference.nope', which there is not; there are at_most,",
        ),
        ("[rules.accepted]\nwhen = 'reference.tear == 1'\n", "there is reference.tier"),
        ("[rules.accepted]\nwhen = \"reference['nope'] == 1\"\n", "'reference.nope'"),
        ("[rules.accepted]\nwhen = 'event.finale'\n", "there is event.final"),
        ("[rules.accepted]\nwhen = 'opportunity.firm == 1'\n", "'opportunity.firm'"),
        (
            "[rules.promoted]\nwhen = \"reference.since > '2024-01-01'\"\n",
            "between instances of 'datetime.date' and 'str'",
        ),
        ("[rules.promoted]\nwhen = 'reference.since > event.on'\n", "where reference.since is not known"),
        ("[rules.accepted]\nwhen = 'event.on + 3 > reference'\n", "cannot be asked"),
        ("[rules.accepted]\nwhen = 'quiet_profiles / 0 > 1'\n", "cannot be asked"),
        ("[rules.accepted]\nwhen = \"reference.tier == 'inner' and reference.since > event.on\"\n", "not known"),
        ('[rules.accepted]\nwhen = "event.final and reference.since > event.on"\n', "not known"),
        ("[rules.check-in]\nwhen = 'event.final'\n", "'event', but no event starts the rule"),
        ("[rules.check-in]\nwhen = 'involved'\n", "'involved', but no event starts the rule"),
        ("[rules.check-in]\nwhen = 'accepted'\n", "'accepted', but no event starts the rule"),
    ],
)
def test_a_condition_of_the_users_is_checked_when_it_is_read(text: str, told: str) -> None:
    with pytest.raises(BookError, match=r"rules.toml: rule '[a-z-]+': key 'when': ") as raised:
        parse_with_default(text, "rules.toml")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "when",
    [
        "reference.since and reference.since > event.on",
        "reference.since and reference.since.year >= 2024",
        "event.scope == 'pricing' or event.until",
        "opportunity.starts_on and opportunity.starts_on < event.on",
        "reference.every is none and quiet_profiles == 0",
        "'Lopez' in reference.name",
    ],
)
def test_what_can_be_asked_of_everybody_is_taken(when: str) -> None:
    book = parse_with_default(f'[rules.promoted]\nwhen = "{when}"\n', "rules.toml")
    assert book.rules["promoted"].when is not None


@pytest.mark.parametrize("key", ["deadline", "expires", "wait", "early", "takes_in", "urgent_within", "every"])
def test_a_length_of_time_that_leads_back_is_refused(key: str) -> None:
    text = _OFTEN.format(every="-3 days") if key == "every" else f'[rules.promoted]\n{key} = "-3 days"\n'
    with pytest.raises(BookError, match=f"rule '[a-z]+': key '{key}': expected .* that leads ahead, got '-3 days'"):
        parse_with_default(text, "rules.toml")


def test_nothing_is_repeated_without_end() -> None:
    with pytest.raises(BookError, match=r"key 'every'"):
        parse_with_default(_OFTEN.format(every="0 days"), "rules.toml")


def test_a_condition_that_fails_all_the_same_counts_as_false_and_is_told_of_once() -> None:
    told: list[tuple[str, str]] = []
    condition = Condition("event.until > event.on", "promoted")
    conditions.tell_of_faults(lambda rule, why: told.append((rule, why)))
    names = {"event": {"until": "2026-12-01", "on": dt.date(2026, 11, 24)}}
    try:
        assert condition.holds(names) is False
        assert condition.holds(names) is False
    finally:
        conditions.tell_of_faults(None)
    ((rule, why),) = told
    assert rule == "promoted"
    assert "'>' not supported between" in why
