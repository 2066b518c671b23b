import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.clean import cells, clean, cut, escape, take, wrap


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("a\nb\tc", r"a\x0ab\x09c"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\U000e0041tag", r"\U000e0041tag"),
        ("lone \udc80 surrogate", r"lone \udc80 surrogate"),
        ("blank\u3164filler", r"blank\u3164filler"),
        ("variation\ufe0f", r"variation\ufe0f"),
    ],
)
def test_what_steers_a_terminal_becomes_a_visible_escape(hostile: str, shown: str) -> None:
    assert escape(hostile) == shown


@pytest.mark.parametrize(
    "text", ["Debian GNU/Linux 12", "Ünïcode", "日本語", "[@click=quit()]x[/]"]
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert escape(text) == text


def test_a_mark_that_composes_is_composed() -> None:
    assert escape("e\u0301") == "é"


def test_a_wide_character_takes_two_columns() -> None:
    assert cells("日本x") == 5


def test_a_cut_never_splits_a_wide_character() -> None:
    assert cut("日本語日本語", 8) == "日本..."


def test_text_that_fits_is_not_cut() -> None:
    assert cut("1234", 4) == "1234"


def test_a_cut_to_nothing_is_nothing() -> None:
    assert cut("1234", 0) == ""


def test_wrapping_breaks_at_spaces() -> None:
    assert wrap("one two three four", 9, 5) == ("one two", "three", "four")


def test_wrapping_breaks_a_long_word_anywhere() -> None:
    assert wrap("x" * 20, 8, 5) == ("x" * 8, "x" * 8, "x" * 4)


def test_what_does_not_fit_in_the_last_line_ends_in_dots() -> None:
    assert wrap("one two three four five", 9, 2) == ("one two", "three ...")


@given(st.text(max_size=300), st.integers(0, 130))
def test_any_text_becomes_visible_and_short(text: str, columns: int) -> None:
    cleaned = clean(text, columns)
    assert cleaned.isprintable()
    assert cells(cleaned) <= columns
    assert not any(unicodedata.combining(character) for character in cleaned)


@given(st.text(max_size=200), st.integers(1, 60), st.integers(1, 6))
def test_any_wrapped_text_keeps_its_box(text: str, columns: int, rows: int) -> None:
    lines = wrap(escape(text), columns, rows)
    assert len(lines) <= rows
    assert all(cells(line) <= max(columns, 8) for line in lines)


@given(st.text(max_size=100), st.integers(0, 40))
def test_taking_the_start_returns_a_prefix(text: str, columns: int) -> None:
    assert escape(text).startswith(take(escape(text), columns))
