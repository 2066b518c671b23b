"""gzip (RFC 1952) around a kernel: looked into, and unpacked in bounded steps.

Unsupported: several members in one file; what follows the first one is ignored, as U-Boot and
GRUB do (some builds append a device tree there).
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from bootd.errors import ImageError

NAME: Final = "gzip"
MAGIC: Final = b"\x1f\x8b\x08"

_INPUT_BYTES: Final = 256 << 10
_OUTPUT_BYTES: Final = 1 << 20
_GZIP_FRAME: Final = 31
"""zlib's window bits for 32 KiB and a gzip header and trailer."""


def matches(head: bytes) -> bool:
    """Say whether the file starts as gzip with the one method there is."""
    return head.startswith(MAGIC)


def peek(head: bytes, limit: int) -> bytes:
    """Return at most `limit` bytes of what the start of a gzip file unpacks to.

    Raises:
        ImageError: It is no valid gzip stream.
    """
    try:
        return zlib.decompressobj(_GZIP_FRAME).decompress(head, limit)
    except zlib.error as error:
        raise ImageError(f"damaged gzip file ({error})") from None


def unpack(read: Callable[[int], bytes], limit: int) -> Iterator[bytes]:
    """Yield the unpacked bytes in pieces of at most 1 MiB; the check sum is verified at the end.

    Args:
        read: Returns up to that many bytes of the file, b"" at its end.
        limit: In bytes; what unpacks to more is given up as soon as it shows.

    Raises:
        ImageError: Damaged, cut off, or larger than `limit`.
    """
    stream = zlib.decompressobj(_GZIP_FRAME)
    total = 0
    data = b""
    while not stream.eof:
        data = stream.unconsumed_tail or read(_INPUT_BYTES)
        try:
            piece = stream.decompress(data, _OUTPUT_BYTES)
        except zlib.error as error:
            raise ImageError(f"damaged gzip file ({error})") from None
        if not data and not piece and not stream.eof:
            raise ImageError("the gzip file is cut off")
        total += len(piece)
        if total > limit:
            raise ImageError(f"unpacks to more than the {limit >> 20} MiB allowed here")
        if piece:
            yield piece
