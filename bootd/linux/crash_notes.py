"""Where the running kernel will leave its notes when it crashes.

Source: Documentation/ABI/testing/sysfs-devices-system-cpu (crash_notes, crash_notes_size) and
Documentation/ABI/testing/sysfs-kernel-vmcoreinfo.
"""

import os
from typing import Final

from bootd.errors import LoadError
from bootd.model.memory import Range

_CPUS: Final = "sys/devices/system/cpu"
_INFO: Final = "sys/kernel/vmcoreinfo"


def read(root: str = "/") -> tuple[Range, ...]:
    """Return the places of the processors' notes in order, then that of VMCOREINFO.

    Raises:
        LoadError: The running kernel leaves none.
        OSError: They may not be read.
    """
    folder = os.path.join(root, _CPUS)
    names = [name for name in os.listdir(folder) if name.startswith("cpu") and name[3:].isdecimal()]
    names.sort(key=lambda name: int(name[3:]))
    notes = [_processor(os.path.join(folder, name)) for name in names]
    try:
        start, length = _text(os.path.join(root, _INFO)).split()
    except (FileNotFoundError, ValueError):
        raise LoadError(
            "the running kernel leaves nothing for a crash kernel to read "
            "(it is built without CONFIG_CRASH_DUMP)"
        ) from None
    info = Range(int(start, 16), int(start, 16) + int(length, 16))
    return (*(note for note in notes if note is not None), info)


def _processor(folder: str) -> Range | None:
    try:
        start = int(_text(os.path.join(folder, "crash_notes")), 16)
        return Range(start, start + int(_text(os.path.join(folder, "crash_notes_size"))))
    except FileNotFoundError:
        return None


def _text(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read(64).strip()
