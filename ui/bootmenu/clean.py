"""Foreign text made fit for a terminal: the one place where the menu cleans what it shows.

The daemon has cleaned titles and labels already, but a menu must not depend on that, and command
lines and paths come as the kernel gets them. What leaves here has one or two columns for each
character, and nothing in it steers a terminal.

Not supported: scripts that need combining marks after composition (NFC). Their marks appear as
escapes, because serial terminals disagree about the width of a mark.
"""

from typing import Final

MAX_COLUMNS: Final = 120
"""Titles and labels are cut here (the limit that holds everywhere in bootd)."""

_MARKS: Final = frozenset({"Mn", "Me", "Mc"})
_BLANKS: Final = frozenset("\u00ad\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Printable by their category, but invisible."""


def escape(text: str) -> str:
    r"""Return `text` with every character that is not plainly visible as an escape.

    ESC becomes the four characters `\x1b`, U+202E becomes `\u202e`; nothing is lost.
    """
    if text.isascii() and text.isprintable():
        return text
    from unicodedata import normalize  # noqa: PLC0415 - 0.1 MB that most machines never need

    return "".join(map(_visible, normalize("NFC", text)))


def clean(text: str, columns: int = MAX_COLUMNS) -> str:
    """Return `text` escaped and cut to at most `columns` columns."""
    return cut(escape(text[: columns * 4]), columns)


def cells(text: str) -> int:
    """Return the columns that escaped text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def cut(text: str, columns: int) -> str:
    """Return escaped text cut to `columns` columns; a cut one ends in dots."""
    if cells(text) <= columns:
        return text
    room = max(columns - 3, 0)
    return take(text, room) + "..."[: max(columns, 0)]


def take(text: str, columns: int) -> str:
    """Return the start of escaped text that fits in `columns` columns, without dots."""
    if text.isascii():
        return text[: max(columns, 0)]
    used = 0
    for index, character in enumerate(text):
        used += _width(character)
        if used > columns:
            return text[:index]
    return text


def wrap(text: str, columns: int, rows: int) -> tuple[str, ...]:
    """Return escaped text in at most `rows` lines of `columns` columns, broken at spaces.

    A word that does not fit in a line is broken anywhere; the last line is cut with dots when
    there is more.
    """
    lines: list[str] = []
    rest = text
    columns = max(columns, 8)
    while rest:
        if len(lines) == rows - 1:
            lines.append(cut(rest, columns))
            break
        line = take(rest, columns)
        if len(line) < len(rest) and rest[len(line)] != " " and " " in line.strip():
            line = line[: line.rindex(" ")]
        lines.append(line.rstrip())
        rest = rest[len(line) :].lstrip(" ")
    return tuple(lines)


def _visible(character: str) -> str:
    from unicodedata import category  # noqa: PLC0415 - as above

    hidden = character in _BLANKS or category(character) in _MARKS
    if character.isprintable() and not hidden:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _width(character: str) -> int:
    from unicodedata import east_asian_width  # noqa: PLC0415 - as above

    return 2 if east_asian_width(character) in {"W", "F"} else 1
