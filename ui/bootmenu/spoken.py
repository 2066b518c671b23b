"""What is said and done for the longer commands of the plain face. Pure.

`e N` lists what can be changed of option N with a number before each line; `e N LINE TEXT` writes
text into one, `e N LINE` chooses, `e N LINE -` takes a change back, `e N LINE !` takes a file out,
`e N undo` takes everything back. `d N [PATH]` shows a node of the tree, `d N find TEXT` searches
it, `d N against shipped|live` compares it, `d +` goes on.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bootd.protocol.messages import NO_OVERRIDES, OptionView, Overrides, Status
from bootd.protocol.methods import Browsing
from bootd.record import replace
from bootmenu.clean import clean, cut, escape
from bootmenu.edits import BY_HAND, Row, by_hand, changed, rows, toggled, undone
from bootmenu.keys import Action
from bootmenu.pages.tree import heading, row_details, row_words
from bootmenu.state import Forget, MenuState, SetDefault, SetOneShot, TreeLook, Wish
from bootmenu.state.wishes import chosen, written
from bootmenu.state.wishes import rows as settings
from bootmenu.words import option_words

MAX_COLUMNS: Final = 400

IdOf = Callable[[str], str | None]
"""Gives the id of an option by its number, None for what is no number of one."""

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
    "  save NUMBER NAME, forget NUMBER",
    "            keep the changes of an option as an option of its own; forget one that was kept",
    "  default NUMBER, once NUMBER",
    "            boot it by itself from now on, or once; - instead of a number forgets that",
    "  c         show the settings; c LINE TEXT changes one, c LINE - forgets it",
)


def find_option(state: MenuState, option_id: str) -> OptionView | None:
    """Return an option of the menu, or one that a person makes."""
    if option_id.startswith(BY_HAND):
        return by_hand(option_id.removeprefix(BY_HAND))
    return state.option(option_id)


def edit_lines(state: MenuState, option: OptionView) -> tuple[str, ...]:
    """Return a numbered line for each thing that can be changed."""
    table = rows(state.base_of(option), state.edit_of(option.id))
    lines = [_edit_line(number, row) for number, row in enumerate(table, start=1)]
    unchanged = "saved changes" if option.base_id else "unchanged"
    title = f"{clean(option_words(option))}: {'changed' if option.id in state.edits else unchanged}"
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


def setting(status: Status, words: str, id_of: IdOf) -> Wish | str:
    """Return what `LINE TEXT` asks for on the page of settings, or what is wrong with it."""
    number, _, text = words.partition(" ")
    table = settings(status)
    if not number.isascii() or not number.isdecimal() or not 0 < int(number[:4]) <= len(table):
        return "There is no such line; c lists them."
    row = table[int(number[:4]) - 1]
    text = text.strip()
    if not text:
        return chosen(row.choice, status) or f"Say what: {row.hint}; - forgets it."
    return written(row.choice, "" if text == "-" else id_of(text) or text)


def _forget(state: MenuState, rest: str, id_of: IdOf) -> Wish | str:
    option = state.option(id_of(rest))
    if option is None or not option.base_id:
        return "Say which option that somebody saved: forget NUMBER."
    return Forget(id=option.id)


def _default(_state: MenuState, rest: str, id_of: IdOf) -> Wish | str:
    if not rest:
        return "Say which option: default NUMBER, default @saved, or default -."
    return SetDefault(id="" if rest == "-" else id_of(rest) or rest)


def _once(_state: MenuState, rest: str, id_of: IdOf) -> Wish | str:
    option_id = "" if rest == "-" else id_of(rest)
    return (
        "Say which option: once NUMBER, or once -."
        if option_id is None
        else SetOneShot(id=option_id)
    )


WISHES: Final[Mapping[Action, Callable[[MenuState, str, IdOf], Wish | str]]] = {
    Action.FORGET: _forget,
    Action.DEFAULT: _default,
    Action.ONCE: _once,
}
"""What commands ask for that stand for later boots."""


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
