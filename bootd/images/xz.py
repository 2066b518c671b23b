"""xz and the older lzma ("alone") format, unpacked in bounded steps.

The kernel's build makes xz with a CRC-32 and a branch filter, and lzma without an end marker's
check sum. Unsupported: several streams in one file.
"""

import lzma
from collections.abc import Iterator
from typing import Final

from bootd.images.stream import MAX_DICTIONARY_BYTES, ReadNext, drive

XZ_NAME: Final = "xz"
LZMA_NAME: Final = "lzma"

_SMALLEST_DICTIONARY: Final = 1 << 12


def matches_xz(head: bytes) -> bool:
    """Say whether the file starts as xz."""
    return head.startswith(b"\xfd7zXZ\0")


def matches_lzma(head: bytes) -> bool:
    """Say whether the header can be one of lzma, which has no magic number.

    The properties are those of every build (lc=3, lp=0, pb=2); the dictionary's size is a power of
    two, or that and a half.
    """
    if len(head) < 13 or head[0] != 0x5D:
        return False
    size = int.from_bytes(head[1:5], "little")
    rounded = size & (size - 1)
    unpacked = int.from_bytes(head[5:13], "little")
    return (
        size >= _SMALLEST_DICTIONARY
        and (rounded == 0 or rounded == 2 * (size ^ rounded))
        and (unpacked == (1 << 64) - 1 or unpacked < 1 << 32)
    )


def unpack_xz(read: ReadNext) -> Iterator[bytes]:
    """Yield the unpacked bytes; raises ImageError when damaged, cut off, or too demanding."""
    return _unpack(read, lzma.FORMAT_XZ, XZ_NAME)


def unpack_lzma(read: ReadNext) -> Iterator[bytes]:
    """Yield the unpacked bytes; raises as `unpack_xz`."""
    return _unpack(read, lzma.FORMAT_ALONE, LZMA_NAME)


def _unpack(read: ReadNext, container: int, name: str) -> Iterator[bytes]:
    stream = lzma.LZMADecompressor(container, memlimit=MAX_DICTIONARY_BYTES)
    return drive(stream, read, name, (lzma.LZMAError, EOFError))
