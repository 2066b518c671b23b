"""Running a hook: a program of the administrator's, which can do no harm but to the boot.

The calling process gives up the network, other processes and every place to write but one folder,
for good, so it must be one that ends afterwards. The program then runs as nobody: it reads what
everybody may read and what it inherits, writes in its folder, and dies with everything it started.
Without root there is only the folder, the time limit and the end of its process group.
Source: unshare(2), mount_setattr(2), setpriv(1), credentials(7).
"""

import ctypes
import errno
import fcntl
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from bootd.linux import memfd
from bootd.linux.files import memory_file
from bootd.linux.libc import LIBC, last_error, syscall
from bootd.linux.namespaces import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
)
from bootd.linux.openat2 import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_XDEV, openat2
from bootd.linux.privilege import NOBODY, forbid_new_rights

FILE_BYTES: Final = 64 << 20
"""Of each file it writes, and of its folder as a whole."""
OUTPUT_BYTES: Final = 64 << 10
SAID_BYTES: Final = 4 << 10
CPU_S: Final = 20
OPEN_FILES: Final = 256

_PIECE: Final = 1 << 20

_NR_MOUNT_SETATTR: Final = 442
_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_MOUNT_ATTR_RDONLY: Final = 1
_MOUNT_ATTR_NOSUID: Final = 2
_PR_SET_PDEATHSIG: Final = 1
_MS_NOSUID: Final = 2
_MS_NODEV: Final = 4
_MS_REC: Final = 16384
_MS_PRIVATE: Final = 1 << 18

_ROOMS: Final = (
    ("mounts", CLONE_NEWNS),
    ("network", CLONE_NEWNET),
    ("processes", CLONE_NEWPID),
    ("IPC", CLONE_NEWIPC),
    ("host name", CLONE_NEWUTS),
)

_PLACES: Final = ("/tmp", "/run")  # noqa: S108 - what is mounted there is seen by nobody else
"""One of them is on every machine, and the program is not in it: what is mounted hides it."""


class Cell(NamedTuple):
    """Where hooks run.

    Attributes:
        folder: Empty, and the only place to write.
        missing: What the kernel or this process's rights did not allow.
    """

    folder: str
    missing: tuple[str, ...]


class Ended(NamedTuple):
    """How a program ended.

    Attributes:
        status: As `subprocess` has it; None when its time was up.
        output: The beginning of what it wrote, `OUTPUT_BYTES` at most and one more.
        said: The end of its standard error.
    """

    status: int | None
    output: bytes
    said: bytes


@contextmanager
def cell(program: str) -> Iterator[Cell]:
    """Give up what a program must not have, for good; the folder goes with the process.

    Raises:
        OSError: There is no folder.
    """
    if os.geteuid() != 0:
        folder = tempfile.mkdtemp(prefix="bootd-hook-")
        try:
            yield Cell(folder, ("everything but a time limit, without root",))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    _offer_to_the_oom_killer()
    missing = [name for name, flag in _ROOMS if LIBC.unshare(ctypes.c_int(flag)) != 0]
    if "mounts" in missing:
        raise last_error("unshare")
    if not _make_read_only():
        missing.append("read-only files (Linux 5.12 has it)")
    folder = next(
        place for place in _PLACES if os.path.isdir(place) and not program.startswith(f"{place}/")
    )
    more = f"size={FILE_BYTES},nr_inodes=1k,mode=0777".encode()
    _mount(b"tmpfs", folder.encode(), b"tmpfs", _MS_NOSUID | _MS_NODEV, more)
    yield Cell(folder, tuple(missing))


