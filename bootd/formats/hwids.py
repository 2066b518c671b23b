"""`.hwids` of a unified kernel image: which computers without a device tree get which of its DTBs.

Source: UAPI.5; systemd src/boot/chid.h for the layout: rows of 28 bytes (kind and size, computer
hardware id, offsets of a name and of a compatible string), ended by a row of kind 0, then strings.
Rows for firmware are left out.
"""

import struct
from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID

from bootd.errors import ImageError
from bootd.model.option import HardwareId
from bootd.model.text import clean

MAX_BYTES: Final = 256 << 10
MAX_ROWS: Final = 2048
_ROW: Final = struct.Struct("<I16sII")
_DEVICETREE: Final = 1 << 28 | _ROW.size
_FIRMWARE: Final = 2 << 28 | _ROW.size


def parse(data: bytes, wanted: Collection[str]) -> tuple[HardwareId, ...]:
    """Return the ids that lead to one of the compatible strings `wanted`, in the file's order.

    Raises:
        ImageError: It is damaged, or of a kind that is not known.
    """
    found: dict[str, list[str]] = {}
    for chid, compatible in _rows(data):
        if compatible in wanted and chid not in found.setdefault(compatible, []):
            found[compatible].append(chid)
    return tuple(HardwareId(compatible=name, chids=tuple(ids)) for name, ids in found.items())


def _rows(data: bytes) -> Iterator[tuple[str, str]]:
    for number in range(MAX_ROWS):
        at = number * _ROW.size
        if len(data) < at + 4 or data[at : at + 4] == bytes(4):
            return
        if len(data) < at + _ROW.size:
            raise ImageError("its .hwids end in the middle of a row")
        kind, chid, _, compatible = _ROW.unpack_from(data, at)
        if kind == _FIRMWARE:
            continue
        if kind != _DEVICETREE:
            raise ImageError(f"its .hwids have a row of the unknown kind {kind:#x}")
        yield str(UUID(bytes_le=chid)), _string(data, compatible)
    raise ImageError(f"its .hwids have more than {MAX_ROWS} rows")


def _string(data: bytes, offset: int) -> str:
    if offset == 0:
        return ""
    end = data.find(b"\0", offset)
    if offset >= len(data) or end < 0:
        raise ImageError("its .hwids name a string that is not there")
    return clean(data[offset:end].decode("utf-8", "surrogateescape"))
