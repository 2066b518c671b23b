"""Values of properties as U-Boot's `fdt set` writes them.

Source: cmd/fdt.c, fdt_parse_prop: `<1 0x2>` is cells, `[0a 0b]` bytes, anything else a string with
its NUL; several stand behind one another. Numbers in cells are C's: 0x hexadecimal, 0 octal.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_CELL: Final = re.compile(r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}")
_BYTES: Final = re.compile(r"(?:[0-9a-fA-F]{2})*")


def property_value(words: Sequence[str]) -> bytes | None:
    """Return the bytes of a property, empty without words; None when a word cannot be read."""
    parts: list[bytes] = []
    left = iter(words)
    for word in left:
        if word[:1] not in {"<", "["}:
            parts.append(word.encode("utf-8", "surrogateescape") + b"\0")
            continue
        end = ">" if word[0] == "<" else "]"
        inside = _until(end, word[1:], left)
        part = None if inside is None else (_cells(inside) if end == ">" else _bytes(inside))
        if part is None:
            return None
        parts.append(part)
    return b"".join(parts)


def _until(end: str, first: str, rest: Iterator[str]) -> list[str] | None:
    """Return the words up to the closing bracket; None when it never comes."""
    found: list[str] = []
    word: str | None = first
    while word is not None:
        inside, closed, _ = word.partition(end)
        found += inside.split()
        if closed:
            return found
        word = next(rest, None)
    return None


def _cells(words: list[str]) -> bytes | None:
    numbers: list[int] = []
    for word in words:
        if not _CELL.fullmatch(word):
            return None
        octal = len(word) > 1 and word[0] == "0" and word[1] not in "xX"
        if octal and not set(word) <= set("01234567"):
            return None
        numbers.append(int(word, 8 if octal else 0))
    if any(number >> 32 for number in numbers):
        return None
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def _bytes(words: list[str]) -> bytes | None:
    digits = "".join(words).replace(".", "")
    return bytes.fromhex(digits) if _BYTES.fullmatch(digits) else None
