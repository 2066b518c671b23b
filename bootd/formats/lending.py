"""What a device gives to the configuration of another one that asks for its files."""

from collections.abc import Iterable
from typing import Final

from bootd.errors import BootdError
from bootd.fsview import FsView, read_text
from bootd.model.lent import LentFile, LentKind

MAX_WANTS: Final = 64
"""Files of other devices that one configuration may ask for."""

MAX_BYTES: Final = 64 << 10
"""Of one file whose text is lent; of a longer one it is said that it is there."""

MAX_NAMES: Final = 256
"""Of one folder."""

MAX_ALL: Final = 256 << 10
"""Characters of all files lent at once."""


def lend(fs: FsView, paths: Iterable[str]) -> tuple[LentFile, ...]:
    """Look up paths in order, at most `MAX_WANTS`; whose they are is filled in by who asks."""
    left = MAX_ALL
    found: list[LentFile] = []
    for path in list(paths)[:MAX_WANTS]:
        each = _look(fs, path, min(MAX_BYTES, left))
        left -= len(each.text or "")
        found.append(each)
    return tuple(found)


def _look(fs: FsView, path: str, limit: int) -> LentFile:
    try:
        if fs.is_dir(path):
            names = fs.list_dir(path)[:MAX_NAMES]
            return LentFile(device="", path=path, kind=LentKind.FOLDER, names=names)
        if not fs.is_file(path):
            return LentFile(device="", path=path, kind=LentKind.ABSENT)
        _, size, time_ns = fs.identity(path)
        text = read_text(fs, path, limit) if size <= limit else None
    except (BootdError, OSError):
        return LentFile(device="", path=path, kind=LentKind.ABSENT)
    return LentFile(device="", path=path, kind=LentKind.FILE, size=size, time_ns=time_ns, text=text)
