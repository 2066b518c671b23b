"""Kernel images made for tests: real headers, no code behind them."""

import gzip
import struct
import subprocess
import zlib

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


def bzimage(
    size: int = 8192,
    *,
    xloadflags: int = 3,
    version: int = 0x20F,
    init_size: int = 0x2000000,
    cmdline: int = 2047,
) -> bytes:
    """Return the setup header of an x86 kernel, protocol 2.15, and something behind it."""
    head = bytearray((bytes(range(256)) * (size // 256 + 1))[:size])
    head[0:2] = b"MZ"
    head[0x1F1] = 4
    struct.pack_into("<HH4sH", head, 0x1FE, 0xAA55, 0x6CEB, b"HdrS", version)
    head[0x211] = 1
    struct.pack_into("<IIBBHI", head, 0x22C, 0x7FFFFFFF, 2 << 20, 1, 21, xloadflags, cmdline)
    struct.pack_into("<QI", head, 0x258, 16 << 20, init_size)
    return bytes(head)


def riscv_image(size: int = 4096, *, image_size: int = 0x180000, flags: int = 0) -> bytes:
    """Return a riscv64 Image with the EFI stub's MZ in front."""
    header = struct.pack("<IIQQQIIQ8s4sI", 0x5A4D, 0x6F, 0x200000, image_size, flags, 2, 0, 0,
                         b"RISCV\0\0\0", b"RSC\x05", 0x40)  # fmt: skip
    return header + (bytes(range(256)) * (size // 256 + 1))[: size - 64]


def zimage(size: int = 4096, *, unpacked: int = 0x900000, bss: int = 0x80000) -> bytes:
    """Return an arm zImage as since 4.15, with the table that says how large it is unpacked."""
    head = bytearray((bytes(range(256)) * (size // 256 + 1))[:size])
    struct.pack_into("<6I", head, 0x24, 0x016F2818, 0, size, 0x04030201, 0x45454545, 0x40)
    struct.pack_into("<6I", head, 0x40, 4, 0x5A534C4B, size - 4, bss, 0, 0)
    struct.pack_into("<I", head, size - 4, unpacked)
    return bytes(head)


def zboot(packed: bytes, method: str, unpacked: int, *, stub: int = 0x11000) -> bytes:
    """Return an EFI zboot image: a stub, the packed kernel, and its unpacked length behind it.

    A stub with zstd in it has more than the first 64 KiB.
    """
    offset = stub
    head = bytearray(offset)
    payload = packed if method == "gzip" else packed + struct.pack("<I", unpacked)
    struct.pack_into("<4s4sII8x32s", head, 0, b"MZ\0\0", b"zimg", offset, len(payload),
                     method.encode())  # fmt: skip
    struct.pack_into("<II", head, 0x38, 0x818223CD, 0x40)
    struct.pack_into("<4sHHIIIHH", head, 0x40, b"PE\0\0", 0xAA64, 0, 0, 0, 0, 0, 0x206)
    return bytes(head) + payload


def uimage(*files: bytes, kind: int = 2, name: str = "Linux-6.1") -> bytes:
    """Return a U-Boot legacy image; several files make a multi-file one."""
    data = files[0]
    if len(files) > 1:
        kind = 4
        table = b"".join(struct.pack(">I", len(file)) for file in files) + bytes(4)
        data = table + b"".join(file + bytes(-len(file) % 4) for file in files)
    head = bytearray(64)
    struct.pack_into(">IIIIIIIBBBB32s", head, 0, 0x27051956, 0, 0, len(data), 0, 0,
                     zlib.crc32(data), 5, 22, kind, 0, name.encode())  # fmt: skip
    struct.pack_into(">I", head, 4, zlib.crc32(head))
    return bytes(head) + data


def android(kernel: bytes, ramdisk: bytes = b"ramdisk") -> bytes:
    """Return an Android boot image with header version 0."""
    page = 2048
    head = struct.pack("<8s10I16s512s32s1024s", b"ANDROID!", len(kernel), 0x10008000, len(ramdisk),
                       0x11000000, 0, 0, 0x10000100, page, 0, 0, b"board", b"console=ttyS0",
                       b"", b"")  # fmt: skip
    parts = (head, kernel, ramdisk)
    return b"".join(part + bytes(-len(part) % page) for part in parts)


def uki(kernel: bytes, machine: int = 0xAA64) -> bytes:
    """Return an EFI program with the sections of a unified kernel image."""
    sections = ((b".osrel", b"ID=debian\n"), (b".cmdline", b"quiet"), (b".linux", kernel))
    head = bytearray(4096)
    head[0:2] = b"MZ"
    struct.pack_into("<I", head, 60, 0x80)
    struct.pack_into("<4sHHIIIHH", head, 0x80, b"PE\0\0", machine, len(sections), 0, 0, 0, 0, 0)
    data = b""
    for index, (title, content) in enumerate(sections):
        padded = content + bytes(-len(content) % 512)
        struct.pack_into("<8sIIIIIIHHI", head, 0x98 + 40 * index, title, len(content), 0,
                         len(padded), len(head) + len(data), 0, 0, 0, 0, 0)  # fmt: skip
        data += padded
    return bytes(head) + data


def elf(machine: int = 21, *, wide: bool = True, big: bool = False, kind: int = 2) -> bytes:
    """Return an ELF kernel with one loadable segment of 2 MiB in memory."""
    mark = ">" if big else "<"
    ident = b"\x7fELF" + bytes((2 if wide else 1, 2 if big else 1, 1)) + bytes(9)
    if wide:
        head = struct.pack(mark + "HHIQQQIHHHHHH", kind, machine, 1, 0x1000, 64, 0, 0, 64, 56, 1,
                           0, 0, 0)  # fmt: skip
        program = struct.pack(mark + "IIQQQQQQ", 1, 5, 4096, 0, 0x1000, 100, 2 << 20, 4096)
    else:
        head = struct.pack(mark + "HHIIIIIHHHHHH", kind, machine, 1, 0x1000, 52, 0, 0, 52, 32, 1,
                           0, 0, 0)  # fmt: skip
        program = struct.pack(mark + "IIIIIIII", 1, 4096, 0, 0x1000, 100, 2 << 20, 5, 4096)
    return (ident + head + program).ljust(8192, b"\0")


def pack(method: str, data: bytes) -> bytes:
    """Pack as the kernel's build does, with the programs that it uses."""
    if method == "gzip":
        return gzip.compress(data, mtime=0)
    command = {
        "zstd": ("zstd", "-q", "-19"),
        "xz": ("xz", "--check=crc32", "--arm64", "--lzma2=dict=32MiB"),
        "lzma": ("xz", "--format=lzma", "-9"),
        "bzip2": ("bzip2", "-9"),
        "lz4": ("lz4", "-q", "-l", "-9"),
        "lz4 frame": ("lz4", "-q", "-9", "-BD", "-B4"),
        "lzo": ("lzop", "-q", "-9"),
    }[method]
    return subprocess.run([*command, "-c"], input=data, capture_output=True, check=True).stdout
