"""/proc/kcore: the running machine's memory by physical address.

An ELF core file with a segment for every range that the kernel maps; those of RAM carry their
physical address. Source: fs/proc/kcore.c, include/uapi/linux/elf.h. Not supported: 32-bit kernels,
whose files show no high memory.
"""

import os
import struct
from typing import Final

KCORE: Final = "/proc/kcore"

_HEADER: Final = struct.Struct("16s HHI QQQ I HHH HHH")
"""Elf64_Ehdr; e_phoff, e_phentsize and e_phnum are items 5, 9 and 10."""
_SEGMENT: Final = struct.Struct("II QQQQQQ")
"""Elf64_Phdr: p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align."""
_IDENT: Final = b"\x7fELF\x02"
_PT_LOAD: Final = 1


def read_physical(start: int, size: int, path: str = KCORE) -> bytes | None:
    """Return a stretch of memory, or None where the kernel does not show it.

    That is: a kernel without the file, one that is locked down, or a range that is not all in one
    piece of RAM.

    Args:
        start: Physical address.
        size: In bytes.
        path: The file.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        offset = _find(fd, start, size)
        data = None if offset is None else os.pread(fd, size, offset)
        return data if data is not None and len(data) == size else None
    except OSError:  # EPERM of a lockdown; EFAULT of a hole
        return None
    finally:
        os.close(fd)


def _find(fd: int, start: int, size: int) -> int | None:
    """Return where in the file a range of memory is."""
    raw = os.pread(fd, _HEADER.size, 0)
    if len(raw) < _HEADER.size or not raw.startswith(_IDENT):
        return None
    header = _HEADER.unpack(raw)
    table, width, count = header[5], header[9], header[10]
    if width != _SEGMENT.size:
        return None
    segments = os.pread(fd, width * count, table)
    for kind, _, offset, _, first, _, length, _ in _SEGMENT.iter_unpack(
        segments[: len(segments) // width * width]
    ):
        # Ranges that are no RAM have the address 0, or -1.
        if kind == _PT_LOAD and first <= start and start + size <= first + length:
            return int(offset) + start - int(first)
    return None
