"""The screen face: a Textual app that draws a `MenuState` and hands keys to the reducer."""

from typing import TYPE_CHECKING

from textual import events
from textual.app import App, ComposeResult

from bootmenu.driver import NOISE, BootDriver
from bootmenu.keys import action_of_key
from bootmenu.pages.table import draw, measure
from bootmenu.state import (
    Happening,
    Leave,
    MenuState,
    Noise,
    Pressed,
    Redraw,
    Request,
    Typed,
    reduce,
)
from bootmenu.widget import LineView

if TYPE_CHECKING:
    from bootmenu.session import Session


class MenuApp(App[None], inherit_bindings=False):
    """One screen with one widget; all logic is in `bootmenu.state`."""

    CSS = "Screen { color: ansi_default; background: ansi_default; overflow: hidden; }"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    ALLOW_SELECT = False

    def __init__(self, state: MenuState) -> None:
        super().__init__(driver_class=BootDriver, ansi_color=True)
        self.animation_level = "none"
        self.state = state
        self.session: Session | None = None
        self._view = LineView()
        self._drawing = False

    def compose(self) -> ComposeResult:
        """Put the one widget on the screen, with a page in it: a blank one would cost bytes."""
        self._draw()
        yield self._view

    def tell(self, happening: Happening) -> None:
        """Take in what the session tells; drawn soon."""
        self._reduce(happening)
        if not self._drawing and self.is_running:
            self._drawing = True
            self.call_later(self._draw)  # a burst of reports is drawn once

    def on_key(self, event: events.Key) -> None:
        """Take in a key; drawn at once."""
        event.stop()
        event.prevent_default()
        self._reduce(_happening(self.state, event))
        self._draw()

    def on_line_view_fitted(self) -> None:
        """Draw for the new size."""
        self._draw()

    def _reduce(self, happening: Happening) -> None:
        self.state, requests = reduce(self.state, happening)
        for request in requests:
            self._perform(request)

    def _perform(self, request: Request) -> None:
        match request:
            case Leave():
                self.exit()
            case Redraw():
                if isinstance(self._driver, BootDriver):
                    self._driver.forget()
                self.refresh(layout=True)
            case _:
                if self.session is not None:
                    self.session.perform(request)

    def _draw(self) -> None:
        self._drawing = False
        columns, rows = self._view.size or self.size
        self.state, _ = reduce(self.state, measure(self.state, columns, rows))
        self._view.show(draw(self.state, columns, rows))


def _happening(state: MenuState, event: events.Key) -> Happening:
    if event.key == NOISE:
        return Noise()
    if state.line is not None and event.key != "ctrl+c":
        return Typed(key=event.key, character=event.character or "")
    return Pressed(action=action_of_key(event.key))
