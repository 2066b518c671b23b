"""ELF kernels (vmlinux), and programs for other boot loaders that are ELF files.

Source: elf(5), the System V ABI; the Multiboot specifications 0.6.96 and 2.0 for what is noted.
The running kernel's kexec_file_load(2) takes ELF kernels on ppc64le and riscv64; nothing else does.
"""

import struct
from typing import Final

from bootd.errors import ImageError
from bootd.images.kind import ImageInfo, ImageKind, Source, at

_NAMES: Final = {
    (3, 1): "i686",
    (8, 1): "mips",
    (8, 2): "mips64",
    (20, 1): "ppc",
    (21, 2): "ppc64le",
    (22, 2): "s390x",
    (40, 1): "arm",
    (62, 2): "x86_64",
    (183, 2): "aarch64",
    (243, 1): "riscv32",
    (243, 2): "riscv64",
    (258, 2): "loongarch64",
}
"""By machine and class (1: 32-bit, 2: 64-bit)."""

_INSTEAD: Final = {
    "aarch64": "the arm64 Image",
    "x86_64": "the bzImage",
    "arm": "the zImage",
}
"""Where Linux starts no ELF file: what to use instead."""

_PT_LOAD: Final = 1
_MAX_HEADERS: Final = 64
_MULTIBOOT: Final = ((b"\x02\xb0\xad\x1b", 8 << 10, 4), (b"\xd6\x50\x52\xe8", 32 << 10, 8))
_TITLE: Final = "ELF file"


def _read(source: Source) -> ImageInfo:
    head = source.head
    if len(head) < 64 or head[4] not in {1, 2} or head[5] not in {1, 2}:
        raise ImageError(f"{_TITLE} ends within its header, or has a damaged one")
    wide, big = head[4] == 2, head[5] == 2
    mark = ">" if big else "<"
    kind, machine = struct.unpack_from(mark + "HH", head, 16)
    name = _NAMES.get((machine, head[4]), f"ELF machine {machine}")
    if big and name == "ppc64le":
        name = "ppc64"
    return ImageInfo(
        kind="elf",
        title=_title(kind),
        file_bytes=source.size,
        architecture=name,
        memory_bytes=_memory(head, mark, wide=wide) or source.size,
        big_endian=big,
        notes=_notes(head),
        reason=_reason(kind, name),
    )


def _title(kind: int) -> str:
    return "ELF kernel" if kind in {2, 3} else _TITLE


def _reason(kind: int, name: str) -> str:
    if kind not in {2, 3}:
        return "it is an ELF file, but no program"
    if name in _INSTEAD:
        return (
            f"it is an ELF kernel (vmlinux) for {name}, which cannot be started: "
            f"use {_INSTEAD[name]} of the same build"
        )
    return ""


def _memory(head: bytes, mark: str, *, wide: bool) -> int:
    """Return the span of the loadable segments in bytes, 0 when they are not in the head."""
    if wide:
        (table,) = struct.unpack_from(mark + "Q", head, 32)
        size, count = struct.unpack_from(mark + "HH", head, 54)
    else:
        (table,) = struct.unpack_from(mark + "I", head, 28)
        size, count = struct.unpack_from(mark + "HH", head, 42)
    low, high = 1 << 64, 0
    for index in range(min(count, _MAX_HEADERS)):
        offset = table + index * size
        if size < (56 if wide else 32) or offset + size > len(head):
            return 0
        kind, start, length = _segment(head, mark, offset, wide=wide)
        if kind == _PT_LOAD:
            low, high = min(low, start), max(high, start + length)
    span = high - low
    return span if 0 < span < 1 << 32 else 0


def _segment(head: bytes, mark: str, offset: int, *, wide: bool) -> tuple[int, int, int]:
    """Return type, physical address and memory size of a program header."""
    if wide:
        kind, _, _, _, start, _, length = struct.unpack_from(mark + "IIQQQQQ", head, offset)
    else:
        kind, _, _, start, _, length = struct.unpack_from(mark + "IIIIII", head, offset)
    return int(kind), int(start), int(length)


def _notes(head: bytes) -> tuple[str, ...]:
    for number, (magic, limit, align) in enumerate(_MULTIBOOT, start=1):
        place = head.find(magic, 0, limit)
        while place >= 0 and place % align:
            place = head.find(magic, place + 1, limit)
        if place >= 0:
            return (f"It is made for boot loaders that speak Multiboot {number}; bootd does not.",)
    return ()


KIND: Final = ImageKind(name="elf", title=_TITLE, matches=at(0, b"\x7fELF"), read=_read)
