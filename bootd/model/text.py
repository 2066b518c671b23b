"""Foreign text made safe: the one place where it is cleaned, at the parser boundary."""

import re
from typing import Final

MAX_COLUMNS: Final = 120
"""Titles, labels and model strings are cut here (DESIGN.md, limits)."""

_UNSAFE: Final = re.compile(
    # C0, DEL and C1; soft hyphen; zero-width, bidirectional and invisible marks; separators; tags;
    # lone surrogates (from os.fsdecode) would raise when written to a terminal.
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def escape(text: str) -> str:
    r"""Return `text` with every character that could steer a terminal as a visible escape.

    ESC becomes the four characters `\x1b`, U+202E becomes `\u202e`. Nothing is lost or cut.
    """
    return _UNSAFE.sub(_visible, text)


def clean(text: str, columns: int = MAX_COLUMNS) -> str:
    """Return `text` escaped and cut to `columns` characters, the last three then dots."""
    if len(text) <= columns and text.isascii() and text.isprintable():
        return text  # nearly all text, and this is asked for each field of each option
    safe = escape(text[: columns * 4])
    return safe if len(safe) <= columns else safe[: columns - 3] + "..."


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
