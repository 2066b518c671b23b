"""What a device tree says about physical memory: what is there, and what must be left alone.

Source: Devicetree Specification v0.4, 3.4 (/memory), 3.5 (/reserved-memory), 5.3 (reservation
block). Unsupported: /memory in a node with `linux,usable-memory`.
"""

from collections.abc import Iterable

from bootd.fdt.address import Layout, decode, layout
from bootd.fdt.tree import Fdt, Node, walk
from bootd.model.memory import Range


def reserved(tree: Fdt) -> tuple[Range, ...]:
    """Return the reservation block and the fixed regions of /reserved-memory.

    A region that the next kernel may place itself (`size` without `reg`) reserves nothing yet.

    Raises:
        FdtError: A `reg` does not fit its bus.
    """
    regions = (found for child, found in _regions(tree))
    return (*_ranges(tree.reservations), *regions)


def foreign(tree: Fdt) -> tuple[Range, ...]:
    """Return the fixed regions that no kernel puts pages of its own in, such as firmware's.

    Raises:
        FdtError: A `reg` does not fit its bus.
    """
    return tuple(found for child, found in _regions(tree) if "reusable" not in child.properties)


def usable(tree: Fdt) -> tuple[Range, ...]:
    """Return the memory that the tree describes; empty when it describes none.

    Raises:
        FdtError: A `reg` does not fit its bus.
    """
    cells = layout(tree.root)
    return tuple(found for node in _memories(tree.root) for found in _memory(node, cells))


def is_known(tree: Fdt) -> bool:
    """Say whether a kernel learns of its memory: from the tree, or from EFI's map behind it.

    Raises:
        FdtError: A `reg` does not fit its bus.
    """
    chosen = tree.root.children.get("chosen")
    return bool(usable(tree)) or (
        chosen is not None and "linux,uefi-mmap-start" in chosen.properties
    )


def has_node(tree: Fdt, compatible: bytes) -> bool:
    """Say whether some node has this among its compatible strings."""
    return any(
        compatible in node.properties.get("compatible", b"").split(b"\0")
        for _, node in walk(tree.root)
    )


def _regions(tree: Fdt) -> Iterable[tuple[Node, Range]]:
    """Every fixed region of /reserved-memory, with its node."""
    node = tree.root.children.get("reserved-memory")
    if node is None:
        return ()
    cells = layout(node)
    return (
        (child, found)
        for child in node.children.values()
        if "reg" in child.properties and _enabled(child)
        for found in _ranges(decode(child.properties["reg"], cells))
    )


def _memories(root: Node) -> Iterable[Node]:
    return (
        child
        for child in root.children.values()
        if child.properties.get("device_type") == b"memory\0" and _enabled(child)
    )


def _memory(node: Node, cells: Layout) -> tuple[Range, ...]:
    return _ranges(decode(node.properties.get("reg", b""), cells))


def _enabled(node: Node) -> bool:
    return node.properties.get("status", b"okay\0") in {b"okay\0", b"ok\0"}


def _ranges(pairs: Iterable[tuple[int, int]]) -> tuple[Range, ...]:
    return tuple(Range(start, start + size) for start, size in pairs if size)
