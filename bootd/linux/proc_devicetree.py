"""The running kernel's device tree, flattened again.

/proc/device-tree shows the tree as it is now, runtime overlays included, but neither the
reservation block nor the boot CPU; /sys/firmware/fdt is the blob that the kernel was started with
(it is missing when the kernel found it changed, drivers/of/fdt.c). Both are read, root only.
Property files say nothing reliable of their size: they are read to their end.

Firmware reserves the memory that its blob lies in, and the next kernel has no use for it. Which
entry that is no file says, so those of its size are compared with what is there in memory.
Source: drivers/of/kobj.c and Documentation/ABI/testing/sysfs-firmware-ofw; drivers/of/kexec.c
(of_kexec_alloc_and_setup_fdt), which takes the same entry out.
"""

import os
import stat
from collections.abc import Callable, Iterator
from typing import Final

from bootd.errors import FdtError
from bootd.fdt import MAX_BLOB_BYTES, Fdt, Node, read, write
from bootd.fdt.compare import differences
from bootd.linux.kcore import read_physical
from bootd.model.board import LiveChoice
from bootd.record import dataclass

ROOT: Final = "/proc/device-tree"
BLOB: Final = "/sys/firmware/fdt"

MAX_LEVELS: Final = 62
"""Folders below the root; the kernel unflattens no deeper."""

MAX_NODES: Final = 60_000
"""More do not fit a blob of 2 MiB with any use."""

_SHOWN: Final = 8
"""Differences named one by one in notes."""

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = _READ | os.O_DIRECTORY


Memory = Callable[[int, int], bytes | None]
"""Gives so many bytes of a physical address, or None when they cannot be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTree:
    """The running tree.

    Attributes:
        blob: Flattened, with the reservation block and boot CPU of the boot blob.
        notes: Sentences, such as where the tree differs from the one the kernel was started with.
    """

    blob: bytes
    notes: tuple[str, ...] = ()


def flatten(root: str = ROOT, blob: str = BLOB) -> bytes | None:
    """Return the running tree as a blob, or None when this machine has none; raises as `live`."""
    found = live(root, blob)
    return None if found is None else found.blob


def read_chosen(choice: LiveChoice) -> tuple[bytes | None, tuple[str, ...]]:
    """Read this machine's running tree, or None, with sentences about it; raises as `live`."""
    found = live(choice=choice)
    return (None, ()) if found is None else (found.blob, found.notes)


