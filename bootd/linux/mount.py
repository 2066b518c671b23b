"""Detached mounts, which never write unless that is asked for: fsopen(2), fsconfig(2), fsmount(2).

A detached mount shows in no mount table and goes away with its last file descriptor, so a killed
process leaves nothing behind. Source: include/uapi/linux/mount.h; Linux 5.2 and later.

`ro` alone does not keep a disk unwritten: the journal of ext4, xfs, btrfs and f2fs is replayed on a
read-only mount too. The options below forbid it; after a crash the view is then older than what the
journal holds. `bootd.probe.mounter` has it replayed where that writes into memory. Symbolic links
stay usable: /boot/vmlinuz is one in many distributions.
"""

import ctypes
import errno
import os
from collections.abc import Mapping
from typing import Final

from bootd.linux.libc import syscall
from bootd.model.device import WRITABLE
from bootd.record import dataclass

_NR_OPEN_TREE: Final = 428
_NR_FSOPEN: Final = 430
_NR_FSCONFIG: Final = 431
_NR_FSMOUNT: Final = 432
_NR_MOUNT_SETATTR: Final = 442

FSOPEN_CLOEXEC: Final = 1
FSMOUNT_CLOEXEC: Final = 1
FSCONFIG_SET_FLAG: Final = 0
FSCONFIG_SET_STRING: Final = 1
FSCONFIG_CMD_CREATE: Final = 6
MOUNT_ATTR_RDONLY: Final = 0x1
MOUNT_ATTR_NOSUID: Final = 0x2
MOUNT_ATTR_NODEV: Final = 0x4
MOUNT_ATTR_NOEXEC: Final = 0x8
OPEN_TREE_CLONE: Final = 1
AT_FDCWD: Final = -100
AT_EMPTY_PATH: Final = 0x1000

_HARMLESS: Final = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC
_ATTRIBUTES: Final = MOUNT_ATTR_RDONLY | _HARMLESS


@dataclass(frozen=True, slots=True, kw_only=True)
class _FileSystem:
    """How one kind of file system is mounted.

    Attributes:
        driver: The kernel's name for it.
        needed: Options without which the disk could be written: no replay of its journal.
        wanted: Options that only improve what is seen; a kernel that lacks one goes without.
        whole: Options that show the top of the file system where it is not what a mount shows.
    """

    driver: str
    needed: tuple[tuple[str, str | None], ...] = ()
    wanted: tuple[tuple[str, str | None], ...] = ()
    whole: tuple[tuple[str, str | None], ...] = ()


_EXT: Final = _FileSystem(driver="ext4", needed=(("norecovery", None),))

FILE_SYSTEMS: Final[Mapping[str, _FileSystem]] = {
    "vfat": _FileSystem(driver="vfat", wanted=(("utf8", None),)),
    "ext2": _EXT,
    "ext3": _EXT,
    "ext4": _EXT,
    "iso9660": _FileSystem(driver="iso9660"),
    "squashfs": _FileSystem(driver="squashfs"),
    "erofs": _FileSystem(driver="erofs"),
    # BTRFS_FS_TREE_OBJECTID is 5.
    "btrfs": _FileSystem(
        driver="btrfs", needed=(("rescue", "nologreplay"),), whole=(("subvolid", "5"),)
    ),
    # nouuid: a copy of a mounted disk is still worth looking at.
    "xfs": _FileSystem(driver="xfs", needed=(("norecovery", None),), wanted=(("nouuid", None),)),
    "f2fs": _FileSystem(driver="f2fs", needed=(("norecovery", None),)),
}
"""The kinds that are looked at, by blkid's name: those whose drivers are fuzzed and maintained."""

_WORDS: Final = {
    errno.EINVAL: "the file system is damaged, or of a version that this kernel does not know",
    errno.EUCLEAN: "the file system is damaged",
    errno.EACCES: "it is write-protected",
    errno.EROFS: "its journal needs a replay, and that would write to the disk",
    errno.ENODEV: "this kernel has no driver for {fstype}",
    errno.ENXIO: "there is no medium in it",
    errno.ENOMEDIUM: "there is no medium in it",
    errno.ENOENT: "the device is gone",
    errno.EIO: "the medium failed while it was read",
    errno.EBUSY: "it is in use by another file system or by a storage stack",
    errno.EPERM: "bootd may not mount; it needs root (CAP_SYS_ADMIN)",
    errno.ENOSYS: "this kernel has no detached mounts (Linux 5.2 or later has)",
}


def mount_detached(node: str, fstype: str, *, whole: bool = False, replay: bool = False) -> int:
    """Mount a block device read-only, nodev, nosuid, noexec, attached nowhere.

    A device that the system itself has mounted writable is seen through a read-only clone of that
    mount. May block for as long as the medium does not answer, and cannot be killed then.

    Args:
        node: The device node.
        fstype: As blkid names it; must be in `FILE_SYSTEMS`.
        whole: Show the top of a btrfs also where another subvolume is its default.
        replay: Replay its journal, which writes to the device; EROFS when it may not be written.

    Returns:
        A directory descriptor that the caller owns; the mount lives as long as it.

    Raises:
        OSError: In words, with `node` as file name.
    """
    kind = FILE_SYSTEMS.get(fstype)
    if kind is None:
        words = f"{fstype or 'unknown'} file systems are not looked at"
        raise OSError(errno.ENODEV, words, node)
    try:
        return _mount(node, kind, (kind.whole if whole else ()) + (() if replay else kind.needed))
    except OSError as error:
        if error.errno == errno.EBUSY and (place := mount_point(node)) is not None:
            return _clone(place)
        raise _in_words(error, node, fstype) from error


