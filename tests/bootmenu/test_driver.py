"""What the driver does to Textual's output, on the strings that versions 2.1 and 8.2 send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.driver import _shortened


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("\x1b[49m plain\x1b[0m\n", " plain\n"),
        ("\x1b[39;49m plain      \x1b[0m\n", " plain\x1b[K\n"),
        ("\x1b[7;49m bar      \x1b[0m\n", "\x1b[7m bar      \x1b[0m\n"),
        ("\x1b[1;2;49m x\x1b[0m\x1b[1;1H", "\x1b[1;2m x\x1b[0m\x1b[1;1H"),
        ("name        value\n", "name        value\n"),
        (" tree:      \x1b[3;1Hx", " tree:\x1b[K\x1b[3;1Hx"),
        ("blank      ", "blank\x1b[K"),
    ],
)
def test_output_is_shortened_without_a_change_of_what_is_seen(sent: str, written: str) -> None:
    assert _shortened(sent) == written


@given(st.text("ab \x1b[0m;49K\n"))
def test_shortening_never_lengthens(text: str) -> None:
    assert len(_shortened(text)) <= len(text)
