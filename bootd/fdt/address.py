"""Addresses: `reg` split by the parent's cells, and translated to what the CPU sees.

Source: Devicetree Specification v0.4, 2.3.5, 2.3.6 and 2.3.8. Not supported: PCI and ISA buses,
whose first cell is no number; `translate` gives None for what lies behind them.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from bootd.errors import FdtError
from bootd.fdt.cells import count
from bootd.fdt.tree import Node
from bootd.record import dataclass

DEFAULT_ADDRESS_CELLS: Final = 2
DEFAULT_SIZE_CELLS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How many cells a bus uses for an address and for a size."""

    address: int
    size: int


def layout(bus: Node) -> Layout:
    """Return the layout that a node imposes on the `reg` of its children; raises FdtError."""
    return Layout(
        address=count(bus, "#address-cells", DEFAULT_ADDRESS_CELLS),
        size=count(bus, "#size-cells", DEFAULT_SIZE_CELLS),
    )


def decode(value: bytes, cells: Layout) -> tuple[tuple[int, int], ...]:
    """Split a `reg` value into (address, size) pairs.

    Raises:
        FdtError: Its length does not fit the layout.
    """
    step = 4 * (cells.address + cells.size)
    if not step or len(value) % step:
        raise FdtError(f"a reg of {len(value)} bytes does not divide into {step}-byte entries")
    split = 4 * cells.address
    return tuple(
        (
            int.from_bytes(value[at : at + split], "big"),
            int.from_bytes(value[at + split : at + step], "big"),
        )
        for at in range(0, len(value), step)
    )


def encode(ranges: Iterable[tuple[int, int]], cells: Layout) -> bytes:
    """Return the `reg` value of (address, size) pairs.

    Raises:
        FdtError: A number needs more cells than the layout has.
    """
    parts: list[bytes] = []
    for address, size in ranges:
        try:
            parts.append(address.to_bytes(4 * cells.address, "big"))
            parts.append(size.to_bytes(4 * cells.size, "big"))
        except OverflowError:
            raise FdtError(
                f"{address:#x}+{size:#x} does not fit {cells.address} address cells"
                f" and {cells.size} size cells"
            ) from None
    return b"".join(parts)


def translate(chain: Sequence[Node]) -> tuple[int, int] | None:
    """Return the CPU's (address, size) of the first `reg` entry of a node, or None.

    None when there is no `reg`, it is malformed, or a bus on the way has no `ranges`.

    Args:
        chain: The nodes from the root down to the node in question.
    """
    if len(chain) < 2 or "reg" not in chain[-1].properties:
        return None
    try:
        entries = decode(chain[-1].properties["reg"], layout(chain[-2]))
        if not entries:
            return None
        address, size = entries[0]
        for depth in range(len(chain) - 2, 0, -1):
            moved = _through(chain[depth], chain[depth - 1], address)
            if moved is None:
                return None
            address = moved
    except FdtError:
        return None
    return address, size


def _through(bus: Node, parent: Node, address: int) -> int | None:
    """Return an address on `bus` as its parent sees it."""
    ranges = bus.properties.get("ranges")
    if ranges is None or bus.properties.get("device_type") == b"pci\0":
        return None
    if not ranges:
        return address
    inner, outer = layout(bus), layout(parent)
    step = 4 * (inner.address + outer.address + inner.size)
    if not step or len(ranges) % step:
        return None
    a, b = 4 * inner.address, 4 * (inner.address + outer.address)
    for at in range(0, len(ranges), step):
        entry = ranges[at : at + step]
        start = int.from_bytes(entry[:a], "big")
        size = int.from_bytes(entry[b:], "big")
        if start <= address < start + size:
            return address - start + int.from_bytes(entry[a:b], "big")
    return None
