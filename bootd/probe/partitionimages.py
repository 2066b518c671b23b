"""Android boot images that fill partitions: each is a file named after its partition.

A boot partition is shown with the vendor_boot and init_boot of its slot and with misc, which lie
beside it on the disk, so that `bootd.formats.android` finds them as it does on a file system.
"""

import os
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from bootd.disk import partitions
from bootd.disk.flat import FlatFile, FlatVolume
from bootd.disk.volume import VolumeView
from bootd.linux.block_device import SYSFS, read
from bootd.linux.byterange import ByteRange
from bootd.model.device import SLOTTED

_BESIDE: Final = ("vendor_boot", "init_boot")
_SHARED: Final = "misc"
"""Says which slot is next."""


class Images(NamedTuple):
    """What a boot partition and its companions hold.

    Attributes:
        open_file: Gives a descriptor for a file of the view; the caller owns it.
        fds: That the view reads; the caller owns them.
    """

    view: VolumeView
    open_file: Callable[[str], int]
    fds: tuple[int, ...]


class _Place(NamedTuple):
    """A partition: a node, and where in it."""

    node: str
    start: int
    size: int


def open_images(node: str, start: int = 0, size: int = 0, label: str = "") -> Images:
    """Open a boot partition with its companions, read-only.

    Args:
        node: Its device node, or an image file.
        start: Where it begins in an image file.
        size: Its length there; 0 up to the end.
        label: Its name, where no partition table says it.

    Raises:
        OSError: It cannot be opened.
    """
    path = os.path.realpath(node)
    neighbours = dict(_in_sysfs(path) if path.startswith("/dev/") else _in_file(path))
    own = _Place(path, start, size)
    found = (name for name, place in neighbours.items() if place[:2] == own[:2])
    name = next(found, "") or label or "boot"
    slot = name.removeprefix(next((kind for kind in SLOTTED if name.startswith(kind)), ""))
    wanted = {name: own}
    wanted |= {
        f"{n}{slot}": neighbours[f"{n}{slot}"] for n in _BESIDE if f"{n}{slot}" in neighbours
    }
    wanted |= {_SHARED: neighbours[_SHARED]} if slot and _SHARED in neighbours else {}
    fds = {each: os.open(place.node, os.O_RDONLY | os.O_CLOEXEC) for each, place in wanted.items()}
    files: dict[str, FlatFile] = {}
    for each, place in wanted.items():
        length = place.size or os.lseek(fds[each], 0, os.SEEK_END) - place.start
        source = ByteRange(fds[each], place.start, length)
        files[f"{each}.img"] = FlatFile(source=source, size=length)
    view = VolumeView(FlatVolume(files))

    def open_file(path: str) -> int:
        each = path.strip("/").removesuffix(".img")
        if each in wanted and not wanted[each].start:
            return os.dup(fds[each])
        from bootd.probe.image import copy_file  # noqa: PLC0415 - it imports this module

        return copy_file(view, path)

    return Images(view, open_file, tuple(fds.values()))


def _in_sysfs(path: str) -> Iterator[tuple[str, _Place]]:
    """Yield the named partitions of the disk that a node is on."""
    own = os.path.realpath(f"{SYSFS}/{os.path.basename(path)}")
    disk = os.path.dirname(own)
    names = os.listdir(disk) if os.path.exists(f"{own}/partition") else ()
    for name in names:
        if os.path.exists(f"{disk}/{name}/partition"):
            lines = read(f"{name}/uevent").split("\n")
            named = next((li[9:] for li in lines if li.startswith("PARTNAME=")), "")
            if named:
                yield named, _Place(f"/dev/{name}", 0, 0)


def _in_file(path: str) -> Iterator[tuple[str, _Place]]:
    """Yield the named partitions of a disk image."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for each in partitions.read(ByteRange(fd), os.lseek(fd, 0, os.SEEK_END)):
            if each.partlabel:
                yield each.partlabel, _Place(path, each.start, each.size)
    finally:
        os.close(fd)
