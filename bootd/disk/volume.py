"""What a reader of one file-system type offers, and a view that walks it safely.

The walk is the same for every type: paths stay inside the root, symbolic links are resolved within
it (at most 40, as the kernel does), and only regular files are read.
"""

import errno
from collections.abc import Mapping
from enum import Enum
from typing import Final, Protocol

from bootd.errors import ConfigLimitError
from bootd.fsview import MAX_CONFIG_BYTES, MAX_DIR_NAMES
from bootd.record import dataclass

MAX_LINKS: Final = 40
"""include/linux/namei.h, MAXSYMLINKS."""

MAX_LINK_BYTES: Final = 4096
"""PATH_MAX."""


class ByteSource(Protocol):
    """Random access to the bytes of a volume."""

    def read_at(self, offset: int, size: int, /) -> bytes:
        """Return `size` bytes from `offset`; fewer only at the end of the volume."""
        ...


class NodeKind(Enum):
    """What an inode is, as far as bootd cares."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inode:
    """A file, directory or link of a volume.

    Attributes:
        number: Unique on the volume.
        size: In bytes.
        mtime_ns: Modification time as the volume stores it, in nanoseconds of any epoch.
        private: What the volume's own reader needs to find the content.
    """

    number: int
    kind: NodeKind
    size: int
    mtime_ns: int
    private: bytes = b""


class Volume(Protocol):
    """One file-system type's reader. Every method raises OSError when the volume is damaged."""

    folds_case: bool
    """Names that differ in case only are the same name."""

    def root(self) -> Inode:
        """Return the root directory."""
        ...

    def entries(self, directory: Inode, /) -> Mapping[str, int]:
        """Return names and inode numbers, `.` and `..` left out."""
        ...

    def inode(self, number: int, /) -> Inode:
        """Return an inode that `entries` named."""
        ...

    def content(self, node: Inode, size: int, offset: int = 0, /) -> bytes:
        """Return `size` bytes of a file or link from `offset` (fewer where it ends)."""
        ...


def damaged(what: str) -> OSError:
    """Return the error for a volume whose structures contradict each other."""
    return OSError(errno.EIO, f"damaged file system: {what}")


class VolumeView:
    """FsView over a volume; keeps the directories it has read."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._listed: dict[int, Mapping[str, int]] = {}

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes; see `FsView.read`."""
        node = self._file(path)
        if node.size > limit:
            raise ConfigLimitError(f"{node.size} bytes, more than the {limit} allowed", source=path)
        return self._volume.content(node, node.size)

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return the first `size` bytes of a file."""
        node = self._file(path)
        return self._volume.content(node, min(size, node.size))

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return a stretch of a file."""
        node = self._file(path)
        end = min(offset + size, node.size)
        return self._volume.content(node, end - offset, offset) if offset < end else b""

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return a directory's names, sorted; empty when there is none."""
        try:
            node = self._walk(path)
        except OSError:
            return ()
        names = self._entries(node) if node.kind is NodeKind.DIRECTORY else {}
        return tuple(sorted(names)[:MAX_DIR_NAMES])

    def is_file(self, path: str, /) -> bool:
        """Say whether a regular file is there."""
        return self._is(path, NodeKind.FILE)

    def is_dir(self, path: str, /) -> bool:
        """Say whether a directory is there."""
        return self._is(path, NodeKind.DIRECTORY)

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return (inode, size, mtime in ns)."""
        node = self._file(path)
        return node.number, node.size, node.mtime_ns

    def node(self, path: str, /) -> Inode:
        """Return the file's inode; raises like `FsView.read`."""
        return self._file(path)

    def _is(self, path: str, kind: NodeKind) -> bool:
        try:
            return self._walk(path).kind is kind
        except OSError:
            return False

    def _file(self, path: str) -> Inode:
        node = self._walk(path)
        if node.kind is not NodeKind.FILE:
            raise OSError(errno.EINVAL, "not a regular file", path)
        return node

    def _walk(self, path: str) -> Inode:
        """Follow `path` from the root; links restart within it, `..` stops at it."""
        trail = [self._volume.root()]
        todo = list(reversed(path.split("/")))
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                trail = trail[:-1] or trail
                continue
            if part in {"", "."}:
                continue
            node = self._step(trail[-1], part, path)
            if node.kind is not NodeKind.LINK:
                trail.append(node)
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, "too many symbolic links", path)
            target = self._target(node)
            if target.startswith("/"):
                trail = trail[:1]
            todo.extend(reversed(target.split("/")))
        return trail[-1]

    def _step(self, directory: Inode, name: str, path: str) -> Inode:
        if directory.kind is NodeKind.DIRECTORY:
            number = self._find(self._entries(directory), name)
            if number is not None:
                return self._volume.inode(number)
        raise FileNotFoundError(errno.ENOENT, "no such file", path)

    def _find(self, entries: Mapping[str, int], name: str) -> int | None:
        found = entries.get(name)
        if found is None and self._volume.folds_case:
            wanted = name.casefold()
            return next((n for key, n in entries.items() if key.casefold() == wanted), None)
        return found

    def _entries(self, directory: Inode) -> Mapping[str, int]:
        if directory.number not in self._listed:
            self._listed[directory.number] = self._volume.entries(directory)
        return self._listed[directory.number]

    def _target(self, link: Inode) -> str:
        if link.size > MAX_LINK_BYTES:
            raise damaged("a symbolic link is longer than a path can be")
        return self._volume.content(link, link.size).decode("utf-8", "surrogateescape")
