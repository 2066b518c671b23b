"""Hardware watchdogs: which of them run and when they reset the machine, and starting one.

Source: Documentation/ABI/testing/sysfs-class-watchdog, Documentation/watchdog/watchdog-api.rst and
watchdog-parameters.rst, drivers/watchdog/watchdog_core.c (stop_on_reboot). Nothing is fed here.
"""

import errno
import fcntl
import os
import sys
from typing import Final

from bootd.record import dataclass

_ROOT: Final = "/sys/class/watchdog"
_DEVICES: Final = "/dev"
_MODULE: Final = "/sys/module/watchdog"
_MAX: Final = 32

_SOFTWARE: Final = "Software Watchdog"
"""Identity of softdog: a timer of this kernel, which the next one knows nothing of."""

# _IOR is another bit on POWER, where _IOWR is the same (arch/powerpc/include/uapi/asm/ioctl.h).
_IOR: Final = 0x40000000 if os.uname().machine.startswith("ppc") else 0x80000000
_KEEPALIVE: Final = _IOR | 0x45705
_SETTIMEOUT: Final = 0xC0045706
_GETTIMEOUT: Final = _IOR | 0x45707
_DISARM: Final = b"V"
"""Written right before the device is closed: it is to stop (the magic close feature)."""


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
    return tuple(
        Watchdog(name=name, timeout_s=_number(root, name, "timeout") or 0,
                 left_s=_number(root, name, "timeleft"))
        for name in _names(root)
        if _text(root, name, "state") == "active"
    )  # fmt: skip


def candidates(root: str = _ROOT) -> tuple[str, ...]:
    """Return the names of the watchdogs that can outlive this kernel, by name."""
    return tuple(name for name in _names(root) if _text(root, name, "identity") != _SOFTWARE)


def outlives(module: str = _MODULE) -> bool:
    """Say whether no watchdog is stopped on the way to the next kernel.

    Most drivers ask for that, and only `watchdog.stop_on_reboot=0` on the command line of the
    running kernel forbids it.
    """
    return _text(module, "parameters", "stop_on_reboot") == "0"


def arm(seconds: int, root: str = _ROOT, devices: str = _DEVICES) -> Watchdog:
    """Start a watchdog, or feed one that runs, and leave it running.

    Args:
        seconds: Until the reset; some watchdogs know a few times only, and take the nearest.
        root: Directory in place of /sys/class/watchdog.
        devices: Directory in place of /dev.

    Returns:
        What was armed, with the time that it has really got.

    Raises:
        OSError: In words: there is none, somebody else holds each of them, or the driver failed.
    """
    refused = OSError(errno.ENODEV, "this machine has no watchdog that outlives the jump")
    for name in candidates(root):
        try:
            got = _start(os.path.join(devices, name), seconds)
        except OSError as error:
            why = "another program holds it" if error.errno == errno.EBUSY else error.strerror
            refused = OSError(error.errno, why or str(error), name)
        else:
            return Watchdog(name=name, timeout_s=got, left_s=None)
    raise refused


def disarm(name: str, root: str = _ROOT, devices: str = _DEVICES) -> None:
    """Stop a watchdog that `arm` has started.

    Raises:
        OSError: In words; it goes on, and the machine will be reset.
    """
    fd = os.open(os.path.join(devices, name), os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, _DISARM)
    finally:
        os.close(fd)
    if _text(root, name, "state") == "active":
        raise OSError(errno.EPERM, "its driver does not let it be stopped (nowayout)", name)


def _start(node: str, seconds: int) -> int:
    fd = os.open(node, os.O_WRONLY | os.O_CLOEXEC)  # opening it starts it
    try:
        try:
            answer = fcntl.ioctl(fd, _SETTIMEOUT, seconds.to_bytes(4, sys.byteorder))
        except OSError:
            answer = fcntl.ioctl(fd, _GETTIMEOUT, bytes(4))  # one that knows its own time only
        fcntl.ioctl(fd, _KEEPALIVE, bytes(4))
    finally:
        os.close(fd)  # without the magic letter: it goes on
    return int.from_bytes(answer, sys.byteorder)


def _names(root: str) -> list[str]:
    try:
        return sorted(os.listdir(root))[:_MAX]
    except OSError:
        return []


def _number(root: str, name: str, attribute: str) -> int | None:
    text = _text(root, name, attribute)
    return int(text) if text.isascii() and text.isdecimal() else None


def _text(root: str, name: str, attribute: str) -> str:
    try:
        with open(os.path.join(root, name, attribute), encoding="ascii", errors="replace") as file:
            return file.read(64).strip()
    except OSError:
        return ""
