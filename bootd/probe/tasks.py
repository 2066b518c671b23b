"""The tasks that confined workers offer. To add one: write its function, then list it in `TASKS`.

Imports are inside the functions: the zygote looks at devices first and imports parsers then (see
`rehearsal`).
"""

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from bootd.errors import ImageError, ProtocolError
from bootd.fsview import MAX_DTB_BYTES
from bootd.linux.dirview import DirView
from bootd.linux.listed import ListedView
from bootd.model.text import escape
from bootd.probe.preview import read as read_preview
from bootd.probe.rehearsal import complete, practise, preload
from bootd.probe.task import Context, Tables, Tasks
from bootd.protocol.codec import Json, from_json, to_json

if TYPE_CHECKING:
    from bootd.model.lent import LentFile

_CHUNK: Final = 1 << 20


def scan(context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Find the boot options of the device: null, or {"lent": [LentFile]} -> ScanResult."""
    from bootd.formats import scan as scan_formats  # noqa: PLC0415 - see the module's docstring

    if context.fs is None:
        raise ProtocolError("a scan needs a device")
    fs = ListedView(context.fs) if isinstance(context.fs, DirView) else context.fs
    return to_json(scan_formats(fs, _read_lent(params) if params else ())), []


def member(context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Say what a disk without a file system is a part of: -> `bootd.model.stack.Member`.

    Raises:
        OSError: It is a part of nothing that is known, or its metadata are damaged.
    """
    from bootd.probe.members import read  # noqa: PLC0415 - see the module's docstring

    if context.device is None:
        raise ProtocolError("a member needs a device")
    return to_json(read(context.device)), []


def lend(context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Look up files for the configuration of another device: {"paths"} -> [LentFile]."""
    from bootd.formats.lending import lend as look_up  # noqa: PLC0415 - see the module's docstring

    paths = params.get("paths") if isinstance(params, dict) else None
    if context.fs is None or not isinstance(paths, list):
        raise ProtocolError("$.params.paths: expected a list, and a device")
    return [to_json(each) for each in look_up(context.fs, [str(path) for path in paths])], []


def tried(context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Say where each format looks: -> [[format, place, whether something is there], ...]."""
    from bootd.formats.tried import tried as look  # noqa: PLC0415 - see the module's docstring

    if context.fs is None:
        raise ProtocolError("a look needs a device")
    return to_json(look(context.fs)), []


def _read_lent(params: Json) -> "list[LentFile]":
    from bootd.model.lent import LentFile  # noqa: PLC0415 - see the module's docstring

    files = params.get("lent") if isinstance(params, dict) else None
    if not isinstance(files, list):
        raise ProtocolError("$.params.lent: expected a list")
    return [from_json(LentFile, each) for each in files]


def preview(context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Look at a device without a mount: {"types"} -> what `bootd.probe.preview` makes of it."""
    types = params.get("types") if isinstance(params, dict) else None
    if context.device is None or not isinstance(types, list):
        raise ProtocolError("$.params.types: expected a list, and a device")
    return read_preview(context.device, [str(each) for each in types]), []


def open_files(context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Open files for a loader: {"paths", "parts"} -> {"sizes"} in bytes and a descriptor each.

    A path whose part is "", or all of them without "parts", gives the file itself, read-only; else
    a memfd with what `bootd.container` calls that part of the file.

    Raises:
        OSError: One of them cannot be opened; then none is.
        ImageError: One has no such part, or the part is damaged.
    """
    paths = params.get("paths") if isinstance(params, dict) else None
    parts = params.get("parts") if isinstance(params, dict) else None
    if context.fs is None or not isinstance(paths, list):
        raise ProtocolError("$.params.paths: expected a list, and a device")
    if not isinstance(parts, list | None) or (parts and len(parts) != len(paths)):
        raise ProtocolError("$.params.parts: expected one for each path")
    fds: list[int] = []
    with ExitStack() as undo:
        for path, part in zip(paths, parts or [""] * len(paths), strict=True):
            fd = context.open_file(str(path))
            if part:
                fd = _extract(fd, str(part), str(path))
            undo.callback(os.close, fd)
            fds.append(fd)
        undo.pop_all()
    return {"sizes": [os.fstat(fd).st_size for fd in fds]}, fds


def read_ahead(context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Bring a part of a file into memory: {"path", "offset", "size"} -> {"bytes"} that were read.

    Raises:
        OSError: The file cannot be read.
    """
    if context.fs is None or not isinstance(params, dict):
        raise ProtocolError("$.params: expected an object, and a device")
    offset, left = params.get("offset"), params.get("size")
    if not isinstance(offset, int) or not isinstance(left, int):
        raise ProtocolError("$.params: expected numbers for offset and size")
    fd = context.open_file(str(params.get("path")))
    done = 0
    try:
        while done < left:
            count = len(os.pread(fd, min(_CHUNK, left - done), offset + done))
            if count == 0:
                break
            done += count
    finally:
        os.close(fd)
    return {"bytes": done}, []


def tree(context: Context, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Make the next kernel's tree: TreeRequest and the trees' fds -> TreeReport and a memfd.

    The first is the running tree's, the second, where it is known, that of the firmware's own DTB.
    Without a live tree there is no descriptor; without a new one there is none in the answer.

    Raises:
        MergeRefusedError: The trees cannot become one safely.
        FdtError: A blob is damaged.
    """
    from bootd.devicetree.prepare import prepare  # noqa: PLC0415 - see the module's docstring
    from bootd.linux import memfd  # noqa: PLC0415 - ditto
    from bootd.model.tree import TreeRequest  # noqa: PLC0415 - ditto

    live, original = _read_trees(fds)
    prepared = prepare(context.fs, from_json(TreeRequest, params), live, original)
    blob = [] if prepared.blob is None else [memfd.filled("devicetree", (prepared.blob,))]
    return to_json(prepared.report), blob


def browse_tree(context: Context, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Look into the next kernel's tree: {"request", "query"} and the trees' fds -> TreePage.

    Raises:
        MergeRefusedError, FdtError: There is no such tree, or no such node in it.
    """
    from bootd.devicetree.browse import browse  # noqa: PLC0415 - see the module's docstring
    from bootd.model.browsing import TreeQuery  # noqa: PLC0415 - ditto
    from bootd.model.tree import TreeRequest  # noqa: PLC0415 - ditto

    live, original = _read_trees(fds)
    if not isinstance(params, dict):
        raise ProtocolError("$.params: expected an object")
    request = from_json(TreeRequest, params.get("request"))
    query = from_json(TreeQuery, params.get("query"))
    return to_json(browse(context.fs, request, live, query, original)), []


def _read_trees(fds: list[int]) -> tuple[bytes | None, bytes | None]:
    """Read the running tree and, where it is known, the one that the firmware starts from."""
    blobs = [_read_blob(fd) for fd in fds]
    return (blobs[0] if blobs else None), (blobs[1] if len(blobs) > 1 else None)


def _read_blob(fd: int) -> bytes:
    """Read and close the live tree's descriptor."""
    with open(fd, "rb") as file:
        return file.read(MAX_DTB_BYTES + 1)


def _extract(fd: int, part: str, path: str) -> int:
    """Close `fd` and return a memfd with that part of its file."""
    from bootd.container import chunks, find  # noqa: PLC0415 - see the module's docstring
    from bootd.linux import memfd  # noqa: PLC0415 - ditto

    def read(offset: int, size: int) -> bytes:
        return os.pread(fd, size, offset)

    try:
        return memfd.filled("part", chunks(read, find(read, part)))
    except ImageError as error:
        raise ImageError(f"{escape(path)}: {error}") from None
    finally:
        os.close(fd)


TASKS: Final[Tasks] = {
    "scan": scan,
    "member": member,
    "tried": tried,
    "lend": lend,
    "preview": preview,
    "open": open_files,
    "tree": tree,
    "browse": browse_tree,
    "readAhead": read_ahead,
}
"""By name."""


def tables() -> Tables:
    """Return what a zygote needs to serve a daemon that never boots anything."""
    return Tables(tasks=TASKS, preload=preload, complete=complete, practise=practise)
