"""Android boot images, made as mkbootimg lays them out."""

import struct
from collections.abc import Sequence

PAGE = 4096


def boot(
    version: int,
    *,
    kernel: bytes = b"kernel",
    ramdisk: bytes = b"ramdisk",
    second: bytes = b"",
    dtb: bytes = b"",
    cmdline: str = "",
    name: str = "",
) -> bytes:
    """Make a boot.img; version 3 and later have no second, dtb and name."""
    text = cmdline.encode("utf-8", "surrogateescape")
    if version >= 3:
        head = struct.pack(
            "<8sIIII16xI1536sI",
            *(b"ANDROID!", len(kernel), len(ramdisk), 0, 1584, version, text, 0),
        )
        return _pages(PAGE, head, kernel, ramdisk)
    head = struct.pack(
        "<8s10I16s512s32s1024sIQIIQ",
        *(b"ANDROID!", len(kernel), 0, len(ramdisk), 0, len(second), 0, 0, 2048, version, 0),
        *(name.encode(), text[:512], bytes(32), text[512:], 0, 0, 1660, len(dtb), 0),
    )
    return _pages(2048, head, kernel, ramdisk, second, dtb)


def vendor_boot(
    version: int,
    *,
    ramdisks: Sequence[tuple[int, bytes]] = ((1, b"vendor"),),
    dtb: bytes = b"",
    cmdline: str = "",
    bootconfig: str = "",
    page: int = PAGE,
) -> bytes:
    """Make a vendor_boot.img; version 4 has a table of (kind, ramdisk) and a bootconfig."""
    table, whole = bytearray(), bytearray()
    for kind, data in ramdisks:
        table += struct.pack("<III32s64s", len(data), len(whole), kind, b"", b"")
        whole += data
    head = struct.pack(
        "<8s5I2048sI16sIIQ",
        *(b"VNDRBOOT", version, page, 0, 0, len(whole), cmdline.encode(), 0, b"", 2128),
        *(len(dtb), 0),
    )
    if version < 4:
        return _pages(page, head, bytes(whole), dtb)
    head += struct.pack("<4I", len(table), len(ramdisks), 108, len(bootconfig))
    return _pages(page, head, bytes(whole), dtb, bytes(table), bootconfig.encode())


def _pages(page: int, *parts: bytes) -> bytes:
    return b"".join(part + bytes(-len(part) % page) for part in parts)
