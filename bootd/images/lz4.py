"""LZ4 in its two containers: frames, and the legacy form that kernel builds use.

Source: lz4_Block_format.md, lz4_Frame_format.md. Decoded here, at some 15 MB/s on a PC.
Unsupported: dictionaries; the check sums of frames (xxHash) are not verified.
"""

from collections.abc import Iterator
from typing import Final

from bootd.errors import ImageError
from bootd.images.stream import Exact, ReadNext, damaged, slices

NAME: Final = "lz4"
LEGACY: Final = b"\x02\x21\x4c\x18"
FRAME: Final = b"\x04\x22\x4d\x18"

_LEGACY_BLOCK_BYTES: Final = 8 << 20
_FRAME_BLOCK_BYTES: Final = {4: 64 << 10, 5: 256 << 10, 6: 1 << 20, 7: 4 << 20}
_REACH: Final = 65_535
_MIN_MATCH: Final = 4


def matches(head: bytes) -> bool:
    """Say whether the file starts as either container."""
    return head[:4] in {LEGACY, FRAME}


def unpack(read: ReadNext) -> Iterator[bytes]:
    """Yield the unpacked bytes; raises ImageError when damaged or cut off."""
    source = Exact(read, NAME)
    if source.bytes(4) == LEGACY:
        yield from _legacy(source, read)
    else:
        yield from _frame(source)


def _legacy(source: Exact, read: ReadNext) -> Iterator[bytes]:
    """Blocks follow each other to the end of the file; only the last one unpacks to less."""
    while True:
        head = read(4)
        if len(head) < 4 or head == LEGACY:
            return
        size = int.from_bytes(head, "little")
        if size == 0 or size > _LEGACY_BLOCK_BYTES + _LEGACY_BLOCK_BYTES // 255 + 16:
            return  # what a build appended: the unpacked size, or zeros
        block = block_bytes(source.bytes(size), _LEGACY_BLOCK_BYTES)
        yield from slices(block)
        if len(block) < _LEGACY_BLOCK_BYTES:
            return


def _frame(source: Exact) -> Iterator[bytes]:
    flags, sizes = source.bytes(2)
    block_limit = _FRAME_BLOCK_BYTES.get(sizes >> 4 & 7)
    if flags >> 6 != 1 or flags & 1 or block_limit is None:
        raise damaged(NAME, "an unknown version or a dictionary")
    source.bytes((8 if flags & 8 else 0) + 1)
    linked = not flags & 0x20
    before = b""
    while size := source.number(4):
        data = source.bytes(_checked(size & 0x7FFFFFFF, block_limit))
        block = data if size >> 31 else block_bytes(data, block_limit, before)
        if flags & 0x10:
            source.bytes(4)
        yield from slices(block)
        if linked:
            before = (before + bytes(block))[-_REACH:]
    if flags & 4:
        source.bytes(4)


def _checked(size: int, limit: int) -> int:
    if size > limit:
        raise damaged(NAME, f"a block of {size} bytes")
    return size


def block_bytes(data: bytes, limit: int, before: bytes = b"") -> bytearray:
    """Unpack one block.

    Args:
        data: Its bytes.
        limit: It may unpack to so many.
        before: What was unpacked before it and may be referred to.

    Raises:
        ImageError: Damaged, or it unpacks to more.
    """
    out = bytearray(before)
    base = len(before)
    limit += base
    at, end = 0, len(data)
    try:
        while at < end:
            token = data[at]
            at += 1
            length = token >> 4
            if length == 15:
                length, at = _longer(data, at, length)
            out += data[at : at + length]
            at += length
            if at >= end:
                break
            offset = data[at] | data[at + 1] << 8
            at += 2
            length = token & 15
            if length == 15:
                length, at = _longer(data, at, length)
            _copy(out, offset, length + _MIN_MATCH, limit)
    except IndexError:
        raise _bad() from None
    if at > end or len(out) > limit:
        raise _bad()
    del out[:base]
    return out


def _copy(out: bytearray, offset: int, length: int, limit: int) -> None:
    """Append `length` bytes from `offset` bytes back, which may overlap what is appended."""
    start = len(out) - offset
    if offset == 0 or start < 0 or len(out) + length > limit:
        raise _bad()
    if length <= offset:
        out += out[start : start + length]
    else:
        pattern = out[start:]
        out += (pattern * (length // offset + 1))[:length]


def _longer(data: bytes, at: int, length: int) -> tuple[int, int]:
    while True:
        more = data[at]
        at += 1
        length += more
        if more != 255:
            return length, at


def _bad() -> ImageError:
    return damaged(NAME, "a block that makes no sense")
