"""Android boot images: boot.img and vendor_boot.img, header versions 0 to 4.

Source: Android's system/tools/mkbootimg/include/bootimg/bootimg.h and the Boot Image Header page of
source.android.com. Parts are `kernel`, `ramdisk`, `second`, `recovery_dtbo`, `dtb`, and in
vendor_boot `vendor_ramdisk`, `dtb`, `bootconfig` and each `vendor_ramdisk:N` of the table of
version 4. A `dtb` that holds several trees behind each other has them as `dtb`, `dtb:1` …

Unsupported: trees appended to the kernel, Qualcomm's `dt` section of version 0, DTBO tables,
signatures.
"""

import struct
from collections.abc import Mapping
from typing import Final

from bootd.container.part import MAX_PART_BYTES, Part, Read
from bootd.errors import ImageError
from bootd.record import dataclass

BOOT: Final = b"ANDROID!"
VENDOR: Final = b"VNDRBOOT"

MAX_TREES: Final = 64
"""Device trees behind each other in one section."""

MAX_FRAGMENTS: Final = 16
"""Ramdisks in the table of a vendor_boot image."""

_NEWEST: Final = 4
_HEADER_BYTES: Final = 2128
"""Of the longest header."""

_MAX_PADDING: Final = 4096

_PAGE_BYTES: Final = 4096
"""Of version 3 and later, whose boot.img does not say."""

