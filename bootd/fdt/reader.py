"""Blobs to trees: the one place where bytes of unknown origin become nodes.

Stricter than libfdt's fdt_check_full, and written against it: names are checked, a name occurs
once in a node, properties come before children (libfdt, U-Boot and the kernel do not see later
ones). NOPs are dropped. Time and memory are linear in the size of the blob, nothing recurses.
Source: Devicetree Specification v0.4, chapter 5.

Not kept: NOPs, slack inside and after the blocks, a reservation's address where its size is 0
(it ends the list, as for the kernel).
"""

import re
import struct
import sys
from array import array
from typing import Final, NoReturn

from bootd.errors import FdtError
from bootd.fdt.header import Header, parse
from bootd.fdt.tree import MAX_DEPTH, Fdt, Node

BEGIN_NODE: Final = 1
END_NODE: Final = 2
PROP: Final = 3
NOP: Final = 4
END: Final = 9

# The characters that dtc accepts; 255 because the kernel shows each name as a file name.
_NODE_NAME: Final = re.compile(rb"([-0-9A-Za-z,._+*#?]+(?:@[-0-9A-Za-z,._+*#?]+)?)\0")
_PROPERTY_NAME: Final = re.compile(rb"([-0-9A-Za-z,._+*#?]{1,255})\0")


def read(blob: bytes) -> Fdt:
    """Read a whole blob.

    Raises:
        FdtError: It is no valid blob, or past a limit; with the byte offset.
    """
    header = parse(blob)
    reservations = _read_reservations(blob, header)
    root = _Structure(blob, header).read()
    return Fdt(root=root, reservations=reservations, boot_cpu=header.boot_cpu)


def read_root_properties(blob: bytes) -> dict[str, bytes]:
    """Read only the properties of the root: enough to tell which board a blob is for.

    The rest of the blob is not looked at, and may be invalid.

    Raises:
        FdtError: The header or the root's properties are invalid.
    """
    return _Structure(blob, parse(blob)).read_root_properties()


def _read_reservations(blob: bytes, header: Header) -> list[tuple[int, int]]:
    entries: list[tuple[int, int]] = []
    block = memoryview(blob)[header.reserve_start : header.reserve_end]
    usable = len(block) // 16 * 16
    for start, size in struct.iter_unpack(">QQ", block[:usable]):
        if not size:
            return entries
        entries.append((start, size))
    raise FdtError("the reservation block does not end", offset=header.reserve_start)


class _Structure:
    """One pass over the structure block, as words."""

    __slots__ = ("_data", "_names", "_start", "_strings", "_words")

    def __init__(self, blob: bytes, header: Header) -> None:
        self._start = header.struct_start
        self._data = blob[header.struct_start : header.struct_end]
        self._strings = blob[header.strings_start : header.strings_end]
        self._names: dict[int, str] = {}
        self._words = array("I", self._data[: len(self._data) & ~3])
        if sys.byteorder == "little":
            self._words.byteswap()

    def read(self) -> Node:
        """Read the root and everything below it."""
        try:
            return self._read_nodes()
        except IndexError:
            self._fail("the structure block ends too early", len(self._words))

    def read_root_properties(self) -> dict[str, bytes]:
        """Read from the root's start up to its first child or its end."""
        root = Node("")
        try:
            at = self._enter_root()
            while self._words[at] in {PROP, NOP}:
                at = self._property(root.properties, at) if self._words[at] == PROP else at + 1
        except IndexError:
            self._fail("the structure block ends too early", len(self._words))
        return root.properties

    def _enter_root(self) -> int:
        at = 0
        while self._words[at] == NOP:
            at += 1
        if self._words[at] != BEGIN_NODE or self._words[at + 1] >> 24:
            self._fail("the tree does not start with an unnamed root", at)
        return at + 2

    def _read_nodes(self) -> Node:  # noqa: C901, PLR0912, PLR0915 - hot loop, a call costs double
        words, data, known = self._words, self._data, self._names
        at = self._enter_root()
        root = node = Node("")
        # None once a child has been seen: no property may follow.
        properties: dict[str, bytes] | None = root.properties
        parents: list[Node] = []
        while True:
            tag = words[at]
            if tag == PROP:
                size = words[at + 1]
                name = known.get(words[at + 2])
                if name is None:
                    name = self._property_name(at)
                if properties is None:
                    self._fail("a property follows a child node", at)
                if name in properties:
                    self._fail(f"the property {name} occurs twice in {node.name or '/'}", at)
                value = (at + 3) << 2
                properties[name] = data[value : value + size]
                at += 3 + ((size + 3) >> 2)
            elif tag == BEGIN_NODE:
                name, at = self._node_name(at)
                if name in node.children:
                    self._fail(f"the node {name} occurs twice in {node.name or '/'}", at)
                parents.append(node)
                if len(parents) >= MAX_DEPTH:
                    self._fail(f"nodes are nested more than {MAX_DEPTH} deep", at)
                child = node.children[name] = Node(name)
                node = child
                properties = child.properties
            elif tag == END_NODE:
                at += 1
                if not parents:
                    break
                node = parents.pop()
                properties = None
            elif tag == NOP:
                at += 1
            else:
                self._fail(f"unknown or misplaced token {tag:#x}", at)
        if words[at] != END:
            self._fail("something follows the root node", at)
        return root

    def _property(self, properties: dict[str, bytes], at: int) -> int:
        """Read one property; the position after it."""
        size = self._words[at + 1]
        name = self._property_name(at)
        if name in properties:
            self._fail(f"the property {name} occurs twice", at)
        start = (at + 3) << 2
        properties[name] = self._data[start : start + size]
        after = at + 3 + ((size + 3) >> 2)
        if after > len(self._words):
            raise IndexError
        return after

    def _property_name(self, at: int) -> str:
        offset = self._words[at + 2]
        found = _PROPERTY_NAME.match(self._strings, offset)
        # `match` clamps an offset past the end to the end, where nothing matches.
        if found is None:
            self._fail(f"the property name at {offset:#x} of the strings block is invalid", at)
        name = self._names[offset] = sys.intern(found[1].decode("ascii"))
        return name

    def _node_name(self, at: int) -> tuple[str, int]:
        """Read the name behind a BEGIN_NODE; the position after its padding."""
        start = (at + 1) << 2
        found = _NODE_NAME.match(self._data, start)
        if found is None or found.end() - start > 256:
            self._fail("a node has an invalid name", at)
        return found[1].decode("ascii"), (found.end() + 3) >> 2

    def _fail(self, reason: str, at: int) -> NoReturn:
        raise FdtError(reason, offset=self._start + at * 4)
