"""Hardware watchdogs: which of them run, and when they reset the machine.

Source: Documentation/ABI/testing/sysfs-class-watchdog. Nothing is opened or fed here.
"""

import os
from typing import Final

from bootd.record import dataclass

_ROOT: Final = "/sys/class/watchdog"
_MAX: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """A watchdog that runs.

    Attributes:
        name: Of the device, `watchdog0`.
        timeout_s: From being fed to the reset; 0 unknown.
        left_s: Until the reset; None when it does not say.
    """

    name: str
    timeout_s: int
    left_s: int | None


def running(root: str = _ROOT) -> tuple[Watchdog, ...]:
    """Return the watchdogs that are active, by name."""
    try:
        names = sorted(os.listdir(root))[:_MAX]
    except OSError:
        return ()
    return tuple(
        Watchdog(name=name, timeout_s=_number(root, name, "timeout") or 0,
                 left_s=_number(root, name, "timeleft"))
        for name in names
        if _text(root, name, "state") == "active"
    )  # fmt: skip


def _number(root: str, name: str, attribute: str) -> int | None:
    text = _text(root, name, attribute)
    return int(text) if text.isascii() and text.isdecimal() else None


def _text(root: str, name: str, attribute: str) -> str:
    try:
        with open(os.path.join(root, name, attribute), encoding="ascii", errors="replace") as file:
            return file.read(64).strip()
    except OSError:
        return ""
