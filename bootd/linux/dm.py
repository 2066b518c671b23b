"""The device mapper: block devices that the kernel puts together from others.

Only what bootd needs: make a device from a table, tell its state, take it away. Everything that is
made here carries a name and a UUID that begin with `OURS`, so that it is told from what others
made. Source: include/uapi/linux/dm-ioctl.h, drivers/md/dm-ioctl.c; Linux 3.13 and later (deferred
removal).
"""

import errno
import os
import struct
from collections.abc import Sequence
from fcntl import ioctl
from typing import Final

from bootd.linux.block_device import OURS
from bootd.record import dataclass

CONTROL: Final = "/dev/mapper/control"

_LIST: Final = 2
_CREATE: Final = 3
_REMOVE: Final = 4
_SUSPEND: Final = 6
_LOAD: Final = 9
_STATUS: Final = 12

_READ_ONLY: Final = 1
_BUFFER_FULL: Final = 1 << 8
_DEFERRED: Final = 1 << 17

# struct dm_ioctl: version[3], data_size, data_start, target_count, open_count, flags, event_nr,
# padding, dev, name[128], uuid[129], data[7].
_HEADER: Final = struct.Struct("=3I I I I i I I 4x Q 128s 129s 7x")
# struct dm_target_spec: sector_start, length, status, next, target_type[16]; then the parameters.
_TARGET: Final = struct.Struct("=QQiI16s")
# struct dm_name_list: dev, next; then the name.
_NAME: Final = struct.Struct("=QI")
_VERSION: Final = (4, 0, 0)
_ANSWER_BYTES: Final = 1 << 16

_QUIET: Final = (0x2 | 0x4 | 0x8) << 16
"""For udev's rules, in the upper half of event_nr: no links, no probing. DM_UDEV_DISABLE_* of
libdevmapper."""

SECTOR: Final = 512
_BLKGETSIZE64: Final = 0x80081272 if struct.calcsize("P") == 8 else 0x80041272


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A line of a table: this many sectors are served by that.

    Attributes:
        kind: Name of the target, such as `linear`.
        start, length: In sectors of 512 bytes.
        parameters: As in the kernel's Documentation/admin-guide/device-mapper.
    """

    kind: str
    start: int
    length: int
    parameters: str


def is_there() -> bool:
    """Say whether this kernel has a device mapper."""
    try:
        os.close(os.open(CONTROL, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def create(
    name: str, table: Sequence[Target], *, read_only: bool, uuid: str = "", quiet: bool = False
) -> str:
    """Make a device and return its node, /dev/dm-<number>.

    Args:
        name: Begins with OURS.
        table: Its lines, without gaps, in order.
        read_only: It refuses to be written, and opens what it is made of for reading only.
        uuid: The name unless given.
        quiet: Tell udev that nobody but us needs it.

    Raises:
        OSError: EEXIST when the name is taken; ENXIO or EINVAL for a table that the kernel does
            not take; ENOENT without a device mapper. Nothing is left behind.
    """
    flags = _READ_ONLY if read_only else 0
    _call(_CREATE, name, uuid or name)
    try:
        _call(_LOAD, name, data=_packed(table), count=len(table), flags=flags)
        number, _ = _call(_SUSPEND, name, event=_QUIET if quiet else 0, flags=flags)
    except BaseException:
        remove(name)
        raise
    return f"/dev/dm-{os.minor(number)}"


def remove(name: str) -> None:
    """Take a device away, now or as soon as its last user is gone.

    Raises:
        OSError: ENXIO when there is none.
    """
    _call(_REMOVE, name, flags=_DEFERRED)


def remove_if_unused(name: str) -> bool:
    """Take a device away, and say so; False when it is in use or gone.

    Raises:
        OSError: From the kernel.
    """
    try:
        _call(_REMOVE, name)
    except OSError as error:
        if error.errno in {errno.EBUSY, errno.ENXIO}:
            return False
        raise
    return True


def status(name: str) -> str:
    """Return what a device's first target says of its state.

    Raises:
        OSError: ENXIO when there is none.
    """
    _, answer = _call(_STATUS, name)
    text = answer[_TARGET.size :].partition(b"\0")[0]
    return text.decode("ascii", "replace")


def names() -> tuple[str, ...]:
    """Return the names of all devices that bootd made.

    Raises:
        OSError: There is no device mapper.
    """
    _, answer = _call(_LIST, "")
    found: list[str] = []
    at = 0
    while len(answer) - at > _NAME.size:
        number, following = _NAME.unpack_from(answer, at)
        if number == 0:  # the list is empty
            break
        raw = answer[at + _NAME.size :].partition(b"\0")[0]
        found.append(raw.decode("utf-8", "surrogateescape"))
        if following == 0:
            break
        at += following
    return tuple(name for name in found if name.startswith(OURS))


def sectors(fd: int) -> int:
    """Return the size of an open block device in sectors of 512 bytes."""
    size = bytearray(8)
    ioctl(fd, _BLKGETSIZE64, size)
    return int.from_bytes(size, "little") // SECTOR


def _packed(table: Sequence[Target]) -> bytes:
    lines = []
    for target in table:
        text = target.parameters.encode() + b"\0"
        text += bytes(-(_TARGET.size + len(text)) % 8)
        length = _TARGET.size + len(text)
        kind = target.kind.encode()
        lines.append(_TARGET.pack(target.start, target.length, 0, length, kind) + text)
    return b"".join(lines)


def _call(  # noqa: PLR0913 - the fields of one structure
    command: int,
    name: str,
    uuid: str = "",
    *,
    data: bytes = b"",
    count: int = 0,
    flags: int = 0,
    event: int = 0,
) -> tuple[int, bytes]:
    """Make a call; return the device number and what follows the header."""
    size = _HEADER.size + (len(data) if data else _ANSWER_BYTES)
    # By UUID only a device that is there can be named; to make one both are given.
    header = _HEADER.pack(
        *_VERSION, size, _HEADER.size, count, 0, flags, event, 0, name.encode(), uuid.encode()
    )
    buffer = bytearray(header + data).ljust(size, b"\0")
    try:
        fd = os.open(CONTROL, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
            raise OSError(error.errno, "this kernel has no device mapper", CONTROL) from error
        raise
    try:
        # _IOWR(DM_IOCTL, command, struct dm_ioctl)
        ioctl(fd, 3 << 30 | _HEADER.size << 16 | 0xFD << 8 | command, buffer)
    except OSError as error:
        code = error.errno or errno.EIO
        raise OSError(code, os.strerror(code), name or CONTROL) from error
    finally:
        os.close(fd)
    found = _HEADER.unpack_from(buffer)
    if found[7] & _BUFFER_FULL:
        raise OSError(errno.ENOBUFS, "the device mapper has more to say than fits", name)
    return int(found[9]), bytes(buffer[found[4] : found[3]])
