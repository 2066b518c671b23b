"""The keys of the menu. To change or add one: edit its row in `KEYS`.

The screen, the plain lines and the help page all read this table. Every function has a key that
any serial terminal can send; names are Textual's.
"""

from enum import Enum, auto
from typing import Final

from bootd.record import dataclass


class Action(Enum):
    """What a key asks for."""

    UP = auto()
    DOWN = auto()
    PAGE_UP = auto()
    PAGE_DOWN = auto()
    HOME = auto()
    END = auto()
    BOOT = auto()
    RUNNING = auto()
    DETAILS = auto()
    RESCAN = auto()
    LOG = auto()
    LIST = auto()
    STOP = auto()
    HELP = auto()
    REDRAW = auto()
    UNLOCK = auto()
    EDIT = auto()
    TREE = auto()
    WHY = auto()
    SETTINGS = auto()
    NEW = auto()
    SEARCH = auto()
    OUT = auto()
    IN = auto()
    COMPARE = auto()
    UNDO = auto()
    UNDO_ALL = auto()
    REMOVE = auto()
    BOOT_EDITED = auto()
    SAVE = auto()
    FORGET = auto()
    DEFAULT = auto()
    ONCE = auto()
    TIMEOUT = auto()
    SHELL = auto()
    REBOOT = auto()
    POWER_OFF = auto()
    BACK = auto()
    QUIT = auto()
    LEAVE = auto()
    OTHER = auto()
    """A key without a function of its own; like every key it stops the countdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One row of the table.

    Attributes:
        names: Textual's names of the keys on the screen; empty for plain lines only.
        shown: How a person would call them.
        command: What to type at the prompt of the plain lines, or "".
        help: Sentence without a full stop, for the help page.
        hint: Word or two for the last line of the menu, or "".
    """

    action: Action
    names: tuple[str, ...] = ()
    shown: str = ""
    command: str = ""
    help: str
    hint: str = ""


_HOME_OF_VT: Final = ("\x01",)
"""What textual 2.1 makes of ESC [ 1 ~, which vt220 and linux terminals send; 8.2 knows it."""
_END_OF_VT: Final = ("\x04",)
"""Ditto for ESC [ 4 ~."""

