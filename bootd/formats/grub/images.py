"""Images that a script opens with `loopback`, as folders of the file system they lie on.

The image `/iso/x.iso` is seen as if it were a folder of that name too: its `/casper/vmlinuz` is
`/iso/x.iso/casper/vmlinuz`, a path that no real file can have. So a script may test, source and
boot what is inside as anything else. What is read of an image: `bootd.disk.iso`, `bootd.disk.ext`.
"""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from bootd.errors import BootdError
from bootd.formats.grub.lent import LentView
from bootd.fsview import MAX_CONFIG_BYTES, FsView
from bootd.model.lent import LentFile

if TYPE_CHECKING:
    from bootd.container.iso import Image

MAX_IMAGES: Final = 16
"""That one script may open."""


class ImagesView:
    """A file system with images in it opened, and beside it what other devices lend.

    Each image is looked at when it is first needed.

    Attributes:
        lent: Files of other devices; their names begin with that of the device.
    """

    def __init__(self, fs: FsView, lent: Iterable[LentFile] = ()) -> None:
        self.lent = LentView(lent)
        self._fs = fs
        self._images: dict[str, Image | None] = {}

    def open_image(self, path: str) -> bool:
        """Make an image a folder too; False when it is none, or one too many."""
        if path not in self._images:
            if len(self._images) >= MAX_IMAGES:
                return False
            self._images[path] = _open(self._fs, path)
        return self._images[path] is not None

    def is_called(self, path: str, spec: str) -> bool:
        """Say whether a device spec (`LABEL=…`) is that of the open image at `path`."""
        image = self._images.get(path)
        return image is not None and spec.casefold() in image.specs

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes; see `FsView.read`."""
        fs, inner = self._at(path)
        return fs.read(inner, limit)

    def read_head(self, path: str, size: int, /) -> bytes:
        """Return a file's first bytes; see `FsView.read_head`."""
        fs, inner = self._at(path)
        return fs.read_head(inner, size)

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        """Return bytes of a file; see `FsView.read_range`."""
        fs, inner = self._at(path)
        return fs.read_range(inner, offset, size)

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        """Return a directory's names; see `FsView.list_dir`."""
        fs, inner = self._at(path)
        return fs.list_dir(inner)

    def is_file(self, path: str, /) -> bool:
        """Say whether a regular file is there."""
        fs, inner = self._at(path)
        return fs.is_file(inner)

    def is_dir(self, path: str, /) -> bool:
        """Say whether a directory is there."""
        fs, inner = self._at(path)
        return fs.is_dir(inner)

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Return what tells a file apart; of two images it may be the same only for equal ones."""
        fs, inner = self._at(path)
        number, size, time = fs.identity(inner)
        own = fs is self._fs or fs is self.lent
        return (number, size, time) if own else (-1 - number, size, time)

    def _at(self, path: str) -> tuple[FsView, str]:
        if path[:1] != "/":
            return self.lent, path
        for place, image in self._images.items():
            if image is not None and path.startswith(f"{place}/"):
                return image.view, path[len(place) :]
        return self._fs, path


def _open(fs: FsView, path: str) -> "Image | None":
    # 3 ms of import that most menus do not need.
    from bootd.container import ext, iso  # noqa: PLC0415 - see above

    try:
        if iso.matches(fs.read_range(path, iso.MAGIC_AT, 64)):
            return iso.open_image(partial(fs.read_range, path))
        if ext.matches(fs.read_range(path, ext.MAGIC_AT, 64)):
            return ext.open_image(partial(fs.read_range, path))
    except (BootdError, OSError):
        return None
    return None
