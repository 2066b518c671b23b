"""Members of an LVM2 volume group: what logical volumes it has, and where each of them lies.

Every disk of a group has a copy of the same description, in text; the one with the highest sequence
number is right. Nothing is written, and nothing but the description and its label is read.
Source: lib/label/label.h, lib/format_text/layout.h and lib/format_text/import_vsn1.c of LVM2.
Not supported: volumes that are more than stretches of disks, striped or not (mirrors, RAID, thin
pools, caches, snapshots), of which the reason is told; groups whose description is on other disks
only; clustered groups and those of another system id, which are told apart by nothing here.
"""

import errno
import re
import struct
import zlib
from collections.abc import Mapping
from typing import Final

from bootd.disk.volume import ByteSource
from bootd.model.stack import MAX_PIECES, MAX_VOLUMES, Member, Piece, Place, Volume
from bootd.model.text import clean

MAX_TEXT: Final = 1 << 20
_MAX_DEPTH: Final = 8
_MAX_TOKENS: Final = 200_000

_SECTOR: Final = 512
_LABEL: Final = struct.Struct("<8sQII8s")
_AREA: Final = struct.Struct("<QQ")
# mda_header: checksum, magic, version, start, size; then raw_locn: offset, size, checksum, flags.
_HEADER: Final = struct.Struct("<I16sIQQ")
_LOCATION: Final = struct.Struct("<QQII")
_HEADER_MAGIC: Final = b" LVM2 x[5A%r0N*>"
_IGNORED: Final = 1
_CRC_START: Final = 0xF597A6CF

_BLANK: Final = re.compile(r"(?:[\s\0]|#[^\n]*)*+")
_TOKEN: Final = re.compile(
    _BLANK.pattern + r'(?:(?P<mark>[{}\[\]=,])|"(?P<text>(?:[^"\\]|\\.)*+)"|(?P<word>[\w+.-]++))',
    re.ASCII,
)

Value = int | str | list["int | str"]
Section = dict[str, "Value | Section"]


def read(disk: ByteSource, _size: int) -> Member | None:
    """Return what group a disk belongs to, or None when it is no member.

    Raises:
        OSError: The metadata are damaged or of no kind that is known, or the medium failed.
    """
    for sector in range(4):
        raw = disk.read_at(sector * _SECTOR, _SECTOR)
        if len(raw) == _SECTOR and raw.startswith(b"LABELONE"):
            return _member(disk, raw)
    return None


def _member(disk: ByteSource, label: bytes) -> Member:
    _, _, checksum, offset, kind = _LABEL.unpack_from(label)
    if kind != b"LVM2 001" or not _LABEL.size <= offset <= _SECTOR - 40:
        raise _damaged("its LVM label is of an unknown kind")
    if _crc(label[20:]) != checksum:
        raise _damaged("its LVM label is damaged")
    uuid = label[offset : offset + 32].decode("ascii", "replace")
    areas = _lists(label, offset + 40)
    for start, size in areas:
        if (text := _text(disk, start, size)) is not None:
            return _group(uuid, _parse(text))
    raise _damaged("its volume group is described on other disks only")


def _lists(label: bytes, at: int) -> list[tuple[int, int]]:
    """Return the metadata areas: the second list of places, each ended by zeros."""
    found: list[tuple[int, int]] = []
    ended = 0
    while ended < 2 and at + _AREA.size <= len(label):
        place = _AREA.unpack_from(label, at)
        at += _AREA.size
        if not any(place):
            ended += 1
        elif ended == 1:
            found.append(place)
    return found


def _text(disk: ByteSource, start: int, size: int) -> str | None:
    """Return the description in a metadata area, or None when there is none to be used."""
    raw = disk.read_at(start, _SECTOR)
    if len(raw) < _SECTOR or size <= _SECTOR:
        return None
    checksum, magic, version, _, _ = _HEADER.unpack_from(raw)
    offset, length, text_checksum, flags = _LOCATION.unpack_from(raw, _HEADER.size)
    if magic != _HEADER_MAGIC or version != 1 or checksum != _crc(raw[4:]):
        raise _damaged("its LVM metadata are damaged")
    if flags & _IGNORED or not length:
        return None
    if length > min(MAX_TEXT, size - _SECTOR) or not _SECTOR <= offset < size:
        raise _damaged("its LVM metadata are larger than bootd reads")
    # The area is a ring that begins behind its header.
    first = min(length, size - offset)
    data = disk.read_at(start + offset, first)
    data += disk.read_at(start + _SECTOR, length - first)
    if len(data) != length or _crc(data) != text_checksum:
        raise _damaged("its LVM metadata are damaged")
    return data.rstrip(b"\0").decode("utf-8", "replace")


class _Reader:
    """Takes the words of a description one by one, and has what they say in `root`."""

    def __init__(self) -> None:
        self.root: Section = {}
        self._open = [self.root]
        self._row: list[int | str] | None = None
        self._name = ""
        self._is_value = False

    def value(self, value: int | str) -> None:
        """Take a number, a text or a name."""
        if self._row is not None:
            self._row.append(value)
        elif self._is_value:
            self._put(value)
        else:
            self._name = str(value)

    def mark(self, mark: str) -> None:
        """Take what stands between them."""
        match mark:
            case "=":
                self._is_value = True
            case "[":
                self._row = []
            case "]":
                row, self._row = self._row, None
                self._put(row if row is not None else [])
            case "{":
                inner: Section = {}
                self._put(inner)
                self._open.append(inner)
            case "}":
                self._open.pop()
            case _:  # a comma
                pass
        if not 1 <= len(self._open) <= _MAX_DEPTH:
            raise _damaged("its LVM metadata are nested too deeply, or not at all")

    def _put(self, value: "Value | Section") -> None:
        self._open[-1][self._name] = value
        self._name, self._is_value = "", False


