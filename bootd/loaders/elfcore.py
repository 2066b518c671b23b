"""The ELF core header: tells a crash kernel where the crashed one's memory and notes are. Pure.

Source: Documentation/admin-guide/kdump/kdump.rst; kernel/crash_core.c,
crash_prepare_elf64_headers; fs/proc/vmcore.c reads it. Unsupported: virtual addresses of memory,
which are 0 here; tools take them from VMCOREINFO.
"""

import struct
from collections.abc import Sequence
from typing import Final

from bootd.model.memory import Range

_EHDR: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR: Final = struct.Struct("<IIQQQQQQ")
_IDENT: Final = b"\x7fELF\x02\x01\x01"
_ET_CORE: Final = 4
_PT_LOAD, _PT_NOTE = 1, 4
_RWX: Final = 7

MACHINES: Final = {"aarch64": 183, "riscv64": 243, "x86_64": 62}
"""e_machine, by what images call their architecture."""


def build(machine: str, notes: Sequence[Range], memory: Sequence[Range]) -> bytes:
    """Return the header.

    Args:
        machine: A key of `MACHINES`.
        notes: Physical places of the processors' notes and of VMCOREINFO, in this order.
        memory: The crashed kernel's memory, without what the crash kernel itself uses.
    """
    head = _EHDR.pack(
        *(_IDENT.ljust(16, b"\0"), _ET_CORE, MACHINES[machine], 1, 0, _EHDR.size, 0, 0),
        *(_EHDR.size, _PHDR.size, len(notes) + len(memory), 0, 0, 0),
    )
    parts = [head, *(_program(_PT_NOTE, 0, one) for one in notes)]
    parts += [_program(_PT_LOAD, _RWX, one) for one in memory]
    return b"".join(parts)


def _program(kind: int, flags: int, where: Range) -> bytes:
    # The offset of a core file that nobody has written is the physical address.
    return _PHDR.pack(kind, flags, where.start, 0, where.start, where.size, where.size, 0)
