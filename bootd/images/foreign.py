"""Kinds that are recognised, so that a person reads what a file is, and described little.

The running kernel's own kexec_file_load(2) can start some of them (bzImage, ELF, riscv Image); the
others have no loader yet. Magic numbers: Documentation/arch/x86/boot.rst (bzImage),
Documentation/arch/riscv/boot-image-header.rst, arch/arm/boot/compressed/head.S (zImage),
drivers/firmware/efi/libstub/zboot-header.S, include/image.h of U-Boot (uImage), elf(5),
bootimg.h of Android, the PE/COFF specification.
"""

from collections.abc import Callable
from typing import Final

from bootd.images.kind import ImageInfo, ImageKind, unsupported

_ELF_MACHINES: Final = {
    3: "i686",
    21: "ppc64le",
    22: "s390x",
    40: "arm",
    62: "x86_64",
    183: "aarch64",
    243: "riscv64",
    258: "loongarch64",
}
_XLF_KERNEL_64: Final = 1


def at(offset: int, magic: bytes) -> Callable[[bytes], bool]:
    """Return a test for `magic` at `offset`."""
    return lambda head: head[offset : offset + len(magic)] == magic


def _is_pe(head: bytes) -> bool:
    start = int.from_bytes(head[60:64], "little")
    return head.startswith(b"MZ") and head[start : start + 4] == b"PE\0\0"


def _is_lzma(head: bytes) -> bool:
    # No magic number: the lc/lp/pb byte that the kernel's build makes, a power of two after it.
    return head[:3] == b"\x5d\0\0" and len(head) >= 13


def _read_bzimage(head: bytes, size: int) -> ImageInfo:
    version = int.from_bytes(head[0x206:0x208], "little")
    flags = int.from_bytes(head[0x236:0x238], "little") if version >= 0x20C else 0
    init_size = int.from_bytes(head[0x260:0x264], "little") if version >= 0x20A else 0
    return ImageInfo(
        kind="bzimage",
        title="x86 bzImage",
        file_bytes=size,
        architecture="x86_64" if flags & _XLF_KERNEL_64 else "i686",
        memory_bytes=max(init_size, size),
    )


def _read_riscv(head: bytes, size: int) -> ImageInfo:
    return ImageInfo(
        kind="riscv",
        title="riscv Image",
        file_bytes=size,
        architecture="riscv64",
        text_offset=int.from_bytes(head[8:16], "little"),
        memory_bytes=max(int.from_bytes(head[16:24], "little"), size),
    )


def _read_elf(head: bytes, size: int) -> ImageInfo:
    big = head[5:6] == b"\2"
    machine = int.from_bytes(head[18:20], "big" if big else "little")
    return ImageInfo(
        kind="elf",
        title="ELF file",
        file_bytes=size,
        architecture=_ELF_MACHINES.get(machine, f"ELF machine {machine}"),
        memory_bytes=size,
        big_endian=big,
    )


BZIMAGE: Final = ImageKind(
    name="bzimage", title="x86 bzImage", matches=at(0x202, b"HdrS"), read=_read_bzimage
)
RISCV: Final = ImageKind(
    name="riscv", title="riscv Image", matches=at(56, b"RSC\x05"), read=_read_riscv
)
ELF: Final = ImageKind(name="elf", title="ELF file", matches=at(0, b"\x7fELF"), read=_read_elf)

UNSUPPORTED: Final = (
    unsupported("zboot", "EFI zboot image", at(4, b"zimg")),
    unsupported("zimage", "arm zImage", at(0x24, b"\x18\x28\x6f\x01")),
    unsupported("uimage", "U-Boot legacy image", at(0, b"\x27\x05\x19\x56")),
    unsupported("fit", "U-Boot FIT image", at(0, b"\xd0\x0d\xfe\xed")),
    unsupported("android", "Android boot image", at(0, b"ANDROID!")),
    unsupported("xz", "xz-compressed file", at(0, b"\xfd7zXZ\0")),
    unsupported("zstd", "zstd-compressed file", at(0, b"\x28\xb5\x2f\xfd")),
    unsupported("bzip2", "bzip2-compressed file", at(0, b"BZh")),
    unsupported("lz4", "lz4-compressed file", at(0, b"\x02\x21\x4c\x18")),
    unsupported("lzo", "lzo-compressed file", at(0, b"\x89LZO\0")),
    unsupported("lzma", "lzma-compressed file", _is_lzma),
    unsupported("pe", "EFI program or unified kernel image", _is_pe),
)