def mount_writable(node: str, fstype: str) -> int:
    """Mount a block device so that it can be written, nodev, nosuid, noexec, attached nowhere.

    Its journal is replayed first. Only for what an administrator wants written; close it soon.

    Args:
        node: The device node.
        fstype: As blkid names it; must be in `bootd.model.device.WRITABLE`.

    Returns:
        As `mount_detached`.

    Raises:
        OSError: In words, with `node` as file name; EBUSY while something holds it read-only.
    """
    if fstype not in WRITABLE:
        words = f"{fstype or 'unknown'} file systems are never written"
        raise OSError(errno.EROFS, words, node)
    kind = _FileSystem(driver=FILE_SYSTEMS[fstype].driver, wanted=FILE_SYSTEMS[fstype].wanted)
    try:
        # FAT has no journal: a new name is on the medium before the old one goes.
        return _mount(node, kind, (("dirsync", None),), attributes=_HARMLESS)
    except OSError as error:
        raise _in_words(error, node, fstype) from error


def _in_words(error: OSError, node: str, fstype: str) -> OSError:
    code = error.errno or errno.EIO
    words = _WORDS.get(code, os.strerror(code)).format(fstype=fstype)
    said = error.filename2 if isinstance(error.filename2, str) else ""
    return OSError(code, f"{words} ({said})" if said else words, node)


def _mount(
    node: str,
    kind: _FileSystem,
    options: tuple[tuple[str, str | None], ...] = (),
    attributes: int = _ATTRIBUTES,
) -> int:
    try:
        driver = ctypes.c_char_p(kind.driver.encode())
        context = syscall("fsopen", _NR_FSOPEN, driver, FSOPEN_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return _mount_lazily(node, kind, options, attributes)
    try:
        _set(context, "source", node)
        if attributes & MOUNT_ATTR_RDONLY:
            _set(context, "ro", None)
        for key, value in options:
            _set(context, key, value)
        for key, value in kind.wanted:
            _try_set(context, key, value)
        _create(context)
        return syscall("fsmount", _NR_FSMOUNT, context, FSMOUNT_CLOEXEC, attributes)
    finally:
        os.close(context)


def _mount_lazily(
    node: str, kind: _FileSystem, options: tuple[tuple[str, str | None], ...], attributes: int
) -> int:
    from bootd.linux import lazy_mount  # noqa: PLC0415 - old kernels only

    words, wanted = (
        tuple(key if value is None else f"{key}={value}" for key, value in pairs)
        for pairs in (options, kind.wanted)
    )
    writable = not attributes & MOUNT_ATTR_RDONLY
    return lazy_mount.mount(node, kind.driver, (",".join(words), wanted), writable=writable)


def _set(context: int, key: str, value: str | None) -> None:
    command = FSCONFIG_SET_FLAG if value is None else FSCONFIG_SET_STRING
    text = None if value is None else os.fsencode(value)
    name = ctypes.c_char_p(key.encode())
    syscall(key, _NR_FSCONFIG, context, command, name, ctypes.c_char_p(text), 0)


def _try_set(context: int, key: str, value: str | None) -> None:
    try:
        _set(context, key, value)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        _drain(context)  # the complaint would be taken for the reason of a later failure


def _create(context: int) -> None:
    nothing = ctypes.c_char_p(None)
    try:
        syscall("fsconfig", _NR_FSCONFIG, context, FSCONFIG_CMD_CREATE, nothing, nothing, 0)
    except OSError as error:
        code = error.errno or errno.EIO
        raise OSError(code, os.strerror(code), "fsconfig", None, _drain(context)) from error


def _drain(context: int) -> str:
    """Return the last error that the driver wrote to the context's log, or ""."""
    said = ""
    while True:
        try:
            line = os.read(context, 1024).decode("utf-8", "replace").strip()
        except OSError:  # ENODATA: the log is empty
            return said
        if not line:
            return said
        if line.startswith("e "):
            said = line[2:]


def mount_point(node: str) -> str | None:
    """Return where this mount namespace has the root of the device's file system, or None."""
    from bootd.linux.mounted import unescape  # noqa: PLC0415 - few disks are mounted already

    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            front, _, back = line.partition(" - ")
            # Fields 4 and 5: root within the file system, and mount point; proc_pid_mountinfo(5).
            root, place = front.split(" ")[3:5]
            source = back.split(" ")[1]
            if root == "/" and unescape(source) == node:
                return unescape(place)
    return None


def is_supported() -> bool:
    """Say whether the kernel has detached mounts; else `lazy_mount` takes their place."""
    try:
        syscall("fsopen", _NR_FSOPEN, ctypes.c_void_p(None), FSOPEN_CLOEXEC)
    except OSError as error:
        return error.errno != errno.ENOSYS
    return True


def _clone(place: str) -> int:
    try:
        return _clone_now(place)
    except OSError as error:
        if error.errno != errno.ENOSYS:  # mount_setattr is of Linux 5.12
            raise
    from bootd.linux import lazy_mount  # noqa: PLC0415 - old kernels only

    return lazy_mount.clone(place)


def _clone_now(place: str) -> int:
    path = ctypes.c_char_p(os.fsencode(place))
    fd = syscall("open_tree", _NR_OPEN_TREE, AT_FDCWD, path, OPEN_TREE_CLONE | os.O_CLOEXEC)
    try:
        # struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
        attributes = (ctypes.c_uint64 * 4)(_ATTRIBUTES, 0, 0, 0)
        syscall(
            "mount_setattr",
            _NR_MOUNT_SETATTR,
            fd,
            ctypes.c_char_p(b""),
            AT_EMPTY_PATH,
            ctypes.byref(attributes),
            ctypes.sizeof(attributes),
        )
    except BaseException:
        os.close(fd)
        raise
    return fd
