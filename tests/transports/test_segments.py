from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminderd.transports.segments import BASIC, EXTENSION, Segments, count_segments, fit, fold, is_gsm7


@pytest.mark.parametrize(
    ("text", "count", "encoding"),
    [
        ("", 0, "GSM-7"),
        ("a", 1, "GSM-7"),
        ("a" * 160, 1, "GSM-7"),
        ("a" * 161, 2, "GSM-7"),
        ("a" * 306, 2, "GSM-7"),
        ("a" * 307, 3, "GSM-7"),
        ("€" * 80, 1, "GSM-7"),
        ("€" * 80 + "a", 2, "GSM-7"),
        ("a" * 158 + "€", 1, "GSM-7"),
        ("a" * 159 + "€", 2, "GSM-7"),
        ("a" * 152 + "€" + "a" * 152, 3, "GSM-7"),  # the escape is not parted from its character
        ("Garçon", 1, "UCS-2"),
        ("GARÇON", 1, "GSM-7"),
        ("ç" * 70, 1, "UCS-2"),
        ("ç" * 71, 2, "UCS-2"),
        ("ç" * 134, 2, "UCS-2"),
        ("ç" * 135, 3, "UCS-2"),
        ("👍" * 35, 1, "UCS-2"),
        ("👍" * 36, 2, "UCS-2"),
        ("👍" * 67, 3, "UCS-2"),  # 33 in each: none is cut in half
        ("“Hi”", 1, "UCS-2"),
    ],
)
def test_segments_are_counted_as_they_are_paid_for(text: str, count: int, encoding: str) -> None:
    assert count_segments(text) == Segments(count, encoding)


def test_the_alphabet_has_its_127_characters() -> None:
    assert len(BASIC) == 127  # 128 with the escape
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("“Thanks” – it’s 5…", '"Thanks" - it\'s 5...'),
        ("a\u00a0b\u202fc\td", "a b c d"),
        ("cafe\u0301", "café"),
        ("zero\u200bwidth", "zerowidth"),
        ("« oui »", '" oui "'),
        ("plain", "plain"),
        ("a line\nand one more", "a line\nand one more"),
        ("“Garçon”…", "“Garçon”…"),
        ("well… 👍", "well… 👍"),
    ],
)
def test_typography_is_folded_where_that_makes_the_text_gsm7(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "most", "tail", "fitted"),
    [
        ("short", 1, "…", "short"),
        ("It’s short…", 1, "…", "It's short..."),
        ("word " * 40, 1, "…", "word " * 30 + "word..."),
        ("word, " * 40, 1, " > 7", "word, " * 25 + "word > 7"),
        ("word, " * 40, 1, " → 7", "word, " * 10 + "word → 7"),
        ("x" * 200, 1, "…", "x" * 157 + "..."),
        ("ç" * 100, 1, "…", "ç" * 69 + "…"),
        ("Thank Ana, " + "y" * 200, 1, "… https://r.test/7", "Thank Ana... https://r.test/7"),
    ],
)
def test_a_long_text_ends_at_a_word_and_with_its_tail(text: str, most: int, tail: str, fitted: str) -> None:
    assert fit(text, most, tail) == fitted
    assert count_segments(fitted).count <= most


def test_what_makes_a_text_ucs2_no_longer_counts_once_it_is_cut_off() -> None:
    fitted = fit("word " * 30 + "👍", 1)
    assert is_gsm7(fitted)
    assert len(fitted) > 140


def test_a_tail_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError):
        fit("a" * 400, 1, "b" * 161)


@given(st.text(max_size=700), st.integers(1, 4))
def test_a_fitted_text_always_fits(text: str, most: int) -> None:
    assert count_segments(fit(text, most)).count <= most


@given(st.text(alphabet=sorted(BASIC | EXTENSION) + list("çłЖ👍…’"), max_size=400), st.text(max_size=20))
def test_more_text_never_takes_fewer_segments(text: str, more: str) -> None:
    assert count_segments(text + more).count >= count_segments(text).count


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing_more_and_never_costs_segments(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text) == text or is_gsm7(fold(text))
    if not is_gsm7(text):
        assert count_segments(fold(text)).count <= max(1, count_segments(text).count) + 1
