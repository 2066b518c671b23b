"""Overlays applied as libfdt does it (fdt_overlay_apply), to a tree instead of a blob.

Fragments are resolved one after the other, since a fragment may target a node that an earlier one
made. The base's phandles never change: the overlay's are renumbered above them, and where an
overlay node lands on a base node that has a phandle, the overlay's references follow to that one.
Source: dtc's Documentation/dt-object-internal.txt and libfdt/fdt_overlay.c.

Parameters (`bootd.fdt.overrides`) are set when the overlay's phandles have their final numbers.
"""

from collections.abc import Collection
from typing import Final

from bootd.errors import FdtError
from bootd.fdt import cells
from bootd.fdt.overrides import set_parameters
from bootd.fdt.tree import MAX_DEPTH, Fdt, Node, copy, walk
from bootd.record import dataclass

_MAX_PHANDLE: Final = 0xFFFFFFFE

_BOOKKEEPING: Final = frozenset({"__symbols__", "__fixups__", "__local_fixups__"})


def apply(base: Fdt, overlay: Fdt, parameters: Collection[tuple[str, str]] = ()) -> tuple[str, ...]:
    """Change `base` as an overlay says; the overlay itself is not changed.

    On an error `base` may be half changed: apply to a copy.

    Args:
        base: The tree.
        overlay: What is applied.
        parameters: (name, value) of `__overrides__`, in order.

    Returns:
        Sentences on parameters that the overlay does not have.

    Raises:
        FdtError: A symbol or target is not in the base, or the overlay is malformed.
    """
    top = copy(overlay.root)
    _check_names(top)
    _raise_phandles(base.root, top)
    _resolve_symbols(base, top)
    notes = set_parameters(top, parameters) if parameters else ()
    fragments = {
        name: fragment
        for name, fragment in top.children.items()
        if name not in _BOOKKEEPING and "__overlay__" in fragment.children
    }
    # References may lead from one fragment into another: all give way before any is merged.
    for fragment in fragments.values():
        target = _target(base, fragment)
        if target is not None:
            _keep_base_phandles(top, fragment.children["__overlay__"], target[1])
    places: dict[str, str] = {}
    for name, fragment in fragments.items():
        target = _target(base, fragment)
        if target is None:
            raise FdtError(f"the target of {name} is not in the device tree")
        path, node = target
        places[f"/{name}/__overlay__"] = path
        _keep_base_phandles(top, fragment.children["__overlay__"], node)
        _merge(fragment.children["__overlay__"], node, depth=path.count("/"))
    _merge_symbols(base.root, top, places)
    return notes


def missing_symbols(base: Fdt, overlay: Fdt) -> tuple[str, ...]:
    """List the symbols that an overlay refers to and the base does not have, sorted."""
    wanted = overlay.root.children.get("__fixups__")
    known = base.root.children.get("__symbols__")
    if wanted is None:
        return ()
    return tuple(sorted(set(wanted.properties) - set(known.properties if known else ())))


def _phandles(root: Node) -> dict[int, Node]:
    found: dict[int, Node] = {}
    for _, node in walk(root):
        value = cells.phandle(node)
        if value is not None:
            found.setdefault(value, node)
    return found


def _check_names(top: Node) -> None:
    """Refuse names that libfdt, which ignores a unit address, would take for the tables."""
    names = [*top.children, *(name for node in top.children.values() for name in node.children)]
    for name in names:
        base, at, _ = name.partition("@")
        if at and (base in _BOOKKEEPING or base == "__overlay__"):
            raise FdtError(f"the overlay has a node {name}, which may not have an address")


def _raise_phandles(base: Node, top: Node) -> None:
    """Move all phandles of the overlay above the base's, references included."""
    delta = max(_phandles(base), default=0)
    for _, node in walk(top):
        for name in ("phandle", "linux,phandle"):
            if name in node.properties:
                if len(node.properties[name]) != 4:
                    raise FdtError(f"{name} of {node.name} in the overlay is no phandle")
                _shift(node, name, 0, delta)
    fixups = top.children.get("__local_fixups__")
    if fixups is not None:
        for node, name, offset in _local_references(top, fixups):
            _shift(node, name, offset, delta)


def _shift(node: Node, name: str, offset: int, delta: int) -> None:
    value = node.properties[name]
    if offset + 4 > len(value):
        raise FdtError(f"the overlay has no phandle at byte {offset} of {name} in {node.name}")
    raised = int.from_bytes(value[offset : offset + 4], "big") + delta
    if raised > _MAX_PHANDLE:
        raise FdtError("no phandles are left for the overlay")
    _put(node, name, offset, raised)


def _put(node: Node, name: str, offset: int, phandle: int) -> None:
    value = node.properties[name]
    node.properties[name] = value[:offset] + phandle.to_bytes(4, "big") + value[offset + 4 :]


