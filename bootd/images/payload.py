"""The bare kernel out of the file that it came in, as pieces of bounded size."""

from collections.abc import Iterator

from bootd.container import Part, chunks, find
from bootd.container.part import Read
from bootd.errors import ImageError
from bootd.images.compression import unpack
from bootd.images.kind import ImageInfo


def is_bare(info: ImageInfo) -> bool:
    """Say whether the file is the kernel itself and can be used as it is."""
    return not (info.compression or info.part or info.payload_offset or info.payload_bytes)


def bare(info: ImageInfo, read: Read, limit: int) -> Iterator[bytes]:
    """Yield the kernel's bytes; the container's check sums are verified at the end.

    Args:
        info: As `inspect` described the file.
        read: The file.
        limit: It may have so many bytes.

    Raises:
        ImageError: Damaged, cut off, or too large. What was yielded by then must not be used.
        OSError: The medium failed.
    """
    pieces = chunks(read, _place(info, read))
    if info.compression:
        source = _Pieces(pieces)
        yield from unpack(info.compression, source.read, limit)
        source.finish()
        return
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise ImageError(f"is larger than the {limit >> 20} MiB allowed here")
        yield piece


def _place(info: ImageInfo, read: Read) -> Part:
    if info.part:
        return find(read, info.part)
    size = info.payload_bytes or info.file_bytes - info.payload_offset
    return Part(offset=info.payload_offset, size=size)


class _Pieces:
    """Pieces as a file that is read from start to end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, b"" at the end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def finish(self) -> None:
        """Read what the packer ignored, so that the check sum of the whole is compared."""
        for _ in self._pieces:
            pass
