"""State and reducer of the menu: all of its logic, without a terminal, a clock or a socket.

A face holds a `MenuState`, draws it, and hands everything that happens to `reduce`, which returns
the next state and what to ask for.
"""

from bootmenu.state.menu import LogLine, MenuState, Page
from bootmenu.state.messages import (
    Boot,
    Cancel,
    Chosen,
    Disconnected,
    Explain,
    Explained,
    Failed,
    Happening,
    Leave,
    Loaded,
    Pointed,
    Pressed,
    Redraw,
    Request,
    Rescan,
    Resized,
    Rest,
    Rested,
    Unexplained,
)
from bootmenu.state.pressing import why_not_bootable
from bootmenu.state.reports import Step
from bootmenu.state.step import reduce

__all__ = [
    "Boot",
    "Cancel",
    "Chosen",
    "Disconnected",
    "Explain",
    "Explained",
    "Failed",
    "Happening",
    "Leave",
    "Loaded",
    "LogLine",
    "MenuState",
    "Page",
    "Pointed",
    "Pressed",
    "Redraw",
    "Request",
    "Rescan",
    "Resized",
    "Rest",
    "Rested",
    "Step",
    "Unexplained",
    "reduce",
    "why_not_bootable",
]
