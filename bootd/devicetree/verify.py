"""The last look at a finished blob, by code that shares nothing with the merge but the reader.

Everything is checked again from the bytes that the next kernel would get: a mistake in a rule must
not reach the board. Refusing here is always safe, the running tree remains as the other choice.
"""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.sound import dangling, why_other_silicon
from bootd.errors import FdtError, MergeRefusedError
from bootd.fdt import read
from bootd.fdt.cells import from_string
from bootd.fdt.tree import Fdt, Node
from bootd.model.tree import Fact, FactAction

MAX_LEVELS: Final = 62
"""Levels below the root that the kernel unflattens (drivers/of/fdt.c, unflatten_dt_nodes)."""

_CHANGES: Final = frozenset({FactAction.SET, FactAction.ADD, FactAction.DELETE})

_NEVER: Final = ("linux,elfcorehdr", "linux,ima-kexec-buffer", "linux,kho-fdt", "linux,kho-scratch")

_Range = tuple[int, int]


def verify(blob: bytes, base: Fdt, live: Fdt, facts: tuple[Fact, ...], cmdline: str) -> None:
    """Check a blob that is about to be handed to a loader.

    Args:
        blob: Without initrd addresses and seeds yet.
        base: The tree that the facts are differences from.
        live: The running kernel's tree.
        facts: What the explanation claims.
        cmdline: What the next kernel must get.

    Raises:
        MergeRefusedError: With the first thing that is wrong.
    """
    try:
        fdt = read(blob)
    except FdtError as error:
        msg = f"the merged device tree is malformed: {error}"
        raise MergeRefusedError(msg) from error
    before, after = dict(base.walk()), dict(fdt.walk())
    if max(path.count("/") for path in after) > MAX_LEVELS:
        _refuse(f"it nests nodes more than {MAX_LEVELS} deep")
    if fdt.get("/chosen", "bootargs") != from_string(cmdline):
        _refuse("/chosen/bootargs is not the command line of the boot option")
    for name in _NEVER:
        if fdt.get("/chosen", name) is not None:
            _refuse(f"/chosen/{name} of another boot is still there")
    _check_facts(before, after, facts)
    _check_phandles(before, after)
    nowhere = dangling(fdt, base)
    if nowhere is not None:
        _refuse(f"{nowhere} leads to no node")
    other = why_other_silicon(fdt, live)
    if other is not None:
        _refuse(other)
    _check_memory(fdt, live)
    _check_reserved(fdt, live)
    _check_cpus(after, before)


def _refuse(reason: str) -> None:
    msg = f"the merged device tree does not pass the last check: {reason}"
    raise MergeRefusedError(msg)


def _check_facts(before: dict[str, Node], after: dict[str, Node], facts: tuple[Fact, ...]) -> None:
    """Everything that differs has a fact, and everything else is byte-identical."""
    told = {(fact.path, fact.property) for fact in facts if fact.action in _CHANGES}
    gone = tuple(path for path, name in told if not name and path in before and path not in after)
    for path in before | after:
        old, new = before.get(path), after.get(path)
        if new is None:
            if not any(path == top or path.startswith(f"{top}/") for top in gone):
                _refuse(f"the node {path} is missing, and no fact says why")
            continue
        ours = {} if old is None else old.properties
        if ours == new.properties and old is not None:
            continue
        # A node that is there only as the parent of a told one has no properties of its own.
        for name in ours | new.properties:
            if ours.get(name) != new.properties.get(name) and (path, name) not in told:
                _refuse(f"{name} of {path} differs, and no fact says why")


def _check_phandles(before: dict[str, Node], after: dict[str, Node]) -> None:
    """No phandle of the base has moved, and a new one is nobody else's."""
    taken = {node.properties.get("phandle"): path for path, node in before.items()}
    for path, node in after.items():
        value = node.properties.get("phandle")
        old = before[path].properties.get("phandle") if path in before else None
        if old not in {None, value}:
            _refuse(f"the phandle of {path} changed")
        if value is None or old is not None:
            continue
        if value in taken:
            _refuse(f"{path} and {taken[value]} have the same phandle")
        taken[value] = path


