"""What two trees have different, property by property; order does not matter."""

from collections.abc import Iterator

from bootd.fdt.tree import Fdt, Node, join
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property, or one node without its content, that differs.

    Attributes:
        path: Absolute path of the node.
        property: "" when the node itself is only on one side.
        before: Bytes in the first tree; None when it is not there.
        after: Bytes in the second tree; None when it is not there.
    """

    path: str
    property: str
    before: bytes | None
    after: bytes | None


def differences(first: Fdt, second: Fdt) -> Iterator[Difference]:
    """Yield every difference, parents first.

    A node on one side only yields one difference for itself (with b"" as its value), then one for
    each of its properties and for everything below it.
    """
    stack: list[tuple[str, Node | None, Node | None]] = [("/", first.root, second.root)]
    while stack:
        path, old, new = stack.pop()
        if old is None or new is None:
            yield Difference(path=path, property="", before=_there(old), after=_there(new))
        yield from _properties(path, old, new)
        before = {} if old is None else old.children
        after = {} if new is None else new.children
        stack.extend(
            (join(path, name), before.get(name), after.get(name))
            for name in reversed(before | after)
        )


def _there(node: Node | None) -> bytes | None:
    return None if node is None else b""


def _properties(path: str, old: Node | None, new: Node | None) -> Iterator[Difference]:
    before = {} if old is None else old.properties
    after = {} if new is None else new.properties
    if before == after:
        return
    for name in before | after:
        a, b = before.get(name), after.get(name)
        if a != b:
            yield Difference(path=path, property=name, before=a, after=b)
