"""Files inside files: what a path with a part means. To add a kind: list it in `CONTAINERS`.

A boot configuration may name a kernel, initrd or device tree that is a part of another file: a
sub-image of a FIT image, what follows a uImage's header. `FileRef.part` names the part in the
container's own words; here it becomes a stretch of the file with its check sums.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from bootd.container import android, ext, fit, iso, legacy, newc, pe
from bootd.container.part import Part, Read, chunks
from bootd.errors import ImageError
from bootd.fsview import FsView
from bootd.record import dataclass

__all__ = ["CONTAINERS", "Part", "Read", "chunks", "find", "read_part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A kind of file that holds others.

    Attributes:
        name: Short and stable.
        matches: Says from 64 bytes at `magic_at` whether a file is one.
        find: Returns where a part lies. Raises ImageError when there is none or it is damaged.
    """

    name: str
    matches: Callable[[bytes], bool]
    find: Callable[[Read, str], Part]
    magic_at: int = 0


CONTAINERS: Final = (
    Container(name="legacy", matches=legacy.matches, find=legacy.find),
    Container(name="fit", matches=fit.matches, find=fit.find),
    Container(name="pe", matches=pe.matches, find=pe.find),
    Container(name="android", matches=android.matches, find=android.find),
    Container(name="iso", matches=iso.matches, find=iso.find, magic_at=iso.MAGIC_AT),
    Container(name="ext", matches=ext.matches, find=ext.find, magic_at=ext.MAGIC_AT),
)


def find(read: Read, part: str) -> Part:
    """Return where a part lies in a file.

    Args:
        read: Reads the file.
        part: As a format module named it; not "".

    Raises:
        ImageError: The file is no container, or the part is not there or malformed.
        OSError: The medium failed.
    """
    if part.startswith(newc.PREFIX):
        return newc.find(read, part)
    for each in CONTAINERS:
        if each.matches(read(each.magic_at, 64)):
            return each.find(read, part)
    raise ImageError(f"it is no container that bootd knows, so it has no part {part!r:.80}")


def read_part(fs: FsView, path: str, part: str, limit: int) -> bytes:
    """Return a file's bytes, or those of a part of it, checked.

    Args:
        fs: Where the file is.
        path: Absolute.
        part: "" for the whole file.
        limit: In bytes.

    Raises:
        ImageError: There is no such part, it is larger than `limit`, or it is damaged.
        ConfigLimitError: The whole file is larger than `limit`.
        OSError: As `FsView.read`.
    """
    if not part:
        return fs.read(path, limit)
    read = partial(fs.read_range, path)
    found = find(read, part)
    if found.size > limit:
        raise ImageError(f"the part {part!r:.80} has {found.size} bytes, more than {limit}")
    return b"".join(chunks(read, found))
