"""The subvolumes of a btrfs in which a system and its kernels are, seen as one file system.

A mount shows the default subvolume. Configurations name files from there (openSUSE, whose default
is a snapshot), from the top of the file system (`/@/boot/vmlinuz`, as GRUB reads it), or from the
subvolume that will be `/` (extlinux, Boot Loader Specification). So each is a layer, and a path is
where the first layer has it. Of several systems side by side the first of ROOTS is seen; the others
are found by paths from the top only.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, TypeVar

from bootd.fsview import MAX_CONFIG_BYTES
from bootd.linux.dirview import DirView
from bootd.linux.mount import mount_detached
from bootd.linux.openat2 import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2

_Answer = TypeVar("_Answer")

ROOTS: Final = ("@", "@rootfs", "root")
"""What installers call the subvolume that is mounted at `/`: Ubuntu, Arch and openSUSE; Debian;
Fedora."""

_SUBVOLUME_INODE: Final = 256
"""Of the root of each subvolume (include/uapi/linux/btrfs_tree.h, BTRFS_FIRST_FREE_OBJECTID)."""


class LayeredView:
    """Directories of one file system as an `FsView`; what the first one has hides the others'.

    Args:
        fds: Stay the caller's and must outlive the view.
        one_mount: As in `DirView`.
    """

    __slots__ = ("_layers",)

    def __init__(self, fds: tuple[int, ...], *, one_mount: bool = False) -> None:
        self._layers = tuple(DirView(fd, one_mount=one_mount) for fd in fds)

    @property
    def roots(self) -> tuple[int, ...]:
        """The directories, first one first."""
        return tuple(root for view in self._layers for root in view.roots)

    def open_file(self, path: str) -> int:
        """Return a descriptor for reading a file; see `DirView.open_file`."""
        return self._first(path, lambda view: view.open_file(path))

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes; see `FsView.read`."""
        return self._first(path, lambda view: view.read(path, limit))

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return a file's first bytes; see `FsView.read_head`."""
        return self._first(path, lambda view: view.read_head(path, size))

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return bytes of a file; see `FsView.read_range`."""
        return self._first(path, lambda view: view.read_range(path, offset, size))

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return what tells a file apart; see `FsView.identity`."""
        return self._first(path, lambda view: view.identity(path))

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return the names in the first layer that has any there; see `FsView.list_dir`."""
        for view in self._layers:
            if names := view.list_dir(path):
                return names
        return ()

    def is_file(self, path: str, /) -> bool:
        """Say whether a regular file is there."""
        return any(view.is_file(path) for view in self._layers)

    def is_dir(self, path: str, /) -> bool:
        """Say whether a directory is there."""
        return any(view.is_dir(path) for view in self._layers)

    def _first(self, path: str, ask: Callable[[DirView], _Answer]) -> _Answer:
        for view in self._layers:
            try:
                return ask(view)
            except FileNotFoundError:
                continue
        raise FileNotFoundError(2, "there is no such file", path)


def mount_layers(node: str, *, replay: bool = False) -> tuple[int, ...]:
    """Mount a btrfs as `mount_detached` does and return its layers' directories.

    The caller owns the descriptors. Raises like `mount_detached`.
    """
    with ExitStack() as undo:
        default = mount_detached(node, "btrfs", replay=replay)
        undo.callback(os.close, default)
        try:
            top = mount_detached(node, "btrfs", whole=True, replay=replay)
        except OSError:  # the system has it mounted, and its kernel mixes no options
            undo.pop_all()
            return (default,)
        undo.callback(os.close, top)
        root = _root_of(top)
        undo.pop_all()
    # Each subvolume has a device number of its own.
    if os.fstat(top).st_dev == os.fstat(default).st_dev:
        os.close(top)
        return (default,) if root is None else (default, root)
    return (default, top) if root is None else (default, top, root)


def _root_of(top: int) -> int | None:
    """Open the subvolume that will be `/`, or return None when none has such a name."""
    for name in ROOTS:
        try:
            flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
            fd = openat2(top, name, flags=flags, resolve=RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
        except OSError:
            continue
        if os.fstat(fd).st_ino == _SUBVOLUME_INODE:
            return fd
        os.close(fd)
    return None
