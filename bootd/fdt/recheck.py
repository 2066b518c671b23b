"""A second look at a blob that another process made: small, and without recursion.

The process that merges trees has read foreign files and may have been taken over by one of them.
What it hands back is therefore walked token by token before it is loaded (Devicetree Specification
v0.4, 5.4): sizes, offsets, names and nesting, and the few rules whose breach would hand a machine
over (`FORBIDDEN`). It says nothing on whether the tree describes the board.
"""

import struct
from typing import Final

from bootd.errors import FdtError
from bootd.fdt.header import parse

MAX_BYTES: Final = 2 << 20
MAX_DEPTH: Final = 64
MAX_NODES: Final = 65_536
MAX_NAME: Final = 255

FORBIDDEN: Final = frozenset(
    {
        b"linux,elfcorehdr",
        b"linux,usable-memory-range",
        b"linux,ima-kexec-buffer",
        b"linux,tpm-kexec-buffer",
        b"linux,kho-fdt",
        b"linux,kho-scratch",
        b"linux,initrd-start",
        b"linux,initrd-end",
    }
)
"""In /chosen, as the merge leaves it: memory that the next kernel would believe, free or run."""

_LAST: Final = 9
"""FDT_END."""
_CHILD: Final = 2
"""Depth of the nodes below the root."""
_WORD: Final = struct.Struct(">I")


def recheck(blob: bytes) -> None:
    """Refuse a blob that is not whole, or says what no merge may say.

    Raises:
        FdtError: What is wrong, and where.
    """
    start, end, names = _blocks(blob)
    walk = _Walk(blob, end, names)
    at = start
    while at + 4 <= end:
        (token,) = _WORD.unpack_from(blob, at)
        if token == _LAST:
            walk.finish(at)
            return
        match token:
            case 1:  # FDT_BEGIN_NODE
                at = walk.enter(at)
            case 2:  # FDT_END_NODE
                at = walk.leave(at)
            case 3:  # FDT_PROP
                at = walk.look(at)
            case 4:  # FDT_NOP
                at += 4
            case _:
                raise FdtError(f"no token: {token:#x}", offset=at)
    raise FdtError("the tree never ends", offset=at)


class _Walk:
    """Where a walk is; each step takes the place of a token and returns the next one's.

    Args:
        blob: Whole.
        end: Of the structure.
        names: The strings block.
    """

    def __init__(self, blob: bytes, end: int, names: bytes) -> None:
        self._blob = blob
        self._end = end
        self._names = names
        self._depth = 0
        self._nodes = 0
        self._is_chosen = False

    def enter(self, at: int) -> int:
        name, after = _node_name(self._blob, at, self._end)
        is_root = self._nodes == 0
        if is_root is not (name == b"") or is_root is not (self._depth == 0):
            raise FdtError("a node without a name, or a second root", offset=at)
        self._nodes += 1
        self._depth += 1
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise FdtError("too many nodes, or nested too deeply", offset=at)
        if self._depth == _CHILD:
            self._is_chosen = name == b"chosen"
        return after

    def leave(self, at: int) -> int:
        self._depth -= 1
        if self._depth < 0:
            raise FdtError("a node ends that never began", offset=at)
        return at + 4

    def look(self, at: int) -> int:
        name, after = _property(self._blob, at, self._end, self._names)
        is_chosen = self._is_chosen and self._depth == _CHILD
        if self._depth == 0 or (is_chosen and name in FORBIDDEN):
            raise FdtError(f"the property {name!r:.40} may not be there", offset=at)
        return after

    def finish(self, at: int) -> None:
        if self._depth or not self._nodes or at + 4 != self._end:
            raise FdtError("the tree ends too early", offset=at)


def _blocks(blob: bytes) -> tuple[int, int, bytes]:
    """Return begin and end of the structure, and the strings."""
    if len(blob) > MAX_BYTES:
        raise FdtError(f"a blob of {len(blob)} bytes")
    header = parse(blob)
    if header.total_size != len(blob):
        raise FdtError("there is more than the blob", offset=4)
    _check_reservations(blob[: header.reserve_end], header.reserve_start)
    return header.struct_start, header.struct_end, blob[header.strings_start : header.strings_end]


def _check_reservations(blob: bytes, at: int) -> None:
    while at + 16 <= len(blob):
        if blob[at : at + 16] == bytes(16):
            return
        at += 16
    raise FdtError("the reservations never end", offset=at)


def _node_name(blob: bytes, here: int, end: int) -> tuple[bytes, int]:
    stop = blob.find(b"\0", here + 4, min(end, here + 5 + MAX_NAME))
    if stop < 0:
        raise FdtError("a node's name never ends", offset=here)
    return blob[here + 4 : stop], (stop + 4) & ~3


def _property(blob: bytes, here: int, end: int, names: bytes) -> tuple[bytes, int]:
    if here + 12 > end:
        raise FdtError("a property leaves the structure", offset=here)
    size, offset = struct.unpack_from(">II", blob, here + 4)
    after = (here + 12 + size + 3) & ~3
    stop = names.find(b"\0", offset, offset + MAX_NAME + 1) if offset < len(names) else -1
    if after > end or stop < 0:
        raise FdtError("a property leaves the structure, or its name the strings", offset=here)
    return names[offset:stop], after
