"""Rules on identity: serial numbers and hardware addresses of this very board."""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, assign, keep, refuse
from bootd.devicetree.scene import Scene
from bootd.fdt.cells import strings
from bootd.model.text import clean
from bootd.model.tree import FactSource

_SERIAL: Final = Why(rule="serial", reason="this board's own number, set by the firmware")
_ADDRESS: Final = Why(
    rule="mac-address", reason="the hardware address that this board's firmware gave the interface"
)
_ORPHAN: Final = Why(
    rule="mac-address",
    reason="no node of the DTB is surely this interface; its address is not brought over",
)

_NUMBERS: Final = (
    ("/", "serial-number"),
    ("/system", "linux,serial"),
    ("/system", "linux,revision"),
)
"""Where firmware writes what a person would read from a label (U-Boot, Raspberry Pi)."""

_ADDRESSES: Final = ("local-mac-address", "mac-address", "local-bd-address")


def board_name(scene: Scene) -> Iterator[Edit]:
    """Record what the running tree calls the board where the DTB, whose word stays, differs."""
    for name in ("compatible", "model"):
        value = scene.live.root.properties.get(name, b"")
        if value and value != scene.base.root.properties.get(name):
            said = clean(", ".join(strings(value)), 100)
            reason = f"the kernel of the DTB knows the board by it; the running tree says {said}"
            why = Why(rule="board-name", reason=reason, source=FactSource.SHIPPED)
            yield keep("/", name, why)


def serial(scene: Scene) -> Iterator[Edit]:
    """Bring over serial numbers and board revisions."""
    for path, name in _NUMBERS:
        value = scene.live.get(path, name)
        if value:
            yield from assign(scene.base, path, name, value, _SERIAL)


def mac_address(scene: Scene) -> Iterator[Edit]:
    """Bring over the addresses of network and Bluetooth devices, by matched node, never alias."""
    for path, node in scene.live.walk():
        for name in _ADDRESSES:
            value = node.properties.get(name)
            if not value or not any(value):
                continue
            target = scene.counterpart(path)
            if target is None:
                yield refuse(path, name, _ORPHAN)
            else:
                yield from assign(scene.base, target, name, value, _ADDRESS)
