"""The arm64 `Image`: a 64-byte header in front of the raw kernel.

Source: Documentation/arch/arm64/booting.rst, section 4 "Call the kernel image".
Unsupported: headers of kernels before 3.17, which do not say how much memory the kernel needs.
"""

import struct
from typing import Final

from bootd.container import pe
from bootd.errors import ImageError
from bootd.images.kind import ImageInfo, ImageKind, Source

MAGIC: Final = b"ARM\x64"
HEADER_BYTES: Final = 64
BASE_ALIGN: Final = 2 << 20
"""The image lies `text_offset` bytes above a multiple of this."""

_PAGE_BYTES: Final = {0: 0, 1: 4 << 10, 2: 16 << 10, 3: 64 << 10}
_TITLE: Final = "arm64 Image"


def matches(head: bytes) -> bool:
    """Say whether the magic number is where an arm64 Image has it."""
    return head[56:60] == MAGIC


def read(source: Source) -> ImageInfo:
    """Describe an Image from its header.

    Raises:
        ImageError: The header is cut off or makes no sense.
    """
    head, size = source.head, source.size
    if len(head) < HEADER_BYTES:
        raise ImageError(f"{_TITLE} ends within its header ({size} bytes)")
    text_offset, image_size, flags = struct.unpack_from("<QQQ", head, 8)
    if image_size == 0:
        raise ImageError(f"{_TITLE} is of a kernel before 3.17, whose header has no memory size")
    if text_offset >= BASE_ALIGN or text_offset % 4096 or image_size > 1 << 32:
        raise ImageError(
            f"{_TITLE} has a damaged header "
            f"(text offset {text_offset:#x}, memory size {image_size:#x})"
        )
    return ImageInfo(
        kind="arm64",
        title=_TITLE,
        file_bytes=size,
        architecture="aarch64",
        text_offset=text_offset,
        memory_bytes=max(image_size, size),
        page_bytes=_PAGE_BYTES[flags >> 1 & 3],
        big_endian=bool(flags & 1),
        lowest_only=not flags & 8,
        signed=pe.is_signed(head),
    )


KIND: Final = ImageKind(name="arm64", title=_TITLE, matches=matches, read=read)
