"""What systemd and a service tell each other.

Source: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3). Our own because it is on the way to
the first menu; none of it needs systemd to be there.
"""

import os
import socket
import time
from collections.abc import Mapping, MutableMapping

_FIRST_FD = 3
"""SD_LISTEN_FDS_START."""


def notify(*fields: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send fields such as `READY=1` to the service manager; False when there is none to tell.

    A manager that does not listen is not this program's failure: errors count as nobody there.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"}:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(1)
            sender.sendto("\n".join(fields).encode(), address)
    except OSError:
        return False
    return True


def reloading() -> bool:
    """Tell that a reload began (Type=notify-reload); READY=1 ends it."""
    return notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")


def take_sockets(environ: MutableMapping[str, str] = os.environ) -> dict[str, int]:
    """Return the sockets that systemd opened for this process, by FileDescriptorName.

    The descriptors are made close-on-exec and belong to the caller; the variables are removed so
    that no child takes them for its own.
    """
    pid, count, names = (
        environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
    )
    if pid != str(os.getpid()) or not count.isdecimal():
        return {}
    fds = range(_FIRST_FD, _FIRST_FD + int(count))
    for fd in fds:
        os.set_inheritable(fd, False)  # noqa: FBT003 - the C function takes it so
    given = names.split(":")
    return {given[i] if i < len(given) else "unknown": fd for i, fd in enumerate(fds)}


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return in what time a `WATCHDOG=1` must reach systemd, or None when it does not watch."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None
