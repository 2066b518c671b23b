"""The first half of a worker's life, with root's rights: make a device readable.

Only the kernel's file-system driver reads the disk here, apart from one field of the superblock.
This is the part that may hang for ever on a dead medium.

The disk is never written. Where its journal has to be replayed that is done in an overlay, which
keeps what is written in memory (`bootd.linux.overlay`); so the view is as current as the disk.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, NamedTuple

from bootd.fsview import FsView
from bootd.linux import loop
from bootd.linux.dirview import DirView
from bootd.linux.mount import mount_detached
from bootd.linux.unwritable import unwritable
from bootd.model.device import ANDROID

STALE: Final = (
    "was not shut down cleanly; its journal is not replayed ({why}), so the entries may be out of "
    "date"
)

FULL: Final = "its journal is larger than the memory that may be used to replay it"

# Offset, length, and mask in the little-endian field that says "the journal has to be replayed".
_DIRTY: Final = {
    # ext4_super_block at 1024: s_feature_incompat, EXT4_FEATURE_INCOMPAT_RECOVER (fs/ext4/ext4.h)
    "ext3": (1024 + 0x60, 4, 0x4),
    "ext4": (1024 + 0x60, 4, 0x4),
    # btrfs_super_block at 64 KiB: log_root, zero when there is no log tree (btrfs_tree.h)
    "btrfs": (0x10000 + 0x60, 8, (1 << 64) - 1),
}
_ASKED: Final = frozenset({"xfs", "f2fs"})
"""No field tells; their drivers say EROFS when they would have to replay on a read-only device."""


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
        return _open_disk(node, fstype)


def _open_disk(node: str, fstype: str) -> Opened:
    with unwritable(node) as guard:
        dirty = guard.is_free and _is_dirty(node, fstype)
        dirty |= guard.is_set and _would_replay(node, fstype)
        return _replayed(node, fstype) if dirty else _mounted(node, fstype)


def _would_replay(node: str, fstype: str) -> bool:
    """Ask a driver that alone can tell; the device may not be written meanwhile.

    The mount does not stay: when such a one ends xfs writes that it did.
    """
    if fstype not in _ASKED:
        return False
    try:
        os.close(mount_detached(node, fstype, replay=True))
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return True
    return False


def _mounted(node: str, fstype: str, *, replay: bool = False) -> Opened:
    if fstype == "btrfs":
        from bootd.linux.layers import LayeredView, mount_layers  # noqa: PLC0415 - few disks have it

        layers = LayeredView(mount_layers(node, replay=replay), one_mount=True)
        return Opened(layers, layers.open_file)
    view = DirView(mount_detached(node, fstype, replay=replay), one_mount=True)
    return Opened(view, view.open_file)


def _replayed(node: str, fstype: str) -> Opened:
    """Mount a disk as it is after its journal; as it was before, with a note, if that cannot be.

    Raises:
        OSError: In words; ENOSPC when the journal is too large.
    """
    from bootd.linux.overlay import over  # noqa: PLC0415 - few disks need it

    with ExitStack() as stack:
        try:
            overlay = stack.enter_context(over(node))
        except OSError:
            return _stale(node, fstype, "this kernel has no dm-snapshot")
        try:
            opened = _mounted(overlay.node, fstype, replay=True)
        except OSError as error:
            if overlay.is_full():
                raise OSError(errno.ENOSPC, FULL, node) from error
            return _stale(node, fstype, error.strerror or str(error))
        if overlay.is_full():
            raise OSError(errno.ENOSPC, FULL, node)
        return opened


def _stale(node: str, fstype: str, why: str) -> Opened:
    return _mounted(node, fstype)._replace(notes=(STALE.format(why=why),))


def _is_dirty(node: str, fstype: str) -> bool:
    if fstype not in _DIRTY:
        return False
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
