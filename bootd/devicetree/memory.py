"""Rules on memory: what RAM there is, and which of it belongs to somebody else.

Memory ranges are always written again in the base's cells: the two trees may count differently
(Raspberry Pi 5: 2 and 1 cells in the firmware's tree, 2 and 2 in mainline's).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from bootd.devicetree.chosen import boots_by_efi, stale_ranges
from bootd.devicetree.edit import (
    RESERVATIONS,
    Edit,
    Why,
    add_node,
    assign,
    delete,
    refuse,
    reservation,
)
from bootd.devicetree.scene import Scene, encode, ranges
from bootd.errors import MergeRefusedError
from bootd.fdt import address
from bootd.fdt.cells import from_cells, is_enabled, phandle
from bootd.fdt.tree import Fdt, Node
from bootd.model.tree import FactAction, FactSource

_MEMORY: Final = Why(
    rule="memory",
    reason="the firmware measured this board's RAM; the DTB has a placeholder",
)
_EFI: Final = Why(
    rule="memory",
    reason="this board boots by EFI: RAM comes from the EFI memory map, not from the tree",
)
_RESERVED: Final = Why(
    rule="reservations",
    reason="the firmware keeps something there; using it would crash the board",
)
_NODES: Final = Why(
    rule="reserved-memory",
    reason="the running system keeps this range for firmware or secure world",
)
_OVERLAP: Final = Why(
    rule="reserved-memory",
    reason="overlaps a range that the DTB reserves; both are kept",
    told=True,
)
_REUSABLE: Final = Why(
    rule="reserved-memory",
    reason="a pool of the running kernel that any kernel may place anew; not brought over",
)


def is_memory(node: Node) -> bool:
    """Say whether a child of the root describes RAM."""
    return node.properties.get("device_type") == b"memory\0"


def memory_nodes(fdt: Fdt) -> list[Node]:
    """Return the nodes that describe RAM in use."""
    return [n for n in fdt.root.children.values() if is_memory(n) and is_enabled(n)]


def memory(scene: Scene) -> Iterator[Edit]:
    """Replace the DTB's RAM by what the live tree has."""
    ours = [n for n in scene.base.root.children.values() if is_memory(n)]
    if boots_by_efi(scene.live):
        yield from (edit for node in ours for edit in _drop(node, _EFI))
        return
    cells = address.layout(scene.live.root)
    theirs = [(node, ranges(node, cells)) for node in memory_nodes(scene.live)]
    theirs = [(node, entries) for node, entries in theirs if entries]
    if not theirs:
        msg = "the running kernel's tree describes no memory, and there is no EFI memory map"
        raise MergeRefusedError(msg)
    names = {node.name for node, _ in theirs}
    spare = [node for node in ours if node.name not in names]
    for node, entries in theirs:
        target = scene.base.root.children.get(node.name)
        if target is None and spare:
            target = spare.pop(0)
        yield from _write(scene.base, target, node, entries)
    yield from (edit for node in spare for edit in _drop(node, _MEMORY))


def _write(
    base: Fdt, target: Node | None, node: Node, entries: tuple[tuple[int, int], ...]
) -> Iterator[Edit]:
    path = f"/{node.name if target is None else target.name}"
    reg = encode(entries, address.layout(base.root), "this board's memory")
    if target is None:
        path = f"/memory@{entries[0][0]:x}"
        yield add_node(path, _MEMORY)
        yield from assign(base, path, "device_type", b"memory\0", _MEMORY)
    yield from assign(base, path, "reg", reg, _MEMORY)
    if "numa-node-id" in node.properties:
        yield from assign(base, path, "numa-node-id", node.properties["numa-node-id"], _MEMORY)
    if target is not None and not is_enabled(target):
        yield delete(path, "status", _MEMORY)


def _drop(node: Node, why: Why) -> Iterator[Edit]:
    if phandle(node) is not None:
        msg = f"the DTB's {node.name} is no memory of this board, but other nodes refer to it"
        raise MergeRefusedError(msg)
    yield delete(f"/{node.name}", "", why)


