"""Starts the zygote, before the broker imports anything that costs time.

The zygote imports the parsers and looks at the first devices on one processor while the broker
imports asyncio on another. For that this module itself must stay light.
"""

import os
import socket
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from bootd.probe.task import Tables

_FAULT = 70
"""EX_SOFTWARE of sysexits.h."""


class Spawned(NamedTuple):
    """A zygote that nobody talks to yet; `bootd.probe.prober.Prober.adopt` does.

    Attributes:
        control: The broker's end of the packet socket.
        pid: Of the zygote, a child of this process.
    """

    control: socket.socket
    pid: int


def spawn(tables: "Callable[[], Tables]", *, early: bool) -> Spawned:
    """Fork the zygote; before the first thread and before an event loop, which a fork breaks.

    Args:
        tables: Called in the zygote, so that its imports cost the broker nothing.
        early: Probe at once what udev knows already.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        status = _FAULT
        try:
            ours.close()
            _run(theirs, tables, early=early)
            status = 0
        finally:  # nothing of the broker's stack may run twice
            if status:
                sys.excepthook(*sys.exc_info())
            os._exit(status)
    theirs.close()
    return Spawned(ours, pid)


def _run(control: socket.socket, tables: "Callable[[], Tables]", *, early: bool) -> None:
    from bootd.probe.zygote import Zygote  # noqa: PLC0415 - in the zygote only

    Zygote(control, tables).run(early=early)
