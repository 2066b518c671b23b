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


def by_key(text: str) -> dict[str, list[Line]]:
    """Return the lines of a file by key, in order; keys may repeat."""
    lines: dict[str, list[Line]] = {}
    for line in lex(text):
        lines.setdefault(line.key, []).append(line)
    return lines
