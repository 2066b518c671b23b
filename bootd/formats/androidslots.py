"""Which of two systems of an Android device is next: the boot control block in `misc`.

Source: hardware/interfaces/boot/1.1/default/boot_control of AOSP (bootloader_control, 32 bytes at
2,048) and U-Boot boot/android_ab.c for the choice: of the slots that have started well or have
tries left, the one with the highest priority. Not supported: slots as attributes in the GPT, which
Linux does not hand on.
"""

import struct
import zlib
from typing import Final

from bootd.fsview import FsView
from bootd.record import dataclass

PLACE: Final = "/misc.img"
"""As `bootd.probe.partitionimages` shows that partition."""

_OFFSET: Final = 2048
_CONTROL: Final = struct.Struct("<4sIBBBB8s8sI")
_MAGIC: Final = 0x42414342
_SLOTS: Final = ("_a", "_b", "_c", "_d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What a boot loader keeps about one slot.

    Attributes:
        name: Suffix of its partitions.
        priority: 0 to 15.
        tries: How often it may still be tried.
        successful: It has started well.
        damaged: dm-verity found it changed.
    """

    name: str
    priority: int
    tries: int
    successful: bool
    damaged: bool

    @property
    def usable(self) -> bool:
        """Whether a boot loader would start it."""
        return not self.damaged and (self.successful or self.tries > 0)


def read(fs: FsView) -> tuple[Slot, ...]:
    """Return the slots; empty when there is no valid control block."""
    try:
        data = fs.read_range(PLACE, _OFFSET, _CONTROL.size)
    except OSError:
        return ()
    if len(data) < _CONTROL.size:
        return ()
    _, magic, _, counts, _, _, rows, _, checksum = _CONTROL.unpack(data)
    if magic != _MAGIC or zlib.crc32(data[:-4]) != checksum:
        return ()
    found = zip(_SLOTS[: counts & 7], rows[::2], rows[1::2], strict=False)
    return tuple(
        Slot(
            name=name,
            priority=first & 15,
            tries=first >> 4 & 7,
            successful=bool(first & 128),
            damaged=bool(second & 1),
        )
        for name, first, second in found
    )


def active(slots: tuple[Slot, ...]) -> str:
    """Return the suffix of the slot that is next, or "" when none can be started."""
    usable = [each for each in slots if each.usable]
    best = max(usable, key=lambda s: (s.priority, s.successful, s.tries), default=None)
    return "" if best is None else best.name
