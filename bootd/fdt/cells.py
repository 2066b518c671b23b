"""Property values as what they mean: numbers of one or more cells, strings, phandles.

Nothing in a blob says which type a value has; the caller knows from the property's binding.
Source: Devicetree Specification v0.4, 2.2.4 and 2.3.
"""

import struct
from collections.abc import Iterable

from bootd.errors import FdtError
from bootd.fdt.tree import Node


def cells(value: bytes) -> tuple[int, ...]:
    """Split a value into 32-bit big-endian cells.

    Raises:
        FdtError: Its length is no multiple of 4.
    """
    if len(value) % 4:
        raise FdtError(f"expected cells of 4 bytes, got {len(value)} bytes")
    return struct.unpack(f">{len(value) // 4}I", value)


def u32(value: bytes) -> int:
    """Return the number in a value of exactly one cell; raises FdtError otherwise."""
    if len(value) != 4:
        raise FdtError(f"expected one cell of 4 bytes, got {len(value)} bytes")
    return int.from_bytes(value, "big")


def number(value: bytes) -> int:
    """Return the number in a value of one or two cells; raises FdtError otherwise."""
    if len(value) not in {4, 8}:
        raise FdtError(f"expected one or two cells, got {len(value)} bytes")
    return int.from_bytes(value, "big")


def string(value: bytes) -> str:
    """Return the text of a string value, up to its first NUL; other encodings are replaced.

    Foreign text: clean it (`bootd.model.text`) before a person sees it.
    """
    return value.partition(b"\0")[0].decode("utf-8", "replace")


def strings(value: bytes) -> tuple[str, ...]:
    """Return the texts of a string list value, empty ones dropped; see `string`."""
    return tuple(part.decode("utf-8", "replace") for part in value.split(b"\0") if part)


def from_string(text: str) -> bytes:
    """Return a string value; what `os.fsdecode` makes of other bytes than UTF-8 becomes these."""
    return text.encode("utf-8", "surrogateescape") + b"\0"


def from_cells(numbers: Iterable[int]) -> bytes:
    """Return a value of 32-bit cells."""
    return b"".join(n.to_bytes(4, "big") for n in numbers)


def compatible(node: Node) -> tuple[str, ...]:
    """Return a node's compatible strings, most specific first."""
    return strings(node.properties.get("compatible", b""))


def is_enabled(node: Node) -> bool:
    """Say whether a node's status lets a driver use it (Devicetree Specification v0.4, 2.3.4)."""
    status = node.properties.get("status")
    return status is None or string(status) in {"okay", "ok"}


def phandle(node: Node) -> int | None:
    """Return a node's phandle, or None when it has no valid one.

    0 and 0xffffffff are no phandles; the old name `linux,phandle` counts as well.
    """
    value = node.properties.get("phandle") or node.properties.get("linux,phandle")
    if value is None or len(value) != 4:
        return None
    found = int.from_bytes(value, "big")
    return found if 0 < found < 0xFFFFFFFF else None


def count(node: Node, name: str, default: int) -> int:
    """Return a `#…-cells` property of a node, or the default.

    Raises:
        FdtError: It is no cell, or larger than any address could be (4).
    """
    value = node.properties.get(name)
    if value is None:
        return default
    cell_count = u32(value)
    if cell_count > 4:
        raise FdtError(f"{name} of {node.name or '/'} is {cell_count}; at most 4 make sense")
    return cell_count
