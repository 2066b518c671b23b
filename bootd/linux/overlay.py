"""A disk whose changes are kept in memory and forgotten: where a journal is replayed.

The kernel's `snapshot` target reads from the disk, which it opens for reading only, and keeps what
is written in a store: here a memfd behind a loop device. Nothing has to be cleaned up. The device
goes away with its last user, the loop device with it, and the memory with that.
Source: Documentation/admin-guide/device-mapper/snapshot.rst.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from bootd.linux import dm, loop, meminfo
from bootd.linux.block_device import OVERLAY

STORE_BYTES: Final = 256 << 20
"""At most; a store takes the memory that is written to it, not its size."""
_SHARE: Final = 4
"""And at most this part of the memory that can be had."""
_CHUNK_SECTORS: Final = 8

_ATTEMPTS: Final = 20
_STEP_S: Final = 0.02


class Overlay(NamedTuple):
    """A device that may be written.

    Attributes:
        node: To mount.
        name: The device mapper's.
    """

    node: str
    name: str

    def is_full(self) -> bool:
        """Say whether more was written than the store holds; then nothing on it can be read."""
        return dm.status(self.name).startswith(("Invalid", "Overflow"))


@contextmanager
def over(node: str, store_bytes: int = 0) -> Iterator[Overlay]:
    """Put a device over a disk, which stays as it is; it ends with the block or with its last user.

    Args:
        node: A block device, not mounted and no part of another device.
        store_bytes: For changes; 0 for what this machine can spare.

    Raises:
        OSError: This kernel cannot do it.
    """
    _wait_for_mapper()
    _sweep()
    disk = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        length, number = dm.sectors(disk), os.fstat(disk).st_rdev
    finally:
        os.close(disk)
    name = f"{OVERLAY}{os.getpid()}-{os.major(number)}-{os.minor(number)}"
    store = os.memfd_create(OVERLAY, os.MFD_CLOEXEC)
    try:
        os.ftruncate(store, store_bytes or spare_bytes())
        with loop.attached(f"/proc/self/fd/{store}", read_only=False) as kept:
            # N: nothing that has to be found again later.
            words = f"{os.major(number)}:{os.minor(number)} {kept} N {_CHUNK_SECTORS}"
            line = dm.Target(kind="snapshot", start=0, length=length, parameters=words)
            made = _create(name, line)
    finally:
        os.close(store)
    held = os.open(made, os.O_RDONLY | os.O_CLOEXEC)
    try:
        dm.remove(name)  # from here on it goes by itself
        yield Overlay(made, name)
    finally:
        os.close(held)


def _wait_for_mapper() -> None:
    """Give the device mapper's module the time to load: the first disks are looked at early."""
    for _ in range(_ATTEMPTS):
        if dm.is_there():
            return
        time.sleep(_STEP_S)


def _create(name: str, line: dm.Target) -> str:
    """Make the device; wait for another worker that tries a mount of the same disk."""
    for _ in range(_ATTEMPTS):
        try:
            return dm.create(name, (line,), read_only=False, quiet=True)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        time.sleep(_STEP_S)
    return dm.create(name, (line,), read_only=False, quiet=True)


def spare_bytes() -> int:
    """Return how large a store may be, a multiple of 4 KiB."""
    free = meminfo.read().get("MemAvailable", 0) // _SHARE
    return max(min(free, STORE_BYTES), 1 << 20) & ~0xFFF


def _sweep() -> None:
    """Take away what processes left that were killed before it could go by itself."""
    for name in dm.names():
        pid = name.removeprefix(OVERLAY).partition("-")[0]
        if name.startswith(OVERLAY) and not os.path.exists(f"/proc/{pid}"):
            dm.remove_if_unused(name)
