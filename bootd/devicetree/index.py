"""What the DTBs of a folder are for, read from their root nodes and remembered by file identity.

A kernel package has about a thousand DTBs. Looking at one costs 60 us when it is in memory and a
disk's seek when it is not, so what is known of a file is taken over while its identity (inode,
size, time) is the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from bootd.container import read_part
from bootd.errors import ConfigLimitError, FdtError, ImageError
from bootd.fdt import MAX_BLOB_BYTES, read_root_properties
from bootd.fdt.cells import string, strings
from bootd.fsview import FsView
from bootd.model.text import clean
from bootd.model.tree import IndexedTree

MAX_FILES: Final = 4096
"""DTBs beyond these are not looked at; Debian's arm64 kernel ships about a thousand."""

MAX_FOLDER_DEPTH: Final = 4
"""Folders below the one named: distributions have one per vendor."""

MAX_NOTES: Final = 8

MAX_REMEMBERED: Final = 1500
"""So many entries of MAX_TEXT characters fit into an answer of a worker twice."""
MAX_TEXT: Final = 250

Known = Mapping[str, IndexedTree]
"""By path: what an earlier look found."""


def index(fs: FsView, folder: str, known: Known) -> tuple[list[IndexedTree], tuple[str, ...]]:
    """Look at the root nodes of all DTBs in a folder and those below it; note what cannot be."""
    found: list[IndexedTree] = []
    broken: list[str] = []
    for path in _files(fs, folder):
        if len(found) + len(broken) >= MAX_FILES:
            broken.append(f"only the first {MAX_FILES} DTBs of {clean(folder, 60)} were looked at")
            break
        try:
            found.append(_look(fs, path, known.get(path)))
        except FdtError as error:
            broken.append(f"{clean(path, 80)} is no usable DTB: {error.reason}")
    return found, tuple(broken[:MAX_NOTES])


def remembered(found: Iterable[IndexedTree]) -> tuple[IndexedTree, ...]:
    """Return what is worth remembering and cannot fill an answer, whatever a disk has."""
    ordinary = (
        each
        for each in found
        if (text := "".join((each.path, each.model, *each.compatible))).isascii()
        and text.isprintable()
        and len(text) <= MAX_TEXT
    )
    return tuple(islice(ordinary, MAX_REMEMBERED))


def _look(fs: FsView, path: str, known: IndexedTree | None) -> IndexedTree:
    try:
        identity = fs.identity(path)
    except OSError as error:
        raise FdtError(f"it cannot be read: {error.strerror}") from error
    if known is not None and known.identity == identity:
        return known
    root = read_root_properties(read_file(fs, path))
    return IndexedTree(
        path=path,
        identity=identity,
        compatible=strings(root.get("compatible", b"")),
        model=string(root.get("model", b"")),
    )


def read_file(fs: FsView, path: str, part: str = "") -> bytes:
    """Read a DTB; raises FdtError with its path when it cannot be."""
    try:
        return read_part(fs, path, part, MAX_BLOB_BYTES)
    except ImageError as error:
        raise FdtError(f"{clean(path, 80)}: {error}") from None
    except FileNotFoundError:
        raise FdtError(f"the DTB {clean(path, 80)} is not there") from None
    except ConfigLimitError:
        raise FdtError(f"{clean(path, 80)} is larger than {MAX_BLOB_BYTES >> 20} MiB") from None
    except OSError as error:
        raise FdtError(f"{clean(path, 80)} cannot be read: {error.strerror}") from error


def _files(fs: FsView, folder: str) -> Iterator[str]:
    """Yield the DTBs below a folder, those nearest to it first."""
    level = [folder]
    for _ in range(MAX_FOLDER_DEPTH):
        below: list[str] = []
        for here in level:
            base = here.rstrip("/")
            for name in fs.list_dir(here):
                path = f"{base}/{name}"
                if name.endswith(".dtb"):
                    yield path
                elif not name.endswith(".dtbo") and fs.is_dir(path):
                    below.append(path)
        level = below[:MAX_FILES]