def _parse(text: str) -> Section:
    """Return the sections and values of a description, without recursion."""
    reader = _Reader()
    at = 0
    for _ in range(_MAX_TOKENS):
        found = _TOKEN.match(text, at)
        if found is None:
            if _BLANK.fullmatch(text, at) is None:
                raise _damaged("its LVM metadata have something that is no value")
            return reader.root
        at = found.end()
        if (mark := found["mark"]) is not None:
            reader.mark(mark)
        else:
            reader.value(_value(found))
    raise _damaged("its LVM metadata have more words than bootd reads")


def _value(found: re.Match[str]) -> int | str:
    if found["text"] is not None:
        return re.sub(r"\\(.)", r"\1", found["text"])
    word = found["word"]
    return int(word) if word.isdecimal() and len(word) < 19 else word


def _group(uuid: str, root: Section) -> Member:
    groups = [(key, it) for key, it in root.items() if isinstance(it, dict) and "id" in it]
    name, group = groups[0] if groups else ("", {})
    if not name:
        raise _damaged("its LVM metadata name no volume group")
    extent = _number(group, "extent_size")
    starts = {
        key: Place(member=_plain(_word(disk, "id")), start=_number(disk, "pe_start"))
        for key, disk in _sections(group, "physical_volumes")
    }
    volumes = tuple(
        _volume(key, section, extent, starts)
        for key, section in _sections(group, "logical_volumes")[:MAX_VOLUMES]
        if "VISIBLE" in _words(section, "status")
    )
    return Member(
        uuid=uuid,
        group=_plain(_word(group, "id")),
        name=clean(name),
        sequence=_number(group, "seqno"),
        volumes=volumes,
    )


def _volume(name: str, section: Section, extent: int, starts: Mapping[str, Place]) -> Volume:
    uuid = _plain(_word(section, "id"))
    count = _number(section, "segment_count")
    pieces: list[tuple[int, Piece]] = []
    for number in range(1, min(count, MAX_PIECES) + 1):
        segment = section.get(f"segment{number}")
        if not isinstance(segment, dict):
            raise _damaged("its LVM metadata lack a part of a volume")
        kind = _word(segment, "type")
        if kind not in {"striped", "linear"}:
            reason = f"it is of the kind {clean(kind)}, which only lvm can put together"
            return Volume(name=clean(name), uuid=uuid, reason=reason)
        pieces.append((_number(segment, "start_extent") * extent, _piece(segment, extent, starts)))
    at = 0
    for start, piece in pieces:
        if start != at:
            raise _damaged("its LVM metadata leave a gap in a volume")
        at += piece.length
    if not pieces or count > MAX_PIECES:
        return Volume(name=clean(name), uuid=uuid, reason="it has too many parts, or none")
    return Volume(name=clean(name), uuid=uuid, pieces=tuple(piece for _, piece in pieces))


def _piece(segment: Section, extent: int, starts: Mapping[str, Place]) -> Piece:
    length = _number(segment, "extent_count") * extent
    row = segment.get("stripes")
    if not isinstance(row, list) or not row or len(row) % 2 or not length:
        raise _damaged("its LVM metadata lack the place of a volume")
    places: list[Place] = []
    for disk, at in zip(row[::2], row[1::2], strict=True):
        first = starts.get(str(disk))
        if first is None or not isinstance(at, int):
            raise _damaged("its LVM metadata name a disk that is not in the group")
        places.append(Place(member=first.member, start=first.start + at * extent))
    if len(places) == 1:
        return Piece(length=length, places=tuple(places))
    stripe = _number(segment, "stripe_size")
    if not stripe or length % (stripe * len(places)):
        raise _damaged("its LVM metadata have stripes that do not fit")
    return Piece(length=length, places=tuple(places), stripe=stripe)


def _sections(section: Section, name: str) -> list[tuple[str, Section]]:
    inner = section.get(name, {})
    if not isinstance(inner, dict):
        raise _damaged(f"its LVM metadata have no {name}")
    return [(key, value) for key, value in inner.items() if isinstance(value, dict)]


def _number(section: Section, name: str) -> int:
    value = section.get(name)
    if not isinstance(value, int) or value >= 1 << 48:
        raise _damaged(f"its LVM metadata have no sound {name}")
    return value


def _word(section: Section, name: str) -> str:
    value = section.get(name)
    if not isinstance(value, str):
        raise _damaged(f"its LVM metadata have no {name}")
    return value


def _words(section: Section, name: str) -> list[int | str]:
    value = section.get(name)
    return value if isinstance(value, list) else []


def _plain(uuid: str) -> str:
    """Return a UUID as it stands in a label."""
    text = uuid.replace("-", "")
    if len(text) != 32 or not (text.isascii() and text.isalnum()):
        raise _damaged("its LVM metadata have a UUID that is none")
    return text


def _crc(data: bytes) -> int:
    return zlib.crc32(data, _CRC_START ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _damaged(words: str) -> OSError:
    return OSError(errno.EUCLEAN, words)
