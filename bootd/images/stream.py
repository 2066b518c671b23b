"""What all decompressors share: a file is read in steps, and unpacked in bounded pieces.

A decompressor is a function `(read) -> iterator of bytes`: `read(size)` returns up to that many
bytes of the packed file and b"" at its end; each piece has at most `PIECE_BYTES`. What follows the
packed data is ignored, as boot loaders do (builds append a device tree, or the unpacked size).
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal, Protocol

from bootd.errors import ImageError

ReadNext = Callable[[int], bytes]
"""Takes a number of bytes, returns at most so many from where the last call ended."""

INPUT_BYTES: Final = 256 << 10
PIECE_BYTES: Final = 1 << 20

MAX_DICTIONARY_BYTES: Final = 256 << 20
"""A file may demand so much memory for unpacking: twice what kernel builds use at most."""


class Decompressor(Protocol):
    """What `bz2` and `lzma` offer."""

    @property
    def eof(self) -> bool:
        """The end of the packed data has been seen and its check sum was right."""
        ...

    @property
    def needs_input(self) -> bool:
        """Nothing more comes out without more input."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take input, return at most `max_length` bytes."""
        ...


def drive(
    stream: Decompressor, read: ReadNext, name: str, errors: tuple[type[Exception], ...]
) -> Iterator[bytes]:
    """Yield what a decompressor makes of a file.

    Args:
        stream: Fresh.
        read: The file.
        name: Of the format, for errors.
        errors: What the decompressor raises.

    Raises:
        ImageError: Damaged, cut off, or it demands too much memory.
    """
    while not stream.eof:
        data = read(INPUT_BYTES) if stream.needs_input else b""
        if stream.needs_input and not data:
            raise cut_off(name)
        try:
            piece = stream.decompress(data, PIECE_BYTES)
        except MemoryError:
            raise too_hungry(name) from None
        except errors as error:
            raise damaged(name, str(error)) from None
        if piece:
            yield piece


class Exact:
    """Reads exact numbers of bytes, for formats that are decoded here."""

    def __init__(self, read: ReadNext, name: str) -> None:
        self._read = read
        self._name = name

    def bytes(self, size: int) -> bytes:
        """Return exactly `size` bytes; raises ImageError when the file ends before."""
        parts: list[bytes] = []
        left = size
        while left:
            part = self._read(left)
            if not part:
                raise cut_off(self._name)
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def number(self, size: int, order: Literal["little", "big"] = "little") -> int:
        """Return an unsigned number of `size` bytes; raises like `bytes`."""
        return int.from_bytes(self.bytes(size), order)


def slices(data: bytes | bytearray | memoryview) -> Iterator[bytes]:
    """Cut a decoded block into pieces."""
    view = memoryview(data)
    for start in range(0, len(view), PIECE_BYTES):
        yield bytes(view[start : start + PIECE_BYTES])


def cut_off(name: str) -> ImageError:
    """Return the error for a file that ends too early."""
    return ImageError(f"the {name} file is cut off")


def damaged(name: str, detail: str) -> ImageError:
    """Return the error for data that makes no sense."""
    return ImageError(f"damaged {name} file ({detail})")


def too_hungry(name: str) -> ImageError:
    """Return the error for a file that cannot be unpacked for want of memory."""
    return ImageError(f"unpacking the {name} file needs more memory than is allowed here")
