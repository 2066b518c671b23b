"""ext2, ext3 and ext4, read only, without replaying the journal.

Source: Linux Documentation/filesystems/ext4 (super.rst, group_descr.rst, inodes.rst, ifork.rst,
directory.rst). A volume whose journal is dirty is read as it stands and may be stale
(`needs_recovery`).
Not supported: meta_bg, bigalloc beyond plain extents, encrypted or case-folded directories, journal
devices. A volume that has one of them is refused with the name of the feature.
"""

import struct
from collections.abc import Iterator
from typing import Final

from bootd.disk.volume import ByteSource, Inode, NodeKind, damaged

_MAGIC: Final = 0xEF53
_FILETYPE, _RECOVER, _EXTENTS, _BIT64, _FLEX, _EA_INODE, _CSUM_SEED, _LARGEDIR, _INLINE = (
    0x2, 0x4, 0x40, 0x80, 0x200, 0x400, 0x2000, 0x4000, 0x8000,
)  # fmt: skip
_KNOWN: Final = (
    _FILETYPE | _RECOVER | _EXTENTS | _BIT64 | _FLEX | _EA_INODE | _CSUM_SEED | _LARGEDIR | _INLINE
)
_NAMES: Final = {0x1: "compression", 0x8: "journal_dev", 0x10: "meta_bg", 0x100: "mmp",
                 0x1000: "dirdata", 0x10000: "encrypt", 0x20000: "casefold"}  # fmt: skip
_ROOT_INODE: Final = 2
_FLAG_ENCRYPTED, _FLAG_EXTENTS, _FLAG_INLINE = 0x800, 0x80000, 0x10000000
_KINDS: Final = {0o100000: NodeKind.FILE, 0o040000: NodeKind.DIRECTORY, 0o120000: NodeKind.LINK}
_MAX_DEPTH: Final = 5
_MAX_DIR_BYTES: Final = 16 << 20


