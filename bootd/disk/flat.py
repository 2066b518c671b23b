"""Volumes of one folder, whose files are stretches of other media.

For partitions that hold one image and no file system, so that what reads files can read them.
"""

import errno
from collections.abc import Mapping
from typing import Final

from bootd.disk.volume import ByteSource, Inode, NodeKind
from bootd.record import dataclass

_ROOT: Final = Inode(number=1, kind=NodeKind.DIRECTORY, size=0, mtime_ns=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatFile:
    """A stretch that plays a file.

    Attributes:
        size: In bytes.
    """

    source: ByteSource
    size: int


class FlatVolume:
    """A `Volume` with these files by name and nothing else."""

    folds_case = False

    def __init__(self, files: Mapping[str, FlatFile]) -> None:
        self._names = {name: number for number, name in enumerate(files, start=2)}
        self._files = dict(zip(self._names.values(), files.values(), strict=True))

    def root(self) -> Inode:
        """Return the folder."""
        return _ROOT

    def entries(self, _directory: Inode, /) -> Mapping[str, int]:
        """Return the files' names and numbers."""
        return self._names

    def inode(self, number: int, /) -> Inode:
        """Return a file."""
        size = self._files[number].size
        return Inode(number=number, kind=NodeKind.FILE, size=size, mtime_ns=0)

    def content(self, node: Inode, size: int, offset: int = 0, /) -> bytes:
        """Return bytes of a file."""
        if node.number not in self._files:
            raise OSError(errno.EISDIR, "is a directory")
        return self._files[node.number].source.read_at(offset, size)
