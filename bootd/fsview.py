"""The one door through which formats and the tree code read a file system.

An implementation (`bootd.linux.dirview` over openat2, `MemoryFs` in the tests) keeps every path
inside its root, symbolic links included, and opens regular files only. All paths are absolute from
that root. On file systems that ignore case (vfat) lookups ignore it too, so that formats need no
case variants; names come back as stored.
"""

from typing import Final, Protocol

MAX_CONFIG_BYTES: Final = 1 << 20
"""A configuration file may have this many bytes (DESIGN.md, limits)."""

MAX_DTB_BYTES: Final = 2 << 20
"""arm64 refuses a larger tree (Documentation/arch/arm64/booting.rst), and so does bootd."""

MAX_DIR_NAMES: Final = 16_384
"""A directory's names beyond these are not looked at."""


class FsView(Protocol):
    """A read-only view of one file system, or of a directory that plays one."""

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes.

        Raises:
            FileNotFoundError: There is no such file (or a part of the path is no directory).
            ConfigLimitError: It has more than `limit` bytes.
            OSError: It is no regular file, or the medium failed.
        """
        ...

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return at most the first `size` bytes of a file of any length; raises like `read`."""
        ...

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return at most `size` bytes from `offset` of a file of any length; raises like `read`."""
        ...

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return a directory's names, sorted; empty when there is no such directory.

        Raises:
            OSError: The medium failed, or the file system is damaged.
        """
        ...

    def is_file(self, path: str, /) -> bool:
        """Say whether a regular file is there."""
        ...

    def is_dir(self, path: str, /) -> bool:
        """Say whether a directory is there."""
        ...

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return (inode, size, mtime in ns): equal means unchanged. Raises like `read`."""
        ...


def read_text(fs: FsView, path: str, limit: int = MAX_CONFIG_BYTES) -> str:
    """Return a configuration file as text; see `decode`. Raises like `FsView.read`."""
    return decode(fs.read(path, limit))


def decode(data: bytes) -> str:
    """Return the text of a configuration: UTF-8, BOM dropped, CRLF made LF.

    Bytes that are no UTF-8 become lone surrogates, from which command lines and paths get them back
    (`os.fsencode`); `bootd.model.text` makes them visible in what a person sees. A file that starts
    with a UTF-16 byte-order mark is decoded as that.
    """
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = data.decode("utf-16", "replace")
    else:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return text.replace("\r\n", "\n")


def normalise(path: str, base: str = "/") -> str:
    r"""Return an absolute path without `.`, `..` and doubled slashes; `..` stops at the root.

    Backslashes stay as they are: only formats that come from DOS turn them, before the call.

    Args:
        path: Relative paths start at `base`.
        base: An absolute directory.
    """
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{base}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)
