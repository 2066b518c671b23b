"""What can happen to the menu, and what the menu asks for."""

from dataclasses import dataclass

from bootd.protocol.messages import BootReply, Event, Explanation
from bootmenu.keys import Action

# What happens -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A key, or a command at the prompt."""

    action: Action


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
class Failed:
    """The daemon refused or failed; `reason` is its sentence."""

    reason: str


Happening = (
    Event
    | Pressed
    | Chosen
    | Pointed
    | Rested
    | Resized
    | Disconnected
    | Explained
    | Unexplained
    | Loaded
    | Failed
)


# What to do -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """Ask the daemon to boot an option."""

    id: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Redraw:
    """Draw everything again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """End the menu."""


Request = Boot | Cancel | Rescan | Rest | Explain | Redraw | Leave
