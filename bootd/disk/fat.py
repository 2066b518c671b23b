"""FAT12, FAT16 and FAT32 with long names, read only.

Source: Microsoft Extensible Firmware Initiative FAT32 File System Specification 1.03, sections
"Boot Sector and BPB", "FAT Type Determination", "Long Directory Entries".
Not supported: exFAT (another file system), code pages (short names are taken as ASCII).
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Final

from bootd.disk.volume import ByteSource, Inode, NodeKind, damaged
from bootd.record import dataclass

_ENTRY: Final = struct.Struct("<11sBBBHHHHHHHI")
_LONG_NAME: Final = 0x0F
_VOLUME_LABEL: Final = 0x08
_DIRECTORY: Final = 0x10
_DELETED: Final = 0xE5
_MAX_DIR_BYTES: Final = 2 << 20
"""A directory of the largest legal size, 65,536 entries of 32 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where things are; sizes and offsets in bytes."""

    cluster: int
    table: int
    root: int
    root_size: int
    data: int
    clusters: int
    bits: int
    root_cluster: int


class FatVolume:
    """Reader of one FAT volume."""

    folds_case = True

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._at = _layout(source.read_at(0, 512))
        self._tables: dict[int, bytes] = {}

    def root(self) -> Inode:
        """Return the root directory; its number is 0, which no directory entry has."""
        start = struct.pack("<I", self._at.root_cluster)
        return Inode(number=0, kind=NodeKind.DIRECTORY, size=0, mtime_ns=0, private=start)

    def entries(self, directory: Inode, /) -> dict[str, int]:
        """Return names and the byte offsets of their directory entries, which serve as numbers."""
        found: dict[str, int] = {}
        for name, offset in self._names(directory):
            if name not in {".", ".."}:
                found.setdefault(name, offset)
        return found

    def inode(self, number: int, /) -> Inode:
        """Return the file or directory whose directory entry is at byte `number`."""
        raw = self._source.read_at(number, 32)
        if len(raw) < 32:
            raise damaged("a directory entry lies beyond the end")
        _, attributes, _, _, _, _, _, high, time, date, low, size = _ENTRY.unpack(raw)
        first = low | (high << 16 if self._at.bits == 32 else 0)
        kind = NodeKind.DIRECTORY if attributes & _DIRECTORY else NodeKind.FILE
        stamp = ((date << 16) | time) * 1_000_000_000
        return Inode(
            number=number, kind=kind, size=size, mtime_ns=stamp, private=struct.pack("<I", first)
        )

    def content(self, node: Inode, size: int, offset: int = 0, /) -> bytes:
        """Return `size` bytes of a file from `offset`."""
        (first,) = struct.unpack("<I", node.private)
        size = min(size, node.size - offset)
        skipped, inner = divmod(offset, self._at.cluster)
        parts: list[bytes] = []
        for start in islice(self._chain(first), skipped, None) if size > 0 else ():
            part = self._source.read_at(start + inner, min(self._at.cluster - inner, size))
            parts.append(part)
            size -= len(part)
            inner = 0
            if size <= 0 or not part:
                break
        if size > 0:
            raise damaged("a file's cluster chain is shorter than the file")
        return b"".join(parts)

    def _names(self, directory: Inode) -> Iterator[tuple[str, int]]:
        """Yield each entry's name and byte offset, long names put together."""
        long_parts: list[bytes] = []
        for offset, raw in self._records(directory):
            if raw[0] == 0:
                return
            if raw[0] == _DELETED:
                long_parts.clear()
            elif raw[11] & 0x3F == _LONG_NAME:
                long_parts.append(raw)
            elif raw[11] & _VOLUME_LABEL:
                long_parts.clear()
            else:
                yield _long_name(long_parts, raw) or _short_name(raw), offset
                long_parts.clear()

    def _records(self, directory: Inode) -> Iterator[tuple[int, bytes]]:
        for start, size in self._stretches(directory):
            block = self._source.read_at(start, size)
            for inner in range(0, len(block) - 31, 32):
                yield start + inner, block[inner : inner + 32]

    def _stretches(self, directory: Inode) -> Iterator[tuple[int, int]]:
        (first,) = struct.unpack("<I", directory.private)
        if first == 0:
            # `..` of a first-level directory and the fixed root of FAT12/16 both say cluster 0.
            yield self._at.root, self._at.root_size
            return
        left = _MAX_DIR_BYTES
        for offset in self._chain(first):
            yield offset, self._at.cluster
            left -= self._at.cluster
            if left <= 0:
                return

    def _chain(self, first: int) -> Iterator[int]:
        """Yield the byte offset of each cluster; ends after as many as the volume has."""
        cluster = first
        for _ in range(self._at.clusters):
            if not 2 <= cluster < self._at.clusters + 2:
                return
            yield self._at.data + (cluster - 2) * self._at.cluster
            cluster = self._next(cluster)

    def _next(self, cluster: int) -> int:
        bits = self._at.bits
        where = cluster * bits // 8
        page = self._page(where >> 12) + (self._page((where >> 12) + 1)[:4] if bits == 12 else b"")
        inner = where & 0xFFF
        if bits == 32:
            value = int.from_bytes(page[inner : inner + 4], "little") & 0x0FFFFFFF
        else:
            value = int.from_bytes(page[inner : inner + 2], "little")
            if bits == 12:
                value = value >> 4 if cluster & 1 else value & 0xFFF
        return value

    def _page(self, index: int) -> bytes:
        if index not in self._tables:
            self._tables[index] = self._source.read_at(self._at.table + (index << 12), 4096)
        return self._tables[index]


