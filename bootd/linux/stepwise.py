"""openat2(2) with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS for kernels before 5.6, step by step.

Each name is opened by itself and never followed; symbolic links are read and resolved here, so a
link can lead nowhere but below the directory, and one of /proc leads where its text says. Other
mounts are not told apart: the trees that this is for have none below them. Slower: two system calls
a component.
"""

import errno
import os
import stat
from contextlib import ExitStack
from typing import Final

MAX_LINKS: Final = 40
"""As the kernel allows (MAXSYMLINKS)."""


def open_below(dir_fd: int, path: str, flags: int) -> int:
    """Open `path` below a directory and return a new file descriptor, which the caller owns.

    Args:
        dir_fd: A directory; O_PATH is enough. Also the root for absolute paths and links.
        path: Without NUL.
        flags: As for open(2); O_CREAT is not supported. O_CLOEXEC is added.

    Raises:
        OSError: With `path` as its file name.
    """
    if path.endswith("/"):
        flags |= os.O_DIRECTORY
    try:
        with ExitStack() as stack:
            return _open(dir_fd, path, flags | os.O_CLOEXEC, stack)
    except OSError as error:
        code = error.errno or errno.EIO
        raise OSError(code, os.strerror(code), path) from error


def _open(root: int, path: str, flags: int, stack: ExitStack) -> int:
    above: list[int] = []
    """Directories from the root down to where we are; the stack closes them."""
    left = _names(path)
    links = 0
    while left:
        name = left.pop()
        if name == "..":
            del above[-1:]
            continue
        here = above[-1] if above else root
        found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
        stack.callback(os.close, found)
        mode = os.fstat(found).st_mode
        if stat.S_ISLNK(mode) and (left or not flags & os.O_NOFOLLOW):
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            target = os.readlink("", dir_fd=found)
            if target.startswith("/"):
                above.clear()
            left += _names(target)
        elif not left:
            return os.open(name, flags | os.O_NOFOLLOW, dir_fd=here)
        else:
            above.append(found)  # what is no directory says so when the next name is opened
    return os.open(".", flags, dir_fd=above[-1] if above else root)


def _names(path: str) -> list[str]:
    """Return a path's components, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]
