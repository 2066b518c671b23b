"""ISO images as containers: a part is the path of a file in the image.

What is read of one: `bootd.disk.iso`. Before the other kinds are tried this one must not be: the
first 32 KiB of an image may be anything.
"""

import errno
from typing import Final

from bootd.container.part import Part, Read
from bootd.disk import iso, superblock
from bootd.disk.volume import VolumeView
from bootd.errors import ImageError
from bootd.model.text import clean
from bootd.record import dataclass

MAGIC_AT: Final = iso.MAGIC_AT

_MISSING: Final = frozenset({errno.ENOENT, errno.EINVAL, errno.ELOOP})


class Source:
    """The bytes of a container as those of a volume."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def read_at(self, offset: int, size: int, /) -> bytes:
        """Return `size` bytes from `offset`; fewer only at the end."""
        return self._read(offset, size) if size > 0 else b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The file system in an image.

    Attributes:
        specs: How configurations may name the image itself (`uuid=…`, `label=…`), in small letters.
    """

    view: VolumeView
    specs: frozenset[str]


def open_image(read: Read) -> Image:
    """Open an image.

    Raises:
        BootdError, OSError: It is damaged.
    """
    source = Source(read)
    return Image(view=VolumeView(iso.IsoVolume(source)), specs=specs_of(source))


def specs_of(source: Source) -> frozenset[str]:
    """Return how configurations may name the file system in an image; see `Image`."""
    identity = superblock.identify(source)
    names = {} if identity is None else {"uuid": identity.uuid, "label": identity.label}
    return frozenset(f"{tag}={name}".casefold() for tag, name in names.items() if name)


def matches(head: bytes) -> bool:
    """Say whether a volume descriptor is at `MAGIC_AT`."""
    return iso.matches(head)


def find(read: Read, part: str) -> Part:
    """Return where a file lies; links inside the image are followed.

    Raises:
        ImageError: There is no such file, or the image is damaged.
    """
    try:
        volume = iso.IsoVolume(Source(read))
        offset, size = volume.extent(VolumeView(volume).node(part))
    except OSError as error:
        if error.errno in _MISSING:
            raise ImageError(f"the ISO image has no file {clean(part)}") from None
        raise ImageError(f"the ISO image cannot be read: {error.strerror or error}") from error
    return Part(offset=offset, size=size)
