"""A view that remembers which names there are, for the length of one scan.

Formats ask for dozens of files in a handful of folders, and most are not there. One listing of a
folder answers all of it: that saves a system call for each name, and reading an inode for each
kernel and initrd, which on a cold disk is what takes the time.
"""

import errno
from collections.abc import Mapping
from typing import Final, NamedTuple

from bootd.fsview import MAX_CONFIG_BYTES
from bootd.linux.dirview import DirView

MAX_NAMES: Final = 1024
"""A folder with more is not remembered: listing it would cost more than it saves."""


class _Folder(NamedTuple):
    """What is in a folder.

    Attributes:
        regular: By name as stored, whether it is surely a regular file.
        folded: The names without case, for file systems that ignore it.
    """

    regular: Mapping[str, bool]
    folded: frozenset[str]


_EMPTY: Final = _Folder({}, frozenset())


class ListedView:
    """An `FsView` on top of a `DirView` whose file system does not change meanwhile."""

    __slots__ = ("_asked", "_folders", "_view")

    def __init__(self, view: DirView) -> None:
        self._view = view
        self._folders: dict[str, _Folder | None] = {}
        self._asked: set[str] = set()

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes; see `FsView.read`."""
        self._check(path)
        return self._view.read(path, limit)

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return at most the first `size` bytes; see `FsView.read_head`."""
        self._check(path)
        return self._view.read_head(path, size)

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return at most `size` bytes from `offset`; see `FsView.read_range`."""
        self._check(path)
        return self._view.read_range(path, offset, size)

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return a directory's names, sorted; see `FsView.list_dir`."""
        if self._is_regular(path) is False:
            return ()
        folder = self._folder(path.rstrip("/")) if path.startswith("/") else None
        return self._view.list_dir(path) if folder is None else tuple(sorted(folder.regular))

    def is_file(self, path: str, /) -> bool:
        """Say whether a regular file is there."""
        known = self._is_regular(path)
        return self._view.is_file(path) if known is None else known

    def is_dir(self, path: str, /) -> bool:
        """Say whether a directory is there."""
        return self._is_regular(path) is None and self._view.is_dir(path)

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return (inode, size, mtime in ns); see `FsView.identity`."""
        self._check(path)
        return self._view.identity(path)

    def _check(self, path: str) -> None:
        if self._is_regular(path) is False:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", path)

    def _is_regular(self, path: str) -> bool | None:
        """Say True for a regular file, False when nothing has this name, None when unsure."""
        place, _, name = path.rpartition("/")
        if not path.startswith("/") or name in {"", ".", ".."} or "\0" in name:
            return None
        folder = self._folder(place)
        if folder is None:
            return None
        found = folder.regular.get(name)
        if found is not None:
            return found or None
        # A file system that ignores case may have folded other characters than these.
        return None if not name.isascii() or name.casefold() in folder.folded else False

    def _folder(self, place: str) -> _Folder | None:
        """Return what is in a folder; a deep one is listed only when it is asked for again."""
        if place not in self._folders:
            if place and self._is_regular(place) is False:
                self._folders[place] = _EMPTY
            elif place.count("/") > 1 and place not in self._asked:
                self._asked.add(place)
                return None
            else:
                self._folders[place] = self._list(place)
        return self._folders[place]

    def _list(self, place: str) -> _Folder | None:
        try:
            regular = self._view.list_kinds(place or "/", MAX_NAMES)
        except OSError:
            return None  # whoever asks for one of its files learns the reason
        if regular is None:
            return None
        return _Folder(regular, frozenset(name.casefold() for name in regular))