def _layout(boot: bytes) -> _Layout:
    """Read the BIOS parameter block. The FAT's width follows from the count of clusters alone."""
    if len(boot) < 512:
        raise damaged("no boot sector")
    sector, per_cluster, reserved, tables, root_entries, total16 = struct.unpack_from(
        "<HBHBHH", boot, 11
    )
    (table16,), (total32, table32) = (
        struct.unpack_from("<H", boot, 22),
        struct.unpack_from("<II", boot, 32),
    )
    (root_cluster,) = struct.unpack_from("<I", boot, 44)
    if sector not in {512, 1024, 2048, 4096} or per_cluster == 0 or per_cluster & (per_cluster - 1):
        raise damaged("no FAT boot sector")
    root_size = -(-root_entries * 32 // sector) * sector
    root = (reserved + tables * (table16 or table32)) * sector
    data = root + root_size
    clusters = ((total16 or total32) * sector - data) // (sector * per_cluster)
    if clusters <= 0:
        raise damaged("the boot sector leaves no room for data")
    bits = 12 if clusters < 4085 else 16 if clusters < 65525 else 32
    return _Layout(
        cluster=sector * per_cluster,
        table=reserved * sector,
        root=root,
        root_size=root_size,
        data=data,
        clusters=clusters,
        bits=bits,
        root_cluster=root_cluster if bits == 32 else 0,
    )


def _long_name(parts: list[bytes], short: bytes) -> str:
    """Join long-name records (stored last part first), or "" when they belong to another entry."""
    if not parts or any(part[13] != _checksum(short[:11]) for part in parts):
        return ""
    raw = b"".join(part[1:11] + part[14:26] + part[28:32] for part in reversed(parts))
    return raw.decode("utf-16-le", "replace").split("\0", 1)[0]


def _short_name(raw: bytes) -> str:
    """Return an 8.3 name; byte 12 says which half is lower case (Windows NT and Linux)."""
    base, extension = raw[:8].rstrip(), raw[8:11].rstrip()
    if base[:1] == b"\x05":
        base = b"\xe5" + base[1:]
    stem, suffix = base.decode("latin-1"), extension.decode("latin-1")
    stem = stem.lower() if raw[12] & 0x08 else stem
    suffix = suffix.lower() if raw[12] & 0x10 else suffix
    return f"{stem}.{suffix}" if suffix else stem


def _checksum(name: bytes) -> int:
    total = 0
    for byte in name:
        total = (((total & 1) << 7) + (total >> 1) + byte) & 0xFF
    return total
