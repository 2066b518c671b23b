"""Three trees: what the firmware changed is told from what it was given.

Where the DTB that the firmware starts from is known, a difference between it and the running tree
is the firmware's own doing: a fused-off block, a DMA window for this stepping, a speed. It is
brought over when the shipped DTB still has the value that the firmware found, so that both trees
start from the same place; otherwise the shipped value stays, and the fact says so.
"""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, assign, refuse
from bootd.devicetree.scene import Scene
from bootd.devicetree.transfer import transfer
from bootd.fdt.cells import compatible, is_enabled
from bootd.fdt.compare import Difference, differences
from bootd.fdt.references import may_refer
from bootd.fdt.tree import Fdt

_CHANGED: Final = Why(
    rule="firmware-change",
    reason="the firmware changes this on this very board: its own DTB says otherwise",
)
_REMOVED: Final = Why(
    rule="firmware-change",
    reason="the firmware takes this out of its own DTB: this board does not have it",
)
_DRIFTED: Final = Why(
    rule="firmware-change",
    reason="the firmware changed this, but the DTB starts from another value; its own stays",
)
_FOREIGN: Final = Why(
    rule="firmware-change",
    reason="the firmware changed this, and it cannot be said in the DTB's terms",
)
_ADDED: Final = Why(
    rule="firmware-change",
    reason="the firmware added this node (an overlay of its own?); it is not brought over",
)

MAX_ADDED: Final = 16
"""Added nodes that are told one by one."""

_PLACES: Final = ("/chosen", "/aliases", "/memory", "/reserved-memory", "/cpus", "/psci", "/__")
"""Where other rules decide, or nothing may be brought over."""

_PROPERTIES: Final = frozenset(
    {
        "bus-frequency",
        "clock-frequency",
        "dma-ranges",
        "iommu-map",
        "max-link-speed",
        "msi-map",
        "opp-supported-hw",
        "speed-bin",
        "status",
    }
)
"""What firmware is known to fix up by fuses and steppings; nothing else is brought over."""


def firmware_changes(scene: Scene) -> Iterator[Edit]:
    """Bring over what the firmware changed; nothing without its original DTB."""
    original = scene.known.original
    if original is None:
        return
    added: list[str] = []
    gone = ""
    for found in differences(original, scene.live):
        if found.path.startswith(_PLACES) or (gone and found.path.startswith(f"{gone}/")):
            continue
        if found.after is None and not found.property:
            gone = found.path
            yield from _deleted(scene, original, gone)
        elif not found.property and found.before is None:
            if not any(found.path.startswith(f"{above}/") for above in added):
                added.append(found.path)
        elif found.property in _PROPERTIES and found.after is not None:
            yield from _change(scene, found)
    yield from (refuse(path, "", _ADDED) for path in added[:MAX_ADDED])


def _deleted(scene: Scene, original: Fdt, path: str) -> Iterator[Edit]:
    """Switch off what the firmware took out of its own DTB; other nodes may refer to it."""
    theirs, ours = original.find(path), scene.base.find(path)
    if theirs is None or ours is None:
        return
    if set(compatible(theirs)) & set(compatible(ours)) and is_enabled(ours):
        yield from assign(scene.base, path, "status", b"disabled\0", _REMOVED)


def _change(scene: Scene, found: Difference) -> Iterator[Edit]:
    path = scene.counterpart(found.path)
    if path is None:
        return
    ours = scene.base.get(path, found.property)
    value = transfer(scene, found.path, path, found.property)
    if value is None:
        yield refuse(path, found.property, _FOREIGN)
    elif ours == value:
        return
    elif not may_refer(found.property) and ours != found.before and not _same_status(found, ours):
        yield refuse(path, found.property, _DRIFTED)
    else:
        yield from assign(scene.base, path, found.property, value, _CHANGED)


def _same_status(found: Difference, ours: bytes | None) -> bool:
    """A missing status means the same as "okay"."""
    enabled = (None, b"okay\0", b"ok\0")
    return found.property == "status" and found.before in enabled and ours in enabled