class ExtVolume:
    """Reader of one ext2/3/4 volume.

    Attributes:
        needs_recovery: The journal was not replayed: what is read may be stale.
    """

    folds_case = False

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        block = source.read_at(1024, 1024)
        if len(block) < 1024 or struct.unpack_from("<H", block, 56) != (_MAGIC,):
            raise damaged("no ext superblock")
        (incompatible,) = struct.unpack_from("<I", block, 96)
        if unknown := incompatible & ~_KNOWN:
            lowest = unknown & -unknown
            raise damaged(f"feature {_NAMES.get(lowest, hex(lowest))} is not supported here")
        self.needs_recovery = bool(incompatible & _RECOVER)
        self._has_types = bool(incompatible & _FILETYPE)
        self._read_sizes(block, incompatible)

    def _read_sizes(self, block: bytes, incompatible: int) -> None:
        self._inodes, self._blocks = struct.unpack_from("<II", block, 0)
        first_block, log_size = struct.unpack_from("<II", block, 20)
        (self._per_group,) = struct.unpack_from("<I", block, 40)
        (revision,) = struct.unpack_from("<I", block, 76)
        (inode_size,) = struct.unpack_from("<H", block, 88)
        (descriptor,) = struct.unpack_from("<H", block, 254)
        self._inode_size = inode_size if revision else 128
        self._descriptor = descriptor if incompatible & _BIT64 else 32
        if log_size > 6 or not 128 <= self._inode_size <= 1024 << log_size or not self._per_group:
            raise damaged("impossible sizes in the superblock")
        if self._descriptor < 32:
            raise damaged("impossible size of a group descriptor")
        self._block = 1024 << log_size
        self._groups_at = (first_block + 1) * self._block

    def root(self) -> Inode:
        """Return the root directory."""
        return self.inode(_ROOT_INODE)

    def inode(self, number: int, /) -> Inode:
        """Return inode `number`."""
        if not 1 <= number <= self._inodes:
            raise damaged(f"inode {number} does not exist")
        group, index = divmod(number - 1, self._per_group)
        descriptor = self._read(self._groups_at + group * self._descriptor, self._descriptor)
        (table,) = struct.unpack_from("<I", descriptor, 8)
        if self._descriptor >= 64:
            table |= struct.unpack_from("<I", descriptor, 0x28)[0] << 32
        raw = self._read(table * self._block + index * self._inode_size, self._inode_size)
        mode, size, mtime = *struct.unpack_from("<H2xI", raw, 0), *struct.unpack_from("<I", raw, 16)
        size |= struct.unpack_from("<I", raw, 108)[0] << 32
        kind = _KINDS.get(mode & 0o170000, NodeKind.OTHER)
        return Inode(number=number, kind=kind, size=size, mtime_ns=mtime * 10**9, private=raw)

    def entries(self, directory: Inode, /) -> dict[str, int]:
        """Return names and inode numbers. Hash-tree directories read as plain ones by design."""
        (flags,) = struct.unpack_from("<I", directory.private, 32)
        if flags & _FLAG_ENCRYPTED:
            raise damaged("an encrypted directory cannot be read here")
        data = self.content(directory, min(directory.size, _MAX_DIR_BYTES))
        if flags & _FLAG_INLINE:
            return dict(_records(data[4:], self._has_types))
        found: dict[str, int] = {}
        for start in range(0, len(data), self._block):
            found.update(_records(data[start : start + self._block], self._has_types))
        return found

    def content(self, node: Inode, size: int, offset: int = 0, /) -> bytes:
        """Return `size` bytes of a file, directory or link from `offset`."""
        raw = node.private
        end = min(offset + size, node.size)
        (flags,) = struct.unpack_from("<I", raw, 32)
        if flags & _FLAG_ENCRYPTED:
            raise damaged("an encrypted file cannot be read here")
        if flags & _FLAG_INLINE or (node.kind is NodeKind.LINK and node.size < 60):
            return self._inline(raw, end)[offset:]
        out = bytearray(max(0, end - offset))
        blocks = -(-end // self._block)
        runs = (
            self._extents(raw[40:100], blocks) if flags & _FLAG_EXTENTS else self._map(raw, blocks)
        )
        for logical, physical, count in runs:
            start = logical * self._block
            first, last = max(start, offset), min(start + count * self._block, end)
            if first < last:
                part = self._read(physical * self._block + first - start, last - first)
                out[first - offset : last - offset] = part
        return bytes(out)

    def _inline(self, raw: bytes, size: int) -> bytes:
        """Inline data: 60 bytes in i_block, the rest in the extended attribute `system.data`."""
        if size > 60:
            raise damaged("inline data beyond 60 bytes is not supported here")
        return raw[40 : 40 + size]

    def _extents(self, node: bytes, blocks: int) -> Iterator[tuple[int, int, int]]:
        """Yield (logical, physical, count) of the written extents below `blocks`."""
        todo, budget = [(node, _MAX_DEPTH)], 65_536
        while todo:
            data, depth_left = todo.pop()
            magic, count, _, depth = struct.unpack_from("<HHHH", data, 0)
            if magic != 0xF30A or depth > depth_left or 12 + count * 12 > len(data):
                raise damaged("an extent tree does not hold together")
            for offset in range(12, 12 + count * 12, 12):
                budget -= 1
                if budget < 0:
                    raise damaged("an extent tree is larger than any file needs")
                if depth:
                    low, high = struct.unpack_from("<IH", data, offset + 4)
                    todo.append(
                        (self._read((high << 32 | low) * self._block, self._block), depth - 1)
                    )
                else:
                    yield from _leaf(data, offset, blocks)

    def _map(self, raw: bytes, blocks: int) -> Iterator[tuple[int, int, int]]:
        """Yield the blocks of the old map: 12 direct, then one, two and three levels deep."""
        pointers = struct.unpack_from("<15I", raw, 40)
        per_block = self._block // 4
        logical = 0
        for index, pointer in enumerate(pointers):
            level = max(0, index - 11)
            if logical >= blocks:
                return
            yield from self._indirect(pointer, level, logical, blocks)
            logical += per_block**level

    def _indirect(
        self, pointer: int, level: int, logical: int, blocks: int
    ) -> Iterator[tuple[int, int, int]]:
        if pointer == 0 or logical >= blocks:
            return
        if level == 0:
            yield logical, pointer, 1
            return
        per_block = self._block // 4
        below = struct.unpack(f"<{per_block}I", self._read(pointer * self._block, self._block))
        for index, inner in enumerate(below):
            yield from self._indirect(
                inner, level - 1, logical + index * per_block ** (level - 1), blocks
            )

    def _read(self, offset: int, size: int) -> bytes:
        data = self._source.read_at(offset, size)
        if len(data) < size:
            raise damaged("a block lies beyond the end of the image")
        return data


def _leaf(data: bytes, offset: int, blocks: int) -> Iterator[tuple[int, int, int]]:
    """Yield one extent, cut to `blocks`; lengths above 32768 mark it as not yet written: zeros."""
    logical, length, high, low = struct.unpack_from("<IHHI", data, offset)
    if length <= 32768 and logical < blocks:
        yield logical, high << 32 | low, min(length, blocks - logical)


def _records(block: bytes, has_types: bool) -> Iterator[tuple[str, int]]:  # noqa: FBT001 - a private helper of one caller
    """Yield (name, inode) of one directory block."""
    at = 0
    while at + 8 <= len(block):
        inode, length, name_size = struct.unpack_from("<IHH", block, at)
        if has_types:
            name_size &= 0xFF
        # A length of 0 or 65535 means the rest of a 64 KiB block (fs/ext4/ext4.h).
        length = len(block) - at if length in {0, 0xFFFF} and len(block) == 65536 else length
        if length < 8 or at + length > len(block) or name_size > length - 8:
            raise damaged("a directory block does not hold together")
        name = block[at + 8 : at + 8 + name_size]
        if inode and name not in {b".", b".."}:
            yield name.decode("utf-8", "surrogateescape"), inode
        at += length
