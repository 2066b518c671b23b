"""The riscv `Image`: a 64-byte header in front of the raw kernel.

Source: Documentation/arch/riscv/boot-image-header.rst and boot.rst. Unsupported: headers before
version 0.2, which lack the second magic number; 32-bit kernels, which the header does not tell from
64-bit ones but by their text offset.
"""

import struct
from typing import Final

from bootd.errors import ImageError
from bootd.images.kind import ImageInfo, ImageKind, Source, at

BASE_ALIGN: Final = 2 << 20
"""The image lies at a multiple of this (4 MiB on 32-bit machines)."""

_HEADER_BYTES: Final = 64
_TITLE: Final = "riscv Image"
_OFFSET_32_BIT: Final = 4 << 20


def _read(source: Source) -> ImageInfo:
    head, size = source.head, source.size
    if len(head) < _HEADER_BYTES:
        raise ImageError(f"{_TITLE} ends within its header ({size} bytes)")
    text_offset, image_size, flags = struct.unpack_from("<QQQ", head, 8)
    if image_size == 0 or image_size > 1 << 32 or text_offset % 4096:
        raise ImageError(
            f"{_TITLE} has a damaged header "
            f"(text offset {text_offset:#x}, memory size {image_size:#x})"
        )
    narrow = text_offset == _OFFSET_32_BIT
    return ImageInfo(
        kind="riscv",
        title=_TITLE,
        file_bytes=size,
        architecture="riscv32" if narrow else "riscv64",
        text_offset=text_offset,
        memory_bytes=max(image_size, size),
        big_endian=bool(flags & 1),
        lowest_only=True,
    )


KIND: Final = ImageKind(name="riscv", title=_TITLE, matches=at(56, b"RSC\x05"), read=_read)
