"""Edits: the plan of a merge as data, to be shown, tested and only then applied."""

from collections.abc import Iterator
from typing import Final

from bootd.errors import MergeRefusedError
from bootd.fdt.tree import Fdt, find_child, parent_path
from bootd.model.tree import Fact, FactAction, FactSource
from bootd.record import dataclass

RESERVATIONS: Final = "/memreserve/"
"""Path of edits to the reservation block; the property is `0xSTART+0xSIZE`."""

HEADER: Final = "/header/"
"""Path of edits to the blob's header; the only property is `boot_cpuid_phys`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Who says so, and why: what edits of one kind have in common.

    Attributes:
        told: A person sees it without asking, though it was done; refusals always are seen.
    """

    rule: str
    reason: str
    source: FactSource = FactSource.LIVE
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change to the base tree, or the note that one was refused or not needed.

    Attributes:
        path: Node in the base tree; missing parents are made. See also RESERVATIONS and HEADER.
        property: "" when the node itself is added or deleted.
        value: New bytes; None for deletions, refusals and keeps.
    """

    path: str
    property: str
    value: bytes | None
    action: FactAction
    why: Why

    def fact(self) -> Fact:
        """Return what a person gets to see of it."""
        return Fact(
            path=self.path,
            property=self.property,
            source=self.why.source,
            rule=self.why.rule,
            action=self.action,
            reason=self.why.reason,
        )


def assign(base: Fdt, path: str, name: str, value: bytes, why: Why) -> Iterator[Edit]:
    """Yield the edit that gives a property this value, or nothing when it has it."""
    old = base.get(path, name)
    if old != value:
        action = FactAction.ADD if old is None else FactAction.SET
        yield Edit(path=path, property=name, value=value, action=action, why=why)


def delete(path: str, name: str, why: Why) -> Edit:
    """Return the edit that takes a property, or with name "" a whole node, away."""
    return Edit(path=path, property=name, value=None, action=FactAction.DELETE, why=why)


def add_node(path: str, why: Why) -> Edit:
    """Return the edit that makes an empty node; its properties are edits of their own."""
    return Edit(path=path, property="", value=b"", action=FactAction.ADD, why=why)


def refuse(path: str, name: str, why: Why) -> Edit:
    """Return the note that something was not brought over; changes nothing."""
    return Edit(path=path, property=name, value=None, action=FactAction.REFUSE, why=why)


def keep(path: str, name: str, why: Why) -> Edit:
    """Return the note that the base's own value stays though there is another; changes nothing."""
    return Edit(path=path, property=name, value=None, action=FactAction.KEEP, why=why)


def reservation(start: int, size: int) -> str:
    """Return the property name that stands for an entry of the reservation block."""
    return f"{start:#x}+{size:#x}"


def apply(base: Fdt, edits: tuple[Edit, ...]) -> None:
    """Change `base` as the edits say, in their order.

    Raises:
        MergeRefusedError: An edit does not fit the tree: two rules contradict each other.
    """
    for edit in edits:
        if edit.action in {FactAction.KEEP, FactAction.REFUSE}:
            continue
        if edit.path == RESERVATIONS:
            _apply_reservation(base, edit)
        elif edit.path == HEADER:
            base.boot_cpu = int.from_bytes(edit.value or b"", "big")
        else:
            _apply_property(base, edit)
    base.reservations.sort()


def _apply_reservation(base: Fdt, edit: Edit) -> None:
    start, _, size = edit.property.partition("+")
    entry = (int(start, 16), int(size, 16))
    if edit.action is FactAction.DELETE:
        base.reservations.remove(entry)
    elif entry not in base.reservations:
        base.reservations.append(entry)


def _apply_property(base: Fdt, edit: Edit) -> None:
    if edit.action is FactAction.DELETE:
        _delete(base, edit)
        return
    node = base.root
    for part in edit.path.split("/"):
        if part:
            node = find_child(node, part) or node.add(part)
    if edit.property:
        node.properties[edit.property] = edit.value or b""


def _delete(base: Fdt, edit: Edit) -> None:
    holder = base.find(edit.path if edit.property else parent_path(edit.path))
    if holder is None:
        msg = f"rule {edit.why.rule} deletes in {edit.path}, which is not there"
        raise MergeRefusedError(msg)
    if edit.property:
        holder.properties.pop(edit.property, None)
    else:
        holder.children.pop(edit.path.rpartition("/")[2], None)
