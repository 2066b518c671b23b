"""What a disk without a file system is a part of, read in a confined worker."""

import errno
import os
from collections.abc import Callable
from typing import Final

from bootd.disk import lvm, mdraid
from bootd.disk.volume import ByteSource
from bootd.linux.byterange import ByteRange
from bootd.model.stack import Member

READERS: Final[tuple[Callable[[ByteSource, int], Member | None], ...]] = (lvm.read, mdraid.read)


def read(fd: int) -> Member:
    """Return what the open disk is a part of.

    Raises:
        OSError: Nothing that bootd knows, or the metadata are damaged.
    """
    size = os.lseek(fd, 0, os.SEEK_END)
    for reader in READERS:
        if (found := reader(ByteRange(fd), size)) is not None:
            return found
    raise OSError(errno.EINVAL, "it is a part of nothing that bootd knows")
