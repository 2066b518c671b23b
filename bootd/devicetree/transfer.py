"""One property of the running tree said in the base's terms, or not at all.

Values are copied where they mean the same in both trees: addresses need the same cells around them,
references need a sure counterpart for each node that they name.
"""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.edit import Edit, Why, assign
from bootd.devicetree.scene import Scene
from bootd.fdt.cells import phandle
from bootd.fdt.references import may_refer, positions
from bootd.fdt.tree import Fdt, Node, parent_path, walk
from bootd.model.tree import FactSource

_NEVER: Final = frozenset({"phandle", "linux,phandle", "name"})
_OWN_CELLS: Final = frozenset({"ranges", "dma-ranges"})
_PARENT_CELLS: Final = (
    frozenset({"reg", "assigned-addresses", "size", "alignment", "alloc-ranges"}) | _OWN_CELLS
)
_REFERRED: Final = Why(
    rule="phandle",
    reason="what was brought over refers to this node, which nothing in the DTB does",
    source=FactSource.POLICY,
)

_CELLS: Final = ("#address-cells", "#size-cells")


def transfer(scene: Scene, live_path: str, path: str, name: str) -> bytes | None:
    """Return the bytes for a property of the base, or None when they cannot be made.

    Args:
        scene: Both trees.
        live_path: Node of the running tree that has the property.
        path: Its counterpart in the base.
        name: The property.
    """
    node = scene.live.find(live_path)
    value = None if node is None else node.properties.get(name)
    if node is None or value is None or name in _NEVER:
        return None
    if not _same_cells(scene, live_path, path, name):
        return None
    if not value or not may_refer(name):
        return value
    return _rewrite(scene, node, name, value)


def _same_cells(scene: Scene, live_path: str, path: str, name: str) -> bool:
    pairs: list[tuple[str, str]] = []
    if name in _PARENT_CELLS:
        pairs.append((parent_path(live_path), parent_path(path)))
    if name in _OWN_CELLS:
        pairs.append((live_path, path))
    return all(
        scene.live.get(ours, cells) == scene.base.get(theirs, cells)
        for ours, theirs in pairs
        for cells in _CELLS
    )


def _rewrite(scene: Scene, node: Node, name: str, value: bytes) -> bytes | None:
    """Replace the phandles of the running tree by those of the counterparts."""
    nodes = by_phandle(scene.live)
    places = positions(node, name, lambda number: nodes.get(number, (None, ""))[0])
    if places is None:
        return None
    # All of them first: no node gets a phandle for a value that is not brought over.
    targets: list[tuple[int, str, Node]] = []
    for at in places:
        _, where = nodes.get(int.from_bytes(value[at : at + 4], "big"), (None, ""))
        path = scene.counterpart(where) if where else None
        target = None if path is None else scene.base.find(path)
        if path is None or target is None:
            return None
        targets.append((at, path, target))
    for at, path, target in targets:
        number = phandle(target) or scene.handles.give(path)
        if number is None:
            return None
        value = value[:at] + number.to_bytes(4, "big") + value[at + 4 :]
    # A counterpart may count its arguments in other cells: then the value means something else.
    means = {value[at : at + 4]: target for at, _, target in targets}
    said = Node(node.name)
    said.properties = {name: value}
    again = positions(said, name, lambda number: means.get(number.to_bytes(4, "big")))
    return value if again == places else None


def new_phandles(scene: Scene) -> Iterator[Edit]:
    """Yield the phandles that references brought over have need of; run when all are."""
    old_name = any("linux,phandle" in node.properties for _, node in scene.base.walk())
    for path, number in scene.handles.given.items():
        for name in ("phandle", "linux,phandle") if old_name else ("phandle",):
            yield from assign(scene.base, path, name, number.to_bytes(4, "big"), _REFERRED)


def by_phandle(fdt: Fdt) -> dict[int, tuple[Node, str]]:
    """Return (node, path) by phandle."""
    return {p: (node, path) for path, node in walk(fdt.root) if (p := phandle(node)) is not None}
