"""Where this system has a block device mounted. Source: proc_pid_mountinfo(5)."""

import os
import re
from typing import Final

from bootd.record import dataclass

_TABLE: Final = "/proc/self/mountinfo"
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """One mount of the root of a file system.

    Attributes:
        place: The mount point.
        writable: Both the mount and the file system are.
    """

    place: str
    writable: bool


def mounts_of(node: str, table: str = _TABLE) -> tuple[Mounted, ...]:
    """Return the mounts that show the device's file system from its root, the writable ones first.

    Raises:
        OSError: There is no such device.
    """
    number = os.stat(node).st_rdev
    wanted = f"{os.major(number)}:{os.minor(number)}"
    found: list[Mounted] = []
    with open(table, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            front, _, back = line.partition(" - ")
            _, _, device, root, place, options = front.split(" ")[:6]
            flags = {options.split(",")[0], back.split(" ")[2].strip().split(",")[0]}
            if device == wanted and root == "/":
                path = unescape(place)
                found.append(Mounted(place=path, writable=flags == {"rw"}))
    return tuple(sorted(found, key=lambda each: not each.writable))


def unescape(text: str) -> str:
    r"""Undo the octal escapes of /proc, such as those for space, tab, newline and backslash."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
