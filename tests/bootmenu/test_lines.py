from hypothesis import given
from hypothesis import strategies as st

from bootmenu.lines import Line, Run, Tone, changed, fitted, plain, text_of

LINES = st.lists(
    st.builds(Run, st.text("ab é日", max_size=8), st.sampled_from(Tone)), max_size=5
).map(tuple)


@given(LINES, st.integers(1, 30))
def test_a_fitted_line_has_exactly_the_width(line: Line, columns: int) -> None:
    text = text_of(fitted(line, columns))
    assert sum(2 if character == "日" else 1 for character in text) == columns


@given(LINES, LINES, st.integers(1, 30))
def test_repainting_the_changed_part_gives_the_new_line(old: Line, new: Line, columns: int) -> None:
    before, after = fitted(old, columns), fitted(new, columns)
    span = changed(before, after)
    if span is None:
        assert text_of(before) == text_of(after)
    elif len(text_of(before)) == len(text_of(after)) == columns:
        start, end = span
        drawn = text_of(before)[:start] + text_of(after)[start:end] + text_of(before)[end:]
        assert drawn == text_of(after)


def test_one_changed_digit_is_one_column() -> None:
    old, new = fitted(plain("Booting in  9 s: x"), 40), fitted(plain("Booting in  8 s: x"), 40)
    assert changed(old, new) == (12, 13)


def test_a_part_that_ends_in_blanks_reaches_the_edge() -> None:
    old, new = fitted(plain("one two three"), 40), fitted(plain("one"), 40)
    assert changed(old, new) == (4, 40)


def test_a_change_of_tone_alone_is_a_change() -> None:
    assert changed(fitted((Run("x"),), 5), fitted((Run("x", Tone.BOLD),), 5)) == (0, 1)


def test_a_reverse_line_is_a_bar_over_the_whole_width() -> None:
    assert fitted((Run("x", Tone.REVERSE),), 4) == (Run("x   ", Tone.REVERSE),)
