"""The tasks that confined workers offer. To add one: write its function, then list it in `TASKS`.

Imports are inside the functions: the zygote looks at devices first and imports parsers then, by
`preload`.
"""

import os
from contextlib import ExitStack
from typing import Final

from bootd.errors import ProtocolError
from bootd.fsview import MAX_DTB_BYTES
from bootd.probe.task import Context, Tables, Tasks
from bootd.protocol.codec import Json, from_json, to_json


def preload() -> None:
    """Import what most workers need, so that they start with it."""
    import bootd.formats  # noqa: F401, PLC0415 - for its effect, in the zygote only


def scan(context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Find the boot options of the device: null -> ScanResult."""
    from bootd.formats import scan as scan_formats  # noqa: PLC0415 - see the module's docstring

    if context.fs is None:
        raise ProtocolError("a scan needs a device")
    return to_json(scan_formats(context.fs)), []


def open_files(context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Open files for a loader: {"paths"} -> {"sizes"} in bytes and a read-only descriptor each.

    Raises:
        OSError: One of them cannot be opened; then none is.
    """
    paths = params.get("paths") if isinstance(params, dict) else None
    if context.fs is None or not isinstance(paths, list):
        raise ProtocolError("$.params.paths: expected a list, and a device")
    fds: list[int] = []
    with ExitStack() as undo:
        for path in paths:
            fd = context.fs.open_file(str(path))
            undo.callback(os.close, fd)
            fds.append(fd)
        undo.pop_all()
    return {"sizes": [os.fstat(fd).st_size for fd in fds]}, fds


def tree(context: Context, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Make the next kernel's tree: TreeRequest and the live blob's fd -> TreeReport and a memfd.

    Without a live tree there is no descriptor; without a new one there is none in the answer.

    Raises:
        MergeRefusedError: The trees cannot become one safely.
        FdtError: A blob is damaged.
    """
    from bootd.devicetree.prepare import prepare  # noqa: PLC0415 - see the module's docstring
    from bootd.model.tree import TreeRequest  # noqa: PLC0415 - ditto

    live = _read_blob(fds[0]) if fds else None
    prepared = prepare(context.fs, from_json(TreeRequest, params), live)
    blob = [] if prepared.blob is None else [_memfd(prepared.blob)]
    return to_json(prepared.report), blob


def _read_blob(fd: int) -> bytes:
    """Read and close the live tree's descriptor."""
    with open(fd, "rb") as file:
        return file.read(MAX_DTB_BYTES + 1)


def _memfd(data: bytes) -> int:
    fd = os.memfd_create("devicetree", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd


TASKS: Final[Tasks] = {"scan": scan, "open": open_files, "tree": tree}
"""By name."""


def tables() -> Tables:
    """Return what a zygote needs to serve a daemon that never boots anything."""
    return Tables(tasks=TASKS, preload=preload)
