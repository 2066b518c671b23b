"""What can happen to the menu, and what the menu asks for."""

from bootd.protocol.machine import LookView, MachineView
from bootd.protocol.messages import (
    NO_OVERRIDES,
    BootReply,
    Event,
    Explanation,
    Overrides,
    TreePageView,
)
from bootd.protocol.methods import Browsing
from bootd.record import dataclass
from bootmenu.entry import Purpose
from bootmenu.keys import Action

# What happens -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A key, or a command at the prompt."""

    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A key while text is typed.

    Attributes:
        key: Textual's name.
        character: What it writes, or "".
    """

    key: str
    character: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A whole line was given for a purpose, by a face that takes lines."""

    purpose: Purpose
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A person asks to look into a tree, by a face that has no tree page."""

    asked: Browsing


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Bytes came that no key sends, or many at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """No noise came for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A person named an option to boot now."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """A person named an option to look at."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """The cursor has stayed on an option for a moment."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resized:
    """The list, or a page of text, shows `page_rows` lines of `text_rows`."""

    page_rows: int
    text_rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """The daemon cannot be reached; tried again soon."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The daemon's answer to Explain."""

    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexplained:
    """The daemon could not answer an Explain; `reason` is its sentence."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The daemon has loaded an option."""

    reply: BootReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsed:
    """Rows of a tree; `asked` is the question that they answer."""

    asked: Browsing
    page: TreePageView


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBrowsed:
    """The daemon could not show the tree; `reason` is its sentence."""

    asked: Browsing
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What the machine is like now."""

    machine: MachineView


@dataclass(frozen=True, slots=True, kw_only=True)
class Wondered:
    """A person asks why there is nothing on a device; "" asks for all, one after another."""

    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """Where bootd looks on a device, and what of that is there."""

    device: str
    looks: tuple[LookView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotInspected:
    """The device could not be looked at; `reason` is the daemon's sentence."""

    device: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A person has changed an option, elsewhere than on the edit page."""

    id: str
    edit: Overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The daemon refused or failed; `reason` is its sentence."""

    reason: str


Happening = (
    Event
    | Pressed
    | Typed
    | Entered
    | Looked
    | Noise
    | Settled
    | Chosen
    | Pointed
    | Rested
    | Resized
    | Disconnected
    | Explained
    | Unexplained
    | Loaded
    | Browsed
    | NotBrowsed
    | Described
    | Wondered
    | Inspected
    | NotInspected
    | Edited
    | Failed
)


# What to do -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """Ask the daemon to boot an option."""

    id: str
    overrides: Overrides = NO_OVERRIDES


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Ask the daemon to stop the countdown or the load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescan:
    """Ask the daemon to look at every device again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Report `Rested` in a moment, unless another Rest comes first."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """Ask the daemon which tree an option gets."""

    id: str
    overrides: Overrides = NO_OVERRIDES


@dataclass(frozen=True, slots=True, kw_only=True)
class Browse:
    """Ask the daemon for rows of a tree."""

    asked: Browsing


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Ask the daemon what the machine is like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Ask the daemon where it looks on a device."""

    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimeout:
    """Ask the daemon to count again; None: never."""

    seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveMachine:
    """Ask the daemon to restart the machine or switch it off."""

    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Report `Settled` in a while, unless another Settle comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redraw:
    """Draw everything again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """End the menu."""


Question = (
    Boot | Cancel | Rescan | Explain | Browse | Describe | Inspect | SetTimeout | LeaveMachine
)
"""For the daemon."""

Request = Question | Rest | Settle | Redraw | Leave
