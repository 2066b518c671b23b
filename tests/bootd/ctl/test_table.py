from contextlib import redirect_stdout
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.ctl import table


class Terminal(StringIO):
    """Standard output that says whether it is a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    @property
    def text(self) -> str:
        return self.getvalue()

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal(is_terminal=True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "vt220")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return terminal


def print_table(output: Terminal, headings: table.Row, *rows: table.Row) -> None:
    with redirect_stdout(output):
        table.print_table(headings, rows)


def print_record(output: Terminal, *pairs: tuple[str, str]) -> None:
    with redirect_stdout(output):
        table.print_record(pairs)


ROW = ("*", "A long title that has no room at all", "sda1", "bls:0123456789")


def test_the_middle_is_cut_and_the_id_is_not(terminal: Terminal) -> None:
    print_table(terminal, (" ", "TITLE", "DEVICE", "ID"), ROW)
    heading, row, _ = terminal.text.split("\n")
    assert heading.startswith("\x1b[1m")
    assert row == "*  A long tit...  sda1    bls:0123456789"
    assert len(row) == 40


def test_no_color_and_a_dumb_terminal_get_no_escape_sequences(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    print_table(terminal, ("A", "B"), ("1", "2"))
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    print_table(terminal, ("A", "B"), ("1", "2"))
    assert "\x1b" not in terminal.text


def test_foreign_text_cannot_steer_the_terminal(terminal: Terminal) -> None:
    print_table(terminal, ("A", "B"), ("1", "\x1b[2J"))
    print_record(terminal, ("title", "x\x9b\u202ey\nz"))
    plain = terminal.text.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert "\x1b" not in plain
    assert r"\x1b[2J" in plain
    assert r"title: x\x9b\u202ey\x0az" in plain


def test_without_a_terminal_there_are_whole_cells_between_tabs_and_no_heading() -> None:
    output = Terminal(is_terminal=False)
    print_table(output, (" ", "TITLE", "DEVICE", "ID"), ROW)
    assert output.text == "\t".join(ROW) + "\n"


def test_names_of_a_record_are_aligned_and_empty_values_left_out(terminal: Terminal) -> None:
    print_record(terminal, ("id", "x"), ("version", ""), ("title", "y"))
    assert terminal.text == "   id: x\ntitle: y\n"


@given(
    rows=st.lists(st.tuples(*[st.text(max_size=90)] * 4), min_size=1, max_size=5),
    total=st.integers(min_value=1, max_value=300),
)
def test_columns_fit_whenever_the_smallest_do(rows: list[tuple[str, ...]], total: int) -> None:
    widths = table.fit(rows, total)
    used = sum(widths) + len(table.GAP) * 3
    assert used <= max(total, 4 * table.MIN_COLUMN + len(table.GAP) * 3)
