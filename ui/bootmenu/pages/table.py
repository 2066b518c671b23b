"""Which page is drawn by what. Pure.

To add a page of text: write its module with a `text` function, then list it in `TEXTS`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bootd.record import dataclass
from bootmenu.lines import Line, fitted
from bootmenu.pages import (
    details,
    devices,
    edit,
    help,  # noqa: A004 - pages are called as people do
    log,
    menu,
    settings,
    tree,
)
from bootmenu.pages.text import draw_text, text_rows
from bootmenu.state import MenuState, Page, Resized


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPage:
    """A page that is a text to scroll; `text` takes a state and the columns of the screen."""

    title: str
    hints: str = "Esc back  Up Down scroll"
    text: Callable[[MenuState, int], tuple[Line, ...]]


DRAWN: Final[Mapping[Page, Callable[[MenuState, int, int], tuple[Line, ...]]]] = {
    Page.MENU: menu.draw,
    Page.EDIT: edit.draw,
    Page.TREE: tree.draw,
    Page.SETTINGS: settings.draw,
}
"""Pages with a cursor; each draws the whole screen."""

TEXTS: Final[Mapping[Page, TextPage]] = {
    Page.DETAILS: TextPage(title="Information", text=details.text),
    Page.DEVICES: TextPage(title="Why is nothing here? What was looked at", text=devices.text),
    Page.LOG: TextPage(title="Log", text=log.text),
    Page.HELP: TextPage(title="Keys", text=help.text),
}


def draw(state: MenuState, columns: int, rows: int) -> tuple[Line, ...]:
    """Return exactly `rows` lines of `columns` columns."""
    page = TEXTS.get(state.page)
    if page is None:
        lines = DRAWN[state.page](state, columns, rows)
    else:
        text = page.text(state, columns)
        lines = draw_text(state, page.title, text, columns, rows, hints=page.hints)
    lines = lines[:rows] + ((),) * (rows - len(lines))
    return tuple(fitted(line, columns) for line in lines)


def measure(state: MenuState, columns: int, rows: int) -> Resized:
    """Return what the keys that move by a page need to know."""
    page = TEXTS.get(state.page)
    if state.page is Page.SETTINGS:
        length = len(settings.text(state, columns))
        return Resized(page_rows=settings.text_rows(rows), text_rows=length)
    if page is None:
        shown = tree.list_rows(rows) if state.page is Page.TREE else menu.list_rows(rows)
        return Resized(page_rows=shown - 1)
    return Resized(page_rows=text_rows(rows), text_rows=len(page.text(state, columns)))
