"""What the screen shows, as lines. Pure.

To add a page of text: write its module with a `text` function, then list it in `TEXTS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bootmenu.lines import Line, fitted
from bootmenu.pages import details, help, log, menu  # noqa: A004 - pages are called as people do
from bootmenu.pages.text import draw_text, text_rows
from bootmenu.state import MenuState, Page, Resized


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPage:
    """A page that is a text to scroll; `text` takes a state and the columns of the screen."""

    title: str
    text: Callable[[MenuState, int], tuple[Line, ...]]


TEXTS: Final[Mapping[Page, TextPage]] = {
    Page.DETAILS: TextPage(title="Information", text=details.text),
    Page.LOG: TextPage(title="Log", text=log.text),
    Page.HELP: TextPage(title="Keys", text=help.text),
}


def draw(state: MenuState, columns: int, rows: int) -> tuple[Line, ...]:
    """Return exactly `rows` lines of `columns` columns."""
    page = TEXTS.get(state.page)
    if page is None:
        lines = menu.draw(state, columns, rows)
    else:
        lines = draw_text(state, page.title, page.text(state, columns), columns, rows)
    lines = lines[:rows] + ((),) * (rows - len(lines))
    return tuple(fitted(line, columns) for line in lines)


def measure(state: MenuState, columns: int, rows: int) -> Resized:
    """Return what the keys that move by a page need to know."""
    page = TEXTS.get(state.page)
    if page is None:
        return Resized(page_rows=menu.list_rows(rows) - 1)
    return Resized(page_rows=text_rows(rows), text_rows=len(page.text(state, columns)))