def _local_references(top: Node, fixups: Node) -> list[tuple[Node, str, int]]:
    """List (node, property, byte offset) of every reference within the overlay."""
    found: list[tuple[Node, str, int]] = []
    stack = [(fixups, top)]
    while stack:
        fixup, node = stack.pop()
        for name, value in fixup.properties.items():
            if name not in node.properties:
                raise FdtError(f"__local_fixups__ names {name}, which {node.name} does not have")
            found.extend((node, name, offset) for offset in cells.cells(value))
        for name, child in fixup.children.items():
            below = node.children.get(name)
            if below is None:
                raise FdtError(f"__local_fixups__ names {name}, which is not in the overlay")
            stack.append((child, below))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    """A place that must hold the phandle of one of the base's symbols."""

    node: Node
    property: str
    offset: int


def _resolve_symbols(base: Fdt, top: Node) -> None:
    fixups = top.children.get("__fixups__")
    if fixups is None or not fixups.properties:
        return
    table = base.root.children.get("__symbols__")
    symbols = {} if table is None else table.properties
    missing = sorted(set(fixups.properties) - set(symbols))
    if missing:
        what = "the device tree has no symbols" if table is None else "missing in the device tree"
        raise FdtError(f"symbols that the overlay needs ({', '.join(missing[:16])}): {what}")
    for symbol, places in fixups.properties.items():
        path = cells.string(symbols[symbol])
        target = base.find(path)
        if target is None:
            raise FdtError(f"the symbol {symbol} stands for {path}, which is not there")
        phandle = cells.phandle(target)
        if phandle is None:
            raise FdtError(f"the symbol {symbol} stands for {path}, which has no phandle")
        for place in _places(top, symbol, places):
            _put(place.node, place.property, place.offset, phandle)


def _places(top: Node, symbol: str, value: bytes) -> list[_Reference]:
    """Read the `path:property:offset` strings of one fixup."""
    if not value.endswith(b"\0"):
        raise FdtError(f"the fixups of {symbol} are no list of strings")
    found: list[_Reference] = []
    overlay = Fdt(root=top)
    for text in value[:-1].decode("utf-8", "replace").split("\0"):
        path, _, rest = text.partition(":")
        name, _, digits = rest.partition(":")
        node = overlay.find(path)
        if node is None or not digits.isascii() or not digits.isdecimal() or len(digits) > 9:
            raise FdtError(f"the fixup {text!r:.80} of {symbol} is malformed")
        offset = int(digits)
        if len(node.properties.get(name, b"")) < offset + 4:
            raise FdtError(f"the fixup {text!r:.80} of {symbol} points outside its property")
        found.append(_Reference(node=node, property=name, offset=offset))
    return found


def _target(base: Fdt, fragment: Node) -> tuple[str, Node] | None:
    """Return path and node of the base that a fragment is for, or None while it is not there."""
    by_phandle = fragment.properties.get("target")
    if by_phandle is not None:
        wanted = cells.u32(by_phandle)
        return next((pair for pair in base.walk() if cells.phandle(pair[1]) == wanted), None)
    by_path = fragment.properties.get("target-path")
    if by_path is None:
        raise FdtError(f"{fragment.name} has neither target nor target-path")
    path = cells.string(by_path)
    if not path.startswith("/"):
        alias, slash, rest = path.partition("/")
        full = base.get("/aliases", alias)
        if full is None:
            return None
        path = cells.string(full) + slash + rest
    return base.locate(path)


def _keep_base_phandles(top: Node, content: Node, target: Node) -> None:
    """Let overlay phandles give way to those of the base nodes that they land on."""
    replaced: dict[int, int] = {}
    stack = [(content, target)]
    while stack:
        new, old = stack.pop()
        ours, theirs = cells.phandle(new), cells.phandle(old)
        if ours is not None and theirs is not None:
            replaced[ours] = theirs
            new.properties.pop("phandle", None)
            new.properties.pop("linux,phandle", None)
        for name, child in new.children.items():
            below = old.children.get(name)
            if below is not None:
                stack.append((child, below))
    fixups = top.children.get("__local_fixups__")
    if fixups is None or not replaced:
        return
    for node, name, offset in _local_references(top, fixups):
        old_phandle = int.from_bytes(node.properties[name][offset : offset + 4], "big")
        if old_phandle in replaced:
            _put(node, name, offset, replaced[old_phandle])


def _merge(content: Node, target: Node, *, depth: int) -> None:
    stack = [(content, target, depth)]
    while stack:
        new, old, level = stack.pop()
        if level >= MAX_DEPTH:
            raise FdtError(f"the overlay nests nodes more than {MAX_DEPTH} deep")
        old.properties.update(new.properties)
        for name, child in new.children.items():
            stack.append((child, old.add(name), level + 1))


def _merge_symbols(base: Node, top: Node, places: dict[str, str]) -> None:
    """Add the overlay's symbols to the base, their paths moved to the targets."""
    symbols = top.children.get("__symbols__")
    if symbols is None:
        return
    table = base.add("__symbols__")
    for name, value in symbols.properties.items():
        path = cells.string(value)
        start = path.find("/__overlay__")
        fragment = path[: start + len("/__overlay__")]
        if start < 0 or fragment not in places:
            continue
        rest = path[len(fragment) :]
        target = places[fragment]
        moved = (target if rest == "" or target != "/" else "") + rest
        table.properties[name] = cells.from_string(moved or "/")
