"""The tasks that confined workers offer. To add one: write its function, then list it in `TASKS`.

Imports are inside the functions: the zygote looks at devices first and imports parsers then, by
`preload`.
"""

import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Final

from bootd.errors import ImageError, ProtocolError
from bootd.fsview import MAX_DTB_BYTES
from bootd.model.text import escape
from bootd.probe.task import Context, Tables, Tasks
from bootd.protocol.codec import Json, from_json, to_json

_CHUNK: Final = 1 << 20

_WARM_UP: Final = 3
"""Rounds after which a worker's first scan gets no faster."""


def preload() -> None:
    """Import what most workers need, and use it once.

    The interpreter fills caches and rewrites code when it runs for the first time; what the zygote
    has done, a worker need not do in pages of its own (3.1 ms a scan become 2.2 ms).
    """
    from bootd.formats import scan as scan_formats  # noqa: PLC0415 - in the zygote only

    for _ in range(_WARM_UP):
        json.dumps(to_json(scan_formats(_Sample())))


def scan(context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Find the boot options of the device: null -> ScanResult."""
    from bootd.formats import scan as scan_formats  # noqa: PLC0415 - see the module's docstring

    if context.fs is None:
        raise ProtocolError("a scan needs a device")
    return to_json(scan_formats(context.fs)), []


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
    blob = [] if prepared.blob is None else [_memfd("devicetree", (prepared.blob,))]
    return to_json(prepared.report), blob


def browse_tree(context: Context, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Look into the next kernel's tree: {"request", "query"} and the live blob's fd -> TreePage.

    Raises:
        MergeRefusedError, FdtError: There is no such tree, or no such node in it.
    """
    from bootd.devicetree.browse import browse  # noqa: PLC0415 - see the module's docstring
    from bootd.model.browsing import TreeQuery  # noqa: PLC0415 - ditto
    from bootd.model.tree import TreeRequest  # noqa: PLC0415 - ditto

    live = _read_blob(fds[0]) if fds else None
    if not isinstance(params, dict):
        raise ProtocolError("$.params: expected an object")
    request = from_json(TreeRequest, params.get("request"))
    query = from_json(TreeQuery, params.get("query"))
    return to_json(browse(context.fs, request, live, query)), []


def _read_blob(fd: int) -> bytes:
    """Read and close the live tree's descriptor."""
    with open(fd, "rb") as file:
        return file.read(MAX_DTB_BYTES + 1)


def _extract(fd: int, part: str, path: str) -> int:
    """Close `fd` and return a memfd with that part of its file."""
    from bootd.container import chunks, find  # noqa: PLC0415 - see the module's docstring

    def read(offset: int, size: int) -> bytes:
        return os.pread(fd, size, offset)

    try:
        return _memfd("part", chunks(read, find(read, part)))
    except ImageError as error:
        raise ImageError(f"{escape(path)}: {error}") from None
    finally:
        os.close(fd)


def _memfd(name: str, pieces: Iterable[bytes]) -> int:
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(fd, rest) :]
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd


_SAMPLE: Final = {
    "/extlinux/extlinux.conf": b"timeout 30\nlabel a\n  menu label A\n  linux /a\n  append b=c\n",
    "/boot/grub/grub.cfg": b"if [ x$a = x ]; then\n b='c'\nfi\n"
    b'menuentry "A" --id a {\n search --fs-uuid --set=root 1\n linux /a $b\n initrd /b\n}\n',
    "/loader/entries/a.conf": b"title A\nversion 1\nlinux /a\ninitrd /b\noptions b=c\n",
    "/a": b"",
    "/b": b"",
}
"""A file system with one entry of each common format, for `preload`."""


class _Sample:
    """The `FsView` of `_SAMPLE`."""

    def read(self, path: str, _limit: int = 0, /) -> bytes:
        """Return a file's bytes."""
        try:
            return _SAMPLE[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return the beginning of a file."""
        return self.read(path)[:size]

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return a stretch of a file."""
        return self.read(path)[offset : offset + size]

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return the names below a directory."""
        front = path.rstrip("/") + "/"
        below = (file[len(front) :] for file in _SAMPLE if file.startswith(front))
        return tuple(sorted({name.split("/")[0] for name in below}))

    def is_file(self, path: str, /) -> bool:
        """Say whether there is a file."""
        return path in _SAMPLE

    def is_dir(self, path: str, /) -> bool:
        """Say whether something lies below."""
        return bool(self.list_dir(path))

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return what tells versions of a file apart."""
        return 0, len(self.read(path)), 0


TASKS: Final[Tasks] = {
    "scan": scan,
    "open": open_files,
    "tree": tree,
    "browse": browse_tree,
    "readAhead": read_ahead,
}
"""By name."""


def tables() -> Tables:
    """Return what a zygote needs to serve a daemon that never boots anything."""
    return Tables(tasks=TASKS, preload=preload)
