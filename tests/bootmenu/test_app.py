"""The screen face in Textual's own test harness: what a pty test would be too slow or blind for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from bootd.protocol.messages import OptionChanged
from bootmenu.app import MenuApp
from bootmenu.lines import text_of
from bootmenu.pages.table import draw
from bootmenu.state import Failed, MenuState, Page
from bootmenu.widget import LineView
from tests.support.menu_views import option, twenty


@asynccontextmanager
async def running(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[MenuApp, Pilot[None]]]:
    app = MenuApp(MenuState())
    async with app.run_test(size=size) as pilot:
        app.tell(twenty())
        await pilot.pause()
        yield app, pilot


def shown(app: MenuApp) -> list[str]:
    """Return what the widget would send, row by row."""
    view = app.query_one(LineView)
    return [view.render_line(row).text.rstrip() for row in range(view.size.height)]


async def test_the_widget_shows_the_page_of_the_state() -> None:
    async with running() as (app, _):
        assert shown(app) == [text_of(line).rstrip() for line in draw(app.state, 80, 24)]


async def test_a_smaller_terminal_gets_a_smaller_page() -> None:
    async with running() as (app, pilot):
        await pilot.resize_terminal(60, 16)
        await pilot.pause()
        assert len(shown(app)) == 16
        assert shown(app)[-1] == " Enter boot  i info  e edit  d tree  r rescan  l log  ? help"
        await pilot.press("pagedown")
        assert app.state.cursor == "bls:sda1:8"


async def test_keys_reach_the_reducer() -> None:
    async with running() as (app, pilot):
        await pilot.press("j", "down", "k", "question_mark")
        assert app.state.cursor == "bls:sda1:2"
        assert app.state.page is Page.HELP


async def test_a_report_is_drawn_without_a_key() -> None:
    async with running() as (app, pilot):
        app.tell(OptionChanged(option=option(98, title="Plugged in"), position=0))
        app.tell(Failed(reason="[bold]not markup[/bold] [@click=app.bell]x[/]"))
        await pilot.pause()
        text = "\n".join(shown(app))
        assert "Plugged in" in text
        assert "Error: [bold]not markup[/bold] [@click=app.bell]x[/]" in text


async def test_textuals_own_keys_do_nothing() -> None:
    async with running() as (app, pilot):
        await pilot.press("ctrl+q", "ctrl+p", "tab", "f1")
        assert app.is_running
        assert app.screen_stack == [app.screen]
