"""What runs outside the broker: looking at a kernel, loading it, and taking it out again.

`image` runs confined, with a device's file system, since it parses foreign bytes. `load` and
`unload` run in a helper of their own that keeps its rights and ends after one call. Imports are
inside the functions: the tables are built before the zygote is forked.
"""

import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from bootd.errors import ImageError, ProtocolError
from bootd.fsview import FsView
from bootd.protocol.codec import Json, from_json, to_json

if TYPE_CHECKING:
    from bootd.container import Read
    from bootd.loaders.request import LoadFiles, LoadJob


class Holder(Protocol):
    """What a worker has: the file system of its device, or None."""

    @property
    def fs(self) -> FsView | None:
        """The device's file system."""
        ...


def image(context: Holder, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Describe the kernel at `{"path": ..., "part": ...}` as an `ImageInfo`.

    Raises:
        ImageError: It is none, or damaged.
        OSError: It cannot be read.
    """
    from bootd.container import find  # noqa: PLC0415 - see the module's docstring
    from bootd.images import inspect  # noqa: PLC0415 - ditto

    _close(fds)
    path = params.get("path") if isinstance(params, dict) else None
    part = params.get("part") if isinstance(params, dict) else None
    if context.fs is None or not isinstance(path, str):
        raise ProtocolError("$.path: needs a device and a path")
    start, size = 0, context.fs.identity(path)[1]
    whole: Read = partial(context.fs.read_range, path)
    try:
        if part:
            found = find(whole, str(part))
            start, size = found.offset, found.size
            whole = found.inner or whole

        def read(offset: int, count: int) -> bytes:
            return whole(start + offset, max(0, min(count, size - offset)))

        info = inspect(read, size)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    return to_json(info), []


def load(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Put a kernel in memory as a `LoadJob` says, and answer with the `LoadReport`.

    The open files are kernel, initrds in order, then the tree if the job has one.

    Raises:
        LoadError, ImageError, FdtError, OSError: As the loader. Nothing is loaded then.
    """
    from bootd.linux import watchdog  # noqa: PLC0415 - see the module's docstring
    from bootd.loaders.armed import load_with  # noqa: PLC0415 - ditto
    from bootd.loaders.preflight import Plan, watchdog_notes  # noqa: PLC0415 - ditto
    from bootd.loaders.request import LoadJob  # noqa: PLC0415 - ditto
    from bootd.loaders.table import BY_NAME  # noqa: PLC0415 - ditto
    from bootd.record import replace  # noqa: PLC0415 - ditto

    try:
        job = from_json(LoadJob, params)
        if job.loader not in BY_NAME:
            raise ProtocolError(f"$.loader: there is no {job.loader!r:.40}")
        report = load_with(BY_NAME[job.loader].load, job.request, _files(job, fds))
    finally:
        _close(fds)
    plan = None
    if job.watchdog_s and not job.request.crash:  # with that one nobody leaves now
        plan = Plan(seconds=job.watchdog_s, names=watchdog.candidates(), lasts=watchdog.outlives())
    notes = report.notes + watchdog_notes(watchdog.running(), plan)
    return to_json(replace(report, notes=notes)), []


def unload(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Take out whatever is loaded; answers whether something was.

    With `{"interrupted": true}` a load has just been killed. The kernel finishes a load that it has
    begun, and shows nothing loaded until then, so that it is waited for. With `{"crash": true}` it
    was to wait for a crash, and what waits now is taken out, too.

    Raises:
        OSError: The kernel refused, and it may still be loaded.
    """
    from bootd.linux import kexec  # noqa: PLC0415 - see the module's docstring
    from bootd.loaders.armed import unload_interrupted  # noqa: PLC0415 - ditto

    _close(fds)
    before = kexec.kexec_loaded()
    if isinstance(params, dict) and params.get("interrupted") is True:
        unload_interrupted()
        if params.get("crash") is True:
            kexec.unload_crash()
    else:
        kexec.unload()
    return before, []


def quiesce(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Quieten the machine as `{"profile": Quiesce, "later": bool}` says; answers what was `Done`.

    Raises:
        OSError: What is mounted cannot be read, or the steps for later cannot be kept.
    """
    from bootd.linux import quiesce as machine  # noqa: PLC0415 - see the module's docstring
    from bootd.model.board import Quiesce  # noqa: PLC0415 - ditto

    _close(fds)
    if not isinstance(params, dict):
        raise ProtocolError("$.profile: missing")
    profile = from_json(Quiesce, params.get("profile"))
    later = params.get("later") is True
    return to_json(machine.quiesce_later(profile) if later else machine.quiesce(profile)), []


def wake(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Undo what was `Done` to a machine that did not leave; answers what failed."""
    from bootd.linux import quiesce as machine  # noqa: PLC0415 - see the module's docstring

    _close(fds)
    return list(machine.undo(from_json(machine.Done, params))), []


def hook(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Run a program of the administrator's; see `bootd.loaders.hook`."""
    from bootd.loaders.hook import run  # noqa: PLC0415 - see the module's docstring

    return run(params, fds)


CONFINED: Final = {"image": image}
"""For the Prober's table of tasks with a device."""

HELPERS: Final = {
    "load": load,
    "unload": unload,
    "quiesce": quiesce,
    "wake": wake,
    "hook": hook,
}
"""For the Prober's table of helpers that keep their rights."""


def _files(job: "LoadJob", fds: list[int]) -> "LoadFiles":
    from bootd.loaders.request import LoadFiles  # noqa: PLC0415 - see the module's docstring

    initrds = len(job.request.initrd_bytes)
    count = 1 + initrds + job.has_tree
    if len(fds) != count:
        raise ProtocolError(f"$.fds: expected {count} open files, got {len(fds)}")
    return LoadFiles(
        kernel=fds[0],
        initrds=tuple(fds[1 : 1 + initrds]),
        tree=fds[-1] if job.has_tree else None,
    )


def _close(fds: list[int]) -> None:
    for fd in fds:
        with suppress(OSError):
            os.close(fd)
