"""Compressions of kernels. To add one: write its module, then list it in `COMPRESSIONS`."""

from collections.abc import Callable, Iterator
from typing import Final

from bootd.errors import ImageError
from bootd.images import bzip2, gzip, lz4, lzo, xz, zstd
from bootd.images.stream import ReadNext
from bootd.record import dataclass

_PEEK_INPUT_BYTES: Final = 4 << 20
"""More than the largest block (bzip2's) of which nothing comes out before its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """A row of the table.

    Attributes:
        name: As `ImageInfo.compression` and people name it.
        matches: Says from the first bytes of a file whether it is packed so.
        unpack: Yields the unpacked bytes (`bootd.images.stream`).
    """

    name: str
    matches: Callable[[bytes], bool]
    unpack: Callable[[ReadNext], Iterator[bytes]]


COMPRESSIONS: Final[tuple[Compression, ...]] = (
    Compression(name=gzip.NAME, matches=gzip.matches, unpack=gzip.unpack),
    Compression(name=zstd.NAME, matches=zstd.matches, unpack=zstd.unpack),
    Compression(name=xz.XZ_NAME, matches=xz.matches_xz, unpack=xz.unpack_xz),
    Compression(name=lz4.NAME, matches=lz4.matches, unpack=lz4.unpack),
    Compression(name=bzip2.NAME, matches=bzip2.matches, unpack=bzip2.unpack),
    Compression(name=lzo.NAME, matches=lzo.matches, unpack=lzo.unpack),
    Compression(name=xz.LZMA_NAME, matches=xz.matches_lzma, unpack=xz.unpack_lzma),
)
"""In the order in which they are tried; lzma last, as its magic number is weak."""

_BY_NAME: Final = {row.name: row for row in COMPRESSIONS}


def detect(head: bytes) -> Compression | None:
    """Return how a file is packed, or None when it is not."""
    return next((row for row in COMPRESSIONS if row.matches(head)), None)


def unpack(name: str, read: ReadNext, limit: int) -> Iterator[bytes]:
    """Yield the unpacked bytes in pieces of at most 1 MiB.

    Args:
        name: Of a row.
        read: The packed file.
        limit: In bytes; what unpacks to more is given up as soon as it shows.

    Raises:
        ImageError: Damaged, cut off, larger than `limit`, or of an unknown kind.
    """
    row = _BY_NAME.get(name)
    if row is None:
        raise ImageError(f"no compression is called {name!r:.20}")
    total = 0
    for piece in row.unpack(read):
        total += len(piece)
        if total > limit:
            raise ImageError(f"unpacks to more than the {limit >> 20} MiB allowed here")
        yield piece


def peek(row: Compression, read: ReadNext, size: int) -> bytes:
    """Return about the first `size` unpacked bytes, less when there are no more.

    Raises:
        ImageError: Damaged before anything came out.
    """
    left = _PEEK_INPUT_BYTES

    def bounded(count: int) -> bytes:
        nonlocal left
        data = read(min(count, left, size))
        left -= len(data)
        return data

    found = b""
    try:
        for piece in row.unpack(bounded):
            found += piece
            if len(found) >= size:
                break
    except ImageError:
        if not found:
            raise
    return found[:size]
