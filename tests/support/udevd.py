"""A real systemd-udevd for tests: the machine's own, or one that lives as long as the block."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

_UDEVD = "/lib/systemd/systemd-udevd"
_START_S = 10


@contextmanager
def udevd() -> Iterator[None]:
    """Make sure that udevd runs and has finished with the devices that are there."""
    own = None if is_running() else subprocess.Popen([_UDEVD], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_S
        while not is_running():
            assert time.monotonic() < deadline, f"{_UDEVD} does not answer"
            time.sleep(0.02)
        _udevadm("trigger", "--subsystem-match=block", "--action=change")
        settle()
        yield
    finally:
        if own is not None:
            own.terminate()
            own.wait(timeout=10)


def is_running() -> bool:
    """Ask it; `udevadm settle` succeeds without one."""
    ping = ["udevadm", "control", "--ping", "--timeout=2"]
    return subprocess.run(ping, check=False, capture_output=True, timeout=10).returncode == 0


def settle() -> None:
    """Wait until udevd has handled every event of the kernel."""
    _udevadm("settle", "--timeout=20")


def _udevadm(*words: str) -> None:
    subprocess.run(["udevadm", *words], check=True, capture_output=True, timeout=30)
