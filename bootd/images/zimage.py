"""The 32-bit arm zImage: a kernel that unpacks itself.

Source: arch/arm/boot/compressed/head.S and vmlinux.lds.S, Documentation/arch/arm/booting.rst.
Unsupported: kernels that a loader has to patch for the machine number (no device tree).
"""

import struct
from typing import Final, Literal

from bootd.errors import ImageError
from bootd.images.kind import ImageInfo, ImageKind, Source, at

TEXT_OFFSET: Final = 0x8000
"""A kernel for one board unpacks itself to this distance above the start of memory."""

_MAGIC: Final = (b"\x18\x28\x6f\x01", b"\x01\x6f\x28\x18")
_TITLE: Final = "arm zImage"
_EXTENSION: Final = 0x45454545
_SIZE_TAG: Final = 0x5A534C4B
_GUESSED_RATIO: Final = 5
"""Kernels before 4.15 do not say how long they are unpacked; none gets to be this much longer."""

_SLACK_BYTES: Final = 4 << 20
"""A kernel for many boards unpacks itself to as much as 3 MiB above that place (`textofs-y` of
arch/arm/Makefile); the rest is for stack, heap and the code that moves the image."""

_FDT_MAGIC: Final = b"\xd0\x0d\xfe\xed"
_MAX_TREE_BYTES: Final = 2 << 20


def _read(source: Source) -> ImageInfo:
    order: Literal["little", "big"] = "little" if source.head[0x24] == 0x18 else "big"
    mark = "<" if order == "little" else ">"
    if len(source.head) < 0x40:
        raise ImageError(f"{_TITLE} ends within its header ({source.size} bytes)")
    start, end, endian = struct.unpack_from(mark + "III", source.head, 0x28)
    length = end - start
    if length <= 0x40 or (source.size and length > source.size):
        raise ImageError(f"{_TITLE} is cut off, or has a damaged header ({length} bytes)")
    unpacked, bss = _sizes(source, mark)
    return ImageInfo(
        kind="zimage",
        title=_TITLE,
        file_bytes=source.size,
        architecture="arm",
        payload_bytes=length if _appended(source, length) else 0,
        # Unpacked kernel and BSS, then the image itself, which moves out of the way.
        memory_bytes=(unpacked or length * _GUESSED_RATIO) + bss + length + _SLACK_BYTES,
        big_endian=order == "big" or endian == 0x01020304,
        notes=_notes(source, length),
    )


def _sizes(source: Source, mark: str) -> tuple[int, int]:
    """Return length unpacked and of the BSS, or zeros when the image does not say."""
    extension, table = struct.unpack_from(mark + "II", source.head, 0x34)
    if extension != _EXTENSION:
        return 0, 0
    data = source.read(table, 256)
    at_byte = 0
    while at_byte + 8 <= len(data):
        words, tag = struct.unpack_from(mark + "II", data, at_byte)
        if words < 2:
            break
        if tag == _SIZE_TAG and at_byte + 16 <= len(data):
            where, bss = struct.unpack_from(mark + "II", data, at_byte + 8)
            # The unpacked size is what gzip leaves at its end: always little-endian.
            size = int.from_bytes(source.read(where, 4), "little")
            return (size, bss) if max(size, bss) < 1 << 29 else (0, 0)
        at_byte += 4 * words
    return 0, 0


def _appended(source: Source, length: int) -> int:
    """Return how long the tree behind the image is, or 0."""
    head = source.read(length, 8)
    size = int.from_bytes(head[4:8], "big")
    fits = 0 < size <= _MAX_TREE_BYTES and (not source.size or length + size <= source.size)
    return size if head[:4] == _FDT_MAGIC and fits else 0


def _notes(source: Source, length: int) -> tuple[str, ...]:
    size = _appended(source, length)
    if not size:
        return ()
    return (f"A device tree of {size} bytes is appended; it is left out, another is handed over.",)


KIND: Final = ImageKind(name="zimage", title=_TITLE, matches=at(0x24, *_MAGIC), read=_read)
