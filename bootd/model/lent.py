"""Files of other devices that a configuration asks for, as they are handed to whoever reads it.

A worker sees one file system. What a GRUB script reads or tests elsewhere it names in its result
(`ScanResult.wants`); who knows all devices looks it up, and the script is read again with that.
"""

from enum import Enum
from typing import Final

from bootd.record import dataclass

HAVING: Final = "FILE="
"""A device spec: with a path behind it, whichever device has that file (GRUB's `search --file`)."""


class LentKind(Enum):
    """What is at a path; the value is the word on the wire."""

    FILE = "file"
    FOLDER = "folder"
    ABSENT = "absent"
    """The device is there, and has nothing of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LentFile:
    """What is at a path of another device.

    Attributes:
        device: Device spec, just as the script named it (`FileRef.device`).
        path: Absolute.
        size: In bytes; 0 for what is no file.
        time_ns: When it was last changed.
        text: Its content as `bootd.fsview.decode` gives it; None for what is no file or too long.
        names: Of a folder: what is in it, sorted.
        holder: Device spec of the one that has it, where `device` does not name one.
    """

    device: str
    path: str
    kind: LentKind
    size: int = 0
    time_ns: int = 0
    text: str | None = None
    names: tuple[str, ...] = ()
    holder: str = ""
