"""Namespaces for workers: made once by a process that then only keeps them, entered by each worker.

The keeper has no network, no host name, no System V objects, and a root directory that is an empty
memory file system but for the interpreter's own libraries. It is also process 1 of a process
namespace, so that workers see no process but each other, and all of them end with it. All others
belong to a user namespace: the one capability that a worker keeps counts for files, and for nothing
that belongs to the machine.

Entering costs a worker 5 microseconds a namespace where making its own costs up to 400; what shared
ones would let workers do to each other takes calls that their filter forbids (docs/adr/0016).
Source: namespaces(7), setns(2), user_namespaces(7), include/linux/proc_ns.h.
"""

import ctypes
import fcntl
import os
import signal
import sys
from contextlib import suppress
from typing import Final, NamedTuple

from bootd.linux.libc import LIBC, last_error

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

_MS_RDONLY: Final = 1
_MS_NOSUID: Final = 2
_MS_NODEV: Final = 4
_MS_NOEXEC: Final = 8
_MS_REMOUNT: Final = 32
_MS_BIND: Final = 4096
_MS_MOVE: Final = 8192
_MS_REC: Final = 16384
_MS_PRIVATE: Final = 1 << 18

_PR_SET_PDEATHSIG: Final = 1

_FIRST_FD: Final = 16
_MADE: Final = b"+"
_REFUSED: Final = b"-"

_OTHERS: Final = (
    ("mnt", CLONE_NEWNS),
    ("net", CLONE_NEWNET),
    ("ipc", CLONE_NEWIPC),
    ("uts", CLONE_NEWUTS),
)
KINDS: Final = ("pid", "user", *(name for name, _ in _OTHERS))
"""As /proc/self/ns names them."""
_FLAGS: Final = {"user": CLONE_NEWUSER, **dict(_OTHERS)}

_INITIAL: Final = {"ipc": 0xEFFFFFFF, "uts": 0xEFFFFFFE}
"""Inode numbers of the machine's own (enum proc_ns_ino); others are a service's private ones."""

_EVERY_ID: Final = b"0 0 4294967295"
"""Identity: files keep their owners, whom CAP_DAC_READ_SEARCH has to know to count for them."""


class Rooms(NamedTuple):
    """The namespaces that could be made.

    Attributes:
        fds: Descriptors of them, in the order to enter.
        flags: What each is (CLONE_NEW*): systemd allows no entering of who knows what.
        missing: Names of kinds that the kernel or this process's rights refused.
        keeper: Its process, a child of this one that ends with it; 0 for none.
    """

    fds: tuple[int, ...]
    missing: tuple[str, ...]
    keeper: int = 0
    flags: tuple[int, ...] = ()


class Keeper(NamedTuple):
    """A keeper at work.

    Attributes:
        pid: Of the process, a child of this one; ends with it.
        answer: Descriptor on which it says what it could not make.
        missing: What could not be made already.
    """

    pid: int
    answer: int
    missing: tuple[str, ...]


def begin(libraries: tuple[str, ...]) -> Keeper | None:
    """Fork the keeper, which works on its own until `finish`; None without root.

    Every later child of this process is in its process namespace.

    Args:
        libraries: Directories that a worker may need to see, and nothing else.
    """
    if os.geteuid() != 0:
        return None
    missing = [] if _unshare(CLONE_NEWPID) else ["pid"]
    reader, writer = os.pipe2(os.O_CLOEXEC)
    go_reader, go_writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(go_writer)
        _keep(writer, go_reader, libraries)
    os.close(writer)
    os.close(go_reader)
    if os.read(reader, 1) != _MADE or not _map_ids(pid):
        missing.append("user")
    os.close(go_writer)
    return Keeper(pid, reader, tuple(missing))


def finish(keeper: Keeper | None) -> Rooms:
    """Return the keeper's namespaces, once they are made; the caller owns the descriptors.

    Raises:
        OSError: There can be no workers.
    """
    if keeper is None:
        return Rooms((), KINDS)
    said = os.read(keeper.answer, 256)
    os.close(keeper.answer)
    if not said:
        raise ChildProcessError("the keeper of the workers' namespaces has died")
    missing = [*keeper.missing, *said.decode().split()]
    if "user" in missing and "mnt" not in missing and not _may_enter_mounts():
        missing.append("mnt")
    made = [name for name in KINDS[1:] if name not in missing]  # the user namespace first
    fds = tuple(_open(f"/proc/{keeper.pid}/ns/{name}") for name in made)
    lacking = tuple(name for name in missing if not _is_private(name))
    return Rooms(fds, lacking, keeper.pid, tuple(_FLAGS[name] for name in made))


