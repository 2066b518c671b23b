"""Two more looks at a finished tree: do its references lead anywhere, and is it for this silicon.

Part of the last check (`bootd.devicetree.verify`): nothing of the merge is used here.
"""

from typing import Final

from bootd.fdt.cells import compatible, is_enabled, phandle
from bootd.fdt.references import positions
from bootd.fdt.tree import Fdt, Node, walk

_CONTROLLERS: Final = {
    "GICv2": frozenset(
        {
            "arm,arm1176jzf-devchip-gic",
            "arm,arm11mp-gic",
            "arm,cortex-a15-gic",
            "arm,cortex-a5-gic",
            "arm,cortex-a7-gic",
            "arm,cortex-a9-gic",
            "arm,eb11mp-gic",
            "arm,gic-400",
            "arm,pl390",
            "arm,tc11mp-gic",
            "brcm,brahma-b15-gic",
            "qcom,msm-8660-qgic",
            "qcom,msm-qgic2",
        }
    ),
    "GICv3": frozenset({"arm,gic-v3"}),
    "GICv5": frozenset({"arm,gic-v5"}),
    "PLIC": frozenset({"riscv,plic0", "sifive,plic-1.0.0", "thead,c900-plic"}),
    "APLIC": frozenset({"riscv,aplic"}),
}
"""Families of interrupt controllers that no kernel can take for each other (drivers/irqchip)."""

_MAY_DANGLE: Final = frozenset({"__symbols__", "__fixups__", "__local_fixups__", "__overrides__"})


def why_other_silicon(fdt: Fdt, live: Fdt) -> str | None:
    """Say which interrupt controller a tree has instead of this board's, or None.

    Boards that only differ there may have one name: QEMU calls all of its `linux,dummy-virt`.
    """
    ours, theirs = _families(live), _families(fdt)
    if not ours or not theirs or ours & theirs:
        return None
    return (
        f"it has the interrupt controller {'/'.join(sorted(theirs))}, this board has"
        f" {'/'.join(sorted(ours))}: no interrupt would arrive"
    )


def _families(fdt: Fdt) -> set[str]:
    found: set[str] = set()
    for _, node in fdt.walk():
        if "interrupt-controller" in node.properties and is_enabled(node):
            texts = set(compatible(node))
            found |= {name for name, family in _CONTROLLERS.items() if texts & family}
    return found


def dangling(fdt: Fdt, base: Fdt) -> str | None:
    """Name a reference that leads nowhere, though its layout is known; None when there is none.

    What leads nowhere in the base already is not the merge's doing, and stays.
    """
    ours, theirs = _by_phandle(fdt), _by_phandle(base)
    if set(theirs) - set(ours):
        return f"phandle {min(set(theirs) - set(ours)):#x} of the base"
    old = dict(base.walk())
    for path, node in fdt.walk():
        if path.split("/")[1] in _MAY_DANGLE:
            continue
        before = old.get(path)
        for name, value in node.properties.items():
            # Untouched values still lead where they led: no phandle is lost.
            if before is not None and before.properties.get(name) == value:
                continue
            for at in positions(node, name, ours.get) or ():
                if int.from_bytes(value[at : at + 4], "big") not in ours:
                    return f"{name} of {path}"
    return None


def _by_phandle(fdt: Fdt) -> dict[int, Node]:
    return {p: node for _, node in walk(fdt.root) if (p := phandle(node)) is not None}
