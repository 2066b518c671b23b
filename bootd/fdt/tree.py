"""The device tree in memory: plain nodes with raw property bytes, in the order of the blob."""

from collections.abc import Iterator
from typing import Final

from bootd.record import dataclass, field

MAX_BLOB_BYTES: Final = 2 << 20
"""A blob may have this many bytes (arm64 refuses a larger one; DESIGN.md, limits)."""

MAX_DEPTH: Final = 64
"""Levels of nodes, the root included; FDT_MAX_DEPTH of the kernel's drivers/of/fdt.c."""


class Node:
    """A node; mutable, because applying overlays and facts is what it is for.

    Properties and children are separate name spaces (Devicetree Specification v0.4, 2.2), and a
    dict keeps the order of the blob. A plain class and no dataclass: thousands are built a tree.

    Attributes:
        name: With its unit address; "" for the root.
        properties: Raw bytes as in the blob.
        children: By their whole name.
    """

    __slots__ = ("children", "name", "properties")

    def __init__(self, name: str) -> None:
        self.name = name
        self.properties: dict[str, bytes] = {}
        self.children: dict[str, Node] = {}

    def __repr__(self) -> str:
        return f"Node({self.name!r}, {len(self.properties)} properties)"

    def add(self, name: str) -> "Node":
        """Return the child of that whole name, made and appended when there is none."""
        child = self.children.get(name)
        if child is None:
            child = self.children[name] = Node(name)
        return child


@dataclass(slots=True, kw_only=True)
class Fdt:
    """A whole tree with what the blob's header and reservation block say.

    Attributes:
        root: The unnamed root.
        reservations: Physical (start, size) in bytes, in the order of the blob.
        boot_cpu: `boot_cpuid_phys` of the header: the `reg` of the CPU that starts.
    """

    root: Node
    reservations: list[tuple[int, int]] = field(default_factory=list)
    boot_cpu: int = 0

    def find(self, path: str) -> Node | None:
        """Return the node of an absolute path, or None; see `locate`."""
        found = self.locate(path)
        return None if found is None else found[1]

    def locate(self, path: str) -> tuple[str, Node] | None:
        """Return the whole path and the node of an absolute path without alias, or None.

        A part without unit address finds the only child of that base name, as the kernel does.
        """
        node, whole = self.root, ""
        for part in path.split("/"):
            if part:
                below = find_child(node, part)
                if below is None:
                    return None
                node = below
                whole = f"{whole}/{node.name}"
        return whole or "/", node

    def get(self, path: str, name: str) -> bytes | None:
        """Return a property's bytes, or None when the node or the property is not there."""
        node = self.find(path)
        return None if node is None else node.properties.get(name)

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Yield (path, node) of every node, parents first, in the order of the blob."""
        return walk(self.root)


def find_child(node: Node, name: str) -> Node | None:
    """Return a child by its whole name, or by its base name when only one child has that."""
    child = node.children.get(name)
    if child is not None or "@" in name:
        return child
    hits = [c for key, c in node.children.items() if key.partition("@")[0] == name]
    return hits[0] if len(hits) == 1 else None


def walk(root: Node, path: str = "/") -> Iterator[tuple[str, Node]]:
    """Yield (path, node) of a node and all below it, parents first.

    Args:
        root: Where to start; the tree must not change during the walk.
        path: Absolute path of `root`.
    """
    stack = [(path, root)]
    while stack:
        here, node = stack.pop()
        yield here, node
        base = here if here.endswith("/") else f"{here}/"
        stack.extend((base + name, child) for name, child in reversed(node.children.items()))


def copy(root: Node) -> Node:
    """Return a copy that shares only the (immutable) property bytes."""
    top = Node(root.name)
    stack = [(root, top)]
    while stack:
        old, new = stack.pop()
        new.properties = dict(old.properties)
        for name, child in old.children.items():
            twin = new.children[name] = Node(name)
            stack.append((child, twin))
    return top


def copy_fdt(fdt: Fdt) -> Fdt:
    """Return a copy of a whole tree that shares only the property bytes."""
    return Fdt(root=copy(fdt.root), reservations=list(fdt.reservations), boot_cpu=fdt.boot_cpu)


def parent_path(path: str) -> str:
    """Return the path of a node's parent; the root's own for the root."""
    return path.rpartition("/")[0] or "/"


def chain(fdt: Fdt, path: str) -> list[Node]:
    """Return the nodes from the root down to the one at `path`; empty when it is not there."""
    nodes = [fdt.root]
    for part in path.split("/"):
        if part:
            below = find_child(nodes[-1], part)
            if below is None:
                return []
            nodes.append(below)
    return nodes


def join(path: str, name: str) -> str:
    """Return the path of a node's child."""
    return f"{path}{name}" if path == "/" else f"{path}/{name}"


def resolve(fdt: Fdt, text: str) -> str | None:
    """Return the whole path of a node given as a path or as an alias with an optional rest."""
    if text.startswith("/"):
        found = fdt.locate(text)
    else:
        alias, slash, rest = text.partition("/")
        full = fdt.get("/aliases", alias)
        if full is None:
            return None
        found = fdt.locate(full.partition(b"\0")[0].decode("utf-8", "replace") + slash + rest)
    return None if found is None else found[0]
