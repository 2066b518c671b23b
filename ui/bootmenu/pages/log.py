"""What has happened since this menu was started, newest at the bottom."""

from bootmenu.clean import escape, wrap
from bootmenu.lines import Line, plain
from bootmenu.state import MenuState
from bootmenu.words import LEVELS


def text(state: MenuState, columns: int) -> tuple[Line, ...]:
    """Return the whole log."""
    if not state.log:
        return (plain(" Nothing has happened yet."),)
    return tuple(
        plain(f" {line}")
        for entry in state.log
        for line in wrap(f"{LEVELS[entry.level]}{escape(entry.text)}", columns - 2, 8)
    )
