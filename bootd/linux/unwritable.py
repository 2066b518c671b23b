"""Block devices that drivers of file systems know they may not write: BLKROSET.

A read-only mount is not enough: file systems replay their journal on one, ext4 notes the errors
that it meets in its superblock, xfs that it was unmounted. They ask for this flag first. It is the
kernel's, for everybody, until it is taken back or the device goes away. In an initrd it stays:
nobody but bootd has a business with the disks there. On a running system it is taken back after the
mount, so that a person may still write the disk. The block layer itself only warns
(block/blk-core.c, bio_check_ro). Source: block/ioctl.c.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from typing import Final, NamedTuple

from bootd.linux.block_device import SYSFS, is_overlay
from bootd.linux.mount import mount_point

BLKROSET: Final = 0x125D
BLKROGET: Final = 0x125E

_INITRD: Final = "/etc/initrd-release"
"""systemd's own test for an initrd (initrd-release(5))."""

_ATTEMPTS: Final = 20
_STEP_S: Final = 0.02

_REUSED: Final = ("/dev/loop", "/dev/nbd")
"""Devices that keep the flag when something else is attached to them: it never stays there."""


class Guard(NamedTuple):
    """What could be done.

    Attributes:
        is_free: Nobody else uses the device: no mount, RAID or device mapper.
        is_set: The flag is set; never on a device that somebody uses.
    """

    is_free: bool
    is_set: bool


@contextmanager
def unwritable(node: str, *, stays: bool | None = None) -> Iterator[Guard]:
    """Have a device refuse writes for the length of the `with` block, or longer.

    Args:
        node: A block device.
        stays: Leave it so; unless told, in an initrd.

    Raises:
        OSError: It cannot be opened.
    """
    fd = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if is_used(node):
            yield Guard(is_free=False, is_set=False)
            return
        if stays is None:
            stays = os.path.exists(_INITRD) and not node.startswith(_REUSED)
        was_set = _set(fd)
        try:
            yield Guard(is_free=True, is_set=was_set is not None)
        finally:
            if was_set is False and not stays:
                _clear(fd)
    finally:
        os.close(fd)


def allow(node: str) -> None:
    """Take the flag back: the administrator wants this device written.

    Raises:
        OSError: It cannot be opened, or this process may not.
    """
    fd = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _clear(fd)
    finally:
        os.close(fd)


def is_used(node: str) -> bool:
    """Say whether a mount or another block device that is not ours stands on this one.

    Another worker may be asking the same, or trying a mount; that is over soon.
    """
    for _ in range(_ATTEMPTS):
        if not _is_busy(node):
            return False
        if mount_point(node) is not None:
            return True
        name = os.path.basename(os.path.realpath(node))
        try:
            holders = os.listdir(f"{SYSFS}/{name}/holders")
        except OSError:
            return True
        if holders:
            return not all(map(is_overlay, holders))
        time.sleep(_STEP_S)
    return True


def _is_busy(node: str) -> bool:
    try:
        os.close(os.open(node, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return True
    return False


def _clear(fd: int) -> None:
    ioctl(fd, BLKROSET, (0).to_bytes(4, "little"))


def _set(fd: int) -> bool | None:
    """Set the flag; return whether it was set before, None when it cannot be set."""
    value = bytearray(4)
    try:
        ioctl(fd, BLKROGET, value)
        if not any(value):
            ioctl(fd, BLKROSET, (1).to_bytes(4, "little"))
    except OSError:  # a driver without it, or this process may not
        return None
    return any(value)
