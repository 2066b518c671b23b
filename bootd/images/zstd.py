"""zstd (RFC 8878), unpacked in bounded steps by the `zstandard` package.

Python has zstd from 3.14 on only. Without the package such a kernel is refused with a sentence.
Unsupported: several frames, skippable frames in front, dictionaries.
"""

from collections.abc import Iterator
from typing import IO, Final, cast

from bootd.errors import ImageError
from bootd.images.stream import INPUT_BYTES, PIECE_BYTES, ReadNext, cut_off, damaged, too_hungry

NAME: Final = "zstd"
MAGIC: Final = b"\x28\xb5\x2f\xfd"

_MAX_WINDOW_BYTES: Final = 128 << 20
"""What the kernel's build uses at most (`zstd --ultra -22`)."""

_RAW_BLOCK, _RLE_BLOCK, _RESERVED_BLOCK = 0, 1, 3


def matches(head: bytes) -> bool:
    """Say whether the file starts with a zstd frame."""
    return head.startswith(MAGIC)


def unpack(read: ReadNext) -> Iterator[bytes]:
    """Yield the unpacked bytes; the frame's check sum, if it has one, is verified at the end.

    Raises:
        ImageError: Damaged, cut off, it demands too much memory, or `zstandard` is not installed.
    """
    try:
        import zstandard  # noqa: PLC0415 - a package that not every machine has, for some kernels
    except ImportError:
        raise ImageError(
            "the kernel is zstd-compressed, and unpacking it needs the Python package zstandard "
            "(python3-zstandard of Debian): install it, or use an uncompressed kernel"
        ) from None
    frame = _Frame(read)
    try:
        stream = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).stream_reader(
            cast(IO[bytes], frame),  # all that is asked of it is `read`
            read_size=INPUT_BYTES,
            read_across_frames=False,
        )
        while piece := stream.read(PIECE_BYTES):
            yield piece
    except (zstandard.ZstdError, MemoryError) as error:
        text = str(error)
        if isinstance(error, MemoryError) or "memory" in text:
            raise too_hungry(NAME) from None
        raise damaged(NAME, text) from None
    if not frame.ended:
        raise cut_off(NAME)


class _Frame:
    """Follows the frame's blocks as they are read: the library does not tell a cut-off frame."""

    def __init__(self, read: ReadNext) -> None:
        self._read = read
        self._left = 5  # bytes until the next header is complete
        self._step = self._descriptor
        self._header = b""
        self._skip = 0
        self._checksum = 0
        self.ended = False

    def read(self, size: int) -> bytes:
        """Return the next bytes of the frame, having looked at them."""
        data = b"" if self.ended else self._read(size)
        at = 0
        while at < len(data) and not self.ended:
            if self._skip:
                taken = min(self._skip, len(data) - at)
                self._skip -= taken
                at += taken
                self._finish()
                continue
            part = data[at : at + self._left - len(self._header)]
            at += len(part)
            self._header += part
            if len(self._header) == self._left:
                header, self._header = self._header, b""
                self._step(header)
                self._finish()
        return data[:at]

    def _descriptor(self, header: bytes) -> None:
        flags = header[4]
        single = flags >> 5 & 1
        content = (single, 2, 4, 8)[flags >> 6]
        self._checksum = 4 * (flags >> 2 & 1)
        self._skip = (1 - single) + (0, 1, 2, 4)[flags & 3] + content
        self._step, self._left = self._block, 3

    def _block(self, header: bytes) -> None:
        value = int.from_bytes(header, "little")
        kind, size = value >> 1 & 3, value >> 3
        self._skip = 1 if kind == _RLE_BLOCK else size
        if value & 1:
            self._skip += self._checksum
            self._step, self._left = self._block, 0
        if kind == _RESERVED_BLOCK:
            raise damaged(NAME, "a block of a reserved type")

    def _finish(self) -> None:
        if self._left == 0 and self._skip == 0:
            self.ended = True
