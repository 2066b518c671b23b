"""The one widget of the menu: lines, of which only the changed columns are sent to the terminal."""

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from bootmenu.lines import Line, Tone, changed

_STYLES: Final = {
    Tone.PLAIN: Style.null(),
    Tone.DIM: Style(dim=True),
    Tone.BOLD: Style(bold=True),
    Tone.REVERSE: Style(reverse=True),
}
"""No colours: every terminal has these, and they cost the fewest bytes."""


class LineView(Widget):
    """Shows lines that fill it exactly; text is never taken for markup."""

    DEFAULT_CSS = """
    LineView { width: 100%; height: 100%; color: ansi_default; background: ansi_default; }
    """

    class Fitted(Message):
        """The widget has another size now."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[Line, ...] = ()

    def show(self, lines: tuple[Line, ...]) -> None:
        """Draw `lines`, each as wide as the widget; the rest stays as it is on the terminal."""
        old, self._lines = self._lines, lines
        if len(old) != len(lines):
            self.refresh()
            return
        regions = []
        for row, (before, after) in enumerate(zip(old, lines, strict=True)):
            span = changed(before, after)
            if span is not None:
                start, end = span
                regions.append(Region(start, row, end - start, 1))
        if regions:
            self.refresh(*regions)

    def on_resize(self) -> None:
        """Ask for lines of the new size."""
        self.post_message(self.Fitted())

    def render_line(self, y: int) -> Strip:
        """Return one line for Textual's compositor."""
        line = self._lines[y] if y < len(self._lines) else ()
        return Strip([Segment(run.text, _STYLES[run.tone]) for run in line])
