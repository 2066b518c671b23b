"""U-Boot's legacy image (uImage, uInitrd, boot.scr): a 64-byte header in front of the data.

Source: include/image.h of U-Boot, `struct legacy_img_hdr`. A kernel, an initrd or a device tree
has its data as part `0`; in a multi-file image and in a script, parts `0`, `1` … are the files of
the length table that precedes them.

Unsupported: the compression that the header names is left as it is (`comp`), as the kernel and the
loaders tell it by content.
"""

import struct
from typing import Final
from zlib import crc32

from bootd.container.part import MAX_PART_BYTES, Digest, Part, Read
from bootd.errors import ImageError
from bootd.record import dataclass

MAGIC: Final = b"\x27\x05\x19\x56"
HEADER_BYTES: Final = 64
MAX_FILES: Final = 16
"""Of a multi-file image; U-Boot's own tools make three."""

KERNEL: Final = 2
RAMDISK: Final = 3
MULTI: Final = 4
SCRIPT: Final = 6
FLAT_DT: Final = 8
_TABLED: Final = frozenset({MULTI, SCRIPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a legacy image says about itself.

    Attributes:
        kind: `ih_type`, such as `SCRIPT`.
        architecture: `ih_arch`.
        compression: `ih_comp`; 0 is none.
        size: Bytes of data behind the header.
        data_crc: CRC-32 of these.
        name: As the maker called it; foreign text.
    """

    kind: int
    architecture: int
    compression: int
    size: int
    data_crc: int
    name: str


def matches(head: bytes) -> bool:
    """Say whether a file starts as a legacy image."""
    return head.startswith(MAGIC)


def parse_header(head: bytes) -> Header:
    """Read and check the header.

    Raises:
        ImageError: It is cut off or its check sum does not match.
    """
    if len(head) < HEADER_BYTES:
        raise ImageError("the U-Boot image ends within its header")
    stored, size, data_crc = struct.unpack_from(">I4xI8xI", head, 4)
    bare = head[:4] + bytes(4) + head[8:HEADER_BYTES]
    if crc32(bare) != stored:
        raise ImageError("the header of the U-Boot image is damaged: its check sum does not match")
    _system, architecture, kind, compression = head[28:32]
    return Header(
        kind=kind,
        architecture=architecture,
        compression=compression,
        size=size,
        data_crc=data_crc,
        name=head[32:64].partition(b"\0")[0].decode("utf-8", "replace"),
    )


def find(read: Read, part: str) -> Part:
    """Return where a part lies.

    The check sum is of all the data, so it is given only for an image with one file; in the others
    a damaged file is noticed by whoever reads its content.

    Raises:
        ImageError: It has no such part, or is damaged.
    """
    header = parse_header(read(0, HEADER_BYTES))
    parts = files(header, read)
    if not part.isdecimal() or len(part) > 2 or int(part) >= len(parts):
        raise ImageError(f"the U-Boot image has no file number {part!r:.20}")
    return parts[int(part)]


def files(header: Header, read: Read) -> tuple[Part, ...]:
    """Return the parts of an image, in order.

    Raises:
        ImageError: The table of lengths contradicts the size of the data.
    """
    if header.size > MAX_PART_BYTES:
        raise ImageError(f"the U-Boot image claims {header.size} bytes of data")
    if header.kind not in _TABLED:
        digest = Digest(algorithm="crc32", value=header.data_crc.to_bytes(4, "big"))
        return (Part(offset=HEADER_BYTES, size=header.size, digests=(digest,)),)
    table = read(HEADER_BYTES, min(header.size, 4 * (MAX_FILES + 1)))
    lengths = [length for (length,) in struct.iter_unpack(">I", table[: len(table) & ~3])]
    if 0 not in lengths:
        raise ImageError("the table of lengths of the U-Boot image does not end")
    lengths = lengths[: lengths.index(0)]
    at = HEADER_BYTES + 4 * (len(lengths) + 1)
    parts: list[Part] = []
    for length in lengths:
        parts.append(Part(offset=at, size=length))
        # U-Boot aligns the file that follows, not the last one (image_multi_getimg).
        at += length + 3 & ~3
    if parts and parts[-1].offset + parts[-1].size > HEADER_BYTES + header.size:
        raise ImageError("the files of the U-Boot image are longer than its data")
    return tuple(parts)


def check_data(header: Header, whole: bytes) -> None:
    """Compare the check sum of all the data of an image that was read as a whole.

    Raises:
        ImageError: It is cut off or damaged.
    """
    data = whole[HEADER_BYTES : HEADER_BYTES + header.size]
    if len(data) < header.size:
        raise ImageError(f"the U-Boot image is cut off ({header.size - len(data)} bytes missing)")
    if crc32(data) != header.data_crc:
        raise ImageError("the data of the U-Boot image is damaged: its check sum does not match")
