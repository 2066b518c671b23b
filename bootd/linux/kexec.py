"""kexec_load(2) and kexec_file_load(2): put the next kernel in memory, look, take it out again.

Source: kexec_load(2), include/uapi/linux/kexec.h, kernel/kexec.c and kernel/kexec_file.c.
"""

import ctypes
import errno
import mmap
import os
from collections.abc import Sequence
from typing import Final

from bootd.linux.capability import CAP_SYS_BOOT, dropped
from bootd.linux.libc import syscall
from bootd.record import dataclass

MAX_SEGMENTS: Final = 16
"""KEXEC_SEGMENT_MAX."""

KEXEC_ON_CRASH: Final = 0x1
KEXEC_FILE_UNLOAD: Final = 0x1
KEXEC_FILE_ON_CRASH: Final = 0x2
KEXEC_FILE_NO_INITRAMFS: Final = 0x4
KEXEC_FILE_FORCE_DTB: Final = 0x20
"""x86 only: the running kernel's tree is carried over, which it is not else."""
KEXEC_FILE_DTB: Final = 0x100
"""Not in mainline: bootd's kernel patch, a device tree as sixth argument."""

_LOADED: Final = "/sys/kernel/kexec_loaded"
_CRASH_LOADED: Final = "/sys/kernel/kexec_crash_loaded"
_CRASH_SIZE: Final = "/sys/kernel/kexec_crash_size"
_UNKNOWN_FLAG: Final = 0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calls:
    load: int
    arch: int
    file_load: int


