"""What a worker gives up before it reads the first byte of a foreign file, put together.

In this order: namespaces (`namespaces`), root and its capabilities (`privilege`), the file system
but for its own device (`landlock`), and all system calls but those that parsing takes (`seccomp`).
What the kernel lacks is left out and named, so that a person can see it; what it has and refuses
ends the worker.
"""

import os
import sys
from collections.abc import Iterable
from typing import Final, NamedTuple

from bootd.linux import landlock, mount, namespaces, openat2, privilege, seccomp

_NAMESPACES: Final = {
    "pid": "process",
    "mnt": "mount",
    "net": "network",
    "ipc": "IPC",
    "uts": "host name",
    "user": "user",
}


class Sandbox(NamedTuple):
    """What there is on this machine, found out once, before the first worker.

    Attributes:
        rooms: Namespaces to enter.
        landlock: ABI of the kernel's Landlock; 0 for none.
        instructions: The filter of system calls, or b"" for none.
        libraries: Directories from which a worker may still import.
    """

    rooms: namespaces.Rooms
    landlock: int
    instructions: bytes
    libraries: tuple[str, ...]

    def missing(self) -> tuple[str, ...]:
        """Return what workers go without, each in a few words for a person."""
        found = []
        if self.rooms.missing:
            names = ", ".join(_NAMESPACES[name] for name in self.rooms.missing)
            why = (
                "bootd runs without root" if len(self.rooms.missing) > len(_NAMESPACES) - 1 else ""
            )
            found.append(f"namespaces ({why or names})")
        if not self.landlock:
            found.append("Landlock (Linux 5.13 or later has it, with lsm=landlock)")
        if not self.instructions:
            found.append("system-call filter (CONFIG_SECCOMP_FILTER, and a known architecture)")
        if not openat2.is_supported():
            found.append("openat2 (Linux 5.6 or later has it; paths are walked in steps)")
        if not mount.is_supported():
            found.append("fsmount (Linux 5.2 or later has it; mounts are taken off while in use)")
        return tuple(found)


def forbid() -> None:
    """Take from a command's process what reading a disk never needs, for good: see `seccomp`.

    It stays who it is, and may mount; a kernel without filters takes nothing.

    Raises:
        OSError: The kernel has filters and refused this one.
    """
    abi = seccomp.native_abi()
    privilege.forbid_new_rights()
    if abi is not None and seccomp.is_supported():
        seccomp.install(seccomp.command_filter(abi))


NOTHING: Final = Sandbox(namespaces.Rooms((), ()), 0, b"", ())
"""Before anything is known."""


def begin() -> tuple[tuple[str, ...], namespaces.Keeper | None]:
    """Have what workers share made by another process, until `finish`."""
    libraries = _libraries()
    return libraries, namespaces.begin(libraries)


def finish(begun: tuple[tuple[str, ...], namespaces.Keeper | None]) -> Sandbox:
    """Return what there is, before the first fork of a worker.

    Raises:
        OSError: There can be no workers.
    """
    libraries, keeper = begun
    abi = seccomp.native_abi()
    filtered = abi is not None and seccomp.is_supported()
    return Sandbox(
        landlock=landlock.version(),
        instructions=seccomp.worker_filter(abi) if abi is not None and filtered else b"",
        libraries=libraries,
        rooms=namespaces.finish(keeper),
    )


def enter(sandbox: Sandbox, readable: Iterable[int]) -> None:
    """Give up everything but what is open and what lies below some directories; for good.

    Args:
        sandbox: Its namespaces' descriptors are closed.
        readable: Descriptors of directories; stay the caller's.

    Raises:
        OSError: A step failed; the process must end then.
    """
    namespaces.enter(sandbox.rooms)
    privilege.drop()
    if sandbox.landlock:
        own = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in sandbox.libraries]
        landlock.restrict(sandbox.landlock, (*own, *readable))
        for fd in own:
            os.close(fd)
    if sandbox.instructions:
        seccomp.install(sandbox.instructions)


def _libraries() -> tuple[str, ...]:
    """Return the directories of the interpreter's and bootd's code; none lies in another."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    package = (f"{sys.base_prefix}/lib", f"{sys.prefix}/lib", "/usr/lib", "/lib", own)
    found: list[str] = []
    for path in sorted({os.path.realpath(each) for each in package}):
        if os.path.isdir(path) and not any(path.startswith(f"{each}/") for each in found):
            found.append(path)
    return tuple(found)
