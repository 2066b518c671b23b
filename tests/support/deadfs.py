"""A file system that stops answering: the nearest thing to a dead disk without device-mapper.

Whoever looks up a name on it waits in the kernel and cannot be killed, as on a disk whose
controller hangs. Source: include/uapi/linux/fuse.h, Documentation/filesystems/fuse.rst.
"""

import ctypes
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bootd.linux.libc import LIBC, last_error

_INIT = 26
_MNT_FORCE = 1
_MNT_DETACH = 2
_HEADER = struct.Struct("=IIQ")
"""fuse_in_header up to `unique`: length, opcode, unique."""


@contextmanager
def dead_filesystem(place: Path) -> Iterator[None]:
    """Mount it on a directory; everybody who waits is let go at the end of the block."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if LIBC.mount(b"dead", os.fsencode(place), b"fuse", ctypes.c_ulong(0), options) != 0:
        raise last_error("mount")
    server = threading.Thread(target=_serve, args=(device,))
    server.start()
    try:
        yield
    finally:
        LIBC.umount2(os.fsencode(place), _MNT_FORCE | _MNT_DETACH)  # ends all requests with EIO
        server.join(timeout=10)
        os.close(device)


def _serve(device: int) -> None:
    """Answer the hello, and then read requests without ever answering."""
    with suppress(OSError):  # ENODEV: aborted
        while True:
            request = os.read(device, 1 << 17)
            _, opcode, unique = _HEADER.unpack_from(request)
            if opcode == _INIT:
                body = struct.pack("=IIIIHHI", 7, 26, 1 << 16, 0, 12, 10, 1 << 16) + bytes(40)
                os.write(device, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)
