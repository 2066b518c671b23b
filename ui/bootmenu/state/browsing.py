"""How the tree page changes the menu: one node at a time, a search, or the differences."""

from typing import Final

from bootd.protocol.messages import TreeRowView
from bootd.protocol.methods import Browsing
from bootd.record import replace
from bootmenu.keys import Action
from bootmenu.state.menu import MenuState, Page, TreeLook
from bootmenu.state.messages import Browsed, NotBrowsed
from bootmenu.state.reports import Step
from bootmenu.state.requests import Browse

_COMPARED: Final = {"": "shipped", "shipped": "live", "live": ""}
_AHEAD: Final = 24
"""Rows below the cursor that are asked for before a person comes to them."""


def open_tree(state: MenuState) -> Step:
    """Show the tree of the option on the edit page, else of the one under the cursor."""
    option = state.edited_option if state.page is Page.EDIT else state.highlighted
    if option is None:
        return state, ()
    asked_id, changes = state.question(option.id)
    asked = Browsing(id=asked_id, overrides=changes)
    return ask_tree(replace(state, page=Page.TREE, scroll=0), asked)


def tree_pressed(state: MenuState, action: Action) -> Step | None:
    """Do what a key says on the tree page; None when it says nothing there."""
    look = state.tree
    if look is None:
        return None
    match action:
        case Action.UP | Action.DOWN | Action.PAGE_UP | Action.PAGE_DOWN | Action.HOME | Action.END:
            return _moved(state, look, action)
        case Action.BOOT | Action.IN:
            return _opened(state, look)
        case Action.OUT:
            return _outwards(state, look)
        case Action.BACK if look.asked.find or look.asked.against:
            return ask_tree(state, replace(look.asked, find="", against="", offset=0))
        case Action.COMPARE:
            against = _COMPARED[look.asked.against]
            return ask_tree(state, replace(look.asked, find="", against=against, offset=0))
        case _:
            return None


def found(state: MenuState, text: str) -> Step:
    """Look for a text in the whole tree."""
    if state.tree is None:
        return state, ()
    return ask_tree(state, replace(state.tree.asked, find=text.strip(), against="", offset=0))


def browsed(state: MenuState, answer: Browsed | NotBrowsed) -> MenuState:
    """Take in rows, unless another question has been asked meanwhile."""
    look = state.tree
    if look is None or replace(look.asked, offset=0) != replace(answer.asked, offset=0):
        return state
    if isinstance(answer, NotBrowsed):
        return replace(state, tree=replace(look, waiting=False, problem=answer.reason))
    if answer.asked.offset != look.asked.offset + len(look.rows):
        return state
    rows = look.rows + answer.page.rows
    full = replace(
        look,
        asked=replace(look.asked, path=answer.page.path if not look.rows else look.asked.path),
        rows=rows,
        total=answer.page.total if answer.page.rows else len(rows),
        summary=answer.page.summary,
        waiting=False,
        problem="",
    )
    return replace(state, tree=full)


def ask_tree(state: MenuState, asked: Browsing) -> Step:
    """Ask for the first rows of an answer, in place of what is seen now."""
    if not state.connected:
        look = TreeLook(asked=asked, waiting=False, problem=state.link)
        return replace(state, tree=look), ()
    return replace(state, tree=TreeLook(asked=asked)), (Browse(asked=asked),)


def _moved(state: MenuState, look: TreeLook, action: Action) -> Step:
    strides = {
        Action.UP: -1,
        Action.DOWN: 1,
        Action.PAGE_UP: -state.page_rows,
        Action.PAGE_DOWN: state.page_rows,
        Action.HOME: -len(look.rows),
        Action.END: len(look.rows),
    }
    last = max(len(look.rows) - 1, 0)
    moved = replace(look, cursor=min(max(look.cursor + strides[action], 0), last))
    more = len(look.rows) < look.total and moved.cursor + _AHEAD >= len(look.rows)
    if not more or look.waiting or not state.connected:
        return replace(state, tree=moved), ()
    asked = replace(look.asked, offset=len(look.rows))
    return replace(state, tree=replace(moved, waiting=True)), (Browse(asked=asked),)


def _opened(state: MenuState, look: TreeLook) -> Step:
    """Go to the node under the cursor, or from a search to the node of a property."""
    row = _row(look)
    elsewhere = bool(look.asked.find or look.asked.against)
    if row is None or row.value is None or (row.property and not elsewhere):
        return state, ()
    return ask_tree(state, replace(look.asked, path=row.path, find="", against="", offset=0))


def _outwards(state: MenuState, look: TreeLook) -> Step:
    if look.asked.find or look.asked.against:
        return ask_tree(state, replace(look.asked, find="", against="", offset=0))
    if look.asked.path == "/":
        return state, ()
    above = look.asked.path.rpartition("/")[0] or "/"
    return ask_tree(state, replace(look.asked, path=above, offset=0))


def _row(look: TreeLook) -> TreeRowView | None:
    return look.rows[look.cursor] if look.cursor < len(look.rows) else None
