"""The tree that a script works on, read: the file at its address with its overlays and edits.

The firmware's own tree, files on other partitions and images that mkimage made are not looked into.
"""

from typing import Final

from bootd.errors import FdtError
from bootd.fdt import MAX_BLOB_BYTES, Fdt, read
from bootd.fdt.overlay import apply
from bootd.fdt.tree import Node, parent_path
from bootd.formats.uboot_script.state import Kind, State
from bootd.fsview import FsView
from bootd.model.option import FileRef
from bootd.model.tree import TreeEdit
from bootd.record import dataclass

MAX_READS: Final = 8
"""Trees that one script has read; each takes tens of milliseconds on a slow board."""


@dataclass(frozen=True, slots=True)
class Known:
    """The tree that was read last.

    Attributes:
        key: File, overlays and edits that it was made from.
        fdt: None when it cannot be known.
    """

    key: tuple[FileRef, tuple[FileRef, ...], tuple[TreeEdit, ...]]
    fdt: Fdt | None


def current(state: State) -> Fdt | None:
    """Return the tree in work as it is now, not to be changed; None when it cannot be known."""
    content = None if state.tree is None else state.memory.get(state.tree)
    if state.tree is None or content is None or content.kind is not Kind.FILE:
        return None
    if content.file is None:
        return None
    overlays = tuple(state.overlays.get(state.tree, ()))
    edits = tuple(state.edits.get(state.tree, ()))
    key = (content.file, overlays, edits)
    if state.known is not None and state.known.key == key:
        return state.known.fdt
    state.reads += 1
    fdt = _made(state.fs, *key) if state.reads <= MAX_READS else None
    state.known = Known(key, fdt)
    return fdt


def find(fdt: Fdt, path: str) -> Node | None:
    """Return the node of a path, which may begin with an alias (libfdt, fdt_path_offset)."""
    whole = _resolved(fdt, path)
    return None if whole is None else fdt.find(whole)


def _resolved(fdt: Fdt, path: str) -> str | None:
    if path.startswith("/"):
        return path
    alias, slash, rest = path.partition("/")
    target = fdt.get("/aliases", alias)
    if target is None:
        return None
    return target.rstrip(b"\0").decode("utf-8", "surrogateescape") + slash + rest


def _made(
    fs: FsView, file: FileRef, overlays: tuple[FileRef, ...], edits: tuple[TreeEdit, ...]
) -> Fdt | None:
    if any(each.device or each.part for each in (file, *overlays)):
        return None
    try:
        fdt = read(fs.read(file.path, MAX_BLOB_BYTES))
        for each in overlays:
            apply(fdt, read(fs.read(each.path, MAX_BLOB_BYTES)))
    except (FdtError, OSError):
        return None
    for edit in edits:
        _edit(fdt, edit)
    return fdt


def _edit(fdt: Fdt, edit: TreeEdit) -> None:
    """Make a change as U-Boot does; one that is not possible changes nothing."""
    path = _resolved(fdt, edit.path)
    if path is None:
        return
    above = fdt.find(parent_path(path))
    node = fdt.find(path)
    if edit.property and node is not None:
        if edit.value is None:
            node.properties.pop(edit.property, None)
        else:
            node.properties[edit.property] = bytes.fromhex(edit.value)
    elif not edit.property and above is not None:
        name = path.rpartition("/")[2]
        if edit.value is not None:
            above.add(name)
        elif node is not None:
            above.children.pop(node.name, None)
