"""Trees to blobs: version 17, compatible with 16, properties before children, strings shared."""

import struct
from typing import Final

from bootd.errors import FdtError
from bootd.fdt.header import COMPATIBLE_VERSION, HEADER_BYTES, MAGIC, VERSION
from bootd.fdt.tree import MAX_BLOB_BYTES, Fdt, Node

_PROP: Final = struct.Struct(">III")
_BEGIN: Final = b"\0\0\0\1"
_END_NODE: Final = b"\0\0\0\2"
_END: Final = b"\0\0\0\x09"
_PADDING: Final = (b"", b"\0\0\0", b"\0\0", b"\0")
"""By the length modulo 4."""


def write(fdt: Fdt) -> bytes:
    """Return the blob of a tree: reservations, structure and strings in dtc's order.

    Names are not checked here: what reaches a kernel is read again by the strict reader.

    Raises:
        FdtError: The blob would have more than 2 MiB.
    """
    offsets: dict[str, int] = {}
    structure = _structure(fdt.root, offsets)
    strings = "\0".join((*offsets, "")).encode("ascii")
    reserve = b"".join(struct.pack(">QQ", *entry) for entry in fdt.reservations) + bytes(16)
    struct_start = HEADER_BYTES + len(reserve)
    strings_start = struct_start + len(structure)
    total = strings_start + len(strings)
    if total > MAX_BLOB_BYTES:
        raise FdtError(f"the blob would have {total} bytes; the limit is {MAX_BLOB_BYTES}")
    header = struct.pack(
        ">10I",
        MAGIC,
        total,
        struct_start,
        strings_start,
        HEADER_BYTES,
        VERSION,
        COMPATIBLE_VERSION,
        fdt.boot_cpu,
        len(strings),
        len(structure),
    )
    return b"".join((header, reserve, structure, strings))


def _structure(root: Node, offsets: dict[str, int]) -> bytes:
    """Serialise all nodes; `offsets` collects where each property name will be."""
    parts: list[bytes] = []
    append = parts.append
    pack = _PROP.pack
    end_of_strings = 0
    # None stands for the end of a node whose children have been written.
    stack: list[Node | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:
            append(_END_NODE)
            continue
        name = node.name.encode("ascii")
        append(_BEGIN + name + bytes(4 - len(name) % 4))
        for key, value in node.properties.items():
            offset = offsets.get(key)
            if offset is None:
                offset = offsets[key] = end_of_strings
                end_of_strings += len(key) + 1
            size = len(value)
            append(pack(3, size, offset))
            append(value)
            if size & 3:
                append(_PADDING[size & 3])
        stack.append(None)
        if node.children:
            stack.extend(reversed(node.children.values()))
    append(_END)
    return b"".join(parts)
