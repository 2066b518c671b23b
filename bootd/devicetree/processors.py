"""Rules on CPUs: which ones this board has, and how they are started."""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import HEADER, Edit, Why, add_node, assign, refuse
from bootd.devicetree.scene import Scene, encode
from bootd.errors import FdtError
from bootd.fdt import address
from bootd.fdt.cells import is_enabled, string
from bootd.fdt.tree import Fdt, Node
from bootd.model.tree import FactAction

_START: Final = Why(
    rule="cpu-start", reason="how this board's firmware starts its CPUs; the DTB cannot know it"
)
_FUSED: Final = Why(
    rule="cpu-set", reason="this CPU is not in the running tree: fused off or held by firmware"
)
_FOREIGN: Final = Why(
    rule="cpu-set", reason="the DTB and the running tree number CPUs differently; none is disabled"
)
_LAST: Final = Why(rule="cpu-set", reason="the boot CPU is never disabled")
_EXTRA: Final = Why(rule="cpu-set", reason="the running board has this CPU, the DTB does not")
_COMPLEX: Final = Why(
    rule="cpu-set", reason="this CPU is not in the DTB and needs more than can be brought over"
)
_BOOT: Final = Why(rule="boot-cpu", reason="the CPU that is running the machine's boot code")

_SCALARS: Final = frozenset(
    {
        "capacity-dmips-mhz",
        "clock-frequency",
        "compatible",
        "cpu-release-addr",
        "device_type",
        "dynamic-power-coefficient",
        "enable-method",
        "numa-node-id",
        "timebase-frequency",
        *(f"{kind}-cache-{what}" for kind in "di" for what in ("size", "sets", "line-size")),
    }
)
"""What a CPU node may hold to be brought over: values that mean the same in every tree."""


def cpus(fdt: Fdt) -> dict[int, Node]:
    """Return the CPU nodes by the number in `reg`; empty when there is no readable /cpus."""
    holder = fdt.root.children.get("cpus")
    if holder is None:
        return {}
    try:
        width = 4 * address.layout(holder).address
    except FdtError:
        return {}
    return {
        int.from_bytes(reg[:width], "big"): node
        for node in holder.children.values()
        if node.properties.get("device_type") == b"cpu\0"
        and len(reg := node.properties.get("reg", b"")) >= width
    }


def cpu_start(scene: Scene) -> Iterator[Edit]:
    """Bring over enable-method and release address of every CPU in both trees."""
    ours = cpus(scene.base)
    for number, node in cpus(scene.live).items():
        if number not in ours:
            continue
        path = f"/cpus/{ours[number].name}"
        for name in ("enable-method", "cpu-release-addr"):
            if name in node.properties:
                yield from assign(scene.base, path, name, node.properties[name], _START)


def cpu_set(scene: Scene) -> Iterator[Edit]:
    """Disable CPUs that this board does not have; add those that the DTB does not have."""
    ours, theirs = cpus(scene.base), cpus(scene.live)
    if not ours or not theirs:
        return
    usable = {number for number, node in theirs.items() if _usable(node)}
    if not usable & set(ours):
        yield refuse("/cpus", "", _FOREIGN)
        return
    boot = scene.live.boot_cpu if scene.live.boot_cpu in theirs else min(usable)
    for number, node in ours.items():
        if number in usable or not is_enabled(node):
            continue
        path = f"/cpus/{node.name}"
        if number == boot:
            yield refuse(path, "status", _LAST)
        else:
            yield from assign(scene.base, path, "status", b"disabled\0", _FUSED)
    for number in sorted(usable - set(ours)):
        yield from _add(scene, theirs[number])


def _usable(node: Node) -> bool:
    """A CPU waiting in a spin table is "disabled" by its binding (ePAPR 1.1, 3.7), not fused."""
    method = string(node.properties.get("enable-method", b""))
    return is_enabled(node) or method == "spin-table"


def _add(scene: Scene, node: Node) -> Iterator[Edit]:
    path = f"/cpus/{node.name}"
    values = {k: v for k, v in node.properties.items() if k not in {"phandle", "linux,phandle"}}
    known = set(values) <= _SCALARS | {"reg", "status"}
    if node.children or not known or scene.base.find(path) is not None:
        yield refuse(path, "", _COMPLEX)
        return
    yield add_node(path, _EXTRA)
    source, target = (address.layout(f.root.children["cpus"]) for f in (scene.live, scene.base))
    reg = address.decode(values.pop("reg"), source)
    yield from assign(scene.base, path, "reg", encode(reg, target, "a CPU's number"), _EXTRA)
    for name, value in values.items():
        yield from assign(scene.base, path, name, value, _EXTRA)


def boot_cpu(scene: Scene) -> Iterator[Edit]:
    """Name the boot CPU in the header."""
    number = scene.live.boot_cpu
    if number != scene.base.boot_cpu and number in cpus(scene.base):
        yield Edit(
            path=HEADER,
            property="boot_cpuid_phys",
            value=number.to_bytes(4, "big"),
            action=FactAction.SET,
            why=_BOOT,
        )
