"""What is said and done for the longer commands of the plain face. Pure.

`e N` lists what can be changed of option N with a number before each line; `e N LINE TEXT` writes
text into one, `e N LINE` chooses, `e N LINE -` takes a change back, `e N LINE !` takes a file out,
`e N undo` takes everything back. `d N [PATH]` shows a node of the tree, `d N find TEXT` searches
it, `d N against shipped|live` compares it, `d +` goes on.
"""

from typing import Final

from bootd.protocol.messages import NO_OVERRIDES, OptionView, Overrides
from bootd.protocol.methods import Browsing
from bootd.record import replace
from bootmenu.clean import clean, cut, escape
from bootmenu.edits import BY_HAND, Row, by_hand, changed, rows, toggled, undone
from bootmenu.pages.tree import heading, row_details, row_words
from bootmenu.state import MenuState, TreeLook
from bootmenu.words import option_words

MAX_COLUMNS: Final = 400

HELP: Final = (
    "  NUMBER    boot that option, with its changes",
    "  i NUMBER  show all about it",
    "  e NUMBER  list what can be changed; e NUMBER LINE TEXT changes a line,",
    "            LINE alone chooses, LINE - takes a change back, LINE ! takes a file out",
    "  d NUMBER PATH, d NUMBER find TEXT, d NUMBER against shipped (or live), d +",
    "            look into the device tree that the option gets",
    "  w DEVICE  tell what was looked at on a device; w alone tells it of all",
    "  n DEVICE  make an option; it gets a number for e",
    "  / TEXT    list only options with a text; / alone lists all",
    "  t SECONDS count again; t never boots nothing by itself",
)


def find_option(state: MenuState, option_id: str) -> OptionView | None:
    """Return an option of the menu, or one that a person makes."""
    if option_id.startswith(BY_HAND):
        return by_hand(option_id.removeprefix(BY_HAND))
    return state.option(option_id)


def edit_lines(option: OptionView, edit: Overrides) -> tuple[str, ...]:
    """Return a numbered line for each thing that can be changed."""
    table = rows(option, edit)
    lines = [_edit_line(number, row) for number, row in enumerate(table, start=1)]
    title = f"{clean(option_words(option))}: {'changed' if edit != NO_OVERRIDES else 'unchanged'}"
    return (title, *(cut(line, MAX_COLUMNS) for line in lines))


def edited(option: OptionView, edit: Overrides, words: str) -> Overrides | None:
    """Return the edit after `LINE TEXT` or `undo`; None when there is no such line."""
    number, _, text = words.partition(" ")
    if number == "undo":
        return NO_OVERRIDES
    table = rows(option, edit)
    if not number.isascii() or not number.isdecimal() or not 0 < int(number[:4]) <= len(table):
        return None
    row = table[int(number[:4]) - 1]
    match text.strip():
        case "-":
            return undone(option, edit, row)
        case "!":
            return changed(option, edit, row, "")
        case "":
            return toggled(option, edit, row) or edit
        case written:
            return changed(option, edit, row, written)


def browsing(option_id: str, edit: Overrides, words: str) -> Browsing:
    """Return the question behind `PATH`, `find TEXT` or `against TREE`."""
    asked = Browsing(id=option_id, overrides=edit)
    word, _, text = words.partition(" ")
    if word == "find" and text:
        return replace(asked, find=text)
    if word == "against" and text:
        return replace(asked, against=text)
    return replace(asked, path=word or "/")


def tree_lines(look: TreeLook) -> tuple[str, ...]:
    """Return the rows that came, each in one line with its origin."""
    if look.problem:
        return (f"Error: {escape(look.problem)}",)
    lines = [heading(look)]
    for row in look.rows:
        origin = dict(row_details(row))["from"] if row.rule else ""
        lines.append(f"  {row_words(look, row)}" + (f"  [{origin}]" if origin else ""))
    left = look.total - look.asked.offset - len(look.rows)
    if left > 0:
        lines.append(f"  {left} more; d + shows them")
    return tuple(cut(line, MAX_COLUMNS) for line in lines)


def _edit_line(number: int, row: Row) -> str:
    mark = "*" if row.was is not None else " "
    box = "" if row.checked is None else ("[x] " if row.checked else "[ ] ")
    was = "" if row.was is None else f"  (was: {escape(row.was) or 'nothing'})"
    return f" {mark}{number:>3} {row.label}: {box}{escape(row.value) or '-'}{was}"
