"""The last two lines of every page: what is going on or typed, and the keys."""

from typing import Final

from bootd.record import replace
from bootmenu.clean import cut, escape
from bootmenu.entry import Purpose, TypedLine
from bootmenu.lines import Line, Run, Tone, plain
from bootmenu.state import MenuState
from bootmenu.words import status_words

_LABELS: Final = {
    Purpose.FIELD: "Edit",
    Purpose.FILTER: "Only options with",
    Purpose.FIND: "Find",
    Purpose.TIMEOUT: "Boot in seconds, or never",
    Purpose.NAME: "Save as",
    Purpose.SETTING: "Set",
    Purpose.PASSPHRASE: "Passphrase of the locked disk",
}


def footer(state: MenuState, columns: int, hints: str) -> tuple[Line, Line]:
    """Return the two lines."""
    if state.line is not None:
        return typed_line(state.line, columns), plain(" Enter take over  Esc leave as it was")
    return plain(f" {cut(status_words(state), columns - 2)}"), plain(f" {cut(hints, columns - 1)}")


def typed_line(line: TypedLine, columns: int) -> Line:
    """Return the part of a line around its cursor, which is reversed."""
    if line.purpose is Purpose.PASSPHRASE:
        line = replace(line, text="*" * len(line.text))
    label = f" {_LABELS[line.purpose]}: "
    room = max(columns - len(label) - 2, 8)
    before, after = escape(line.text[: line.position]), line.text[line.position :]
    here, rest = escape(after[:1]) or " ", escape(after[1:])
    before = before[-(room - len(here)) :] if len(before) + len(here) > room else before
    rest = rest[: max(room - len(before) - len(here), 0)]
    return (Run(label + before), Run(here, Tone.REVERSE), Run(rest))
