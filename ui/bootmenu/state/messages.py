"""What can happen to the menu."""

from bootd.protocol.machine import LookView, MachineView
from bootd.protocol.messages import (
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
from bootmenu.state.requests import Wish


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
    """The daemon's answer to Explain; `about` as there."""

    explanation: Explanation
    about: str = ""


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
class Named:
    """A person gave the changes of an option a name, by a face that has no edit page."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """A person wants something for later boots, by a face that has no settings page."""

    wish: Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The daemon has saved changes of the option `about`; `id` is the option that has them."""

    id: str
    about: str


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
    | Named
    | Wished
    | Kept
    | Failed
)
