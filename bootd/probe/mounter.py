"""The first half of a worker's life, with root's rights: make a device readable.

Only the kernel's file-system driver reads the disk here, apart from one field of the superblock.
This is the part that may hang for ever on a dead medium.
"""

import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, NamedTuple

from bootd.fsview import FsView
from bootd.linux import loop
from bootd.linux.dirview import DirView
from bootd.linux.mount import mount_detached
from bootd.model.device import ANDROID

if TYPE_CHECKING:
    from bootd.linux.layers import LayeredView

STALE: Final = (
    "was not shut down cleanly; what its journal holds is not shown, so the entries may be out of "
    "date"
)

# Offset, length, and mask in the little-endian field that says "the journal has to be replayed".
_DIRTY: Final = {
    # ext4_super_block at 1024: s_feature_incompat, EXT4_FEATURE_INCOMPAT_RECOVER (fs/ext4/ext4.h)
    "ext3": (1024 + 0x60, 4, 0x4),
    "ext4": (1024 + 0x60, 4, 0x4),
    # btrfs_super_block at 64 KiB: log_root, zero when there is no log tree (btrfs_tree.h)
    "btrfs": (0x10000 + 0x60, 8, (1 << 64) - 1),
}


class Opened(NamedTuple):
    """A device that can be read, for the rest of this process's life.

    Attributes:
        open_file: Gives a descriptor of a regular file for reading; the caller owns it.
        notes: For a person.
    """

    view: FsView
    open_file: Callable[[str], int]
    notes: tuple[str, ...] = ()


def open_device(node: str, fstype: str, start_bytes: int = 0, size_bytes: int = 0) -> Opened:
    """Make a device readable.

    Args:
        node: A block device; an image file, read without a mount where that is possible and else
            attached to a loop device; or a directory that plays a device.
        fstype: As blkid names it; not used for a directory.
        start_bytes: Where the file system begins in an image file.
        size_bytes: Its length there; 0 up to the end.

    Raises:
        OSError: In words.
    """
    mode = os.stat(node).st_mode
    if stat.S_ISDIR(mode):
        view = DirView(os.open(node, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        return Opened(view, view.open_file)
    if stat.S_ISREG(mode):
        from bootd.probe import image  # noqa: PLC0415 - images play disks in development only

        played = image.volume_view(node, fstype, start_bytes, size_bytes)
        if played is not None:
            files, _ = played  # the descriptor stays open: a worker reads one device all its life
            return Opened(files, lambda path: image.copy_file(files, path))
    if fstype == ANDROID:
        from bootd.probe.partitionimages import open_images  # noqa: PLC0415 - phones have it

        images = open_images(node, start_bytes, size_bytes)
        return Opened(images.view, images.open_file)
    with ExitStack() as stack:
        if stat.S_ISREG(mode):
            attached = loop.attached(node, offset=start_bytes, size=size_bytes)
            node = stack.enter_context(attached)
        dirty = fstype in _DIRTY and _is_dirty(node, fstype)
        mounted = _mounted(node, fstype)
    return Opened(mounted, mounted.open_file, (STALE,) if dirty else ())


def _mounted(node: str, fstype: str) -> "DirView | LayeredView":
    if fstype == "btrfs":
        from bootd.linux.layers import LayeredView, mount_layers  # noqa: PLC0415 - few disks have it

        return LayeredView(mount_layers(node), one_mount=True)
    return DirView(mount_detached(node, fstype), one_mount=True)


def _is_dirty(node: str, fstype: str) -> bool:
    fd = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return needs_replay(fd, fstype)
    finally:
        os.close(fd)


def needs_replay(fd: int, fstype: str) -> bool:
    """Say whether the journal of the open device waits; xfs and f2fs do not tell in one field."""
    if fstype not in _DIRTY:
        return False
    offset, size, mask = _DIRTY[fstype]
    return bool(int.from_bytes(os.pread(fd, size, offset), "little") & mask)
