"""Resource limits for a process that reads foreign bytes: setrlimit(2)."""

import os
import resource
from typing import Final

MEMORY_BYTES: Final = 96 << 20
"""Address space that a worker may add to what is mapped when it starts (DESIGN.md, limits)."""
CPU_S: Final = 2
"""Processor seconds; SIGXCPU ends the process."""
FILE_BYTES: Final = 512 << 20
"""Largest file it may write. It can write memfds only, which FSIZE counts as well: a device tree
blob, or a kernel out of a container file (DESIGN.md, limits: decompressed image)."""
OPEN_FILES: Final = 256


def confine() -> None:
    """Limit memory, processor time, file size, processes, descriptors and core dumps.

    For this process; cannot be undone without CAP_SYS_RESOURCE. NPROC does not bind uid 0, so that
    has to be dropped too.

    Raises:
        OSError: From the kernel.
    """
    address_space = _mapped_bytes() + MEMORY_BYTES
    for limit, wanted in (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (value, value))
    # A hard limit above the soft one: SIGXCPU names the reason, SIGKILL a second later would not.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))


def _mapped_bytes() -> int:
    """Return this process's address space in bytes; proc_pid_statm(5), first field, in pages."""
    with open("/proc/self/statm", "rb") as table:
        return int(table.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
