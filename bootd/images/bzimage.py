"""The x86 bzImage: a real-mode part with the setup header, then the kernel that unpacks itself.

Source: Documentation/arch/x86/boot.rst. Unsupported: boot protocols before 2.12 (kernel 3.8), which
do not say whether the kernel has a 64-bit entry point.
"""

import struct
from typing import Final

from bootd.container import pe
from bootd.errors import ImageError
from bootd.images.kind import ImageInfo, ImageKind, Source, at
from bootd.record import dataclass

SETUP_OFFSET: Final = 0x1F1
ENTRY_64: Final = 0x200
"""Of the 64-bit entry point, from the start of the kernel proper."""

XLF_KERNEL_64: Final = 1
XLF_ABOVE_4G: Final = 2
LOADED_HIGH: Final = 1
FIRST_VERSION: Final = 0x20C

_TITLE: Final = "x86 bzImage"
_SECTOR: Final = 512
_OLD_CMDLINE_BYTES: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The setup header.

    Attributes:
        raw: Its bytes, which the kernel finds in its boot parameters again.
        kernel_offset: Where the kernel proper starts in the file.
        version: Of the protocol, 0x20F for 2.15.
        init_size: Memory that the kernel needs from its start until it runs.
        pref_address: Where it would like to lie.
        align: It has to lie at a multiple of this.
        relocatable: It may lie elsewhere than there.
        xloadflags: XLF_*.
        initrd_end: The initrd has to lie below this address, protocol's limit below 4 GiB.
        cmdline_bytes: Longest command line, without the NUL.
    """

    raw: bytes
    kernel_offset: int
    version: int
    init_size: int
    pref_address: int
    align: int
    relocatable: bool
    xloadflags: int
    initrd_end: int
    cmdline_bytes: int


def parse(head: bytes) -> Setup:
    """Read the setup header from the start of the file.

    Raises:
        ImageError: Cut off, too old, or it makes no sense.
    """
    if len(head) < 0x290:
        raise ImageError(f"{_TITLE} ends within its header")
    (version,) = struct.unpack_from("<H", head, 0x206)
    if version < FIRST_VERSION:
        raise ImageError(f"{_TITLE} has boot protocol {version >> 8}.{version & 255}, too old")
    end = 0x202 + head[0x201]
    if not 0x264 <= end <= 0x290:
        raise ImageError(f"{_TITLE} has a damaged header (it ends at {end:#x})")
    initrd_max, align = struct.unpack_from("<II", head, 0x22C)
    xloadflags, cmdline = struct.unpack_from("<HI", head, 0x236)
    preferred, init_size = struct.unpack_from("<QI", head, 0x258)
    if not head[0x211] & LOADED_HIGH or align & (align - 1) or not 0 < align <= 1 << 30:
        raise ImageError(f"{_TITLE} has a damaged header (alignment {align:#x})")
    return Setup(
        raw=head[SETUP_OFFSET:end],
        kernel_offset=((head[SETUP_OFFSET] or 4) + 1) * _SECTOR,
        version=version,
        init_size=init_size,
        pref_address=preferred,
        align=align,
        relocatable=bool(head[0x234]),
        xloadflags=xloadflags,
        initrd_end=initrd_max + 1,
        cmdline_bytes=cmdline or _OLD_CMDLINE_BYTES,
    )


def _read(source: Source) -> ImageInfo:
    setup = parse(source.head)
    if source.size and setup.kernel_offset >= source.size:
        raise ImageError(f"{_TITLE} ends before the kernel in it starts")
    wide = bool(setup.xloadflags & XLF_KERNEL_64)
    return ImageInfo(
        kind="bzimage",
        title=_TITLE,
        file_bytes=source.size,
        architecture="x86_64" if wide else "i686",
        memory_bytes=max(setup.init_size, source.size),
        cmdline_bytes=setup.cmdline_bytes,
        initrd_end=setup.initrd_end,
        signed=pe.is_signed(source.head),
    )


KIND: Final = ImageKind(name="bzimage", title=_TITLE, matches=at(0x202, b"HdrS"), read=_read)