_CALLS: Final = {
    "x86_64": _Calls(load=246, arch=62 << 16, file_load=320),
    "aarch64": _Calls(load=104, arch=183 << 16, file_load=294),
    "riscv64": _Calls(load=104, arch=243 << 16, file_load=294),
    "armv7l": _Calls(load=347, arch=40 << 16, file_load=401),
    "ppc64le": _Calls(load=268, arch=21 << 16, file_load=382),
}
"""Numbers of the calls, and KEXEC_ARCH_*, per `uname -m`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KexecSegment:
    """Bytes to be put at a physical address; both `start` and `memory_bytes` page aligned.

    Attributes:
        data: A private writable mapping or a bytearray: ctypes takes the address of nothing
            read-only. It is only read.
        memory_bytes: At least the length of `data` from `skip` on; the rest is zeroed.
        skip: Bytes at the start of `data` that are left out.
    """

    data: mmap.mmap | bytearray
    start: int
    memory_bytes: int
    skip: int = 0


class _Segment(ctypes.Structure):
    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("bufsz", ctypes.c_size_t),
        ("mem", ctypes.c_void_p),
        ("memsz", ctypes.c_size_t),
    )


def kexec_load(entry: int, segments: Sequence[KexecSegment], *, flags: int = 0) -> None:
    """Load segments for the next `reboot(LINUX_REBOOT_CMD_KEXEC)`; the kernel copies the data.

    Args:
        entry: Physical address that is jumped to with the MMU off.
        segments: At most `MAX_SEGMENTS`. The kernel does not check that they lie in RAM.
        flags: KEXEC_ON_CRASH, or none.

    Raises:
        OSError: EADDRNOTAVAIL: not page aligned. EINVAL: overlap, or more than half of RAM.
            EPERM: no CAP_SYS_BOOT, lockdown, or kexec_load_disabled. ENOMEM. ENOSYS.
    """
    calls = _calls()
    table = (_Segment * len(segments))()
    views = []
    for row, segment in zip(table, segments, strict=True):
        view = (ctypes.c_char * len(segment.data)).from_buffer(segment.data)
        views.append(view)
        row.buf = ctypes.addressof(view) + segment.skip
        row.bufsz = len(segment.data) - segment.skip
        row.mem = segment.start
        row.memsz = segment.memory_bytes
    syscall("kexec_load", calls.load, entry, len(segments), table, calls.arch | flags)


def kexec_file_load(
    kernel_fd: int,
    initrd_fd: int | None,
    cmdline: bytes,
    *,
    tree_fd: int | None = None,
    flags: int = 0,
) -> None:
    """Let the kernel load a kernel from files.

    Args:
        kernel_fd: Open for reading; a regular file or memfd.
        initrd_fd: Ditto; None boots without an initrd.
        cmdline: Without the trailing NUL, which the kernel counts and this function adds.
        tree_fd: Device tree for the next kernel (`has_kexec_file_dtb`); with None it gets the tree
            that the running kernel was started with.
        flags: More KEXEC_FILE_*.

    Raises:
        OSError: ENOEXEC: a kind of image that the kernel does not take. EKEYREJECTED, ENOKEY: not
            signed as the kernel demands. EPERM, ENOMEM, EINVAL, ENOSYS as above.
    """
    text = cmdline + b"\0"
    flags |= KEXEC_FILE_NO_INITRAMFS if initrd_fd is None else 0
    flags |= KEXEC_FILE_DTB if tree_fd is not None else 0
    syscall(
        "kexec_file_load",
        _calls().file_load,
        kernel_fd,
        -1 if initrd_fd is None else initrd_fd,
        len(text),
        ctypes.c_char_p(text),
        flags,
        -1 if tree_fd is None else tree_fd,
    )


def unload() -> None:
    """Take a loaded kernel out of memory again; does nothing when there is none.

    Nothing is asked of the kernel then, because every call counts against
    kexec_load_limit_reboot.

    Raises:
        OSError: From the kernel; what was loaded is still there.
    """
    if kexec_loaded():
        unload_any()


def unload_crash() -> None:
    """Take out the kernel that waits for a crash; does nothing when there is none.

    Raises:
        OSError: From the kernel; what was loaded is still there.
    """
    if crash_loaded():
        _unload(KEXEC_ON_CRASH, KEXEC_FILE_ON_CRASH)


def unload_any() -> None:
    """Take out what is loaded, or what another process is about to have loaded.

    Raises:
        OSError: EBUSY: a load is going on, which may still succeed. Others as `kexec_load`.
    """
    _unload(0, 0)


def _unload(flags: int, file_flags: int) -> None:
    calls = _calls()
    file_flags |= KEXEC_FILE_UNLOAD
    try:
        syscall("kexec_load", calls.load, 0, 0, None, calls.arch | flags)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EPERM}:
            raise
        syscall("kexec_file_load", calls.file_load, -1, -1, 0, None, file_flags, -1)


def kexec_loaded(path: str = _LOADED) -> bool:
    """Say whether reboot(LINUX_REBOOT_CMD_KEXEC) would start something now.

    A kernel without kexec has no such file and never has anything loaded.
    """
    try:
        with open(path, "rb") as file:
            return file.read(1) == b"1"
    except FileNotFoundError:
        return False


def crash_loaded(path: str = _CRASH_LOADED) -> bool:
    """Say whether a kernel waits for the running one to crash."""
    return kexec_loaded(path)


def crash_bytes(path: str = _CRASH_SIZE) -> int:
    """Return how much memory was set aside for a crash kernel; 0 for none."""
    try:
        with open(path, "rb") as file:
            text = file.read(32).strip()
    except FileNotFoundError:
        return 0
    return int(text) if text.isdigit() else 0


def has_kexec_load() -> bool:
    """Say whether the running kernel has kexec_load(2), whoever may use it.

    The call is made without CAP_SYS_BOOT, so that it ends before it counts or changes anything.
    """
    calls = _CALLS.get(os.uname().machine)
    return calls is not None and _exists("kexec_load", calls.load, 0, 0, None, _UNKNOWN_FLAG)


def has_kexec_file_load() -> bool:
    """Say whether the running kernel has kexec_file_load(2), whoever may use it."""
    calls = _CALLS.get(os.uname().machine)
    return calls is not None and _exists(
        "kexec_file_load", calls.file_load, -1, -1, 0, None, _UNKNOWN_FLAG, -1
    )


def has_kexec_file_dtb() -> bool:
    """Say whether kexec_file_load(2) takes a device tree (bootd's kernel patch).

    As `takes_file_flag`.
    """
    return takes_file_flag(KEXEC_FILE_DTB)


def takes_file_flag(flag: int) -> bool:
    """Say whether kexec_file_load(2) knows a flag.

    Needs CAP_SYS_BOOT, and counts against kexec_load_limit_reboot when that is set. A kernel
    refuses a flag that it does not know with EINVAL before it looks at the file descriptors.
    """
    number = _calls().file_load
    try:
        syscall("kexec_file_load", number, -1, -1, 0, None, flag, -1)
    except OSError as error:
        return error.errno not in {errno.EINVAL, errno.ENOSYS, errno.EPERM}
    return True


def _exists(name: str, number: int, *args: object) -> bool:
    try:
        with dropped(CAP_SYS_BOOT):
            syscall(name, number, *args)
    except OSError as error:
        return error.errno != errno.ENOSYS
    return True


def _calls() -> _Calls:
    machine = os.uname().machine
    calls = _CALLS.get(machine)
    if calls is None:
        raise OSError(errno.ENOSYS, f"bootd does not know the kexec calls of {machine}", "kexec")
    return calls