def enter(rooms: Rooms) -> None:
    """Go in, for good; the descriptors are closed.

    Raises:
        OSError: From setns; the process must end then.
    """
    for fd, flag in zip(rooms.fds, rooms.flags, strict=True):
        if LIBC.setns(ctypes.c_int(fd), ctypes.c_int(flag)) != 0:
            raise last_error("setns")
    leave(rooms)


def leave(rooms: Rooms) -> None:
    """Close the descriptors."""
    for fd in rooms.fds:
        os.close(fd)


def _open(path: str) -> int:
    """Open a namespace, at a number that nobody asks for by name."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_FD)
    finally:
        os.close(fd)


def _keep(writer: int, ready: int, libraries: tuple[str, ...]) -> None:
    """Be the keeper; never returns."""
    try:
        LIBC.prctl(ctypes.c_int(_PR_SET_PDEATHSIG), *map(ctypes.c_ulong, (signal.SIGKILL, 0, 0, 0)))
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans of the namespace are reaped so
        os.write(writer, _MADE if _unshare(CLONE_NEWUSER) else _REFUSED)
        os.read(ready, 1)  # until the ids are mapped, which the descriptor's end says
        missing = [name for name, flag in _OTHERS if not _unshare(flag)]
        if "mnt" not in missing and not _furnish(libraries):
            missing.append("mnt")
        os.write(writer, " ".join(missing).encode() or b" ")
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            signal.pause()
    finally:  # nothing of its parent's stack may run twice
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _furnish(libraries: tuple[str, ...]) -> bool:
    """Make a root directory with nothing but libraries; False when something is refused."""
    root = "/dev"  # is everywhere, and only this process sees what lies over it
    try:
        _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
        _mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64k,mode=0755")
        for path in libraries:
            os.makedirs(root + path, exist_ok=True)
            # With what is mounted below: a part of a mount tree of others' may not be taken alone.
            _mount(path, root + path, None, _MS_BIND | _MS_REC)
            _make_read_only(root + path)
        _make_read_only(root)
        os.chdir(root)
        _mount(".", "/", None, _MS_MOVE)  # pivot_root(2) refuses an initramfs
        os.chroot(".")
    except OSError:
        return False
    return True


def _make_read_only(place: str) -> None:
    kept = os.statvfs(place).f_flag & _MS_NOEXEC  # what others have set cannot be taken away
    flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV
    _mount(None, place, None, flags | kept)


def _may_enter_mounts() -> bool:
    """Say whether there is CAP_SYS_CHROOT, which setns(2) wants for a mount namespace."""
    return bool(LIBC.chroot(b"/") == 0)


def _is_private(kind: str) -> bool:
    """Say whether bootd as a whole has a namespace without anything of the machine's."""
    if kind == "net":
        with open("/proc/self/net/dev", encoding="ascii") as table:
            return [line.split(":")[0].strip() for line in table if ":" in line] == ["lo"]
    return kind in _INITIAL and os.stat(f"/proc/self/ns/{kind}").st_ino != _INITIAL[kind]


def _map_ids(keeper: int) -> bool:
    with suppress(OSError):
        for name in ("uid_map", "gid_map"):
            fd = os.open(f"/proc/{keeper}/{name}", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, _EVERY_ID)
            finally:
                os.close(fd)
        return True
    return False


def _unshare(flag: int) -> bool:
    return bool(LIBC.unshare(ctypes.c_int(flag)) == 0)


def _mount(source: str | None, place: str, kind: str | None, flags: int, more: str = "") -> None:
    words = [text if text is None else os.fsencode(text) for text in (source, place, kind)]
    pointers = [ctypes.c_char_p(word) for word in words]
    if LIBC.mount(*pointers, ctypes.c_ulong(flags), ctypes.c_char_p(more.encode() or None)) != 0:
        raise last_error("mount")
