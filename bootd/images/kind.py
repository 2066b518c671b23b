"""What an image is: the record that every row of the IMAGES table fills in."""

from collections.abc import Callable

from bootd.errors import ImageError
from bootd.record import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """A kernel image as its header describes it.

    Attributes:
        kind: Name in the IMAGES table; for a compressed kernel the kind of what is inside.
        title: The same for a person.
        file_bytes: Length of the file.
        architecture: As `uname -m` prints it, or "" when the header does not say.
        compression: `gzip` when the file has to be unpacked first, else "".
        text_offset: Bytes from a 2 MiB boundary to where the image has to lie (arm64, riscv).
        memory_bytes: Memory that the kernel needs from its start, its BSS included; 0 unknown.
        page_bytes: Page size that the kernel was built for; 0 when any or unknown.
        big_endian: The kernel runs with big-endian data.
        lowest_only: The kernel cannot use memory below itself (arm64 before 4.6).
        reason: Sentence on why no loader can start it, or "".
    """

    kind: str
    title: str
    file_bytes: int
    architecture: str = ""
    compression: str = ""
    text_offset: int = 0
    memory_bytes: int = 0
    page_bytes: int = 0
    big_endian: bool = False
    lowest_only: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageKind:
    """A row of the IMAGES table.

    Attributes:
        name: Short and stable, for programs.
        title: For a person.
        matches: Says from the first bytes of a file whether it is of this kind.
        read: Describes a file that matches, from its first bytes and its length. Raises
            ImageError when the header contradicts itself.
    """

    name: str
    title: str
    matches: Callable[[bytes], bool]
    read: Callable[[bytes, int], ImageInfo]


_NAMES_32_BIT = {"aarch64": "arm", "x86_64": "i686", "riscv64": "riscv32"}


def require(info: ImageInfo, architecture: str) -> None:
    """Check that a machine of `architecture` can start the image.

    Raises:
        ImageError: It cannot; the sentence says why.
    """
    if info.reason:
        raise ImageError(info.reason)
    if info.architecture and info.architecture != architecture:
        narrow = _NAMES_32_BIT.get(architecture) == info.architecture
        hint = "; a 64-bit kernel cannot start a 32-bit one" if narrow else ""
        raise ImageError(
            f"the kernel ({info.title}) is for {info.architecture}, "
            f"this machine is {architecture}{hint}"
        )
    if info.big_endian:
        raise ImageError(f"the kernel ({info.title}) is big-endian, this machine little-endian")


def unsupported(name: str, title: str, matches: Callable[[bytes], bool]) -> ImageKind:
    """Return a row for a kind that is recognised by content but that no loader can start yet."""

    def read(_head: bytes, size: int) -> ImageInfo:
        return ImageInfo(
            kind=name, title=title, file_bytes=size, reason=f"{title}: not supported yet"
        )

    return ImageKind(name=name, title=title, matches=matches, read=read)


def compressed(inner: ImageInfo, compression: str, file_bytes: int) -> ImageInfo:
    """Describe a compressed file from what its content turned out to be."""
    return replace(
        inner,
        title=f"{compression}-compressed {inner.title}",
        compression=compression,
        file_bytes=file_bytes,
    )
