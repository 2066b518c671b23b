"""What a person should know before the jump although it does not stop it."""

from collections.abc import Sequence
from typing import Final

from bootd.linux.watchdog import Watchdog

_START_S: Final = 30
"""A kernel that takes longer from the jump to its own watchdog driver is a slow one."""


def watchdog_notes(running: Sequence[Watchdog]) -> tuple[str, ...]:
    """Return a sentence for each watchdog that could reset the machine on the way."""
    return tuple(_sentence(one) for one in running if _limit(one) < _START_S)


def _limit(one: Watchdog) -> int:
    return one.timeout_s if one.left_s is None else one.left_s


def _sentence(one: Watchdog) -> str:
    return (
        f"{one.name} resets the machine in {_limit(one)} s unless the next kernel feeds it before: "
        "if the board starts over, set a longer timeout (RuntimeWatchdogSec)."
    )
