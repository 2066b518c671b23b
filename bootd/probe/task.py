"""Tasks: functions that run in a worker, not in the broker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bootd.linux.dirview import DirView
from bootd.protocol.codec import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a worker has besides its parameters.

    Attributes:
        fs: The device's file system; None for a task without a device.
    """

    fs: DirView | None = None


TaskCall = Callable[[Context, Json, list[int]], tuple[Json, list[int]]]
"""Parameters and open files in, an answer and open files out.

The function owns the descriptors that it gets and gives away those that it returns. Parameters and
answer are at most 1 MiB of JSON. It may raise BootdError and OSError; the caller sees them again.
Heavy imports belong inside: the table is built before the zygote is forked.
"""

Tasks = Mapping[str, TaskCall]
"""By name."""
