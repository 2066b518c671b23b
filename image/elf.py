"""Which shared libraries an ELF file needs (System V ABI; 64-bit little-endian only).

Not supported: 32-bit and big-endian files, DT_AUXILIARY and DT_FILTER.
"""

import struct
from collections.abc import Iterator
from typing import Final

_PT_LOAD: Final = 1
_PT_DYNAMIC: Final = 2
_PT_INTERP: Final = 3
_DT_NEEDED: Final = 1
_DT_STRTAB: Final = 5


def needed(data: bytes) -> list[str]:
    """Return the interpreter's path and the libraries' names; nothing for another kind of file."""
    if data[:6] != b"\x7fELF\x02\x01":
        return []
    headers = list(_program_headers(data))
    names = [_text(data, offset) for kind, offset, _, _ in headers if kind == _PT_INTERP]
    for kind, offset, _, size in headers:
        if kind == _PT_DYNAMIC:
            entries = list(struct.iter_unpack("<QQ", data[offset : offset + size // 16 * 16]))
            strings = next((value for tag, value in entries if tag == _DT_STRTAB), 0)
            base = _file_offset(headers, strings)
            names += [_text(data, base + value) for tag, value in entries if tag == _DT_NEEDED]
    return names


def _program_headers(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for index in range(count):
        kind, _, offset, address, _, length = struct.unpack_from(
            "<IIQQQQ", data, table + index * size
        )
        yield kind, offset, address, length


def _file_offset(headers: list[tuple[int, int, int, int]], address: int) -> int:
    for kind, offset, start, length in headers:
        if kind == _PT_LOAD and start <= address < start + length:
            return offset + address - start
    raise ValueError(f"address {address:#x} lies in no segment of the file")


def _text(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()
