"""Rules on firmware that stays resident: PSCI, OP-TEE and hypervisors."""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, add_node, assign, delete, keep, refuse
from bootd.devicetree.scene import Scene
from bootd.fdt.cells import compatible, is_enabled
from bootd.fdt.tree import Fdt, Node, join
from bootd.model.tree import FactSource

_PSCI: Final = Why(rule="psci", reason="describes the firmware that is installed on this board")
_GRAFT: Final = Why(
    rule="firmware", reason="runs on this board beside the kernel; the DTB does not know it"
)
_COMPLEX: Final = Why(
    rule="firmware", reason="is only in the running tree and needs more than can be brought over"
)
_OTHER: Final = Why(
    rule="firmware",
    reason="the firmware of this board describes itself in another way; the DTB's own stays",
    source=FactSource.SHIPPED,
    told=True,
)

_FUNCTIONS: Final = (
    "cpu_suspend",
    "cpu_off",
    "cpu_on",
    "migrate",
    "affinity_info",
    "sys_poweroff",
    "sys_reset",
)
"""Function ids of PSCI 0.1; the kernel's Documentation/devicetree/bindings/arm/psci.yaml."""

_CALLS: Final = ("compatible", "method")
"""How a kernel would call it."""

_SCALARS: Final = frozenset({"compatible", "method", "status", "hcall-instructions"})


def find_psci(fdt: Fdt) -> str | None:
    """Return the path of the PSCI node, or None."""
    holders = [("/", fdt.root), ("/firmware", fdt.root.children.get("firmware"))]
    for path, holder in holders:
        for node in () if holder is None else holder.children.values():
            if any(text.startswith("arm,psci") for text in compatible(node)):
                return join(path, node.name)
    return None


def psci(scene: Scene) -> Iterator[Edit]:
    """Bring over how the installed PSCI is called; idle states stay the DTB's."""
    live_path, path = find_psci(scene.live), find_psci(scene.base)
    node = None if live_path is None else scene.live.find(live_path)
    if node is None:
        return
    if path is None:
        path = "/psci"
        yield add_node(path, _PSCI)
    old = scene.base.find(path)
    for name in ("compatible", "method", *_FUNCTIONS):
        value = node.properties.get(name)
        if value is not None:
            yield from assign(scene.base, path, name, value, _PSCI)
        elif old is not None and name in old.properties:
            yield delete(path, name, _PSCI)


def services(scene: Scene) -> Iterator[Edit]:
    """Bring over simple firmware nodes that the DTB does not have (as U-Boot does for OP-TEE)."""
    for path, node in _services(scene.live):
        ours = scene.base.find(path)
        if ours is not None:
            differ = (n for n in _CALLS if node.properties.get(n) != ours.properties.get(n))
            yield from (keep(path, name, _OTHER) for name in differ)
            continue
        if not _is_simple(node):
            yield refuse(path, "", _COMPLEX)
            continue
        yield add_node(path, _GRAFT)
        for name, value in node.properties.items():
            yield from assign(scene.base, path, name, value, _GRAFT)


def _services(live: Fdt) -> Iterator[tuple[str, Node]]:
    """Yield what the firmware says of itself besides PSCI: OP-TEE, SCMI, a hypervisor ..."""
    holder = live.root.children.get("firmware", Node(""))
    for name, node in holder.children.items():
        if is_enabled(node) and not any(text.startswith("arm,psci") for text in compatible(node)):
            yield f"/firmware/{name}", node
    if "hypervisor" in live.root.children:
        yield "/hypervisor", live.root.children["hypervisor"]


def _is_simple(node: Node) -> bool:
    return not node.children and set(node.properties) <= _SCALARS
