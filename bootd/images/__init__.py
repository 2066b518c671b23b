"""Kernel images, told apart by content. To add a kind: write its row, then list it in `IMAGES`.

A file is a plain kernel (`IMAGES`), a packed one (`compression`), or holds one (`wrapping`), which
may be packed in turn. Unsupported: a packed file that holds another packed or wrapped one.
"""

from typing import Final

from bootd.container.part import Read
from bootd.errors import ImageError
from bootd.images import arm64, bzimage, elf, riscv, zimage
from bootd.images.compression import COMPRESSIONS, Compression, detect, peek
from bootd.images.kind import ImageInfo, ImageKind, Source, family, require
from bootd.images.stream import ReadNext
from bootd.images.wrapping import WRAPPINGS, Inside, Wrapping
from bootd.record import replace

__all__ = [
    "COMPRESSIONS",
    "HEAD_BYTES",
    "IMAGES",
    "WRAPPINGS",
    "ImageInfo",
    "ImageKind",
    "family",
    "identify",
    "inspect",
    "require",
]

HEAD_BYTES: Final = 64 << 10
"""So many first bytes are enough to identify a plain kernel."""

IMAGES: Final[tuple[ImageKind, ...]] = (
    arm64.KIND,  # before PE: with an EFI stub it is a PE file as well
    riscv.KIND,  # ditto
    bzimage.KIND,  # ditto
    zimage.KIND,  # ditto
    elf.KIND,
)
"""In the order in which they are tried."""


def identify(head: bytes, file_bytes: int) -> ImageInfo:
    """Say what a file is of which only the start is at hand; as `inspect`.

    Args:
        head: Its first bytes: `HEAD_BYTES`, or all of a shorter file.
        file_bytes: Its length.
    """
    return inspect(lambda offset, size: head[offset : offset + size], file_bytes)


def inspect(read: Read, file_bytes: int) -> ImageInfo:
    """Say what a file is, looking at as little of it as possible.

    Args:
        read: (offset, size) to the bytes there, fewer at the end of the file.
        file_bytes: Its length.

    Raises:
        ImageError: It is no kind of kernel that bootd knows, or its header is damaged.
        OSError: The medium failed.
    """
    source = Source(head=read(0, HEAD_BYTES), size=file_bytes, read=read)
    if (info := _plain(source)) is not None:
        return info
    wrapping = next((row for row in WRAPPINGS if row.matches(source.head)), None)
    if wrapping is not None:
        return _wrapped(source, wrapping)
    packing = detect(source.head)
    if packing is not None:
        return _packed(source, packing)
    if not source.head:
        raise ImageError("the file is empty")
    raise ImageError(f"no kernel that bootd knows (it starts with {source.head[:8].hex(' ')})")


def _plain(source: Source) -> ImageInfo | None:
    kind = next((row for row in IMAGES if row.matches(source.head)), None)
    return None if kind is None else kind.read(source)


def _packed(source: Source, packing: Compression) -> ImageInfo:
    try:
        head = peek(packing, _from_start(source), HEAD_BYTES)
        inner = _plain(
            Source(head=head, size=0, read=lambda offset, size: head[offset : offset + size])
        )
    except ImageError as error:
        raise ImageError(f"in the {packing.name} file: {error}") from None
    if inner is None:
        known = next((row.title for row in WRAPPINGS if row.matches(head)), "no kernel")
        raise ImageError(f"in the {packing.name} file: {known}, not a kernel that bootd knows")
    return replace(
        inner,
        title=f"{packing.name}-compressed {inner.title}",
        compression=packing.name,
        file_bytes=source.size,
        payload_bytes=0,
    )


def _wrapped(source: Source, wrapping: Wrapping) -> ImageInfo:
    try:
        inside = wrapping.find(source)
    except ImageError as error:
        return ImageInfo(
            kind=wrapping.name,
            title=wrapping.title,
            file_bytes=source.size,
            reason=f"{wrapping.title}: {error}",
        )
    start, size = inside.offset, inside.size

    def read(offset: int, count: int) -> bytes:
        return source.read(start + offset, max(0, min(count, size - offset)))

    inner = Source(head=read(0, HEAD_BYTES), size=size, read=read)
    info = _inside(inner, inside, wrapping)
    return replace(
        info,
        title=f"{info.title} in {_article(wrapping.title)}",
        file_bytes=source.size,
        part=inside.part,
        payload_offset=0 if inside.part else start,
        payload_bytes=0 if inside.part else size,
        notes=inside.notes + info.notes,
    )


def _inside(inner: Source, inside: Inside, wrapping: Wrapping) -> ImageInfo:
    packing = detect(inner.head)
    try:
        info = _plain(inner) if packing is None else _packed(inner, packing)
    except ImageError as error:
        if packing is None or not inside.kind or "memory" not in str(error):
            raise ImageError(f"{wrapping.title}: {error}") from None
        # Its window is larger than what this process may use; the loader will see.
        return ImageInfo(
            kind=inside.kind,
            title=f"{packing.name}-compressed kernel",
            file_bytes=0,
            architecture=inside.architecture,
            compression=packing.name,
            memory_bytes=inside.memory_bytes,
        )
    if info is None:
        start = inner.head[:8].hex(" ")
        raise ImageError(f"{wrapping.title}: no kernel is in it (what is starts with {start})")
    return info


def _from_start(source: Source) -> ReadNext:
    place = 0

    def read(size: int) -> bytes:
        nonlocal place
        data = source.read(place, size)
        place += len(data)
        return data

    return read


def _article(title: str) -> str:
    return f"an {title}" if title[0] in "AE" else f"a {title}"
