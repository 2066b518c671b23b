"""The picture that the firmware left on the screen: handed on, or not mentioned at all.

A framebuffer in /chosen tells the next kernel to draw into memory. That is right while the display
still shows that memory: a driver of the running kernel is drawing there (`Known.screens`), so the
hardware is left as the firmware set it up. Otherwise the memory may be anybody's by now. All its
clocks and power domains have to be known in the DTB, or the next kernel would switch them off.
Not supported: framebuffers elsewhere than in /chosen, and those that name their memory by
`memory-region`.
Source: the kernel's Documentation/devicetree/bindings/display/simple-framebuffer.yaml.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, add_node, assign, delete, refuse
from bootd.devicetree.memory import (
    covered,
    memory_nodes,
    overlap,
    reserve,
    static_reservations,
)
from bootd.devicetree.scene import Scene, encode, ranges
from bootd.devicetree.transfer import transfer
from bootd.errors import FdtError, MergeRefusedError
from bootd.fdt import address
from bootd.fdt.cells import compatible, from_cells, is_enabled
from bootd.fdt.references import may_refer
from bootd.fdt.tree import Fdt, Node
from bootd.model.text import clean
from bootd.model.tree import FactSource

KIND: Final = "simple-framebuffer"

_CHOSEN: Final = "/chosen"

_SCALARS: Final = frozenset(
    {
        "allwinner,pipeline",
        "amlogic,pipeline",
        "compatible",
        "format",
        "height",
        "height-mm",
        "status",
        "stride",
        "width",
        "width-mm",
    }
)
"""Mean the same in every tree."""

_LEFT_OUT: Final = frozenset({"display", "linux,phandle", "phandle", "reg"})
"""`display` only serves for numbering; the DTB's own stays. `reg` is written in its cells."""

_SHOWN: Final = Why(
    rule="display", reason="the screen still shows the picture that the firmware set up"
)
_DARK: Final = Why(
    rule="display",
    reason="no driver draws there any more: the memory may be anybody's when the kernel starts",
)
_STALE: Final = Why(
    rule="display",
    reason="no firmware has set up this framebuffer of the DTB for this boot",
    source=FactSource.POLICY,
)
_GONE: Final = Why(rule="display", reason=_DARK.reason, source=FactSource.POLICY)


def display(scene: Scene) -> Iterator[Edit]:
    """Hand on the framebuffers that are shown; take those away that nobody has set up."""
    carried: set[str] = set()
    for node in framebuffers(scene.live):
        path = f"{_CHOSEN}/{node.name}"
        if path not in scene.known.screens:
            yield refuse(path, "", _DARK)
            continue
        try:
            edits = tuple(_hand_on(scene, node))
        except (FdtError, MergeRefusedError) as error:
            yield refuse(path, "", Why(rule="display", reason=f"cannot be handed on: {error}"))
            continue
        carried.add(node.name)
        yield from edits
    base = scene.base.find(_CHOSEN)
    # A framebuffer that the DTB ships switched off stays for the kernel to ignore.
    for name, child in {} if base is None else base.children.items():
        if is_enabled(child) and name not in carried:
            yield delete(f"{_CHOSEN}/{name}", "", _STALE)


def drop_dark(live: Fdt, screens: Iterable[str]) -> Iterator[Edit]:
    """Take the framebuffers out of the running tree that are not shown any more."""
    for node in framebuffers(live):
        path = f"{_CHOSEN}/{node.name}"
        if path not in screens:
            yield delete(path, "", _GONE)


def framebuffers(fdt: Fdt) -> list[Node]:
    """Return the framebuffers of /chosen that are in use."""
    holder = fdt.root.children.get("chosen")
    below = () if holder is None else holder.children.values()
    return [node for node in below if KIND in compatible(node) and is_enabled(node)]


def _hand_on(scene: Scene, node: Node) -> Iterator[Edit]:
    """Yield what makes the node; raises FdtError with what cannot be said in the DTB's terms."""
    path = f"{_CHOSEN}/{node.name}"
    source = scene.live.root.children["chosen"]
    if source.properties.get("ranges") != b"" or "reg" not in node.properties:
        raise FdtError("its address is not the CPU's")
    if node.children or "memory-region" in node.properties:
        raise FdtError("it has more than a plain framebuffer has")
    entries = ranges(node, address.layout(source))
    values = {"reg": encode(entries, _target(scene), "the framebuffer")} | _values(scene, node)
    yield from _holder(scene)
    if scene.base.find(path) is None:
        yield add_node(path, _SHOWN)
    elif "status" not in values:
        values["status"] = b"okay\0"
    for name, value in values.items():
        yield from assign(scene.base, path, name, value, _SHOWN)
    yield from _keep_memory(scene, entries)


def _values(scene: Scene, node: Node) -> dict[str, bytes]:
    """Return what stands beside `reg`."""
    values: dict[str, bytes] = {}
    for name, value in node.properties.items():
        if name in _SCALARS:
            values[name] = value
        elif may_refer(name):
            values[name] = _mapped(scene, f"{_CHOSEN}/{node.name}", name)
        elif name not in _LEFT_OUT:
            raise FdtError(f"nobody knows what its property {clean(name, 40)} refers to")
    return values


def _mapped(scene: Scene, path: str, name: str) -> bytes:
    value = transfer(scene, path, path, name)
    if value is None:
        raise FdtError(f"what its {clean(name, 40)} are is not in the DTB")
    return value


def _target(scene: Scene) -> address.Layout:
    """Return the cells of the base's /chosen, which are the root's where it has none yet."""
    holder = scene.base.root.children.get("chosen", Node("chosen"))
    if "#address-cells" not in holder.properties or "#size-cells" not in holder.properties:
        return address.layout(scene.base.root)
    if holder.properties.get("ranges", b""):
        raise FdtError("the DTB translates addresses in /chosen")
    return address.layout(holder)


def _holder(scene: Scene) -> Iterator[Edit]:
    cells = _target(scene)
    yield from assign(scene.base, _CHOSEN, "#address-cells", from_cells([cells.address]), _SHOWN)
    yield from assign(scene.base, _CHOSEN, "#size-cells", from_cells([cells.size]), _SHOWN)
    yield from assign(scene.base, _CHOSEN, "ranges", b"", _SHOWN)


def _keep_memory(scene: Scene, entries: tuple[tuple[int, int], ...]) -> Iterator[Edit]:
    """Reserve the picture where it lies in RAM that nobody has reserved."""
    cells = address.layout(scene.live.root)
    ram = [entry for node in memory_nodes(scene.live) for entry in ranges(node, cells)]
    kept = [*scene.live.reservations, *scene.base.reservations]
    for fdt in (scene.live, scene.base):
        for node, reserved in static_reservations(fdt):
            # A pool that any kernel may place anew protects nothing.
            kept += () if "reusable" in node.properties else reserved
    for entry in entries:
        if any(overlap(entry, other) for other in ram) and not covered(entry, kept):
            yield from reserve(scene.base, f"/reserved-memory/framebuffer@{entry[0]:x}", entry)
