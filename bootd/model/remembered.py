"""What bootd remembers from one power-on to the next: choices of people, and how boots went.

`bootd.protocol.memory` writes it as text and reads it; `bootd.services.settings` owns it.
"""

from typing import Final

from bootd.model.tries import Tries
from bootd.record import dataclass

MAX_BYTES: Final = 64 << 10
"""Of everything as text."""

MAX_SAVED: Final = 64
"""Saved overrides of all options together."""

MAX_TRIES: Final = 256
"""Options whose attempts are counted."""

MAX_ORDER: Final = 32
"""Words of a boot order."""

SAVED: Final = "@saved"
"""As a default: the option that a person chose last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedOverrides:
    """What a person changed in an option and wants offered again as an option of its own.

    Attributes:
        option: Id of the option that it changes; the format and the UUID of the file system are in
            it, so it survives restarts and replugging.
        name: Unique among those of one option.
        overrides: The interface's Overrides as JSON text; devices in it are named by UUID.
    """

    option: str
    name: str
    overrides: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Everything that is kept; each member has a default that means "nothing is remembered".

    Attributes:
        default: Id of the default option, a pattern of ids, `SAVED`, or "".
        one_shot: Id of the option to boot once, or "".
        last_chosen: Id of the option that a person booted last, or "".
        autoboot: Whether anything boots by itself; None as the settings say.
        timeout_s: Seconds of the countdown, `WAIT_FOREVER` for none; None as the settings say.
        order: Boot order, first to last (`bootd.model.order`); None as the settings say.
        saved: Saved overrides, oldest first.
        tries: One for each option whose attempts are counted.
        last_good: Id of the option whose boot was confirmed last, or "".
    """

    default: str = ""
    one_shot: str = ""
    last_chosen: str = ""
    autoboot: bool | None = None
    timeout_s: int | None = None
    order: tuple[str, ...] | None = None
    saved: tuple[SavedOverrides, ...] = ()
    tries: tuple[Tries, ...] = ()
    last_good: str = ""


NOTHING: Final = Remembered()