def reservations(scene: Scene) -> Iterator[Edit]:
    """Unite the reservation blocks, without what only the running kernel needed.

    Entries are not joined: a kernel that is started by kexec frees its initrd's by exact address
    and size. The running tree's own blob is out (`bootd.linux.proc_devicetree`).
    """
    stale = stale_ranges(scene.live)
    for entry in dict.fromkeys(scene.live.reservations):
        if entry in stale or covered(entry, scene.base.reservations):
            continue
        name = reservation(*entry)
        yield Edit(
            path=RESERVATIONS, property=name, value=b"", action=FactAction.ADD, why=_RESERVED
        )


def static_reservations(fdt: Fdt) -> list[tuple[Node, tuple[tuple[int, int], ...]]]:
    """Return the children of /reserved-memory that have fixed ranges, with these."""
    holder = fdt.root.children.get("reserved-memory")
    if holder is None:
        return []
    cells = address.layout(holder)
    found = [(n, ranges(n, cells)) for n in holder.children.values() if is_enabled(n)]
    return [(node, entries) for node, entries in found if entries]


def reserved_memory(scene: Scene) -> Iterator[Edit]:
    """Keep every fixed range that the live tree reserves; pools stay the kernel's own choice."""
    ours = [entry for _, entries in static_reservations(scene.base) for entry in entries]
    theirs = static_reservations(scene.live)
    missing = [(node, entry) for node, entries in theirs for entry in entries if entry not in ours]
    taken: set[str] = set()
    for node, entry in missing:
        path = f"/reserved-memory/{node.name.partition('@')[0]}@{entry[0]:x}"
        if "reusable" in node.properties:
            yield refuse(path, "", _REUSABLE)
            continue
        # The name may be in use for another range: the size makes ours unlike it.
        if path in taken or scene.base.find(path) is not None:
            path = f"{path}-{entry[1]:x}"
        taken.add(path)
        overlaps = any(overlap(entry, other) for other in ours)
        yield from reserve(scene.base, path, entry, _OVERLAP if overlaps else _NODES)


def _holder(base: Fdt) -> Iterator[Edit]:
    path = "/reserved-memory"
    if path[1:] in base.root.children:
        return
    cells = address.layout(base.root)
    yield add_node(path, _NODES)
    yield from assign(base, path, "#address-cells", from_cells([cells.address]), _NODES)
    yield from assign(base, path, "#size-cells", from_cells([cells.size]), _NODES)
    yield from assign(base, path, "ranges", b"", _NODES)


def reserve(base: Fdt, path: str, entry: tuple[int, int], why: Why = _NODES) -> Iterator[Edit]:
    """Yield a node that keeps a range from the next kernel."""
    holder = base.root.children.get("reserved-memory")
    yield from _holder(base)
    cells = address.layout(base.root if holder is None else holder)
    yield add_node(path, why)
    yield from assign(base, path, "reg", encode((entry,), cells, "a reserved range"), why)
    yield from assign(base, path, "no-map", b"", why)


def overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Say whether two (start, size) ranges share a byte."""
    return a[0] < b[0] + b[1] and b[0] < a[0] + a[1]


def covered(entry: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    """Say whether a (start, size) range lies in one of others."""
    start, size = entry
    return any(low <= start and start + size <= low + long for low, long in others)


def drop_crash_limits(live: Fdt) -> Iterator[Edit]:
    """Give the next kernel all memory, where the running one is a crash kernel with little."""
    why = Why(
        rule="memory",
        reason="limited the memory of a crash kernel; the next kernel may use all",
        source=FactSource.POLICY,
    )
    for node in memory_nodes(live):
        if "linux,usable-memory" in node.properties:
            yield delete(f"/{node.name}", "linux,usable-memory", why)


def drop_stale_reservations(live: Fdt) -> Iterator[Edit]:
    """Free, in the running tree, what the running kernel's own initrd and buffers occupied."""
    why = Why(
        rule="reservations",
        reason="held something of the running kernel that the next one does not get",
        source=FactSource.POLICY,
    )
    stale = stale_ranges(live)
    yield from (delete(RESERVATIONS, reservation(*e), why) for e in live.reservations if e in stale)
