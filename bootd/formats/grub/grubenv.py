"""The environment block: /boot/grub/grubenv, variables that GRUB keeps over a reboot.

Source: GRUB grub-core/lib/envblk.c: a signature line, `name=value` lines with a backslash
before characters that would end them, then `#` up to 1,024 bytes.
"""

from collections.abc import Iterator
from typing import Final

SIGNATURE: Final = "# GRUB Environment Block\n"

BLOCK_BYTES: Final = 1024
"""What grub-editenv writes."""

MAX_BYTES: Final = 64 << 10
"""Distributions enlarge it."""


def parse(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and values in order; nothing when it is no environment block."""
    if not text.startswith(SIGNATURE):
        return
    for line in _unescaped_lines(text.removeprefix(SIGNATURE)):
        name, equals, value = line.partition("=")
        if equals and name and not name.startswith("#"):
            yield name, value


def _unescaped_lines(text: str) -> Iterator[str]:
    if "\\" not in text:
        yield from text.split("\n")
        return
    line: list[str] = []
    characters = iter(text)
    for char in characters:
        if char == "\\":
            line.append(next(characters, ""))
        elif char == "\n":
            yield "".join(line)
            line = []
        else:
            line.append(char)
    yield "".join(line)
