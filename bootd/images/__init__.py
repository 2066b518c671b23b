"""Kernel images, told apart by content. To add a kind: write its row, then list it in `IMAGES`."""

from typing import Final

from bootd.errors import ImageError
from bootd.images import arm64, foreign, gzip
from bootd.images.kind import ImageInfo, ImageKind, compressed, require

__all__ = ["HEAD_BYTES", "IMAGES", "ImageInfo", "ImageKind", "identify", "require"]

HEAD_BYTES: Final = 64 << 10
"""So many first bytes of a file are enough to identify it, and what is in it when compressed."""

IMAGES: Final[tuple[ImageKind, ...]] = (
    arm64.KIND,  # before PE: with an EFI stub it is a PE file as well
    foreign.RISCV,  # ditto
    foreign.BZIMAGE,  # ditto
    foreign.ELF,
    *foreign.UNSUPPORTED,
)
"""In the order in which they are tried."""


def identify(head: bytes, file_bytes: int) -> ImageInfo:
    """Say what a file is.

    Args:
        head: Its first bytes: `HEAD_BYTES`, or all of a shorter file.
        file_bytes: Its length.

    Raises:
        ImageError: It is no kind of kernel that bootd knows, or its header is damaged.
    """
    if not gzip.matches(head):
        return _identify_plain(head, file_bytes)
    try:
        return compressed(_identify_plain(gzip.peek(head, HEAD_BYTES), 0), gzip.NAME, file_bytes)
    except ImageError as error:
        raise ImageError(f"in the gzip file: {error}") from None


def _identify_plain(head: bytes, file_bytes: int) -> ImageInfo:
    for kind in IMAGES:
        if kind.matches(head):
            return kind.read(head, file_bytes)
    if not head:
        raise ImageError("the file is empty")
    raise ImageError(f"no kernel that bootd knows (it starts with {head[:8].hex(' ')})")