KEYS: Final = (
    Key(action=Action.UP, names=("up", "k"), shown="Up, k", help="go to the option above"),
    Key(action=Action.DOWN, names=("down", "j"), shown="Down, j", help="go to the option below"),
    Key(
        action=Action.PAGE_UP,
        names=("pageup", "ctrl+b"),
        shown="PgUp, Ctrl-B",
        help="go up by a page",
    ),
    Key(
        action=Action.PAGE_DOWN,
        names=("pagedown", "ctrl+f", "space"),
        shown="PgDn, Ctrl-F, Space",
        help="go down by a page",
    ),
    Key(
        action=Action.HOME,
        names=("home", "g", *_HOME_OF_VT),
        shown="Home, g",
        help="go to the first option",
    ),
    Key(
        action=Action.END,
        names=("end", "G", *_END_OF_VT),
        shown="End, G",
        help="go to the last option",
    ),
    Key(
        action=Action.BOOT,
        names=("enter", "ctrl+j"),
        shown="Enter",
        help="boot the option under the cursor, at once",
        hint="boot",
    ),
    Key(
        action=Action.RUNNING,
        names=("R",),
        shown="R",
        command="running",
        help="boot with the running tree where its own is refused",
    ),
    Key(
        action=Action.DETAILS,
        names=("i",),
        shown="i",
        command="i",
        help="show the option, its tree and this machine",
        hint="info",
    ),
    Key(
        action=Action.EDIT,
        names=("e",),
        shown="e",
        command="e",
        help="edit kernel, initrds, command line, tree before a boot",
        hint="edit",
    ),
    Key(
        action=Action.TREE,
        names=("d",),
        shown="d",
        command="d",
        help="look into the device tree that the option gets",
        hint="tree",
    ),
    Key(
        action=Action.WHY,
        names=("w",),
        shown="w",
        command="w",
        help="why is nothing here? what was looked at on each device",
    ),
    Key(
        action=Action.NEW,
        names=("n",),
        shown="n",
        command="n",
        help="boot something on this device that is no option",
    ),
    Key(
        action=Action.SEARCH,
        names=("slash",),
        shown="/",
        command="/",
        help="show only options with a text; find it in a tree",
    ),
    Key(action=Action.IN, names=("right",), shown="Right", help="in a tree: open the node"),
    Key(
        action=Action.OUT,
        names=("left", "backspace"),
        shown="Left, Backspace",
        help="in a tree: go to the node above",
    ),
    Key(
        action=Action.COMPARE,
        names=("v",),
        shown="v",
        help="in a tree: only what differs from shipped, from live",
    ),
    Key(action=Action.UNDO, names=("u",), shown="u", help="while editing: undo this line"),
    Key(action=Action.UNDO_ALL, names=("U",), shown="U", help="while editing: undo everything"),
    Key(
        action=Action.REMOVE,
        names=("x", "delete"),
        shown="x, Del",
        help="while editing: take this file out",
    ),
    Key(
        action=Action.BOOT_EDITED,
        names=("b",),
        shown="b",
        command="b",
        help="boot the option with its changes",
    ),
    Key(
        action=Action.SAVE,
        names=("s",),
        shown="s",
        command="save",
        help="while editing: save the changes as an option",
    ),
    Key(
        action=Action.FORGET,
        names=("f",),
        shown="f",
        command="forget",
        help="forget the saved option under the cursor (asks once more)",
    ),
    Key(
        action=Action.DEFAULT,
        names=("D",),
        shown="D",
        command="default",
        help="make the option the default, or no longer",
    ),
    Key(
        action=Action.ONCE,
        names=("o",),
        shown="o",
        command="once",
        help="boot the option once, at the next boot",
    ),
    Key(
        action=Action.SETTINGS,
        names=("c",),
        shown="c",
        command="c",
        help="show the settings, and change them",
    ),
    Key(
        action=Action.TIMEOUT,
        names=("t",),
        shown="t",
        command="t",
        help="count again from other seconds, or never",
    ),
    Key(
        action=Action.SHELL,
        names=("exclamation_mark",),
        shown="!",
        command="!",
        help="open a shell on this console, where the settings allow it",
    ),
    Key(
        action=Action.REBOOT,
        names=("B",),
        shown="B",
        command="reboot",
        help="restart this machine (asks once more)",
    ),
    Key(
        action=Action.POWER_OFF,
        names=("P",),
        shown="P",
        command="poweroff",
        help="switch this machine off (asks once more)",
    ),
    Key(
        action=Action.RESCAN,
        names=("r",),
        shown="r",
        command="r",
        help="look at every device again",
        hint="rescan",
    ),
    Key(
        action=Action.UNLOCK,
        names=("p",),
        shown="p",
        help="give the passphrase of a locked disk",
    ),
    Key(
        action=Action.LOG,
        names=("l",),
        shown="l",
        command="log",
        help="show what has happened so far",
        hint="log",
    ),
    Key(action=Action.LIST, command="l", help="list the boot options again"),
    Key(action=Action.STOP, command="s", help="stop the countdown, or a load"),
    Key(
        action=Action.HELP,
        names=("question_mark", "h"),
        shown="?, h",
        command="?",
        help="show this page",
        hint="help",
    ),
    Key(action=Action.REDRAW, names=("ctrl+l",), shown="Ctrl-L", help="draw the screen again"),
    Key(action=Action.BACK, names=("escape",), shown="Esc", help="go back; stop a load"),
    Key(
        action=Action.QUIT,
        names=("q",),
        shown="q",
        command="q",
        help="go back; in the menu, leave it",
    ),
    Key(action=Action.LEAVE, names=("ctrl+c",), shown="Ctrl-C", help="leave the menu"),
)
"""In the order of the help page."""

_BY_NAME: Final = {name: key.action for key in KEYS for name in key.names}
_BY_COMMAND: Final = {key.command: key.action for key in KEYS if key.command}


def action_of_key(name: str) -> Action:
    """Return the action of a key by Textual's name of it."""
    return _BY_NAME.get(name, Action.OTHER)


def action_of_command(command: str) -> Action | None:
    """Return the action of a word typed at the prompt, or None when there is no such command."""
    return _BY_COMMAND.get(command)


def hints() -> str:
    """Return the last line of the menu: keys with a word each."""
    return "  ".join(f"{key.shown.split(',')[0]} {key.hint}" for key in KEYS if key.hint)


def key_help() -> tuple[str, ...]:
    """Return a line for each key of the screen."""
    return tuple(f"  {key.shown:<20}{key.help}" for key in KEYS if key.names)


def command_help() -> tuple[str, ...]:
    """Return a line for each command of the plain lines, but the numbers."""
    return tuple(f"  {key.command:<10}{key.help}" for key in KEYS if key.command)
