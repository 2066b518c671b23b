"""The header of a blob: where its three blocks lie, checked before anything else is believed.

Versions 16 and 17 are read (Devicetree Specification v0.4, 5.2); older ones, which no kernel of
this century writes, are refused. The blocks may come in any order but must not overlap.
"""

import struct
from typing import Final

from bootd.errors import FdtError
from bootd.fdt.tree import MAX_BLOB_BYTES
from bootd.record import dataclass

MAGIC: Final = 0xD00DFEED

VERSION: Final = 17
"""What the writer writes."""

COMPATIBLE_VERSION: Final = 16
"""The oldest version whose readers understand what the writer writes."""

HEADER_BYTES: Final = 40
"""Size of a version 17 header; version 16 lacks the last word."""

_WORDS: Final = struct.Struct(">10I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Offsets and sizes of the blocks, in bytes, offsets from the start of the blob.

    Every block is inside the blob, aligned and free of the others.

    Attributes:
        reserve_end: Where the reservation block must have ended.
    """

    total_size: int
    struct_start: int
    struct_end: int
    strings_start: int
    strings_end: int
    reserve_start: int
    reserve_end: int
    boot_cpu: int


def parse(blob: bytes) -> Header:
    """Read and check a header.

    Bytes after the blob's own size are allowed and ignored, as libfdt does.

    Raises:
        FdtError: The blob cannot be one.
    """
    if len(blob) < HEADER_BYTES:
        raise FdtError(f"a device tree blob has at least {HEADER_BYTES} bytes, not {len(blob)}")
    words = _WORDS.unpack_from(blob)
    magic, total, version, last_compatible = words[0], words[1], words[5], words[6]
    if magic != MAGIC:
        raise FdtError(f"no device tree blob: it starts with {magic:#010x}", offset=0)
    if not COMPATIBLE_VERSION <= version <= VERSION or last_compatible > version:
        raise FdtError(f"format version {version}; bootd reads 16 and 17", offset=20)
    if total > MAX_BLOB_BYTES:
        raise FdtError(f"the header says {total} bytes; the limit is {MAX_BLOB_BYTES}", offset=4)
    if total > len(blob):
        raise FdtError(f"the header says {total} bytes, there are {len(blob)}", offset=4)
    return _lay_out(words, total, HEADER_BYTES if version == VERSION else HEADER_BYTES - 4)


def _lay_out(words: tuple[int, ...], total: int, header_size: int) -> Header:
    struct_start, strings_start, reserve_start = words[2], words[3], words[4]
    starts = sorted((struct_start, strings_start, reserve_start, total))
    if starts[0] < header_size or starts[-1] > total:
        raise FdtError("a block starts outside the blob", offset=8)
    if struct_start % 4 or reserve_start % 8:
        raise FdtError("a block is not aligned", offset=8)

    def limit(start: int) -> int:
        return min((s for s in starts if s > start), default=total)

    # Version 16 has no size of the structure block: the next block ends it.
    struct_size = words[9] if header_size == HEADER_BYTES else limit(struct_start) - struct_start
    strings_size = words[8]
    if struct_size > limit(struct_start) - struct_start:
        raise FdtError("the structure block overlaps another or leaves the blob", offset=36)
    if strings_size and strings_size > limit(strings_start) - strings_start:
        raise FdtError("the strings block overlaps another or leaves the blob", offset=32)
    if struct_start == reserve_start:
        raise FdtError("the structure and reservation blocks start at one place", offset=16)
    return Header(
        total_size=total,
        struct_start=struct_start,
        struct_end=struct_start + struct_size,
        strings_start=strings_start,
        strings_end=strings_start + strings_size,
        reserve_start=reserve_start,
        reserve_end=limit(reserve_start),
        boot_cpu=words[7],
    )
