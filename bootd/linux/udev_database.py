"""udev's database of block devices, read directly: 2 ms for 32 devices instead of libudev's 14.

/run/udev/data/b<major>:<minor> holds a line `E:KEY=value` for each property that a rule set
(systemd, src/libsystemd/sd-device/device-private.c); those of the kernel are in sysfs' `uevent`.
udev replaces the files by rename, so what is read is whole.
"""

import os
from typing import Final

from bootd.linux.block_device import SYSFS, describe, read
from bootd.model.device import BlockDevice

_DATABASE: Final = "/run/udev/data"
_MAX_BYTES: Final = 1 << 16


def devices() -> list[BlockDevice]:
    """Return every device that udev has finished with and that has a file system, by name.

    Of a file system that is on several devices only the first.
    """
    try:
        names = sorted(os.listdir(SYSFS))
    except FileNotFoundError:
        return []
    found: list[BlockDevice] = []
    for name in names:
        device = describe(name, properties(name))
        if device is not None and not any(device.repeats(other) for other in found):
            found.append(device)
    return found


def properties(name: str) -> dict[str, str]:
    """Return the properties of a block device; empty when udev does not know it yet.

    Args:
        name: Kernel name.
    """
    kernel = dict(_pairs(read(f"{name}/uevent").split("\n")))
    try:
        number = f"b{kernel['MAJOR']}:{kernel['MINOR']}"
        fd = os.open(f"{_DATABASE}/{number}", os.O_RDONLY | os.O_CLOEXEC)
    except (KeyError, FileNotFoundError):
        return {}
    try:
        lines = os.read(fd, _MAX_BYTES).decode("utf-8", "surrogateescape").split("\n")
    finally:
        os.close(fd)
    node = {"DEVNAME": f"/dev/{kernel['DEVNAME']}"} if "DEVNAME" in kernel else {}
    rules = dict(_pairs([line[2:] for line in lines if line.startswith("E:")]))
    return kernel | node | rules


def _pairs(lines: list[str]) -> list[tuple[str, str]]:
    return [(key, value) for key, mark, value in (line.partition("=") for line in lines) if mark]
