"""What an x86 firmware said when this machine started, as the running kernel shows it.

Source: Documentation/ABI/testing/sysfs-firmware-memmap, sysfs-kernel-boot_params and
sysfs-firmware-efi; the E820 types of arch/x86/include/asm/e820/types.h.
"""

import os
import re
from contextlib import suppress
from typing import Final

from bootd.record import dataclass

_TYPES: Final = {
    "System RAM": 1,
    "Reserved": 2,
    "reserved": 2,
    "ACPI Tables": 3,
    "ACPI Non-volatile Storage": 4,
    "Unusable memory": 5,
    "Persistent Memory": 7,
    "Persistent Memory (legacy)": 12,
    "Soft Reserved": 0xEFFFFFFF,
}
"""Names that drivers/firmware/memmap.c gets from the kernel; any other is taken as reserved."""

_RESERVED: Final = 2
_ROOT: Final = re.compile(r"^ACPI(?:20)?=0x([0-9a-f]{1,16})$", re.MULTILINE)
_MAX_ENTRIES: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareMap:
    """Memory as the firmware described it.

    Attributes:
        entries: (start, end, E820 type) in the order of addresses, `end` exclusive.
        acpi_root: Address of ACPI's root pointer as EFI has it, 0 without EFI.
    """

    entries: tuple[tuple[int, int, int], ...]
    acpi_root: int = 0


def firmware_map(root: str = "/sys/firmware") -> FirmwareMap:
    """Return the map.

    Raises:
        OSError: This kernel does not show it.
    """
    folder = os.path.join(root, "memmap")
    found: list[tuple[int, int, int]] = []
    for name in os.listdir(folder)[:_MAX_ENTRIES]:
        start = int(_text(os.path.join(folder, name, "start")), 16)
        end = int(_text(os.path.join(folder, name, "end")), 16)
        kind = _TYPES.get(_text(os.path.join(folder, name, "type")), _RESERVED)
        found.append((start, end + 1, kind))
    table = ""
    with suppress(OSError):
        table = _text(os.path.join(root, "efi/systab"))
    pointer = _ROOT.search(table)
    return FirmwareMap(
        entries=tuple(sorted(found)), acpi_root=int(pointer[1], 16) if pointer else 0
    )


def boot_params(path: str = "/sys/kernel/boot_params/data") -> bytes:
    """Return the running kernel's boot parameters, b"" when it does not show them."""
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def _text(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read().strip()
