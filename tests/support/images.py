"""Kernel images made for tests: real headers, no code behind them."""

import gzip
import struct

ARM64_FLAGS_4K = 0b1010
"""4 KiB pages, may lie anywhere in memory: what Debian's kernels say."""


def arm64_image(
    size: int = 4096,
    *,
    text_offset: int = 0,
    image_size: int = 0x180000,
    flags: int = ARM64_FLAGS_4K,
) -> bytes:
    """Return an arm64 Image of `size` bytes, with the EFI stub's MZ in front."""
    header = struct.pack("<IIQQQQQQ4sI", 0xFA405A4D, 0x14000000, text_offset, image_size, flags,
                         0, 0, 0, b"ARM\x64", 0x40)  # fmt: skip
    return header + (bytes(range(256)) * (size // 256 + 1))[: size - 64]


def gzip_image(image: bytes) -> bytes:
    """Return an image as `Image.gz` of the kernel's build."""
    return gzip.compress(image, mtime=0)


def bzimage(*, xloadflags: int = 1) -> bytes:
    """Return the setup header of an x86 kernel, protocol 2.15."""
    head = bytearray(4096)
    head[0:2] = b"MZ"
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, 0x20F)
    struct.pack_into("<H", head, 0x236, xloadflags)
    struct.pack_into("<I", head, 0x260, 0x2000000)
    return bytes(head)
