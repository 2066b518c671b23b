"""PE files (.efi): the sections of unified kernel images.

Source: PE/COFF specification, sections "File Headers" and "Section Table"; UAPI.5 Unified Kernel
Image. Parts are named like their section, `.linux`; where several sections have one name, the
second is `.dtbauto:1`, the third `.dtbauto:2`.

Unsupported: long section names (COFF string table), signatures are not verified.
"""

import struct
from typing import Final

from bootd.container.part import MAX_PART_BYTES, Part, Read
from bootd.errors import ImageError
from bootd.record import dataclass

MAX_SECTIONS: Final = 512
"""A unified kernel image for sixty boards has about as many as boards."""

_HEADER: Final = struct.Struct("<4sHHIIIHH")
_DOS_BYTES: Final = 64
_MAGIC_64: Final = 0x20B
_DIRECTORIES_32, _DIRECTORIES_64 = 96, 112
_CERTIFICATES: Final = 4
_SECTION: Final = struct.Struct("<8sIIIIIIHHI")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a PE file.

    Attributes:
        name: With its dot.
        offset: In the file, in bytes.
        size: Bytes that are in the file, padding left out.
    """

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pe:
    """What the headers of a PE file say.

    Attributes:
        machine: COFF machine number.
        sections: In the order of the table.
    """

    machine: int
    sections: tuple[Section, ...]


def matches(head: bytes) -> bool:
    """Say whether a file may be a PE file: it starts as one; whether it is one needs `load`."""
    return head.startswith(b"MZ")


def load(read: Read) -> Pe:
    """Read the headers.

    Raises:
        ImageError: It is no PE file, cut off, or has more sections than a limit.
        OSError: The medium failed.
    """
    head = read(0, _DOS_BYTES)
    if len(head) < _DOS_BYTES or not matches(head):
        raise ImageError("it is no EFI program")
    start = int.from_bytes(head[60:64], "little")
    raw = read(start, _HEADER.size)
    if len(raw) < _HEADER.size or not raw.startswith(b"PE\0\0"):
        raise ImageError("it is no EFI program: the PE header is not where it should be")
    _, machine, count, _, _, _, optional, _ = _HEADER.unpack(raw)
    if count > MAX_SECTIONS:
        raise ImageError(f"the EFI program has {count} sections, more than {MAX_SECTIONS}")
    table = read(start + _HEADER.size + optional, count * _SECTION.size)
    if len(table) < count * _SECTION.size:
        raise ImageError("the EFI program ends within its table of sections")
    return Pe(machine=machine, sections=tuple(map(_section, _SECTION.iter_unpack(table))))


def is_signed(head: bytes) -> bool:
    """Say whether a PE file, of which this is the start, has a table of signatures.

    Source: PE specification, section "Optional Header Data Directories", entry 4.
    """
    if len(head) < _DOS_BYTES or not matches(head):
        return False
    optional = int.from_bytes(head[60:64], "little") + _HEADER.size
    if not head[optional - _HEADER.size :].startswith(b"PE\0\0"):
        return False
    magic = int.from_bytes(head[optional : optional + 2], "little")
    directories = optional + (_DIRECTORIES_64 if magic == _MAGIC_64 else _DIRECTORIES_32)
    count = int.from_bytes(head[directories - 4 : directories], "little")
    entry = head[directories + 8 * _CERTIFICATES :][:8]
    return count > _CERTIFICATES and len(entry) == 8 and any(entry[4:])


def find(read: Read, part: str) -> Part:
    """Return where a section lies.

    Raises:
        ImageError: There is none of that name, or it is too large.
    """
    name, _, number = part.partition(":")
    named = [each for each in load(read).sections if each.name == name]
    numbered = {str(n) if n else "": each for n, each in enumerate(named)}
    found = numbered.get(number)
    if found is None:
        raise ImageError(f"the EFI program has no section {part!r:.40}")
    if found.size > MAX_PART_BYTES:
        raise ImageError(f"the section {part!r:.40} claims {found.size} bytes")
    return Part(offset=found.offset, size=found.size)


def _section(fields: tuple[bytes, int, int, int, int, int, int, int, int, int]) -> Section:
    name, virtual, _, raw, pointer, *_ = fields
    # The size in the file is rounded up to the alignment; a size in memory of 0 is an old tool's.
    size = min(virtual, raw) if virtual else raw
    return Section(name=name.rstrip(b"\0").decode("latin-1"), offset=pointer, size=size)
