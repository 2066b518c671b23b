"""What systemd and the next run of the daemon get to know of this one."""

import asyncio
import os
from contextlib import suppress
from typing import Final

from bootd.linux import sd
from bootd.services.state import State
from bootd.services.store import Store

STATUS_EVERY_S: Final = 1.0
MAX_BYTES: Final = 1024


class Note:
    """A line for a later run of the daemon, such as who stopped the countdown.

    A daemon that is killed and started again must not boot what somebody has stopped. The file is
    on a memory file system, so the next power-on knows nothing of it.
    """

    def __init__(self, path: str, *, unsaid: str = "") -> None:
        """Keep it at `path`; `unsaid` stands for what was being written when the daemon died."""
        self._path = path
        self._unsaid = unsaid

    def read(self) -> str:
        """Return what an earlier run has written, or ""."""
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms at start
                return file.read(MAX_BYTES).decode("utf-8", "replace") or self._unsaid
        except OSError:
            return ""

    def write(self, text: str) -> None:
        """Leave a line, or with "" none.

        A place that cannot be written is not worth failing for.
        """
        if not text:
            with suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108 - pathlib costs 10 ms at start
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(self._path, flags, 0o644)
        except OSError:
            return
        with os.fdopen(fd, "wb") as file:
            file.write(text.encode("utf-8", "replace")[:MAX_BYTES])


async def keep_alive() -> None:
    """Tell systemd's watchdog that the event loop turns, twice in the time that it allows."""
    allowed_s = sd.watchdog_s()
    while allowed_s is not None:
        sd.notify("WATCHDOG=1")
        await asyncio.sleep(allowed_s / 2)


async def tell_status(store: Store) -> None:
    """Keep the line of `systemctl status` up to date; cancel to stop."""
    told = ""
    state = store.state
    while True:
        line = describe(state)
        if line != told and not sd.notify(f"STATUS={line}"):
            return
        told = line
        await asyncio.sleep(STATUS_EVERY_S)
        state = await store.next_state(after=state.revision)


def describe(state: State) -> str:
    """Return the state in one line."""
    options, devices = len(state.menu), len(state.devices)
    counted = f"{options} boot options on {devices} devices"
    return f"{counted}; {state.status.message}" if state.status.message else counted
