"""A tiny ext4 volume in memory, for workers to practise on before there is a real one.

Source: Linux Documentation/filesystems/ext4. Only what reading needs is filled in: no bitmaps, no
checksums, no journal. Each file and directory has one block, so it holds at most 1 KiB.
"""

import struct
from collections.abc import Mapping
from typing import Final

TYPES: Final = ("ext4",)
"""What `bootd.disk.superblock` calls it."""

_BLOCK: Final = 1024
_INODES: Final = 32
_INODE_BYTES: Final = 128
_TABLE: Final = 3
"""Block of the inode table, behind the superblock in block 1 and the group descriptor."""
_FIRST_DATA: Final = _TABLE + _INODES * _INODE_BYTES // _BLOCK
_ROOT: Final = 2
_FIRST_FREE: Final = 11
_DIRECTORY, _FILE = 0o040755, 0o100644
_EXTENTS_FLAG: Final = 0x80000
_FEATURES: Final = 0x2 | 0x40
"""filetype, extents."""


def make(files: Mapping[str, bytes]) -> bytes:
    """Return the volume's bytes.

    Args:
        files: Content by absolute path; with their directories at most 20.
    """
    nodes = {"": _ROOT}
    for path in files:
        parts = path.split("/")
        for end in range(2, len(parts) + 1):
            nodes.setdefault("/".join(parts[:end]), len(nodes) - 1 + _FIRST_FREE)
    volume = bytearray((_FIRST_DATA + _INODES) * _BLOCK)
    _put(volume, _BLOCK, _superblock(len(volume) // _BLOCK))
    _put(volume, 2 * _BLOCK, struct.pack("<III", 0, 0, _TABLE))
    for path, number in nodes.items():
        content = files.get(path)
        block = _FIRST_DATA + number - 1
        mode, data = (_DIRECTORY, _directory(path, nodes)) if content is None else (_FILE, content)
        at = _TABLE * _BLOCK + (number - 1) * _INODE_BYTES
        _put(volume, at, _inode(mode, len(data), block))
        _put(volume, block * _BLOCK, data)
    return bytes(volume)


def _superblock(blocks: int) -> bytes:
    raw = bytearray(_BLOCK)
    struct.pack_into("<II", raw, 0, _INODES, blocks)
    struct.pack_into("<I", raw, 20, 1)  # the first block that counts, with blocks of 1 KiB
    struct.pack_into("<III", raw, 32, 8 * _BLOCK, 8 * _BLOCK, _INODES)
    struct.pack_into("<HH", raw, 56, 0xEF53, 1)
    struct.pack_into("<I", raw, 76, 1)
    struct.pack_into("<IH", raw, 84, _FIRST_FREE, _INODE_BYTES)
    struct.pack_into("<I", raw, 96, _FEATURES)
    _put(raw, 104, b"bootd's practice")
    return bytes(raw)


def _inode(mode: int, size: int, block: int) -> bytes:
    extent = struct.pack("<HHHHI", 0xF30A, 1, 4, 0, 0) + struct.pack("<IHHI", 0, 1, 0, block)
    head = struct.pack("<HHI", mode, 0, size)
    links = struct.pack("<HII", 1, 2, _EXTENTS_FLAG)
    raw = head.ljust(26, b"\0") + links
    return raw.ljust(40, b"\0") + extent


def _directory(path: str, nodes: Mapping[str, int]) -> bytes:
    parent = path.rpartition("/")[0]
    named = {".": nodes[path], "..": nodes[parent]}
    named |= {
        node.rpartition("/")[2]: number
        for node, number in nodes.items()
        if node and node.rpartition("/")[0] == path
    }
    kinds = {number: 2 for node, number in nodes.items() if _is_parent(node, nodes)}
    records = [
        struct.pack("<IHBB", number, 0, len(name), kinds.get(number, 1)) + name.encode()
        for name, number in named.items()
    ]
    return _lengthen(records)


def _is_parent(path: str, nodes: Mapping[str, int]) -> bool:
    return any(node and node.rpartition("/")[0] == path for node in nodes)


def _lengthen(records: list[bytes]) -> bytes:
    """Join directory records of whole words; the last one fills the block."""
    out = bytearray()
    for index, record in enumerate(records):
        room = -(-len(record) // 4) * 4
        if index == len(records) - 1:
            room = _BLOCK - len(out)
        out += record[:4] + struct.pack("<H", room) + record[6:].ljust(room - 6, b"\0")
    return bytes(out)


def _put(into: bytearray, at: int, data: bytes) -> None:
    into[at : at + len(data)] = data
