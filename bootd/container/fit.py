"""FIT images (.itb): U-Boot's device-tree-shaped container of kernels, trees and initrds.

Source: doc/usage/fit/source_file_format.rst of U-Boot (the FIT specification), boot/image-fit.c.
Parts are named by the path of their node: `/images/kernel-1`. Data may lie inside the tree
(`data`), behind it (`data-offset`) or at a fixed place of the file (`data-position`), the latter
two with `data-size`. Check sums of `hash*` nodes are checked when a part is read.

Unsupported: signatures (`signature*` nodes) are not verified, ciphered images are refused.
"""

import struct
from typing import Final

from bootd.container.part import ALGORITHMS, MAX_PART_BYTES, Digest, Part, Read
from bootd.errors import FdtError, ImageError
from bootd.fdt import Fdt, Node
from bootd.fdt import read as read_fdt
from bootd.fdt.cells import string
from bootd.fdt.reader import BEGIN_NODE, END, END_NODE, NOP, PROP
from bootd.record import dataclass

MAGIC: Final = b"\xd0\x0d\xfe\xed"

MAX_TREE_BYTES: Final = 1 << 20
"""Of the structure without the images' data; a FIT with a hundred configurations has 60 KiB."""

MAX_STRINGS_BYTES: Final = 64 << 10
_MAX_VALUE_BYTES: Final = 64 << 10
"""Of a property other than `data`: descriptions, lists of names, signatures."""

