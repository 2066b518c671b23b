"""Tasks: functions that run in a worker, not in the broker."""

from collections.abc import Callable, Mapping

from bootd.errors import ProtocolError
from bootd.fsview import FsView
from bootd.protocol.codec import Json
from bootd.record import dataclass, field


def _no_files(_path: str) -> int:
    raise ProtocolError("files can only be opened on a device")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a worker has besides its parameters.

    Attributes:
        fs: The device's file system; None for a task without a device.
        device: Descriptor of a device that is not mounted, open for reading; the worker's.
        open_file: Opens a regular file of it for reading; the caller owns the descriptor.
    """

    fs: FsView | None = None
    device: int | None = None
    open_file: Callable[[str], int] = _no_files


TaskCall = Callable[[Context, Json, list[int]], tuple[Json, list[int]]]
"""Parameters and open files in, an answer and open files out.

The function owns the descriptors that it gets and gives away those that it returns. Parameters and
answer are at most 1 MiB of JSON. It may raise BootdError and OSError; the caller sees them again.
Heavy imports belong inside, so that the zygote has started its early look before them.
"""

Tasks = Mapping[str, TaskCall]
"""By name."""


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What workers can do.

    Attributes:
        tasks: For confined workers.
        helpers: Run with root's rights and without limits, such as a kexec load. A helper never
            sees a device's file system, only the open files that it is handed.
        preload: Called once in the zygote to import what every task needs, before the first worker.
        complete: Imports what only some need. Called when no worker is waited for, or as soon as
            one had to import something itself.
        practise: Called in a worker that waits for a device, after both.
    """

    tasks: Tasks
    helpers: Tasks = field(default_factory=dict)
    preload: Callable[[], None] = _nothing
    complete: Callable[[], None] = _nothing
    practise: Callable[[], None] = _nothing
