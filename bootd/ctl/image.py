"""`bootdctl image`: what a kernel file is, by the code that a boot uses.

Exit status: 0 a loader can start it on a machine of its architecture, 1 it is not bootable or
cannot be read, 2 usage.
"""

import argparse
import os
import stat
from typing import TYPE_CHECKING, Final

from bootd.errors import ImageError
from bootd.record import dataclass

if TYPE_CHECKING:
    from bootd.images import ImageInfo

NOT_BOOTABLE: Final = 1

MAX_UNPACKED_BYTES: Final = 512 << 20
"""A kernel may unpack to this (DESIGN.md, limits)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What `--json` prints; members are None or "" when the header does not say.

    Attributes:
        file_bytes: Length of the file.
        unpacked_bytes: Length of what is in a compressed file, else None.
        memory_bytes: Memory that the kernel needs, its BSS included.
        page_bytes: Page size that the kernel was built for.
        cmdline_bytes: Longest command line that it takes.
        notes: Sentences on what else the file is or holds.
        bootable: Some loader of bootd can start it on a machine of its architecture.
        reason: Why not, or "".
    """

    file: str
    kind: str = ""
    title: str = ""
    architecture: str = ""
    compression: str = ""
    file_bytes: int = 0
    unpacked_bytes: int | None = None
    memory_bytes: int | None = None
    text_offset: int | None = None
    page_bytes: int | None = None
    cmdline_bytes: int | None = None
    big_endian: bool = False
    notes: tuple[str, ...] = ()
    bootable: bool = False
    reason: str = ""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb group to bootdctl's parser."""
    group = commands.add_parser("image", help="Say what a kernel file is.")
    verbs = group.add_subparsers(metavar="VERB", required=True)
    about = "Say of which kind a kernel file is, for which machines, and whether it can be booted."
    inspect = verbs.add_parser("inspect", help=about, description=about)
    inspect.add_argument("--json", action="store_true", help="print JSON")
    inspect.add_argument("file", metavar="FILE")
    inspect.set_defaults(run=_inspect)


def _inspect(args: argparse.Namespace) -> int:
    found = inspect_file(args.file)
    if args.json:
        from bootd.ctl.output import print_json  # noqa: PLC0415 - a fast --help imports nothing

        print_json(found)
    else:
        _print(found)
    return 0 if found.bootable else NOT_BOOTABLE


def inspect_file(path: str) -> Inspection:
    """Look at a file, and through all of it when it is compressed.

    Raises:
        OSError: It cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return Inspection(file=path, reason="it is no regular file")
        return _look(path, fd, status.st_size)
    finally:
        os.close(fd)


def _look(path: str, fd: int, size: int) -> Inspection:
    from bootd.images import inspect  # noqa: PLC0415 - a fast --help imports nothing

    try:
        info = inspect(lambda offset, count: os.pread(fd, count, offset), size)
    except ImageError as error:
        return Inspection(file=path, file_bytes=size, reason=str(error))
    unpacked, reason = _unpack(fd, info)
    return Inspection(
        file=path,
        kind=info.kind,
        title=info.title,
        architecture=info.architecture,
        compression=info.compression,
        file_bytes=size,
        unpacked_bytes=unpacked,
        memory_bytes=max(info.memory_bytes, unpacked or 0) or None,
        text_offset=info.text_offset if info.memory_bytes else None,
        page_bytes=info.page_bytes or None,
        cmdline_bytes=info.cmdline_bytes or None,
        big_endian=info.big_endian,
        notes=info.notes,
        bootable=not reason,
        reason=reason,
    )


def _unpack(fd: int, info: "ImageInfo") -> tuple[int | None, str]:
    """Return the unpacked length of a packed kernel, and why the kernel is not bootable."""
    from bootd.images import payload  # noqa: PLC0415 - as in _look

    if info.reason or payload.is_bare(info):
        return None, info.reason
    try:
        pieces = payload.bare(
            info, lambda offset, count: os.pread(fd, count, offset), MAX_UNPACKED_BYTES
        )
        return sum(len(piece) for piece in pieces), ""
    except ImageError as error:
        return None, str(error)


def _print(found: Inspection) -> None:
    from bootd.ctl.table import print_record  # noqa: PLC0415 - a fast --help imports nothing

    print_record(
        (
            ("File", found.file),
            ("Kind", found.title),
            ("Architecture", found.architecture),
            ("Size", f"{found.file_bytes} bytes"),
            ("Unpacked", _bytes(found.unpacked_bytes)),
            ("Needs memory", _bytes(found.memory_bytes)),
            ("Text offset", f"{found.text_offset:#x}" if found.text_offset else ""),
            ("Page size", _bytes(found.page_bytes)),
            ("Command line", f"up to {found.cmdline_bytes} bytes" if found.cmdline_bytes else ""),
            ("Byte order", "big-endian" if found.big_endian else ""),
            ("Notes", " ".join(found.notes)),
            ("Bootable", "yes" if found.bootable else f"not bootable: {found.reason}"),
        )
    )


def _bytes(count: int | None) -> str:
    return "" if count is None else f"{count} bytes"
