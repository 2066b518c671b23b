"""bzip2, unpacked in bounded steps. Unsupported: several streams in one file."""

import bz2
from collections.abc import Iterator
from typing import Final

from bootd.images.stream import ReadNext, drive

NAME: Final = "bzip2"


def matches(head: bytes) -> bool:
    """Say whether the file starts as bzip2 and with a block."""
    return head.startswith(b"BZh") and head[4:10] == b"1AY&SY"


def unpack(read: ReadNext) -> Iterator[bytes]:
    """Yield the unpacked bytes; raises ImageError when damaged or cut off."""
    return drive(bz2.BZ2Decompressor(), read, NAME, (OSError, ValueError))
