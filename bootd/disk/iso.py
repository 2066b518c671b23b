"""ISO 9660 with Rock Ridge or Joliet names, read only.

Source: ECMA-119 (sections 8 and 9), IEEE P1281 "System Use Sharing Protocol", IEEE P1282 "Rock
Ridge Interchange Protocol", Joliet Specification 1. Of several sets of names the one of Linux is
used: Rock Ridge, else Joliet, else plain names in small letters without version numbers.

Not supported: files in several extents that are not behind each other, interleaved files, files
that zisofs compressed, UDF, extended attributes.
"""

import struct
from collections.abc import Iterator
from typing import Final

from bootd.disk.volume import ByteSource, Inode, NodeKind, damaged
from bootd.record import dataclass, replace

SECTOR: Final = 2048

MAGIC_AT: Final = 16 * SECTOR
"""Where the first volume descriptor lies."""

_MAGICS: Final = (b"\1CD001\1", b"\0CD001\1", b"\2CD001\1")
_MAX_DESCRIPTORS: Final = 64
_MAX_DIR_BYTES: Final = 4 << 20
_MAX_AREA_BYTES: Final = 64 << 10
"""System use entries of one file, its continuations included."""

_MAX_CONTINUATIONS: Final = 32
_MAX_EXTENTS: Final = 64
"""Records of one file; each has up to 4 GiB."""