def _check_memory(fdt: Fdt, live: Fdt) -> None:
    if live.get("/chosen", "linux,uefi-system-table") is not None:
        return
    # A running tree without memory is a PC's, whose firmware tells of memory by other means.
    ours, theirs = (sum(size for _, size in _ram(tree)) for tree in (fdt, live))
    if ours != theirs:
        _refuse(f"it has {ours >> 20} MiB of memory, this board {theirs >> 20} MiB")


def _ram(fdt: Fdt) -> Iterator[_Range]:
    for node in fdt.root.children.values():
        if node.properties.get("device_type") == b"memory\0" and _is_on(node):
            yield from _regs(fdt.root, node)


def _is_on(node: Node) -> bool:
    return node.properties.get("status", b"okay\0") in {b"okay\0", b"ok\0"}


def _regs(parent: Node, node: Node) -> Iterator[_Range]:
    """Split a `reg` by the parent's cells; a value that does not divide yields nothing."""
    wide = int.from_bytes(parent.properties.get("#address-cells", b"\0\0\0\2"), "big")
    long = int.from_bytes(parent.properties.get("#size-cells", b"\0\0\0\1"), "big")
    step = 4 * (wide + long)
    value = node.properties.get("reg", b"")
    for at in range(0, len(value) - step + 1, step or 1):
        start = int.from_bytes(value[at : at + 4 * wide], "big")
        size = int.from_bytes(value[at + 4 * wide : at + step], "big")
        if size:
            yield start, size


def _reserved(fdt: Fdt) -> Iterator[_Range]:
    yield from fdt.reservations
    holder = fdt.root.children.get("reserved-memory")
    for node in () if holder is None else holder.children.values():
        if _is_on(node):
            yield from _regs(holder or node, node)


def _check_reserved(fdt: Fdt, live: Fdt) -> None:
    """Whatever the live tree reserves is reserved, but for what only the running kernel needed."""
    ours = sorted(_reserved(fdt))
    holder = live.root.children.get("reserved-memory", Node(""))
    pools = {
        entry
        for node in holder.children.values()
        if "reusable" in node.properties
        for entry in _regs(holder, node)
    }
    own = _own_starts(live)
    for start, size in _reserved(live):
        free = start in own or (start, size) in pools
        if not free and not _covered(start, start + size, ours):
            _refuse(f"the range {start:#x}+{size:#x} that this board reserves is not reserved")


def _own_starts(live: Fdt) -> set[int]:
    """Return where the running kernel's initrd and buffers start; those may be freed."""
    wide = 4 * int.from_bytes(live.root.properties.get("#address-cells", b"\0\0\0\2"), "big")
    chosen = live.root.children.get("chosen", Node("")).properties
    starts = {
        int.from_bytes(value[:wide], "big")
        for name, value in chosen.items()
        if name == "linux,elfcorehdr" or name.endswith("-kexec-buffer") or "kho-" in name
    }
    if "linux,initrd-start" in chosen:
        starts.add(int.from_bytes(chosen["linux,initrd-start"], "big"))
    return starts


def _covered(start: int, end: int, ranges: list[_Range]) -> bool:
    """Say whether sorted ranges together cover one."""
    for low, size in ranges:
        if low <= start < low + size:
            start = low + size
        if start >= end:
            return True
    return start >= end


def _check_cpus(after: dict[str, Node], before: dict[str, Node]) -> None:
    def usable(nodes: dict[str, Node]) -> list[str]:
        return [
            path
            for path, node in nodes.items()
            if node.properties.get("device_type") == b"cpu\0" and _is_on(node)
        ]

    if usable(before) and not usable(after):
        _refuse("no CPU is left enabled")
