"""Trees to pyfdt's and back, without loss: for tools and people who work with pyfdt.

Only pyfdt's containers are used. Its own readers, merge, comparison and JSON accept malformed
blobs, hide properties or lose bytes, so nothing of foreign origin is ever handed to them.
"""

import struct
from typing import Any, Final

import pyfdt.pyfdt as foreign

from bootd.fdt.source import as_strings
from bootd.fdt.tree import Fdt, Node

_ROOT: Final = "/"
"""What pyfdt calls the root."""


def to_pyfdt(fdt: Fdt) -> Any:  # noqa: ANN401 - pyfdt ships no types
    """Return a `pyfdt.Fdt` that writes the same tree."""
    result = foreign.Fdt(boot_cpuid_phys=fdt.boot_cpu)
    result.add_reserve_entries([{"address": a, "size": s} for a, s in fdt.reservations])
    root = foreign.FdtNode(_ROOT)
    stack = [(fdt.root, root)]
    while stack:
        node, twin = stack.pop()
        # `append` would refuse a child that has the name of a property, which is legal.
        twin.subdata.extend(_property(name, value) for name, value in node.properties.items())
        for name, child in node.children.items():
            below = foreign.FdtNode(name)
            below.set_parent_node(twin)
            twin.subdata.append(below)
            stack.append((child, below))
    result.add_rootnode(root)
    return result


def from_pyfdt(tree: Any) -> Fdt:  # noqa: ANN401 - pyfdt ships no types
    """Return the tree of a `pyfdt.Fdt`; NOPs are dropped."""
    root = Node("")
    stack = [(tree.get_rootnode(), root)]
    while stack:
        twin, node = stack.pop()
        for item in twin.subdata:
            if isinstance(item, foreign.FdtNode):
                stack.append((item, node.add(item.get_name())))
            elif isinstance(item, foreign.FdtProperty):
                node.properties[item.get_name()] = _value(item)
    return Fdt(
        root=root,
        reservations=[(e["address"], e["size"]) for e in tree.reserve_entries or ()],
        boot_cpu=tree.header["boot_cpuid_phys"],
    )


def _property(name: str, value: bytes) -> Any:  # noqa: ANN401 - pyfdt ships no types
    """Return the pyfdt property that has exactly these bytes."""
    texts = as_strings(value)
    if not value:
        return foreign.FdtProperty(name)
    if texts:
        return foreign.FdtPropertyStrings(name, list(texts))
    if len(value) % 4 == 0:
        return foreign.FdtPropertyWords(name, list(struct.unpack(f">{len(value) // 4}I", value)))
    # pyfdt's bytes are signed.
    return foreign.FdtPropertyBytes(name, list(struct.unpack(f"{len(value)}b", value)))


def _value(item: Any) -> bytes:  # noqa: ANN401 - pyfdt ships no types
    if isinstance(item, foreign.FdtPropertyStrings):
        return b"".join(text.encode("ascii") + b"\0" for text in item.strings)
    if isinstance(item, foreign.FdtPropertyWords):
        return struct.pack(f">{len(item.words)}I", *item.words)
    if isinstance(item, foreign.FdtPropertyBytes):
        return struct.pack(f"{len(item.bytes)}b", *item.bytes)
    return b""