_DIRECTORY: Final = 2
_MORE: Final = 0x80
_JOLIET: Final = (b"%/@", b"%/C", b"%/E")
_MODES: Final = {
    0o100000: NodeKind.FILE,
    0o040000: NodeKind.DIRECTORY,
    0o120000: NodeKind.LINK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A directory record.

    Attributes:
        at: Its own place, in bytes.
        start: Of the data, in bytes.
        area: System use area, as it stands in the record.
    """

    at: int
    start: int
    size: int
    flags: int
    name: bytes
    area: bytes
    stamp: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extra:
    """What Rock Ridge says of a file; empty where it says nothing.

    Attributes:
        target: Of a symbolic link.
        moved_to: Start of a directory that lies elsewhere, in bytes.
        hidden: The record is a placeholder that nobody is to see.
    """

    name: str = ""
    mode: int = 0
    target: str = ""
    moved_to: int | None = None
    hidden: bool = False
    packed: bool = False


def matches(head: bytes) -> bool:
    """Say whether the bytes at `MAGIC_AT` begin a volume descriptor."""
    return head.startswith(_MAGICS)


class IsoVolume:
    """Reader of one ISO 9660 volume."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        plain, joliet = self._descriptors()
        # The first record of a directory is its own; Rock Ridge puts a mark into the root's.
        skip = self._shared_protocol(plain)
        self._skip = skip or 0
        self.names = "rock-ridge" if skip is not None else "joliet" if joliet else "plain"
        self._root = joliet if self.names == "joliet" and joliet else plain
        self.folds_case = self.names != "rock-ridge"

    def root(self) -> Inode:
        """Return the root directory."""
        return self._inode(self._root, _Extra(mode=0o040755))

    def entries(self, directory: Inode, /) -> dict[str, int]:
        """Return names and the byte offsets of their directory records, which serve as numbers."""
        found: dict[str, int] = {}
        start, size = struct.unpack("<QQ", directory.private)
        before: _Record | None = None
        for record in self._records(start, min(size, _MAX_DIR_BYTES)):
            continued = before is not None and before.flags & _MORE and before.name == record.name
            before = record
            if record.name in {b"\0", b"\1"} or continued:
                continue
            extra = self._extra(record)
            if not extra.hidden:
                found.setdefault(extra.name or self._name(record.name), record.at)
        return found

    def inode(self, number: int, /) -> Inode:
        """Return the file or directory whose record is at byte `number`."""
        record = self._record(number)
        extra = self._extra(record)
        if extra.moved_to is not None:
            # Rock Ridge moves directories that are too deep; their own record is their first.
            record = replace(self._record(extra.moved_to), at=number)
            return self._inode(record, _Extra(mode=0o040755))
        if record.flags & _MORE:
            record = replace(record, size=self._whole_size(record))
        return self._inode(record, extra)

    def content(self, node: Inode, size: int, offset: int = 0, /) -> bytes:
        """Return `size` bytes of a file or link from `offset`."""
        if node.kind is NodeKind.LINK:
            return node.private[offset : offset + size]
        start, whole = struct.unpack("<QQ", node.private)
        return self._read(start + offset, max(0, min(size, whole - offset)))

    def extent(self, node: Inode) -> tuple[int, int]:
        """Return where a file's bytes lie: offset and size."""
        start, size = struct.unpack("<QQ", node.private)
        return start, size

    def _descriptors(self) -> tuple[_Record, _Record | None]:
        """Return the root's record of the primary volume, and of Joliet's."""
        plain: _Record | None = None
        joliet: _Record | None = None
        for number in range(_MAX_DESCRIPTORS):
            at = MAGIC_AT + number * SECTOR
            raw = self._source.read_at(at, SECTOR)
            if len(raw) < SECTOR or raw[1:6] != b"CD001" or raw[0] == 255:
                break
            if raw[0] == 1 and plain is None:
                if raw[128:130] != SECTOR.to_bytes(2, "little"):
                    raise damaged("blocks of another size than 2048 bytes")
                plain = _parse(raw[156:190], at + 156)
            elif raw[0] == 2 and raw[88:91] in _JOLIET:
                joliet = _parse(raw[156:190], at + 156)
        if plain is None:
            raise damaged("no ISO 9660 volume descriptor")
        return plain, joliet

    def _shared_protocol(self, root: _Record) -> int | None:
        """Return how many bytes of each system use area are to be skipped, None without any."""
        own = self._record(root.start)
        area = own.area
        if area[:2] != b"SP" or area[4:6] != b"\xbe\xef":
            return None
        return area[6] if len(area) > 6 else 0

    def _records(self, start: int, size: int) -> Iterator[_Record]:
        """Yield the records of a directory; none crosses the border of a sector."""
        for sector in range(start, start + size, SECTOR):
            raw = self._read(sector, min(SECTOR, start + size - sector))
            at = 0
            while at < len(raw) and raw[at]:
                yield _parse(raw[at : at + raw[at]], sector + at)
                at += raw[at]

    def _record(self, at: int) -> _Record:
        return _parse(self._source.read_at(at, 255), at)

    def _whole_size(self, record: _Record) -> int:
        """Return the size of a file with several records, whose extents follow each other."""
        size, at = record.size, record.at
        for _ in range(_MAX_EXTENTS):
            length = self._source.read_at(at, 1)[0]
            following = self._source.read_at(at + length, 1)
            # The next record may be the first one of the next sector.
            at = at + length if following and following[0] else (at // SECTOR + 1) * SECTOR
            another = self._record(at)
            if another.name != record.name or another.start != record.start + size:
                raise damaged("the extents of a file do not follow each other")
            size += another.size
            if not another.flags & _MORE:
                return size
        raise damaged("a file has more extents than any needs")

    def _inode(self, record: _Record, extra: _Extra) -> Inode:
        kind = _MODES.get(extra.mode & 0o170000, NodeKind.OTHER)
        if not extra.mode:
            kind = NodeKind.DIRECTORY if record.flags & _DIRECTORY else NodeKind.FILE
        if extra.packed:
            kind = NodeKind.OTHER
        private = struct.pack("<QQ", record.start, record.size)
        size = record.size
        if kind is NodeKind.LINK:
            private = extra.target.encode("utf-8", "surrogateescape")
            size = len(private)
        stamp = int.from_bytes(record.stamp, "big")
        return Inode(number=record.at, kind=kind, size=size, mtime_ns=stamp, private=private)

    def _name(self, raw: bytes) -> str:
        if self.names == "joliet":
            name = raw.decode("utf-16-be", "replace")
        else:
            name = raw.decode("utf-8", "surrogateescape").lower()
        return name.partition(";")[0].rstrip(".")

    def _extra(self, record: _Record) -> _Extra:
        if self.names != "rock-ridge":
            return _Extra()
        reader = _Rock()
        for signature, data in self._fields(record.area[self._skip :]):
            reader.take(signature, data)
        return reader.result()

    def _fields(self, area: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the system use entries of a record, those of its continuations included."""
        left, areas = _MAX_AREA_BYTES, _MAX_CONTINUATIONS
        while area and areas and left > 0:
            areas -= 1
            left -= len(area)
            following, at = b"", 0
            while at + 4 <= len(area):
                signature, length = area[at : at + 2], area[at + 2]
                if length < 4 or at + length > len(area) or signature == b"ST":
                    break
                data = area[at + 4 : at + length]
                at += length
                if signature == b"CE" and len(data) >= 24:
                    block, offset, size = struct.unpack("<I4xI4xI4x", data[:24])
                    following = self._source.read_at(
                        block * SECTOR + offset, min(size, _MAX_AREA_BYTES)
                    )
                else:
                    yield signature, data
            area = following

    def _read(self, offset: int, size: int) -> bytes:
        data = self._source.read_at(offset, size)
        if len(data) < size:
            raise damaged("data lies beyond the end of the image")
        return data


class _Rock:
    """Puts together what the system use entries of one record say."""

    def __init__(self) -> None:
        self._name = b""
        self._mode = 0
        self._target: list[bytes] = []
        self._open = False
        self._moved_to: int | None = None
        self._hidden = False
        self._packed = False

    def take(self, signature: bytes, data: bytes) -> None:
        """Use one entry; unknown ones are ignored, as the protocol asks."""
        if signature == b"NM" and data and not data[0] & 6:
            self._name += data[1:]
        elif signature == b"PX" and len(data) >= 4:
            self._mode = int.from_bytes(data[:4], "little")
        elif signature == b"SL" and data:
            self._link(data[1:])
        elif signature == b"CL" and len(data) >= 4:
            self._moved_to = int.from_bytes(data[:4], "little") * SECTOR
        elif signature == b"RE":
            self._hidden = True
        elif signature == b"ZF":
            self._packed = True

    def result(self) -> _Extra:
        """Return all of it."""
        return _Extra(
            name=self._name.decode("utf-8", "surrogateescape").replace("/", "_"),
            mode=self._mode,
            target=b"/".join(self._target).decode("utf-8", "surrogateescape"),
            moved_to=self._moved_to,
            hidden=self._hidden,
            packed=self._packed,
        )

    def _link(self, data: bytes) -> None:
        """Add the components of a symbolic link; one may go on in the next."""
        at = 0
        while at + 2 <= len(data):
            flags, length = data[at], data[at + 1]
            text = data[at + 2 : at + 2 + length]
            at += 2 + length
            part = b"." if flags & 2 else b".." if flags & 4 else b"" if flags & 8 else text
            if self._open:
                self._target[-1] += part
            else:
                self._target.append(part)
            self._open = bool(flags & 1)


def _parse(raw: bytes, at: int) -> _Record:
    """Read one directory record."""
    if len(raw) < 34 or raw[0] < 34 or raw[0] > len(raw):
        raise damaged("a directory record is cut off")
    raw = raw[: raw[0]]
    name_size = raw[32]
    if 33 + name_size > len(raw):
        raise damaged("a name is longer than its directory record")
    return _Record(
        at=at,
        start=(int.from_bytes(raw[2:6], "little") + raw[1]) * SECTOR,
        size=int.from_bytes(raw[10:14], "little"),
        flags=raw[25],
        name=raw[33 : 33 + name_size],
        area=raw[33 + name_size + (name_size + 1) % 2 :],
        stamp=raw[18:24],
    )
