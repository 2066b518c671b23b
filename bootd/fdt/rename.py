"""A node gets another name, and whatever names it by its path follows."""

import re
from typing import Final

from bootd.errors import FdtError
from bootd.fdt import cells
from bootd.fdt.tree import Node, walk

_VALID: Final = re.compile(r"[-0-9A-Za-z,._+*#?]{1,200}(?:@[-0-9A-Za-z,._+*#?]{1,50})?")


def rename(top: Node, node: Node, name: str) -> None:
    """Rename a node in place, with its mirror in `__local_fixups__` and the paths of its labels.

    Args:
        top: Root of the tree or overlay.
        node: Below `top`, not the root.
        name: With the unit address.

    Raises:
        FdtError: The name is invalid, or a sister has it.
    """
    if name == node.name:
        return
    if not _VALID.fullmatch(name):
        raise FdtError(f"{name!r:.60} is no valid node name")
    holder, path = _find(top, node)
    if name in holder.children:
        raise FdtError(f"there is another node {name} in {holder.name or '/'}")
    mirror = _mirror(top, path)
    old = node.name
    _swap(holder, old, name)
    if mirror is not None and old in mirror.children:
        _swap(mirror, old, name)
    for table in ("__symbols__", "aliases"):
        _move_paths(top.children.get(table), path, f"{path.rpartition('/')[0]}/{name}")


def _find(top: Node, wanted: Node) -> tuple[Node, str]:
    """Return the holder and the path of a node."""
    for path, holder in walk(top):
        if any(child is wanted for child in holder.children.values()):
            return holder, f"{path.rstrip('/')}/{wanted.name}"
    raise FdtError(f"{wanted.name} is not in the tree")


def _mirror(top: Node, path: str) -> Node | None:
    """Return the node of `__local_fixups__` that stands for the holder of a path."""
    node = top.children.get("__local_fixups__")
    for part in path.split("/")[1:-1]:
        node = None if node is None else node.children.get(part)
    return node


def _swap(holder: Node, old: str, new: str) -> None:
    """Rename a child without changing the order."""
    holder.children[old].name = new
    holder.children = {new if key == old else key: c for key, c in holder.children.items()}


def _move_paths(table: Node | None, old: str, new: str) -> None:
    for name, value in () if table is None else list(table.properties.items()):
        text = cells.string(value)
        if table is not None and (text == old or text.startswith(f"{old}/")):
            table.properties[name] = cells.from_string(new + text[len(old) :])
