"""One line of text that a person types on the screen. Pure."""

from enum import Enum, auto
from typing import Final

from bootd.record import dataclass, replace

MAX_LENGTH: Final = 4096
"""Characters; the longest kernel command line of any architecture (COMMAND_LINE_SIZE)."""


class Purpose(Enum):
    """What becomes of the line."""

    FIELD = auto()
    """Goes into the row of the edit page."""
    FILTER = auto()
    FIND = auto()
    TIMEOUT = auto()
    NAME = auto()
    """Is what the changes of an option are saved as."""
    PASSPHRASE = auto()
    """Opens an encrypted disk; the screen shows asterisks."""
    SETTING = auto()
    """Goes into the row of the settings page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedLine:
    """A line under way.

    Attributes:
        position: Of the cursor, in characters.
    """

    purpose: Purpose
    text: str = ""
    position: int = 0


def begin(purpose: Purpose, text: str = "") -> TypedLine:
    """Return a line to go on with at its end."""
    return TypedLine(purpose=purpose, text=text, position=len(text))


def typed(line: TypedLine, key: str, character: str) -> TypedLine:
    """Return the line after a key by Textual's name; `character` is "" for one that has none."""
    if key in _KEYS:
        text, position = _KEYS[key](line.text, line.position)
        return replace(line, text=text, position=position)
    if not character.isprintable() or len(line.text) + len(character) > MAX_LENGTH:
        return line
    at = line.position
    text = line.text[:at] + character + line.text[at:]
    return replace(line, text=text, position=at + len(character))


def _left(text: str, at: int) -> tuple[str, int]:
    return text, max(at - 1, 0)


def _right(text: str, at: int) -> tuple[str, int]:
    return text, min(at + 1, len(text))


def _home(text: str, _at: int) -> tuple[str, int]:
    return text, 0


def _end(text: str, _at: int) -> tuple[str, int]:
    return text, len(text)


def _backspace(text: str, at: int) -> tuple[str, int]:
    start = max(at - 1, 0)
    return text[:start] + text[at:], start


def _delete(text: str, at: int) -> tuple[str, int]:
    return text[:at] + text[at + 1 :], at


def _drop_before(text: str, at: int) -> tuple[str, int]:
    return text[at:], 0


def _drop_after(text: str, at: int) -> tuple[str, int]:
    return text[:at], at


def _drop_word(text: str, at: int) -> tuple[str, int]:
    before = text[:at].rstrip()
    start = before.rfind(" ") + 1
    return text[:start] + text[at:], start


_KEYS: Final = {
    **dict.fromkeys(("left", "ctrl+b"), _left),
    **dict.fromkeys(("right", "ctrl+f"), _right),
    **dict.fromkeys(("home", "ctrl+a", "\x01"), _home),
    **dict.fromkeys(("end", "ctrl+e", "\x04"), _end),
    **dict.fromkeys(("backspace", "ctrl+h"), _backspace),
    **dict.fromkeys(("delete", "ctrl+d"), _delete),
    "ctrl+u": _drop_before,
    "ctrl+k": _drop_after,
    "ctrl+w": _drop_word,
}
"""By Textual's name: text and position to text and position. To add a key: its line here."""
