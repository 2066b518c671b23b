"""Disk images in a directory, as the disks of the machine that it plays.

ext and FAT are read from the image itself, without root. Other file systems are attached to a loop
device when root plays, and else shown as devices that cannot be read.
"""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from bootd.linux import loop
from bootd.model.device import ANDROID, BlockDevice
from bootd.model.text import clean
from bootd.probe.image import READERS, Stretch, find
from bootd.record import replace

SUFFIXES: Final = (".img", ".raw", ".iso")

_Identity = tuple[int, int, int]
"""Inode, size and time of change: equal means the same disk."""


class PlayedDisks:
    """Attaches each image of a directory for as long as it is there; `close` detaches all."""

    def __init__(self, root: str) -> None:
        """Look for files with one of `SUFFIXES` directly below `root`."""
        self._root = root
        self._disks: dict[str, tuple[_Identity, Mapping[str, BlockDevice], ExitStack]] = {}

    def list_devices(self) -> Mapping[str, BlockDevice]:
        """Return the file systems on the images that are there now, by name.

        An image that cannot be read or attached is passed over.
        """
        present = self._images()
        for path in [path for path in self._disks if self._disks[path][0] != present.get(path)]:
            self._disks.pop(path)[2].close()
        for path, identity in present.items():
            if path not in self._disks:
                stack = ExitStack()
                self._disks[path] = (identity, _attach(path, identity, stack), stack)
        return {name: dev for _, found, _ in self._disks.values() for name, dev in found.items()}

    def close(self) -> None:
        """Detach every image."""
        while self._disks:
            self._disks.popitem()[1][2].close()

    def _images(self) -> dict[str, _Identity]:
        try:
            with os.scandir(self._root) as entries:
                found = [
                    (entry.path, entry.stat(follow_symlinks=False))
                    for entry in entries
                    if entry.name.endswith(SUFFIXES) and entry.is_file(follow_symlinks=False)
                ]
        except OSError:
            return {}
        return {path: (it.st_ino, it.st_size, it.st_mtime_ns) for path, it in sorted(found)}


def _attach(path: str, identity: _Identity, stack: ExitStack) -> Mapping[str, BlockDevice]:
    name = clean(os.path.splitext(os.path.basename(path))[0])
    try:
        stretches = find(path, name)
        devices = [_attached(path, stretch, stack) for stretch in stretches]
    except OSError:
        stack.close()
        return {}
    return {each.name: replace(each, sequence=identity[0]) for each in devices}


def _attached(path: str, stretch: Stretch, stack: ExitStack) -> BlockDevice:
    if stretch.device.fstype in {*READERS, ANDROID} or os.geteuid() != 0:
        return replace(stretch.device, start_bytes=stretch.start)
    size = stretch.device.size_bytes if stretch.start else 0
    node = stack.enter_context(loop.attached(path, offset=stretch.start, size=size))
    return replace(stretch.device, node=node)
