"""Loop devices: a file, or a part of one, as a block device.

Source: include/uapi/linux/loop.h, drivers/block/loop.c; LOOP_CONFIGURE needs Linux 5.8.
"""

import errno
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from typing import Final

LOOP_CONFIGURE: Final = 0x4C0A
LOOP_CTL_ADD: Final = 0x4C80
LOOP_CTL_REMOVE: Final = 0x4C81
LOOP_CTL_GET_FREE: Final = 0x4C82
LO_FLAGS_READ_ONLY: Final = 1
LO_FLAGS_AUTOCLEAR: Final = 4
LO_FLAGS_PARTSCAN: Final = 8

# struct loop_config: fd, block_size, then struct loop_info64 (device, inode, rdevice, offset,
# sizelimit; number, encrypt_type, encrypt_key_size, flags; two names and a key; init[2]),
# then 64 reserved bytes.
_CONFIG: Final = struct.Struct("=II 5Q4I64s64s32s2Q 64x")
_ATTEMPTS: Final = 32
"""Somebody else may take the free device between the question and its use, or still look at what
was on it before."""
_STEP_S: Final = 0.005


@contextmanager
def attached(
    image: str, *, offset: int = 0, size: int = 0, read_only: bool = True, partitions: bool = False
) -> Iterator[str]:
    """Attach an image for the length of the `with` block and give the device node.

    The device clears itself when its last user is gone, so a mount made from it may outlive the
    block, and a killed process leaves nothing behind.

    Args:
        image: A regular file or block device.
        offset: First byte of the image to show; a multiple of 512.
        size: Bytes to show, 0 for all that follow.
        read_only: Writes fail, and the image is opened for reading only.
        partitions: Let the kernel look for a partition table.

    Raises:
        OSError: With the image or the device as file name.
    """
    flags = LO_FLAGS_AUTOCLEAR
    flags |= LO_FLAGS_READ_ONLY if read_only else 0
    flags |= LO_FLAGS_PARTSCAN if partitions else 0
    node, device = _configure(image, flags, offset, size)
    try:
        yield node
    finally:
        # Not LOOP_CLR_FD: that drops what was written and has not reached the image yet.
        os.close(device)


def add(number: int) -> str:
    """Make /dev/loop<number> exist, and return its node.

    Raises:
        FileExistsError: It is there already.
        OSError: From the kernel.
    """
    _control(LOOP_CTL_ADD, number)
    return f"/dev/loop{number}"


def remove(number: int) -> None:
    """Make /dev/loop<number> go away.

    Raises:
        OSError: EBUSY while something is attached or has it open.
    """
    _control(LOOP_CTL_REMOVE, number)


def _configure(image: str, flags: int, offset: int, size: int) -> tuple[str, int]:
    mode = os.O_RDONLY if flags & LO_FLAGS_READ_ONLY else os.O_RDWR
    backing = os.open(image, mode | os.O_CLOEXEC)
    try:
        config = _CONFIG.pack(
            backing, 0, 0, 0, 0, offset, size, 0, 0, 0, flags,
            os.fsencode(image)[:63], b"", b"", 0, 0,
        )  # fmt: skip
        for _ in range(_ATTEMPTS):
            node = f"/dev/loop{_control(LOOP_CTL_GET_FREE, 0)}"
            device = os.open(node, mode | os.O_CLOEXEC)
            try:
                ioctl(device, LOOP_CONFIGURE, config)
            except OSError as error:
                os.close(device)
                if error.errno != errno.EBUSY:
                    raise OSError(error.errno, os.strerror(error.errno or 0), image) from error
                time.sleep(_STEP_S)
            else:
                return node, device
    finally:
        os.close(backing)
    raise OSError(errno.EBUSY, "every free loop device was taken by somebody else", image)


def _control(command: int, number: int) -> int:
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        return int(ioctl(control, command, number))
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), f"loop{number}") from error
    finally:
        os.close(control)
