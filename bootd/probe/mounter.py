"""The first half of a worker's life, with root's rights: make a device readable.

Only the kernel's file-system driver reads the disk here, apart from one field of the superblock.
This is the part that may hang for ever on a dead medium.
"""

import os
import stat
from contextlib import ExitStack
from typing import Final

from bootd.linux import loop
from bootd.linux.dirview import DirView
from bootd.linux.mount import mount_detached

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


def open_view(node: str, fstype: str) -> tuple[DirView, tuple[str, ...]]:
    """Return a view of a device for the rest of this process's life, and notes for a person.

    Args:
        node: A block device; an image file, which is attached to a loop device; or a directory
            that plays a device.
        fstype: As blkid names it; not used for a directory.

    Raises:
        OSError: In words.
    """
    mode = os.stat(node).st_mode
    if stat.S_ISDIR(mode):
        return DirView(os.open(node, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)), ()
    with ExitStack() as stack:
        if stat.S_ISREG(mode):
            node = stack.enter_context(loop.attached(node))
        dirty = _is_dirty(node, fstype)
        view = DirView(mount_detached(node, fstype), one_mount=True)
    return view, (STALE,) if dirty else ()


def _is_dirty(node: str, fstype: str) -> bool:
    """Say whether the journal has to be replayed; xfs and f2fs do not tell in one field."""
    if fstype not in _DIRTY:
        return False
    offset, size, mask = _DIRTY[fstype]
    fd = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bool(int.from_bytes(os.pread(fd, size, offset), "little") & mask)
    finally:
        os.close(fd)
