"""Kernel and systemd messages on the consoles: silent under a menu, loud again before it ends.

Source: Documentation/admin-guide/sysctl/kernel.rst, printk; systemd(1), SIGRTMIN+20 and +21.
"""

import os
import signal
from contextlib import suppress
from typing import Final

PRINTK: Final = "/proc/sys/kernel/printk"
_COMM: Final = "/proc/1/comm"
_ONLY_PANICS: Final = 1


def quiet(printk: str = PRINTK, comm: str = _COMM) -> bool:
    """Keep everything but a dying kernel off the consoles; return whether the kernel accepted.

    Args:
        printk: The file with the kernel's four levels.
        comm: The file with the name of process 1.
    """
    _tell_systemd(21, comm)
    return _set_level(printk, _ONLY_PANICS)


def loud(printk: str = PRINTK, comm: str = _COMM) -> bool:
    """Show messages again, by the level that this kernel was built with.

    What goes wrong between the menu and the next kernel must be seen by somebody.
    """
    _tell_systemd(20, comm)
    try:
        with open(printk, encoding="ascii") as file:
            level = int(file.read().split()[3])
    except (OSError, ValueError, IndexError):
        return False
    return _set_level(printk, level)


def _set_level(printk: str, level: int) -> bool:
    try:
        with open(printk, "w", encoding="ascii") as file:
            file.write(str(level))
    except OSError:
        return False
    return True


def _tell_systemd(number: int, comm: str) -> None:
    """Send process 1 a signal that only systemd understands; others it might end."""
    with suppress(OSError):
        with open(comm, encoding="ascii") as file:
            is_systemd = file.read().strip() == "systemd"
        if is_systemd:
            os.kill(1, signal.SIGRTMIN + number)