def live(
    root: str = ROOT,
    blob: str = BLOB,
    choice: LiveChoice = LiveChoice.RUNTIME,
    memory: Memory = read_physical,
) -> LiveTree | None:
    """Read the running tree, or return None when this machine has none.

    Args:
        root: The folder that shows the tree; itself it may be a symbolic link.
        blob: The blob that the kernel was started with.
        choice: Which of the two counts where they differ.
        memory: Shows what is at a physical address.

    Raises:
        FdtError: The tree cannot be written as a blob, or is past a limit.
        OSError: It cannot be read, for want of rights for example.
    """
    started, own = _read_blob(blob, memory)
    try:
        top = os.open(root, _FOLDER & ~os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None if started is None else LiveTree(blob=write(started), notes=own)
    try:
        shown = Fdt(root=_read_nodes(top))
    finally:
        os.close(top)
    if not shown.root.properties and not shown.root.children:
        return None
    if started is None:
        return LiveTree(
            blob=write(shown),
            notes=(f"{blob} is not there: the reservation block of the firmware is unknown",),
        )
    changes = [f"{d.path} {d.property}".strip() for d in differences(started, shown)]
    if not changes:
        # The same tree, in the order of the firmware's blob.
        return LiveTree(blob=write(started), notes=own)
    if choice is LiveChoice.BOOT:
        note = f"{_changed(changes)}; the tree as it was at the start is used (LiveTree=boot)"
        return LiveTree(blob=write(started), notes=(note, *own))
    shown.reservations, shown.boot_cpu = started.reservations, started.boot_cpu
    return LiveTree(blob=write(shown), notes=(_changed(changes), *own))


def _changed(changes: list[str]) -> str:
    places = ", ".join(changes[:_SHOWN])
    more = "" if len(changes) <= _SHOWN else f" and {len(changes) - _SHOWN} more"
    return f"the running tree was changed after the start: {places}{more}"


def _read_blob(path: str, memory: Memory) -> tuple[Fdt | None, tuple[str, ...]]:
    """Return the blob of the start without the reservation of itself, and a note on that."""
    try:
        fd = os.open(path, _READ)
    except FileNotFoundError:
        return None, ()
    try:
        raw = _read_all(fd, MAX_BLOB_BYTES)
    finally:
        os.close(fd)
    fdt = read(raw)
    own = [entry for entry in fdt.reservations if _is_own(entry, raw, memory)]
    fdt.reservations = [entry for entry in fdt.reservations if entry not in own]
    return fdt, tuple(
        f"{start:#x}+{size:#x} held the running tree, and is free" for start, size in own
    )


def _is_own(entry: tuple[int, int], raw: bytes, memory: Memory) -> bool:
    """Say whether an entry of the reservation block is of the blob itself and nothing else."""
    start, size = entry
    pages = (len(raw) + 0xFFF) & ~0xFFF
    return size in {len(raw), pages} and memory(start, len(raw)) == raw


def _read_nodes(top: int) -> Node:
    """Read a folder and all below it; the descriptor stays the caller's."""
    root = Node("")
    budget = MAX_BLOB_BYTES
    nodes = 0
    # Folders are opened again by their path below `top`: one descriptor at a time stays open.
    stack = [(".", root, 0)]
    while stack:
        path, node, level = stack.pop()
        nodes += 1
        if level > MAX_LEVELS or nodes > MAX_NODES:
            raise FdtError(
                f"the running tree has more than {MAX_LEVELS} levels or {MAX_NODES} nodes"
            )
        fd = os.open(path, _FOLDER, dir_fd=top)
        try:
            for name, is_folder in _entries(fd):
                if is_folder:
                    stack.append((f"{path}/{name}", node.add(name), level + 1))
                elif name != "name":
                    # The kernel invents `name` for every node; no blob of this century has it.
                    value = _read_property(fd, name, budget)
                    budget -= len(value)
                    node.properties[name] = value
        finally:
            os.close(fd)
    return root


def _entries(fd: int) -> Iterator[tuple[str, bool]]:
    """Yield (name, is a folder) sorted by name: the kernel's own order is by hash."""
    with os.scandir(fd) as entries:
        found = sorted((e.name, e.stat(follow_symlinks=False).st_mode) for e in entries)
    for name, mode in found:
        if "#" in name[1:] and name.rpartition("#")[2].isdecimal():
            # safe_name() in drivers/of/kobj.c: which of two equal names this was is lost.
            raise FdtError(f"two entries of the running tree have one name: {name!r:.80}")
        if stat.S_ISDIR(mode):
            yield name, True
        elif stat.S_ISREG(mode):
            yield name, False
        else:
            raise FdtError(f"{name!r:.80} in the running tree is neither node nor property")


def _read_property(folder: int, name: str, budget: int) -> bytes:
    fd = os.open(name, _READ, dir_fd=folder)
    try:
        return _read_all(fd, budget)
    finally:
        os.close(fd)


def _read_all(fd: int, limit: int) -> bytes:
    """Read to the end of a file, whatever size its inode claims."""
    parts: list[bytes] = []
    total = 0
    while part := os.read(fd, 65536):
        total += len(part)
        if total > limit:
            raise FdtError(f"the running tree has more than {MAX_BLOB_BYTES >> 20} MiB")
        parts.append(part)
    return b"".join(parts)
