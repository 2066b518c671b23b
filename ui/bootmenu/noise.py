"""Telling a noisy line from a person. Pure.

A serial line whose other end is switched on, unplugged or set to another speed delivers random
bytes. Among them is a carriage return sooner or later, which must not boot anything.
"""

import re
from typing import Final

from bootmenu.keys import Action, action_of_key

_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O[A-Za-z]|[78])?")
"""What keys and answers of a terminal begin with ESC."""

_CONTROLS: Final = frozenset("\x01\x02\x03\x04\x05\x06\x08\t\n\x0b\x0c\r\x15\x17\x7f")
"""Control characters that keys of a person send."""

_PUNCTUATION: Final = {"?": "question_mark", "!": "exclamation_mark", "/": "slash", " ": "space"}

MAX_UNKNOWN: Final = 2
"""Characters without a function that a person may hit between two reads of the line."""


def is_noise(data: bytes) -> bool:
    """Return whether bytes that came at once are not what keys send.

    Text that is typed or pasted into a field is told apart by its receiver, who knows of the field.
    """
    text = _SEQUENCE.sub("", data.decode("utf-8", "replace"))
    if any(character == "\ufffd" or _is_foreign(character) for character in text):
        return True
    unknown = sum(character.isprintable() and not _is_key(character) for character in text)
    return unknown > MAX_UNKNOWN


def _is_foreign(character: str) -> bool:
    return not character.isprintable() and character not in _CONTROLS


def _is_key(character: str) -> bool:
    return action_of_key(_PUNCTUATION.get(character, character)) is not Action.OTHER