_FDT_MAGIC: Final = b"\xd0\x0d\xfe\xed"
_FRAGMENT: Final = struct.Struct("<III32s64s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A ramdisk of a vendor_boot image's table.

    Attributes:
        kind: 0 none, 1 platform, 2 recovery, 3 dlkm.
        name: Foreign text.
    """

    kind: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Android:
    """What the header of an image says.

    Attributes:
        vendor: It is a vendor_boot image.
        version: Of the header.
        name: Product name; foreign text.
        cmdline: Byte for byte, `surrogateescape` for what is no UTF-8.
        parts: By name; empty ones left out.
        fragments: Those of `vendor_ramdisk:N`, in order.
    """

    vendor: bool
    version: int
    name: str
    cmdline: str
    parts: Mapping[str, Part]
    fragments: tuple[Fragment, ...] = ()


def matches(head: bytes) -> bool:
    """Say whether a file starts as one of the two kinds of image."""
    return head.startswith((BOOT, VENDOR))


def find(read: Read, part: str) -> Part:
    """Return where a part lies; raises ImageError like `load`, or when there is no such part."""
    found = load(read).parts.get(part)
    if found is None:
        raise ImageError(f"the Android image has no part {part!r:.40}")
    return found


def load(read: Read) -> Android:
    """Read the header.

    Raises:
        ImageError: It is no Android image, of a version that is not known, or contradicts itself.
        OSError: The medium failed.
    """
    head = read(0, _HEADER_BYTES)
    if not matches(head):
        raise ImageError("it is no Android boot image")
    vendor = head.startswith(VENDOR)
    at = 8 if vendor else 40
    version = int.from_bytes(head[at : at + 4], "little")
    if version > _NEWEST or (vendor and version < 3):
        raise ImageError(f"the Android image has a header of version {version}, not known here")
    try:
        if vendor:
            return _vendor(head, version, read)
        return _old(head, version, read) if version < 3 else _new(head, version)
    except struct.error:
        raise ImageError("the Android image ends within its header") from None


def _old(head: bytes, version: int, read: Read) -> Android:
    kernel, _, ramdisk, _, second, _, _, page = struct.unpack_from("<8I", head, 8)
    name, cmdline, _, extra = struct.unpack_from("<16s512s32s1024s", head, 48)
    recovery = struct.unpack_from("<I", head, 1632)[0] if version >= 1 else 0
    tree = struct.unpack_from("<I", head, 1648)[0] if version >= 2 else 0
    sizes = {
        "kernel": kernel,
        "ramdisk": ramdisk,
        "second": second,
        "recovery_dtbo": recovery,
        "dtb": tree,
    }
    return Android(
        vendor=False,
        version=version,
        name=_text(name),
        cmdline=_text(cmdline) + _text(extra),
        parts=_with_trees(_lay_out(sizes, page, 1660), read),
    )


def _new(head: bytes, version: int) -> Android:
    kernel, ramdisk = struct.unpack_from("<2I", head, 8)
    (cmdline,) = struct.unpack_from("<1536s", head, 44)
    sizes = {"kernel": kernel, "ramdisk": ramdisk}
    parts = _lay_out(sizes, _PAGE_BYTES, 1584)
    return Android(vendor=False, version=version, name="", cmdline=_text(cmdline), parts=parts)


def _vendor(head: bytes, version: int, read: Read) -> Android:
    (page,) = struct.unpack_from("<I", head, 12)
    ramdisk, cmdline = struct.unpack_from("<I2048s", head, 24)
    name, _, tree = struct.unpack_from("<16sII", head, 2080)
    table = count = entry = config = 0
    if version >= 4:
        table, count, entry, config = struct.unpack_from("<4I", head, 2112)
    sizes = {"vendor_ramdisk": ramdisk, "dtb": tree, "table": table, "bootconfig": config}
    parts = _with_trees(_lay_out(sizes, page, 2128 if version >= 4 else 2112), read)
    fragments = _fragments(parts, (count, entry), read)
    return Android(
        vendor=True,
        version=version,
        name=_text(name),
        cmdline=_text(cmdline),
        parts=parts,
        fragments=fragments,
    )


def _lay_out(sizes: Mapping[str, int], page: int, header: int) -> dict[str, Part]:
    """Return the sections behind the header, each of which starts on a page."""
    if page < 2048 or page > 1 << 20 or page & (page - 1):
        raise ImageError(f"the Android image claims pages of {page} bytes")
    parts: dict[str, Part] = {}
    at = -(-header // page) * page
    for name, size in sizes.items():
        if size > MAX_PART_BYTES:
            raise ImageError(f"the {name} of the Android image claims {size} bytes")
        if size:
            parts[name] = Part(offset=at, size=size)
        at += -(-size // page) * page
    return parts


def _with_trees(parts: dict[str, Part], read: Read) -> dict[str, Part]:
    """Take apart a section with several device trees behind each other."""
    whole = parts.get("dtb")
    if whole is None:
        return parts
    at, end, number = whole.offset, whole.offset + whole.size, 0
    while at + 8 <= end and number < MAX_TREES:
        head = read(at, 8)
        size = int.from_bytes(head[4:], "big")
        if not head.startswith(_FDT_MAGIC) or size < 40 or at + size > end:
            break
        parts[f"dtb:{number}" if number else "dtb"] = Part(offset=at, size=size)
        number += 1
        at += size
        # Some makers put each tree on a multiple of four or on a page.
        padding = read(at, min(_MAX_PADDING, end - at))
        at += len(padding) - len(padding.lstrip(b"\0")) & ~3
    return parts


def _fragments(parts: dict[str, Part], table: tuple[int, int], read: Read) -> tuple[Fragment, ...]:
    """Read the table of ramdisks and add them to `parts`."""
    whole, where = parts.get("vendor_ramdisk"), parts.pop("table", None)
    count, size = table
    if whole is None or where is None:
        return ()
    if count > MAX_FRAGMENTS or size < _FRAGMENT.size or count * size > where.size:
        raise ImageError(f"the table of {count} ramdisks of the Android image makes no sense")
    found: list[Fragment] = []
    for number in range(count):
        raw = read(where.offset + number * size, _FRAGMENT.size)
        length, start, kind, name, _ = _FRAGMENT.unpack(raw)
        if start + length > whole.size:
            raise ImageError("a ramdisk of the Android image lies outside of its section")
        parts[f"vendor_ramdisk:{number}"] = Part(offset=whole.offset + start, size=length)
        found.append(Fragment(kind=kind, name=_text(name)))
    return tuple(found)


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
