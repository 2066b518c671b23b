"""A part: where a file lies inside another file, and how to know that it is undamaged."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final
from zlib import crc32

from bootd.errors import ImageError
from bootd.record import dataclass

if TYPE_CHECKING:
    from hashlib import _Hash

Read = Callable[[int, int], bytes]
"""(offset, size) to that many bytes of the container; fewer only at its end."""

CHUNK_BYTES: Final = 1 << 20
"""What is read at once of a part of any size."""

MAX_PART_BYTES: Final = 1 << 30
"""No kernel or initrd has more."""

ALGORITHMS: Final[Mapping[str, int]] = {
    "crc32": 4,
    "md5": 16,
    "sha1": 20,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
}
"""Check sums that are known, with their length in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A check sum that the container has of a part.

    Attributes:
        algorithm: A key of `ALGORITHMS`.
    """

    algorithm: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a container.

    Attributes:
        offset: In bytes from the container's start.
        size: In bytes.
        digests: All of them have to be right.
        before, behind: Bytes that the file has around it, which are not in the container.
        inner: Reads the part where it lies in pieces; `offset` counts in it then.
    """

    offset: int
    size: int
    digests: tuple[Digest, ...] = ()
    before: bytes = b""
    behind: bytes = b""
    inner: Read | None = None


def chunks(read: Read, part: Part) -> Iterator[bytes]:
    """Yield the bytes of a part in pieces; at the end the check sums are compared.

    Raises:
        ImageError: The container ends too early, or the part is damaged. What was yielded by then
            must not be used.
        OSError: The medium failed.
    """
    read = part.inner or read
    sums = [_Sum(digest) for digest in part.digests]
    at, end = part.offset, part.offset + part.size
    if part.before:
        yield part.before
    while at < end:
        piece = read(at, min(CHUNK_BYTES, end - at))
        if not piece:
            raise ImageError(f"the file ends {end - at} bytes before the part does")
        for each in sums:
            each.update(piece)
        at += len(piece)
        yield piece
    for each in sums:
        each.check()
    if part.behind:
        yield part.behind


class _Sum:
    """One check sum over pieces."""

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._crc = 0
        self._hash: _Hash | None = None
        if digest.algorithm != "crc32":
            # 5 ms of import that files without hashes need not pay.
            import hashlib  # noqa: PLC0415 - see above

            self._hash = hashlib.new(digest.algorithm, usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        if self._hash is None:
            self._crc = crc32(piece, self._crc)
        else:
            self._hash.update(piece)

    def check(self) -> None:
        found = self._crc.to_bytes(4, "big") if self._hash is None else self._hash.digest()
        if found != self._digest.value:
            raise ImageError(f"the part is damaged: its {self._digest.algorithm} does not match")
