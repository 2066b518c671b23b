"""Which kernel is armed: after a load exactly the one that was asked for, or none.

A failed load leaves an earlier kernel in place, and reboot(LINUX_REBOOT_CMD_KEXEC) would start it.
A kernel that waits for a crash has a place of its own, which only the load of another one touches.
"""

import errno
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from bootd.errors import LoadError
from bootd.linux import kexec
from bootd.loaders.request import LoadFiles, LoadRequest
from bootd.model.load import LoadReport

_BUSY_S: Final = 30.0
_BUSY_STEP_S: Final = 0.05


def load_with(
    loader: Callable[[LoadRequest, LoadFiles], LoadReport], request: LoadRequest, given: LoadFiles
) -> LoadReport:
    """Run a loader, and make sure of what is loaded before and after.

    Raises:
        LoadError: The kernel's own answer contradicts the loader's. Errors of the loader as well.
            Nothing is loaded then.
    """
    unload = kexec.unload_crash if request.crash else kexec.unload
    loaded = kexec.crash_loaded if request.crash else kexec.kexec_loaded
    unload()
    if loaded():
        raise LoadError(
            "an earlier kernel is still loaded and cannot be removed: switch off and on"
        )
    done = False
    try:
        report = loader(request, given)
        _confirm(report, loaded=loaded())
        done = True
    finally:
        if not done:
            with suppress(OSError):  # the reason of the failure matters more
                unload()
    return report


def unload_interrupted() -> None:
    """Wait until a load that has been killed is over, and take out what it may have loaded.

    Raises:
        OSError: The kernel refused; EBUSY when the load has not ended after 30 seconds.
    """
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            kexec.unload_any()
        except OSError as error:
            if error.errno == errno.ENOSYS:
                return  # a kernel without kexec has nothing loaded, ever
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_STEP_S)
        else:
            return


def _confirm(report: LoadReport, *, loaded: bool) -> None:
    if loaded != report.executed:
        said = (
            "accepted the load, but has nothing loaded" if report.executed else "loaded something"
        )
        raise LoadError(f"the running kernel {said}")
