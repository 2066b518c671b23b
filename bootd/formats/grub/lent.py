"""Files of other devices as a script sees them: under their device's name, `UUID=…:/boot/x`.

No path of the own device can be the same: those begin with a slash.
"""

from collections.abc import Iterable, Mapping
from errno import EINVAL, ENOENT
from typing import Final

from bootd.errors import ConfigLimitError
from bootd.fsview import MAX_CONFIG_BYTES
from bootd.model.lent import LentFile, LentKind
from bootd.model.option import HINTED

_FIRST: Final = -1_000_000
"""Inode numbers from here downwards are those of lent files; those of images are above."""


def place(spec: str, path: str) -> str:
    """Return the name of a file on the device `spec`."""
    return f"{spec.partition(HINTED)[0].lstrip('/')}:{path}"


class LentView:
    """An `FsView` of the files that were lent."""

    def __init__(self, files: Iterable[LentFile]) -> None:
        self._files: Mapping[str, LentFile] = {place(f.device, f.path): f for f in files}

    def look(self, path: str) -> LentFile | None:
        """Return what is known of a name that `place` made; None when nothing is."""
        return self._files.get(path)

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes; see `FsView.read`."""
        data = self._text(path)
        if len(data) > limit:
            raise ConfigLimitError(f"has more than {limit} bytes", source=path)
        return data

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return a file's first bytes; see `FsView.read_head`."""
        return self._text(path)[:size]

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return bytes of a file; see `FsView.read_range`."""
        return self._text(path)[offset : offset + size]

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return a directory's names; see `FsView.list_dir`."""
        found = self._files.get(path)
        return () if found is None else found.names

    def is_file(self, path: str, /) -> bool:
        """Say whether a regular file is there."""
        found = self._files.get(path)
        return found is not None and found.kind is LentKind.FILE

    def is_dir(self, path: str, /) -> bool:
        """Say whether a directory is there."""
        found = self._files.get(path)
        return found is not None and found.kind is LentKind.FOLDER

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return what tells a file apart; see `FsView.identity`."""
        found = self._files.get(path)
        if found is None or found.kind is LentKind.ABSENT:
            raise FileNotFoundError(ENOENT, "no such file", path)
        number = _FIRST - list(self._files).index(path)
        return number, found.size, found.time_ns

    def _text(self, path: str) -> bytes:
        found = self._files.get(path)
        if found is None or found.kind is LentKind.ABSENT:
            raise FileNotFoundError(ENOENT, "no such file", path)
        if found.text is None:
            raise OSError(EINVAL, "too long to be read from another device", path)
        return found.text.encode("utf-8", "surrogateescape")
