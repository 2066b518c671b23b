"""Images of ext2, ext3 and ext4 as containers: a part is the path of a file in the image.

What is read of one: `bootd.disk.ext`. Files in such an image may be in pieces, so a part brings its
own reader.
"""

import errno
from typing import Final

from bootd.container.iso import Image, Source, specs_of
from bootd.container.part import Part, Read
from bootd.disk.volume import VolumeView
from bootd.errors import ImageError
from bootd.model.text import clean

MAGIC_AT: Final = 1024

_MISSING: Final = frozenset({errno.ENOENT, errno.EINVAL, errno.ELOOP})


def matches(head: bytes) -> bool:
    """Say whether a superblock is at `MAGIC_AT`."""
    return head[56:58] == b"\x53\xef"


def open_image(read: Read) -> Image:
    """Open an image.

    Raises:
        OSError: It is damaged.
    """
    from bootd.disk.ext import ExtVolume  # noqa: PLC0415 - few menus have such an image

    source = Source(read)
    return Image(view=VolumeView(ExtVolume(source)), specs=specs_of(source))


def find(read: Read, part: str) -> Part:
    """Return a file; links inside the image are followed.

    Raises:
        ImageError: There is no such file, or the image is damaged.
    """
    from bootd.disk.ext import ExtVolume  # noqa: PLC0415 - see above

    try:
        volume = ExtVolume(Source(read))
        node = VolumeView(volume).node(part)
    except OSError as error:
        if error.errno in _MISSING:
            raise ImageError(f"the image has no file {clean(part)}") from None
        raise ImageError(f"the image cannot be read: {error.strerror or error}") from error

    def inner(offset: int, size: int) -> bytes:
        return volume.content(node, size, offset)

    return Part(offset=0, size=node.size, inner=inner)
