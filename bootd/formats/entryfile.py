"""Files of the Boot Loader Specification as files: names and keys, whoever lists them.

Source: UAPI.1 Boot Loader Specification, type #1. Both systemd-boot's menu and GRUB's `blscfg`
consist of these files.
"""

import re
from typing import Final

from bootd.formats.lexing import Line, lex

_COUNTED: Final = re.compile(r"(.+)\+(\d{1,9})(?:-(\d{1,9}))?")
"""UAPI.1, Boot counting: `name+LEFT` or `name+LEFT-DONE` before the suffix."""


def split_counter(stem: str) -> tuple[str, int | None, int | None]:
    """Return the name, tries left and tries done of a file name without its suffix."""
    match = _COUNTED.fullmatch(stem)
    if match is None:
        return stem, None, None
    return match[1], int(match[2]), int(match[3] or 0)


def with_counter(file: str, left: int | None, done: int = 0) -> str | None:
    """Return the name that an entry's file gets with another counter; None when it has none.

    Args:
        file: Its name, or its path, of which only the name is returned.
        left: Tries left; None takes the counter away, which says that the entry is good.
        done: Tries done; 0 is not written, as in the specification's examples.
    """
    stem, dot, suffix = file.rpartition("/")[2].rpartition(".")
    name, before, _ = split_counter(stem)
    if before is None:
        return None
    counter = "" if left is None else f"+{left}-{done}" if done else f"+{left}"
    return f"{name}{counter}{dot}{suffix}"


def by_key(text: str) -> dict[str, list[Line]]:
    """Return the lines of a file by key, in order; keys may repeat."""
    lines: dict[str, list[Line]] = {}
    for line in lex(text):
        lines.setdefault(line.key, []).append(line)
    return lines
