import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.entry import MAX_LENGTH, Purpose, TypedLine, begin, typed


def press(line: TypedLine, *keys: str) -> TypedLine:
    for key in keys:
        line = typed(line, key, key if len(key) == 1 else "")
    return line


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("!",), "ro quiet!"),
        (("left", "left", "x"), "ro quixet"),
        (("home", "x"), "xro quiet"),
        (("home", "right", "backspace"), "o quiet"),
        (("home", "delete", "end", "x"), "o quietx"),
        (("ctrl+w", "x"), "ro x"),
        (("ctrl+u", "x"), "x"),
        (("home", "ctrl+k"), ""),
        (("f7", "up"), "ro quiet"),
    ],
)
def test_keys_edit_the_line(keys: tuple[str, ...], text: str) -> None:
    assert press(begin(Purpose.FIELD, "ro quiet"), *keys).text == text


def test_control_characters_do_not_enter_the_line() -> None:
    assert typed(begin(Purpose.FIELD), "\x1b", "\x1b").text == ""


def test_a_line_has_an_end() -> None:
    full = begin(Purpose.FIELD, "x" * MAX_LENGTH)
    assert press(full, "y") == full


@given(st.lists(st.sampled_from(["left", "right", "backspace", "delete", "ctrl+w", "home", "a"])))
def test_the_cursor_stays_in_the_line(keys: list[str]) -> None:
    line = press(begin(Purpose.FIELD, "ro quiet"), *keys)
    assert 0 <= line.position <= len(line.text)
