"""`when`: checked where it is read, compiled where it is asked."""

from __future__ import annotations

import pytest

from reminderd.errors import BookError
from reminderd.rules.book import default_book, parse_book, parse_with_default
from reminderd.rules.shipped import DEFAULT_SOURCE, default_text


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
    ],
)
def test_a_condition_of_the_users_is_checked_when_it_is_read(text: str, told: str) -> None:
    with pytest.raises(BookError, match=r"accepted.*when") as raised:
        parse_with_default(text, "rules.toml")
    assert told in str(raised.value)
