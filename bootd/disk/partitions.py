"""Partition tables: where the partitions of a disk image are, and what they are called.

Source: UEFI Specification 2.10, chapter 5 (GPT); for MBR the layout that Linux reads
(block/partitions/msdos.c), with logical partitions. PARTUUIDs are written as the kernel and blkid
write them. Sectors of 512 and 4,096 bytes.
Not supported: BSD, Mac, Sun and Amiga tables; nested GPTs.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from bootd.disk.volume import ByteSource
from bootd.model.text import clean
from bootd.record import dataclass

MAX_PARTITIONS: Final = 256
"""As many as Linux gives minor numbers to (include/linux/genhd.h, DISK_MAX_PARTS)."""

_HEADER: Final = struct.Struct("<8s4xII4xQQQQ16sQIII")
_ENTRY: Final = struct.Struct("<16s16sQQQ72s")
_MBR_ENTRY: Final = struct.Struct("<B3xB3xII")
_MAX_TABLE_BYTES: Final = 1 << 20
_SECTORS: Final = (512, 4096)
_EXTENDED: Final = frozenset({0x05, 0x0F, 0x85})
_PROTECTIVE: Final = 0xEE


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition.

    Attributes:
        number: 1-based, as the kernel counts.
        start: First byte on the disk.
        size: In bytes.
        kind: Type: a GUID in small letters, or `0x83` and its like.
    """

    number: int
    start: int
    size: int
    kind: str
    partuuid: str = ""
    partlabel: str = ""


def read(disk: ByteSource, size: int) -> tuple[Partition, ...]:
    """Return the partitions of a disk; empty when it has no table that can be trusted.

    Args:
        disk: The whole disk.
        size: In bytes. Partitions that reach beyond it are left out.
    """
    found: Iterator[Partition] = iter(())
    for sector in _SECTORS:
        for header_at in (sector, size - sector):
            if (entries := _gpt_entries(disk, sector, header_at)) is not None:
                return _inside(_gpt(entries, sector), size)
    if (boot := disk.read_at(0, 512))[510:] == b"\x55\xaa":
        found = _mbr(disk, boot)
    return _inside(found, size)


def _inside(partitions: Iterator[Partition], size: int) -> tuple[Partition, ...]:
    good = (p for p in partitions if p.size > 0 and p.start > 0 and p.start + p.size <= size)
    return tuple(p for p, _ in zip(good, range(MAX_PARTITIONS), strict=False))


def _gpt_entries(disk: ByteSource, sector: int, header_at: int) -> tuple[bytes, int] | None:
    """Return the table and the size of one entry, when header and table pass their checksums."""
    raw = disk.read_at(header_at, 512) if header_at > 0 else b""
    if len(raw) < _HEADER.size or raw[:8] != b"EFI PART":
        return None
    _, header_size, checksum, *_, lba, count, entry_size, table_sum = _HEADER.unpack_from(raw)
    if not _HEADER.size <= header_size <= 512:
        return None
    if zlib.crc32(raw[:16] + bytes(4) + raw[20:header_size]) != checksum:
        return None
    if entry_size < _ENTRY.size or count * entry_size > _MAX_TABLE_BYTES:
        return None
    table = disk.read_at(lba * sector, count * entry_size)
    return (table, entry_size) if zlib.crc32(table) == table_sum else None


def _gpt(entries: tuple[bytes, int], sector: int) -> Iterator[Partition]:
    table, entry_size = entries
    for index, offset in enumerate(range(0, len(table) - _ENTRY.size + 1, entry_size)):
        kind, unique, first, last, _, name = _ENTRY.unpack_from(table, offset)
        if any(kind):
            yield Partition(
                number=index + 1,
                start=first * sector,
                size=(last - first + 1) * sector,
                kind=_guid(kind),
                partuuid=_guid(unique),
                partlabel=clean(name.decode("utf-16-le", "replace").partition("\0")[0]),
            )


def _guid(raw: bytes) -> str:
    """Write a GUID; its first three parts are little-endian on disk."""
    a, b, c = struct.unpack_from("<IHH", raw)
    return f"{a:08x}-{b:04x}-{c:04x}-{raw[8:10].hex()}-{raw[10:].hex()}"


def _mbr(disk: ByteSource, boot: bytes) -> Iterator[Partition]:
    (signature,) = struct.unpack_from("<I", boot, 440)
    extended = 0
    for index in range(4):
        flag, kind, first, count = _MBR_ENTRY.unpack_from(boot, 446 + 16 * index)
        if flag & 0x7F or kind == _PROTECTIVE:
            # A FAT volume without a table ends in the same two bytes, but has text here; and a
            # protective entry whose GPT did not pass its checks says nothing.
            return
        if kind in _EXTENDED:
            extended = extended or first
        elif kind:
            yield _mbr_partition(index + 1, kind, first, count, signature)
    yield from _logical(disk, extended, signature)


def _logical(disk: ByteSource, extended: int, signature: int) -> Iterator[Partition]:
    """Follow the chain of tables inside an extended partition; it may not go backwards."""
    table, number = extended, 5
    while table and number < MAX_PARTITIONS:
        raw = disk.read_at(table * 512, 512)
        if raw[510:] != b"\x55\xaa":
            return
        _, kind, first, count = _MBR_ENTRY.unpack_from(raw, 446)
        if kind and kind not in _EXTENDED:
            yield _mbr_partition(number, kind, table + first, count, signature)
            number += 1
        _, kind, first, _ = _MBR_ENTRY.unpack_from(raw, 462)
        following = extended + first if kind in _EXTENDED else 0
        table = following if following > table else 0


def _mbr_partition(number: int, kind: int, first: int, count: int, signature: int) -> Partition:
    partuuid = f"{signature:08x}-{number:02x}" if signature else ""
    return Partition(
        number=number, start=first * 512, size=count * 512, kind=f"{kind:#04x}", partuuid=partuuid
    )
