"""LZO1X in lzop's container, as kernel builds use it.

Source: Documentation/staging/lzo.rst (the stream), lib/decompress_unlzo.c (the container).
Decoded here, at some 10 MB/s on a PC. Unsupported: filters; the check sums of blocks are Adler-32
and verified, CRC-32 ones are not.
"""

from collections.abc import Iterator
from typing import Final
from zlib import adler32

from bootd.errors import ImageError
from bootd.images.stream import Exact, ReadNext, damaged, slices

NAME: Final = "lzo"
MAGIC: Final = b"\x89LZO\0\r\n\x1a\n"

_MAX_BLOCK_BYTES: Final = 256 << 10
_ADLER_UNPACKED, _ADLER_PACKED, _EXTRA, _CRC_UNPACKED, _CRC_PACKED, _FILTER = (
    0x1, 0x2, 0x40, 0x100, 0x200, 0x800,
)  # fmt: skip


def matches(head: bytes) -> bool:
    """Say whether the file starts as lzop's."""
    return head.startswith(MAGIC)


def unpack(read: ReadNext) -> Iterator[bytes]:
    """Yield the unpacked bytes; raises ImageError when damaged or cut off."""
    source = Exact(read, NAME)
    source.bytes(len(MAGIC))
    flags = _header(source)
    while size := source.number(4, "big"):
        packed_size = source.number(4, "big")
        if size > _MAX_BLOCK_BYTES or packed_size > size:
            raise damaged(NAME, f"a block of {packed_size} bytes for {size}")
        wanted = source.number(4, "big") if flags & _ADLER_UNPACKED else None
        if flags & _CRC_UNPACKED:
            source.bytes(4)
        if packed_size < size:
            source.bytes(4 * (bool(flags & _ADLER_PACKED) + bool(flags & _CRC_PACKED)))
        data = source.bytes(packed_size)
        block = block_bytes(data, size) if packed_size < size else bytearray(data)
        if len(block) != size or (wanted is not None and adler32(block) != wanted):
            raise damaged(NAME, "a check sum does not match")
        yield from slices(block)


def _header(source: Exact) -> int:
    """Pass over the container's header and return its flags."""
    version = source.number(2, "big")
    source.bytes(2)
    if version >= 0x0940:
        source.bytes(2)
    source.bytes(2 if version >= 0x0940 else 1)  # method and level
    flags = source.number(4, "big")
    if flags & _FILTER:
        raise damaged(NAME, "it uses a filter")
    source.bytes(12 if version >= 0x0940 else 8)  # mode and times
    source.bytes(source.number(1))  # the file's name
    source.bytes(4)
    if flags & _EXTRA:
        source.bytes(min(source.number(4, "big"), 1 << 16) + 4)
    return flags


def block_bytes(data: bytes, limit: int) -> bytearray:
    """Unpack one LZO1X block to at most `limit` bytes; raises ImageError when damaged."""
    out = bytearray()
    try:
        _Block(data, out, limit).run()
    except IndexError:
        raise damaged(NAME, "a block that makes no sense") from None
    return out


class _Block:
    """One block being unpacked; `state` is how many literals the last instruction copied (0..4)."""

    def __init__(self, data: bytes, out: bytearray, limit: int) -> None:
        self._data = data
        self._out = out
        self._limit = limit
        self._at = 0
        self._state = 0

    def run(self) -> None:
        """Follow the instructions up to the end marker."""
        first = self._data[0]
        if first > 17:
            self._at = 1
            self._literals(first - 17)
            self._state = min(first - 17, 4)
        while self._instruction():
            if len(self._out) > self._limit:
                raise _bad()

    def _instruction(self) -> bool:
        code = self._next()
        if code >= 64:
            self._near(code)
        elif code >= 32:
            length = self._length(code & 31, 31) + 2
            self._far(length, 1)
        elif code >= 16:
            base = 0x4000 + ((code & 8) << 11)
            length = self._length(code & 7, 7) + 2
            pair = self._next() | self._next() << 8
            if base + (pair >> 2) == 0x4000:
                return False
            self._match(base + (pair >> 2), length)
            self._trail(pair & 3)
        elif self._state == 0:
            self._literals(self._length(code, 15) + 3)
            self._state = 4
        else:
            distance = (code >> 2) + (self._next() << 2) + 1
            if self._state == 4:
                self._match(distance + 0x800, 3)
            else:
                self._match(distance, 2)
            self._trail(code & 3)
        return True

    def _near(self, code: int) -> None:
        distance = (self._next() << 3) + (code >> 2 & 7) + 1
        self._match(distance, (code >> 5) + 1)
        self._trail(code & 3)

    def _far(self, length: int, base: int) -> None:
        pair = self._next() | self._next() << 8
        self._match(base + (pair >> 2), length)
        self._trail(pair & 3)

    def _length(self, value: int, mask: int) -> int:
        """Return a length: `value`, or when that is 0 `mask` and as many 255s as zeros follow."""
        if value:
            return value
        length = mask
        while (more := self._next()) == 0:
            length += 255
        return length + more

    def _trail(self, count: int) -> None:
        self._state = count
        if count:
            self._literals(count)

    def _literals(self, count: int) -> None:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise _bad()
        self._out += part
        self._at += count

    def _match(self, distance: int, length: int) -> None:
        out = self._out
        start = len(out) - distance
        if start < 0 or len(out) + length > self._limit:
            raise _bad()
        if length <= distance:
            out += out[start : start + length]
        else:
            out += (out[start:] * (length // distance + 1))[:length]

    def _next(self) -> int:
        value = self._data[self._at]
        self._at += 1
        return value


def _bad() -> ImageError:
    return damaged(NAME, "a block that makes no sense")