_WINDOW_BYTES: Final = 16 << 10
_HEADER_WORDS: Final = struct.Struct(">10I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A FIT image without the data of its parts.

    Attributes:
        tree: Its nodes; each `data` property holds where the data lies: two 64-bit numbers, the
            offset in the file and the size.
        size: Bytes of the tree in the file, its inner data included; external data starts at the
            next multiple of four.
    """

    tree: Fdt
    size: int

    @property
    def images(self) -> dict[str, Node]:
        """The nodes of `/images` by name."""
        return _children(self.tree, "images")

    @property
    def configurations(self) -> dict[str, Node]:
        """The nodes of `/configurations` by name, in order."""
        return _children(self.tree, "configurations")

    def part(self, name: str) -> Part:
        """Return where the data of `/images/NAME` lies.

        Raises:
            ImageError: There is none, or its description makes no sense.
        """
        node = self.images.get(name)
        if node is None:
            raise ImageError(f"the FIT image has no part {name!r:.60}")
        if "cipher" in node.children:
            raise ImageError(f"the part {name!r:.60} of the FIT image is encrypted")
        offset, size = self._place(node, name)
        if size > MAX_PART_BYTES:
            raise ImageError(f"the part {name!r:.60} of the FIT image claims {size} bytes")
        return Part(offset=offset, size=size, digests=_digests(node, name))

    def _place(self, node: Node, name: str) -> tuple[int, int]:
        inside = node.properties.get("data")
        if inside is not None:
            offset, size = struct.unpack(">QQ", inside)
            return offset, size
        length = _number(node, "data-size")
        position, distance = _number(node, "data-position"), _number(node, "data-offset")
        if length is None or (position is None and distance is None):
            raise ImageError(f"the part {name!r:.60} of the FIT image has no data")
        if position is not None:
            return position, length
        return (self.size + 3 & ~3) + (distance or 0), length


def matches(head: bytes) -> bool:
    """Say whether a file starts as a flattened device tree, which a FIT image is."""
    return head.startswith(MAGIC)


def find(read: Read, part: str) -> Part:
    """Return where `/images/NAME` lies; raises ImageError like `load` and `Fit.part`."""
    folder, _, name = part.rpartition("/")
    if folder != "/images":
        raise ImageError(f"{part!r:.80} is no part of a FIT image")
    return load(read).part(name)


def load(read: Read) -> Fit:
    """Read the tree of a FIT image, however large the data in it is.

    Raises:
        ImageError: It is no FIT image, malformed, or larger than a limit.
        OSError: The medium failed.
    """
    slim, size = _slim(read)
    try:
        tree = read_fdt(slim)
    except FdtError as error:
        raise ImageError(f"the FIT image is malformed: {error.reason}") from None
    if "images" not in tree.root.children:
        raise ImageError("it is a device tree without /images, not a FIT image")
    return Fit(tree=tree, size=size)


def _slim(read: Read) -> tuple[bytes, int]:
    """Return the blob with each `data` property replaced by its place, and the whole blob's size.

    What is left is read by the strict reader; here only sizes and counts matter.
    """
    head = read(0, _HEADER_WORDS.size)
    if len(head) < _HEADER_WORDS.size or not matches(head):
        raise ImageError("it is no FIT image")
    words = _HEADER_WORDS.unpack(head)
    total, structure, strings, version = words[1], words[2], words[3], words[5]
    strings_size, structure_size = words[8], words[9]
    if version != 17 or strings_size > MAX_STRINGS_BYTES:
        raise ImageError("the header of the FIT image is damaged")
    if max(structure + structure_size, strings + strings_size) > total:
        raise ImageError("the blocks of the FIT image lie outside of it")
    names = read(strings, strings_size)
    tokens = _Tokens(read, structure, structure_size, names).copy()
    offset = _HEADER_WORDS.size
    block = offset + 16
    end = block + len(tokens)
    header = _HEADER_WORDS.pack(
        words[0], end + len(names), block, end, offset, 17, 16, 0, len(names), len(tokens)
    )
    return header + bytes(16) + tokens + names, total


class _Tokens:
    """Copies a structure block, its large values left out; never reads those."""

    def __init__(self, read: Read, start: int, size: int, names: bytes) -> None:
        self._read = read
        self._start = start
        self._size = size
        self._names = names
        self._window = b""
        self._window_at = 0

    def copy(self) -> bytes:
        """Return the slim structure block; raises ImageError past a limit or the end."""
        out = bytearray()
        at = 0
        while True:
            if len(out) > MAX_TREE_BYTES:
                raise ImageError(f"the FIT image describes more than {MAX_TREE_BYTES} bytes")
            (token,) = struct.unpack(">I", self._bytes(at, 4))
            at += 4
            if token in {NOP, END_NODE, END}:
                out += struct.pack(">I", token)
            elif token == BEGIN_NODE:
                name = self._name(at)
                out += struct.pack(">I", token) + name
                at += len(name)
            elif token == PROP:
                size, name_at = struct.unpack(">II", self._bytes(at, 8))
                out += self._property(at + 8, size, name_at)
                at += 8 + (size + 3 & ~3)
            else:
                raise ImageError(f"the FIT image is malformed (token {token:#x})")
            if token == END:
                return bytes(out)

    def _property(self, at: int, size: int, name_at: int) -> bytes:
        if at + size > self._size:
            raise ImageError("the FIT image ends within a property")
        if self._names[name_at : name_at + 5] == b"data\0":
            value = struct.pack(">QQ", self._start + at, size)
        elif size > _MAX_VALUE_BYTES:
            raise ImageError(f"a property of the FIT image has {size} bytes")
        else:
            value = self._bytes(at, size)
        padding = bytes(-len(value) % 4)
        return struct.pack(">III", PROP, len(value), name_at) + value + padding

    def _name(self, at: int) -> bytes:
        """Return a node's name with the NUL and padding behind it."""
        raw = self._bytes(at, min(260, self._size - at))
        end = raw.find(b"\0")
        if end < 0:
            raise ImageError("a node of the FIT image has no valid name")
        return raw[:end] + bytes(4 - end % 4)

    def _bytes(self, at: int, size: int) -> bytes:
        first = at - self._window_at
        if first < 0 or first + size > len(self._window):
            if size < 0 or at + size > self._size:
                raise ImageError("the FIT image ends too early")
            wanted = min(max(size, _WINDOW_BYTES), self._size - at)
            self._window = self._read(self._start + at, wanted)
            self._window_at, first = at, 0
            if len(self._window) < size:
                raise ImageError("the FIT image ends too early")
        return self._window[first : first + size]


def _children(tree: Fdt, name: str) -> dict[str, Node]:
    node = tree.root.children.get(name)
    return {} if node is None else node.children


def _number(node: Node, name: str) -> int | None:
    value = node.properties.get(name)
    return int.from_bytes(value, "big") if value is not None and len(value) in {4, 8} else None


def _digests(node: Node, name: str) -> tuple[Digest, ...]:
    """Return the check sums of a part's `hash*` nodes; unknown algorithms are refused."""
    found: list[Digest] = []
    for child in node.children.values():
        if not child.name.startswith("hash"):
            continue
        algorithm = string(child.properties.get("algo", b""))
        value = child.properties.get("value", b"")
        if ALGORITHMS.get(algorithm) != len(value):
            raise ImageError(
                f"the part {name!r:.60} of the FIT image has a check sum of an unknown kind "
                f"{algorithm!r:.20}"
            )
        found.append(Digest(algorithm=algorithm, value=value))
    return tuple(found)
