"""What an image is: the record that every row of the IMAGES table fills in."""

from collections.abc import Callable
from typing import Final

from bootd.container.part import Read
from bootd.errors import ImageError
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """A kernel image as its header describes it.

    Attributes:
        kind: Name in the IMAGES table; for a packed kernel the kind of what is inside.
        title: The same for a person.
        file_bytes: Length of the file.
        architecture: As `uname -m` prints it (`arm` for every 32-bit arm), or "" when the header
            does not say.
        compression: Name in `COMPRESSIONS` when the file has to be unpacked first, else "".
        part: The kernel is that part of a container (`bootd.container`), or "" for the file itself.
        payload_offset: In bytes; where the (packed) kernel starts in the file or part.
        payload_bytes: How long it is; 0 to the end.
        text_offset: Bytes from an aligned address to where the image has to lie (arm64, riscv).
        memory_bytes: Memory that the kernel needs from its start, its BSS included; 0 unknown.
        page_bytes: Page size that the kernel was built for; 0 when any or unknown.
        cmdline_bytes: Longest command line that the image says it takes; 0 when it does not say.
        initrd_end: The initrd has to lie below this address; 0 for no limit in the header.
        big_endian: The kernel runs with big-endian data.
        lowest_only: The kernel cannot use memory below itself (arm64 before 4.6).
        signed: It carries a signature as EFI programs do, good or not; False inside a packed file.
        notes: Sentences on what else the file is or holds.
        reason: Sentence on why no loader can start it, or "".
    """

    kind: str
    title: str
    file_bytes: int
    architecture: str = ""
    compression: str = ""
    part: str = ""
    payload_offset: int = 0
    payload_bytes: int = 0
    text_offset: int = 0
    memory_bytes: int = 0
    page_bytes: int = 0
    cmdline_bytes: int = 0
    initrd_end: int = 0
    big_endian: bool = False
    lowest_only: bool = False
    signed: bool = False
    notes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that is looked at.

    Attributes:
        head: Its first bytes: 64 KiB, or all of a shorter file.
        size: Its length in bytes; 0 when unknown, inside a packed file.
        read: Reads elsewhere; returns less than asked for when there is no more.
    """

    head: bytes
    size: int
    read: Read


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageKind:
    """A row of the IMAGES table.

    Attributes:
        name: Short and stable, for programs.
        title: For a person.
        matches: Says from the first bytes of a file whether it is of this kind.
        read: Describes a file that matches. Raises ImageError when the header contradicts itself.
    """

    name: str
    title: str
    matches: Callable[[bytes], bool]
    read: Callable[[Source], ImageInfo]


_NAMES_32_BIT: Final = {
    "aarch64": "arm",
    "x86_64": "i686",
    "riscv64": "riscv32",
    "ppc64le": "ppc",
}

_FAMILIES: Final = dict.fromkeys(("armv5tejl", "armv6l", "armv7l", "armv7b", "armv8l"), "arm")


def family(architecture: str) -> str:
    """Return what images for a machine call it: `arm` for `armv7l`, else the name itself."""
    return _FAMILIES.get(architecture, architecture)


def require(info: ImageInfo, architecture: str) -> None:
    """Check that a machine of `architecture` (`uname -m`) can start the image.

    Raises:
        ImageError: It cannot; the sentence says why.
    """
    if info.reason:
        raise ImageError(info.reason)
    if info.architecture and info.architecture != family(architecture):
        narrow = _NAMES_32_BIT.get(architecture) == info.architecture
        hint = "; a 64-bit kernel cannot start a 32-bit one" if narrow else ""
        wide = _NAMES_32_BIT.get(info.architecture) == family(architecture)
        hint = "; a 32-bit kernel cannot start a 64-bit one" if wide else hint
        raise ImageError(
            f"the kernel ({info.title}) is for {info.architecture}, "
            f"this machine is {architecture}{hint}"
        )
    if info.big_endian:
        raise ImageError(f"the kernel ({info.title}) is big-endian, this machine little-endian")


def at(offset: int, *magics: bytes) -> Callable[[bytes], bool]:
    """Return a test for one of some magic numbers at `offset`."""
    return lambda head: head[offset : offset + len(magics[0])] in magics
