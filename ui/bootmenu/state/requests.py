"""What the menu asks for, of the daemon or of its face."""

from bootd.protocol.messages import NO_OVERRIDES, Overrides
from bootd.protocol.methods import Browsing
from bootd.record import dataclass


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
    """Ask the daemon which tree an option gets.

    Attributes:
        about: Id of the option for which this is asked, where it is another one: see
            `MenuState.question`.
    """

    id: str
    overrides: Overrides = NO_OVERRIDES
    about: str = ""


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
class Unlock:
    """Ask the daemon to open an encrypted disk."""

    device: str
    passphrase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimeout:
    """Ask the daemon to count again; None: never."""

    seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefault:
    """Ask the daemon to make an option the default.

    Attributes:
        id: Of an option, a pattern of ids, `@saved` for what a person booted last, "" for none.
        until: `powerOn`: until the machine is switched off; "" for good.
    """

    id: str
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOneShot:
    """Ask the daemon to boot an option at the next boot only; "" forgets that."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """Ask the daemon to remember settings; None leaves one as it is.

    Attributes:
        timeout_seconds: -1 for no countdown.
        reset: Settings that are as the configuration files say again.
    """

    timeout_seconds: int | None = None
    autoboot: bool | None = None
    order: tuple[str, ...] | None = None
    reset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Ask the daemon to keep changes of an option as an option of its own.

    Attributes:
        about: Id of the option on which they were made.
    """

    id: str
    name: str
    overrides: Overrides
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Ask the daemon to forget a saved option."""

    id: str


Wish = SetDefault | SetOneShot | Configure | Forget
"""For later boots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenShell:
    """Ask the daemon for a shell on this console."""


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
    Boot
    | Cancel
    | Rescan
    | Unlock
    | Explain
    | Browse
    | Describe
    | Inspect
    | SetTimeout
    | Save
    | Wish
    | OpenShell
    | LeaveMachine
)
"""For the daemon."""

Request = Question | Rest | Settle | Redraw | Leave
