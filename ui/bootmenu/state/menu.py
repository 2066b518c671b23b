"""What the menu knows: one frozen value that both faces draw."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from bootd.protocol.messages import DeviceView, Explanation, Level, OptionView, Status
from bootmenu.groups import in_order

MAX_LOG_LINES: Final = 500
"""Older lines of the status log are forgotten."""

CONNECTING: Final = "Connecting to bootd ..."
"""The link's sentence until the first answer or failure."""


class Page(Enum):
    """What the whole screen shows."""

    MENU = auto()
    DETAILS = auto()
    LOG = auto()
    HELP = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the status log, text as it came."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuState:
    """Everything that is drawn.

    Attributes:
        may_leave: False on a console that always has its menu: q then says so.
        connected: The daemon has sent its state and the stream of events is alive.
        link: Sentence on the connection while it is not there.
        options: In menu order; the screen groups them by device.
        cursor: Id of the option a person is on; None until the first key, the cursor then follows
            the default.
        resting: Id of the option that the pane describes: the cursor has stayed there a moment.
        explanations: Answers of the daemon by option id.
        notice: What must be read, until a key.
        scroll: First line shown of a page of text.
        page_rows: Lines of a page, for the keys that move by one.
        text_rows: Lines of the text on the page.
        stops: A key came while the daemon could not be told: its countdown is stopped later.
    """

    may_leave: bool = True
    connected: bool = False
    link: str = CONNECTING
    devices: tuple[DeviceView, ...] = ()
    options: tuple[OptionView, ...] = ()
    status: Status = field(default_factory=Status)
    cursor: str | None = None
    resting: str | None = None
    explanations: Mapping[str, Explanation] = field(default_factory=dict)
    notice: LogLine | None = None
    page: Page = Page.MENU
    scroll: int = 0
    page_rows: int = 16
    text_rows: int = 0
    stops: bool = False
    log: tuple[LogLine, ...] = ()

    @property
    def highlighted(self) -> OptionView | None:
        """The option under the cursor: a person's choice, else the default, else the first."""
        by_id = {option.id: option for option in self.options}
        for wanted in (self.cursor, self.status.selected_id, self.status.default_id):
            if wanted in by_id:
                return by_id[wanted]
        ordered = in_order(self.devices, self.options)
        return ordered[0] if ordered else None

    def option(self, option_id: str | None) -> OptionView | None:
        """Return an option by its id."""
        return next((option for option in self.options if option.id == option_id), None)

    @property
    def counting(self) -> bool:
        """Whether the daemon boots by itself unless somebody stops it."""
        return self.connected and self.status.seconds_left is not None
