"""A file system or directory as an `FsView`: regular files only, and no way out.

Lookups go through openat2(2) with the directory as root. What a hostile disk can put in the way of
a name (FIFO, socket, device node, link out of the file system, circle of links) is answered with an
OSError in words and is never opened for reading: opening a FIFO waits for a writer, and opening
/dev/watchdog arms it. Where the file system ignores case (vfat) the kernel does so here too.
"""

import errno
import os
import stat
from itertools import islice
from typing import Final

from bootd.errors import ConfigLimitError
from bootd.fsview import MAX_CONFIG_BYTES, MAX_DIR_NAMES
from bootd.linux.openat2 import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_XDEV, openat2

_LOOK: Final = os.O_PATH
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY

_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG})

_WORDS: Final = {
    errno.ELOOP: "its symbolic links go round in circles or through /proc",
    errno.EXDEV: "its path leads to another file system",
    errno.EACCES: "the file system does not let it be read",
    errno.EIO: "the medium failed while reading it",
}
"""What a person reads instead of the C library's text."""


class DirView:
    """The `FsView` of everything below a directory file descriptor.

    Args:
        fd: A directory, such as a detached mount. Stays the caller's and must outlive the view.
        one_mount: It is the root of a mount with `nodev`; refuse paths that lead to another one.
            A plain directory that plays a device may hold mounts of its own.
    """

    __slots__ = ("_fd", "_harmless", "_resolve")

    def __init__(self, fd: int, *, one_mount: bool = False) -> None:
        self._fd = fd
        self._resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
        self._harmless = one_mount  # such mounts are nodev: opening starts nothing
        if one_mount:
            self._resolve |= RESOLVE_NO_XDEV

    @property
    def roots(self) -> tuple[int, ...]:
        """The directory."""
        return (self._fd,)

    def open_file(self, path: str) -> int:
        """Return a descriptor for reading a regular file; the caller owns it.

        Raises:
            FileNotFoundError: There is no such file.
            OSError: It is no regular file, or the medium failed.
        """
        return self._open_file(path)[0]

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes; see `FsView.read`."""
        fd, size = self._open_file(path)
        try:
            data = b"" if size > limit else _read_up_to(fd, limit + 1, path, likely=size)
        finally:
            os.close(fd)
        if size > limit or len(data) > limit:
            raise ConfigLimitError(f"has more than {limit} bytes, not read", source=path)
        return data

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return at most the first `size` bytes; see `FsView.read_head`."""
        fd = self.open_file(path)
        try:
            return _read_up_to(fd, size, path)
        finally:
            os.close(fd)

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return at most `size` bytes from `offset`; see `FsView.read_range`."""
        fd = self.open_file(path)
        try:
            os.lseek(fd, offset, os.SEEK_SET)
            return _read_up_to(fd, size, path)
        finally:
            os.close(fd)

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return a directory's names, sorted; see `FsView.list_dir`."""
        try:
            fd = self._open(path, _READ | os.O_DIRECTORY)
        except FileNotFoundError:
            return ()
        try:
            with os.scandir(fd) as entries:
                return tuple(sorted(entry.name for entry in islice(entries, MAX_DIR_NAMES)))
        except OSError as error:
            raise _in_words(error, path) from error
        finally:
            os.close(fd)

    def list_kinds(self, path: str, most: int) -> dict[str, bool] | None:
        """Return a directory's names and whether each is surely a regular file.

        Empty when there is no such directory, None when it has more than `most` names; raises like
        `list_dir`.
        """
        try:
            fd = self._open(path, _READ | os.O_DIRECTORY)
        except FileNotFoundError:
            return {}
        try:
            with os.scandir(fd) as entries:
                found = {
                    entry.name: entry.is_file(follow_symlinks=False)
                    for entry in islice(entries, most + 1)
                }
        except OSError as error:
            raise _in_words(error, path) from error
        finally:
            os.close(fd)
        return found if len(found) <= most else None

    def is_file(self, path: str, /) -> bool:
        """Say whether a regular file is there."""
        mode = self._mode(path)
        return mode is not None and stat.S_ISREG(mode)

    def is_dir(self, path: str, /) -> bool:
        """Say whether a directory is there."""
        mode = self._mode(path)
        return mode is not None and stat.S_ISDIR(mode)

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return (inode, size, mtime in ns); see `FsView.identity`."""
        fd = self._look(path, regular=True)
        try:
            status = os.fstat(fd)
        finally:
            os.close(fd)
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _open_file(self, path: str) -> tuple[int, int]:
        """Return a descriptor for reading a regular file, and its size in bytes."""
        if not self._harmless:
            os.close(self._look(path, regular=True))
        try:
            fd = self._open(path, _READ)
        except OSError:
            os.close(self._look(path, regular=True))  # says what it is if that is the reason
            raise
        try:
            status = os.fstat(fd)
            _check_regular(status.st_mode, path)
        except BaseException:
            os.close(fd)
            raise
        return fd, status.st_size

    def _mode(self, path: str) -> int | None:
        try:
            fd = self._look(path, regular=False)
        except OSError:
            return None
        try:
            return os.fstat(fd).st_mode
        finally:
            os.close(fd)

    def _look(self, path: str, *, regular: bool) -> int:
        """Return an O_PATH descriptor, which opens nothing and so has no side effects."""
        fd = self._open(path, _LOOK)
        try:
            if regular:
                _check_regular(os.fstat(fd).st_mode, path)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _open(self, path: str, flags: int) -> int:
        try:
            return openat2(self._fd, path, flags=flags, resolve=self._resolve)
        except OSError as error:
            raise _in_words(error, path) from error


def _check_regular(mode: int, path: str) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory, not a file", path)
    if not stat.S_ISREG(mode):
        kind = next((words for test, words in _KINDS if test(mode)), "something else")
        raise OSError(errno.EINVAL, f"is {kind}, not a regular file", path)


_KINDS: Final = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISLNK, "a symbolic link"),
)


def _read_up_to(fd: int, size: int, path: str, *, likely: int = 0) -> bytes:
    """Read until `size` bytes or the end; a regular file may still answer in parts (FUSE).

    The first read asks for one byte more than `likely`: a buffer of `size` costs page faults.
    """
    parts: list[bytes] = []
    chunk = likely + 1 if likely else size
    try:
        while size > 0 and (part := os.read(fd, min(size, chunk))):
            parts.append(part)
            size -= len(part)
    except OSError as error:
        raise _in_words(error, path) from error
    return b"".join(parts)


def _in_words(error: OSError, path: str) -> OSError:
    code = error.errno or errno.EIO
    if code in _ABSENT:
        return FileNotFoundError(errno.ENOENT, "there is no such file", path)
    return OSError(code, _WORDS.get(code) or error.strerror, path)
