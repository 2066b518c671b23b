"""Rules on identity: serial numbers and hardware addresses of this very board."""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, assign, refuse
from bootd.devicetree.scene import Scene

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
