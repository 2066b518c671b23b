"""Foreign text reaches a person as text, never as terminal control."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.model.text import MAX_COLUMNS, clean, escape


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Debian GNU/Linux 13", "Debian GNU/Linux 13"),
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\nb\tc", r"a\x0ab\x09c"),
        ("safe\u202etxt.exe", r"safe\u202etxt.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("lone\udc80", r"lone\udc80"),
        ("Müsli 日本", "Müsli 日本"),
        ("[@click=app.quit]boot[/]", "[@click=app.quit]boot[/]"),
    ],
)
def test_what_could_steer_a_terminal_becomes_a_visible_escape(raw: str, shown: str) -> None:
    assert escape(raw) == shown


@given(st.text())
def test_no_text_keeps_a_control_or_format_character(text: str) -> None:
    assert not [
        c
        for c in escape(text)
        if unicodedata.category(c) in {"Cc", "Cs"} or c in "\u2066\u202e\u200b"
    ]


@given(st.text(max_size=400))
def test_cleaned_text_fits_its_columns(text: str) -> None:
    assert len(clean(text)) <= MAX_COLUMNS


def test_text_that_is_cut_says_so() -> None:
    assert clean("x" * 200).endswith("...")


def test_cleaning_a_huge_text_does_not_look_at_all_of_it() -> None:
    assert len(clean("\x1b" * 10_000_000)) == MAX_COLUMNS