def run(
    program: str,
    environment: Mapping[str, str],
    given: bytes,
    fds: Sequence[int],
    place: Cell,
    timeout_s: float,
) -> Ended:
    """Run a program in a cell to its end, which comes at the latest after `timeout_s`.

    Args:
        program: Path of an executable file.
        environment: All of it.
        given: What it reads.
        fds: Descriptors that it inherits under their numbers.
        place: Where.
        timeout_s: It and all that it started are killed then.

    Raises:
        OSError: It cannot be started.
    """
    with (
        memory_file("stdin", (given,)) as stdin,
        _written("stdout") as stdout,
        _written("stderr") as stderr,
    ):
        process = subprocess.Popen(
            [program],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=fds,
            cwd=place.folder,
            env=environment,
            start_new_session=True,
            preexec_fn=_become_nobody,  # noqa: PLW1509 - a helper has one thread
        )
        status = _wait(process, timeout_s)
        size = os.fstat(stderr).st_size
        said = os.pread(stderr, SAID_BYTES, max(0, size - SAID_BYTES))
        return Ended(status, os.pread(stdout, OUTPUT_BYTES + 1, 0), said)


def unwritable(fd: int) -> int:
    """Return a descriptor in place of `fd` through which, and beside which, nobody can write.

    A memory file is sealed, or copied where it cannot be: it belongs to whoever made it, perhaps
    nobody as well, and its mode would be no obstacle.

    Raises:
        OSError: There is no memory for a copy.
    """
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        return fd
    try:
        memfd.seal(fd)
    except OSError:
        copy = memfd.filled("copy", _pieces(fd))
        os.close(fd)
        return copy
    return fd


def _pieces(fd: int) -> Iterator[bytes]:
    offset = 0
    while piece := os.pread(fd, _PIECE, offset):
        offset += len(piece)
        yield piece


@contextmanager
def _written(name: str) -> Iterator[int]:
    """Make a memory file that others write."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def take(place: Cell, name: str, most: int) -> int:
    """Open a file that a hook left in its folder, after its end; it outlives the folder.

    Args:
        place: Where it ran.
        name: Relative to the folder, or beginning with it.
        most: Bytes.

    Returns:
        A descriptor for reading, which is the caller's.

    Raises:
        OSError: There is none, it is no plain file, or it is larger (EFBIG).
    """
    inside = name.removeprefix(f"{place.folder}/")
    folder = os.open(place.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
        resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
        fd = openat2(folder, inside, flags=flags, resolve=resolve)
    finally:
        os.close(folder)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_size > most:
        os.close(fd)
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most} bytes", name)
        raise OSError(errno.EINVAL, "it is no plain file", name)
    return fd


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    """Wait for the end and kill what is left; process 1 of a namespace takes the others along."""
    try:
        status: int | None = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        status = None
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return status


def _become_nobody() -> None:
    """Give up root in the child, before it becomes the program."""
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    forbid_new_rights()
    # Last, since a change of the user takes it back.
    words = [ctypes.c_ulong(word) for word in (signal.SIGKILL, 0, 0, 0)]
    if LIBC.prctl(ctypes.c_int(_PR_SET_PDEATHSIG), *words) != 0:
        raise last_error("prctl")


def _offer_to_the_oom_killer() -> None:
    """Have this process and its children die before anything else when memory runs out."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def _make_read_only() -> bool:
    """Make every mount private and read-only; False where the kernel cannot."""
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
    attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID, 0, _MS_PRIVATE, 0)
    try:
        syscall(
            "mount_setattr",
            _NR_MOUNT_SETATTR,
            _AT_FDCWD,
            ctypes.c_char_p(b"/"),
            _AT_RECURSIVE,
            ctypes.byref(attributes),
            ctypes.sizeof(attributes),
        )
    except OSError:
        _mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None)
        return False
    return True


def _mount(
    source: bytes | None, place: bytes, kind: bytes | None, flags: int, more: bytes | None
) -> None:
    words = [ctypes.c_char_p(word) for word in (source, place, kind)]
    if LIBC.mount(*words, ctypes.c_ulong(flags), ctypes.c_char_p(more)) != 0:
        raise last_error("mount")
