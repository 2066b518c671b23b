"""Processes for tests of what a process can do to itself once."""

import os
import sys
from collections.abc import Callable


def in_child(what: Callable[[], object]) -> int:
    """Run something in a process of its own and return how that ended."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            what()
            status = 0
        finally:
            if status:
                sys.excepthook(*sys.exc_info())
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
