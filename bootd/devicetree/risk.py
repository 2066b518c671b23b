"""What in a shipped tree is dangerous even on the right board: safe only as far as its origin is.

A device tree is code: a node can point a driver at RAM, take DMA protection away, raise a voltage.
On a board that trusts its disks these are told; where device trees have to be signed they are among
the reasons why (`bootd.policy.trust`).
"""

from collections.abc import Callable, Iterator
from typing import Final

from bootd.devicetree.match import Match
from bootd.devicetree.memory import is_memory, memory_nodes
from bootd.devicetree.trustclass import GUARDS, VOLTAGES
from bootd.errors import FdtError
from bootd.fdt import address
from bootd.fdt.cells import cells, compatible, is_enabled
from bootd.fdt.tree import Fdt, Node, chain
from bootd.model.text import clean

MAX_RISKS: Final = 16

_NEW: Final = {
    "mtd-ram": "shows memory as a disk",
    "mtd-rom": "shows memory as a disk",
    "pmem-region": "shows memory as a disk",
    "ramoops": "shows memory to programs",
    "simple-framebuffer": "lets the display code write to memory",
    "syscon-poweroff": "writes a value of its own choice to a register at power-off",
    "syscon-reboot": "writes a value of its own choice to a register at reboot",
}
"""By compatible: what a node does that the running tree does not have."""


def risks(shipped: Fdt, live: Fdt) -> Iterator[str]:
    """Yield a sentence on each dangerous thing, at most MAX_RISKS."""
    found = 0
    for check in _CHECKS:
        for sentence in check(shipped, live):
            if found == MAX_RISKS:
                yield "there is more of this; the rest is not listed"
                return
            found += 1
            yield sentence


def _new_nodes(shipped: Fdt, live: Fdt) -> Iterator[str]:
    known = {text for _, node in live.walk() for text in compatible(node)}
    for path, node in shipped.walk():
        for text in compatible(node):
            if text in _NEW and text not in known and is_enabled(node):
                yield f"{clean(path, 80)} ({text}) {_NEW[text]}"


def _lost_guards(shipped: Fdt, live: Fdt) -> Iterator[str]:
    match = Match(live, shipped)
    for path, node in live.walk():
        names = [name for name in GUARDS if name in node.properties]
        pairing = match.find(path) if names else None
        other = None if pairing is None else shipped.find(pairing.path)
        for name in names:
            if pairing is not None and other is not None and name not in other.properties:
                yield f"{clean(pairing.path, 80)} loses {name}"


def _dma_windows(shipped: Fdt, live: Fdt) -> Iterator[str]:
    # Other cells around them make other bytes of the same window.
    name = "#address-cells"
    if shipped.root.properties.get(name) != live.root.properties.get(name):
        return
    for path, node in live.walk():
        ours = node.properties.get("dma-ranges")
        other = shipped.find(path) if ours else None
        theirs = None if other is None else other.properties.get("dma-ranges")
        if theirs is not None and theirs != ours:
            yield f"{clean(path, 80)} lets devices reach other memory than now (dma-ranges)"


def _over_memory(shipped: Fdt, live: Fdt) -> Iterator[str]:
    """Yield devices that claim RAM as their registers, and do not in the running tree."""
    ram: list[tuple[int, int]] = []
    for node in memory_nodes(live):
        ram += _ranges(node, live.root)
    for path, node in shipped.walk():
        reg = node.properties.get("reg")
        first = path.split("/")[1]
        if reg is None or is_memory(node) or first == "reserved-memory":
            continue
        if live.get(path, "reg") == reg:
            continue
        for start, size in _claims(shipped, path, node):
            if any(start < low + length and low < start + size for low, length in ram):
                yield f"{clean(path, 80)} takes memory for registers ({start:#x}+{size:#x})"


def _claims(fdt: Fdt, path: str, node: Node) -> list[tuple[int, int]]:
    """Return the CPU's addresses of a node's registers: below other buses those of the first."""
    if path.count("/") == 1:
        return _ranges(node, fdt.root)
    found = address.translate(chain(fdt, path))
    return [] if found is None or not found[1] else [found]


def _ranges(node: Node, bus: Node) -> list[tuple[int, int]]:
    try:
        entries = address.decode(node.properties.get("reg", b""), address.layout(bus))
    except FdtError:
        return []
    return [entry for entry in entries if entry[1]]


def _voltages(shipped: Fdt, live: Fdt) -> Iterator[str]:
    for path, node in live.walk():
        for name in VOLTAGES:
            ours = _highest(node, name)
            other = shipped.find(path) if ours else None
            theirs = 0 if other is None else _highest(other, name)
            if theirs > ours > 0:
                yield f"{clean(path, 80)} may be set to {theirs / 1e6:g} V, more than now"


def _highest(node: Node, name: str) -> int:
    """Return the highest of a list of microvolts, 0 when it is none."""
    value = node.properties.get(name, b"")
    return max(cells(value), default=0) if len(value) % 4 == 0 else 0


def _critical_trips(shipped: Fdt, live: Fdt) -> Iterator[str]:
    for path, node in live.walk():
        if node.properties.get("type") == b"critical\0" and "temperature" in node.properties:
            zone = path.rsplit("/", 2)[0]
            other = shipped.find(zone)
            if other is not None and not _has_critical(other):
                yield f"{clean(zone, 80)} no longer switches off when it is too hot"


def _has_critical(zone: Node) -> bool:
    trips = zone.children.get("trips", Node(""))
    return any(t.properties.get("type") == b"critical\0" for t in trips.children.values())


_CHECKS: Final[tuple[Callable[[Fdt, Fdt], Iterator[str]], ...]] = (
    _over_memory,
    _new_nodes,
    _lost_guards,
    _dma_windows,
    _voltages,
    _critical_trips,
)
