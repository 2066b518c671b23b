"""Files of Boot Loader Specification entries on this system's media, for confirming a boot.

Runs in the system that was booted, without a daemon. Source: UAPI.1, Boot counting.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bootd.formats import bls, uki
from bootd.formats.entryfile import split_counter, with_counter
from bootd.linux import udev_database
from bootd.linux.dirview import DirView
from bootd.linux.mount import mount_detached
from bootd.linux.mounted import mounts_of
from bootd.linux.rename import rename_below, rename_on
from bootd.model.device import BlockDevice
from bootd.model.text import escape
from bootd.record import dataclass

_FOLDERS: Final = {
    "bls": tuple(f"{place}/entries" for place in bls.PLACES),
    "uki": uki.PLACES,
}
"""Where the entries of a format are, below the root of their file system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFile:
    """An entry's own file.

    Attributes:
        path: From the root of the file system.
        left: Tries left; None when it has no counter.
        done: Tries done.
    """

    device: BlockDevice
    path: str
    left: int | None
    done: int


def find(option_id: str) -> EntryFile | None:
    """Return the file of an option's entry, or None where an option has none of its own.

    Raises:
        OSError: Its file system cannot be read.
    """
    kind, _, rest = option_id.partition(":")
    place, _, entry = rest.partition(":")
    if kind not in _FOLDERS or (device := _device(place)) is None:
        return None
    with _seen(device) as view:
        for folder in _FOLDERS[kind]:
            for name in view.list_dir(folder):
                stem, dot, suffix = name.rpartition(".")
                plain, left, done = split_counter(stem)
                if _names(f"{plain}{dot}{suffix}", entry):
                    path = f"{folder}/{name}"
                    return EntryFile(device=device, path=path, left=left, done=done or 0)
    return None


def rename(file: EntryFile, left: int | None, done: int = 0) -> str:
    """Give a file another counter, or with None take it away; returns its name.

    Raises:
        OSError: In words; it keeps its name.
    """
    old = file.path.rpartition("/")[2]
    new = with_counter(old, left, done)
    if new is None or new == old:
        return old
    node = file.device.node
    mounted = next((each for each in mounts_of(node) if each.writable), None)
    if mounted is None:
        rename_on(node, file.device.fstype, file.path, new)
        return new
    fd = os.open(mounted.place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        rename_below(fd, file.path, new)
    finally:
        os.close(fd)
    return new


def _names(file: str, entry: str) -> bool:
    """Say whether a file without its counter is what an entry is called by; see `bls` and `uki`."""
    name = escape(file)
    return entry == name or (name.casefold().endswith(".efi") and entry.startswith(f"{name}@"))


def _device(place: str) -> BlockDevice | None:
    """Return the device that an id names; of two with one UUID the one with the partition's."""
    uuid, _, part = place.partition("+")
    found = udev_database.devices()
    if part:
        found = [each for each in found if part in {each.partuuid, each.name}]
    wanted = uuid.casefold()
    named = (
        each
        for each in found
        if wanted in {each.uuid.casefold(), each.partuuid.casefold(), each.name.casefold()}
    )
    return next(named, None)


@contextmanager
def _seen(device: BlockDevice) -> Iterator[DirView]:
    mounted = next(iter(mounts_of(device.node)), None)
    if mounted is None:
        fd = mount_detached(device.node, device.fstype)
    else:
        fd = os.open(mounted.place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield DirView(fd)
    finally:
        os.close(fd)
