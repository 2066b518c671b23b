"""What the zygote does before there is work: imports, and practice on sample files.

The interpreter fills caches and rewrites code when it runs for the first times; what the zygote has
done, a worker need not do in pages of its own (3.1 ms a scan become 2.2 ms).
"""

import json
import os
from collections.abc import Mapping
from typing import Final

from bootd.linux.dirview import DirView
from bootd.linux.listed import ListedView
from bootd.protocol.codec import to_json

_WARM_UP: Final = 2
"""Rounds of practice for the first workers, who wait for each."""
_REHEARSALS: Final = 10
"""Rounds for those after them: the interpreter rewrites code that has run eight times (PEP 659)."""

_COMMON: Final = {
    "/extlinux/extlinux.conf": b"timeout 30\nlabel a\n  menu label A\n  linux /a\n  append b=c\n",
    "/loader/entries/a.conf": b"title A\nversion 1\nlinux /a\ninitrd /b\noptions b=c\n",
    "/a": b"",
    "/b": b"",
}
"""A file system with an entry of each format whose parser is small."""

_MORE: Final = {
    "/boot/grub/grub.cfg": b"if [ x$a = x ]; then\n b='c'\nfi\n"
    b'menuentry "A" --id a {\n search --fs-uuid --set=root 1\n linux /a $b\n initrd /b\n}\n',
}
"""Entries of formats whose parsers take 5 to 20 ms to import."""


def preload() -> None:
    """Import what every worker needs, and practise a little."""
    _practise(_COMMON, _WARM_UP)


def complete() -> None:
    """Import what only some need, and practise until nothing gets faster."""
    from bootd.formats import FORMATS, fitconfig  # noqa: F401, PLC0415 - only when no device waits
    from bootd.probe import practice_disk, preview  # noqa: F401, PLC0415 - ditto
    from bootd.probe.image import READERS  # noqa: F401, PLC0415 - ditto; previews take no mount

    for each in FORMATS:
        each.load()
    _practise({**_COMMON, **_MORE}, _REHEARSALS)


def practise() -> None:
    """Scan as a worker does and read as a preview does, so that a real one takes 2 ms, not 4.

    Everything else of a first time is copying the pages that it shares with the zygote.
    """
    from bootd.probe import practice_disk, preview  # noqa: PLC0415 - for the workers that wait

    _practise(_COMMON, _WARM_UP)
    fd = os.memfd_create("practice")
    try:
        os.write(fd, practice_disk.make(_COMMON))
        for _ in range(_WARM_UP):
            preview.read(fd, practice_disk.TYPES)
    finally:
        os.close(fd)


def _practise(files: Mapping[str, bytes], rounds: int) -> None:
    """Scan sample files for the parsers, and a real directory for the way to the kernel."""
    from bootd.formats import scan  # noqa: PLC0415 - the early look comes before this import

    folder, own = os.path.split(__file__)
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for _ in range(rounds):
            json.dumps(to_json(scan(_Sample(files))))
            view = ListedView(DirView(fd))
            scan(view)
            view.read(f"/{own}")
    finally:
        os.close(fd)


class _Sample:
    """The `FsView` of some files.

    Args:
        files: Content by path.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str, _limit: int = 0, /) -> bytes:
        """Return a file's bytes."""
        try:
            return self._files[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return the beginning of a file."""
        return self.read(path)[:size]

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return a stretch of a file."""
        return self.read(path)[offset : offset + size]

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return the names below a directory."""
        front = path.rstrip("/") + "/"
        below = (file[len(front) :] for file in self._files if file.startswith(front))
        return tuple(sorted({name.split("/")[0] for name in below}))

    def is_file(self, path: str, /) -> bool:
        """Say whether there is a file."""
        return path in self._files

    def is_dir(self, path: str, /) -> bool:
        """Say whether something lies below."""
        return bool(self.list_dir(path))

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return what tells versions of a file apart."""
        if self.is_dir(path):
            raise IsADirectoryError(path)
        return 0, len(self.read(path)), 0
