"""What the menu knows: one frozen value that both faces draw."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from bootd.protocol.machine import LookView, MachineView
from bootd.protocol.messages import (
    NO_OVERRIDES,
    DeviceView,
    Explanation,
    Level,
    OptionView,
    Overrides,
    Status,
    TreeRowView,
)
from bootd.protocol.methods import Browsing
from bootd.record import dataclass, field
from bootmenu.edits import BY_HAND, by_hand
from bootmenu.entry import TypedLine
from bootmenu.groups import in_order
from bootmenu.keys import Action

MAX_LOG_LINES: Final = 500
"""Older lines of the status log are forgotten."""

CONNECTING: Final = "Connecting to bootd ..."
"""The link's sentence until the first answer or failure."""


class Page(Enum):
    """What the whole screen shows."""

    MENU = auto()
    DETAILS = auto()
    EDIT = auto()
    TREE = auto()
    DEVICES = auto()
    SETTINGS = auto()
    LOG = auto()
    HELP = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the status log, text as it came."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeLook:
    """What is seen of the tree of one option.

    Attributes:
        asked: The question whose answer `rows` are.
        rows: The first rows of `total`; further ones are asked for when the cursor comes near.
        cursor: Index of the row a person is on.
        waiting: Rows are under way.
        problem: Why there is nothing to see, or "".
    """

    asked: Browsing
    rows: tuple[TreeRowView, ...] = ()
    total: int = 0
    summary: str = ""
    cursor: int = 0
    waiting: bool = True
    problem: str = ""


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
        edits: What a person changed, by option id; lost when this menu ends. For a saved option all
            that differs from the one below it.
        editing: Id of the option on the edit page.
        edit_row: Line of the edit page.
        setting_row: Line of the settings page.
        line: Text that is being typed.
        filter: Only options with this text are listed, "" lists all.
        tree: What the tree page shows.
        looks: Where bootd looked, by device; a text says why that cannot be told.
        wondering: Devices of which that is still to be asked, in order.
        machine: Newest answer to a question about the machine.
        confirm: The key that does something at its second press.
        wary: The line is noisy: Enter boots nothing for a moment.
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
    edits: Mapping[str, Overrides] = field(default_factory=dict)
    editing: str = ""
    edit_row: int = 0
    setting_row: int = 0
    line: TypedLine | None = None
    filter: str = ""
    tree: TreeLook | None = None
    looks: Mapping[str, tuple[LookView, ...] | str] = field(default_factory=dict)
    wondering: tuple[str, ...] = ()
    machine: MachineView | None = None
    confirm: Action | None = None
    wary: bool = False
    scroll: int = 0
    page_rows: int = 16
    text_rows: int = 0
    stops: bool = False
    log: tuple[LogLine, ...] = ()

    @property
    def highlighted(self) -> OptionView | None:
        """The option under the cursor: a person's choice, else the default, else the first."""
        by_id = {option.id: option for option in self.listed}
        for wanted in (self.cursor, self.status.selected_id, self.status.default_id):
            if wanted in by_id:
                return by_id[wanted]
        ordered = in_order(self.devices, self.listed)
        return ordered[0] if ordered else None

    @property
    def listed(self) -> tuple[OptionView, ...]:
        """The options that the filter lets through, in menu order."""
        if not self.filter:
            return self.options
        wanted = self.filter.lower()
        return tuple(option for option in self.options if wanted in _searched(option))

    @property
    def edited_option(self) -> OptionView | None:
        """The option on the edit page."""
        if self.editing.startswith(BY_HAND):
            return by_hand(self.editing.removeprefix(BY_HAND))
        return self.option(self.editing)

    def edit_of(self, option_id: str) -> Overrides:
        """Return what differs from what a configuration says: changed just now, else saved."""
        edit = self.edits.get(option_id)
        return self.saved_changes(option_id) if edit is None else edit

    def saved_changes(self, option_id: str) -> Overrides:
        """Return what a person saved under the name of an option."""
        option = self.option(option_id)
        return NO_OVERRIDES if option is None or option.changes is None else option.changes

    def base_of(self, option: OptionView) -> OptionView:
        """Return the option that a saved one changes; any other is its own."""
        return (self.option(option.base_id) or option) if option.base_id else option

    def question(self, option_id: str) -> tuple[str, Overrides]:
        """Return how the daemon is asked about an option: its id, and what differs from that.

        What is changed further in a saved option replaces what was saved: that is the option below
        it, with all changes.
        """
        edit = self.edits.get(option_id)
        if edit is None:
            return option_id, NO_OVERRIDES
        option = self.option(option_id)
        return (option.base_id if option and option.base_id else option_id), edit

    def option(self, option_id: str | None) -> OptionView | None:
        """Return an option by its id."""
        return next((option for option in self.options if option.id == option_id), None)

    @property
    def counting(self) -> bool:
        """Whether the daemon boots by itself unless somebody stops it."""
        return self.connected and self.status.seconds_left is not None


def _searched(option: OptionView) -> str:
    """Return the text in which the filter looks, in small letters."""
    parts = (*option.submenu, option.title, option.version, option.device, option.options)
    return "\n".join(parts).lower()
