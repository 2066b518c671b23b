"""The help page, made from the table of keys."""

from bootmenu.keys import key_help
from bootmenu.lines import Line, plain
from bootmenu.state import MenuState


def text(state: MenuState, columns: int) -> tuple[Line, ...]:
    """Return the whole text."""
    del state, columns  # the table of keys is narrower than any terminal that can show it
    notes = (
        "",
        "  *  is booted by the countdown.  Any key stops the countdown, on every console.",
        "  An option with a reason behind it waits for a file or cannot boot here.",
    )
    return tuple(plain(line) for line in ("", *key_help(), *notes))
