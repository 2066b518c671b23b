"""gzip (RFC 1952), unpacked in bounded steps.

Unsupported: several members in one file; what follows the first one is ignored, as U-Boot and
GRUB do (some builds append a device tree there).
"""

import zlib
from collections.abc import Iterator
from typing import Final

from bootd.images.stream import INPUT_BYTES, PIECE_BYTES, ReadNext, cut_off, damaged

NAME: Final = "gzip"
MAGIC: Final = b"\x1f\x8b\x08"

_GZIP_FRAME: Final = 31
"""zlib's window bits for 32 KiB and a gzip header and trailer."""


def matches(head: bytes) -> bool:
    """Say whether the file starts as gzip with the one method there is."""
    return head.startswith(MAGIC)


def unpack(read: ReadNext) -> Iterator[bytes]:
    """Yield the unpacked bytes; the check sum is verified at the end.

    Raises:
        ImageError: Damaged or cut off.
    """
    stream = zlib.decompressobj(_GZIP_FRAME)
    while not stream.eof:
        data = stream.unconsumed_tail or read(INPUT_BYTES)
        try:
            piece = stream.decompress(data, PIECE_BYTES)
        except zlib.error as error:
            raise damaged(NAME, str(error)) from None
        if not data and not piece and not stream.eof:
            raise cut_off(NAME)
        if piece:
            yield piece
