"""How the values of settings are written, and read: one function a kind of value.

Each raises ValueError with what is expected.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final, TypeVar

from bootd.model.board import RiskyTrees
from bootd.model.option import WAIT_FOREVER

MAX_TIMEOUT_S: Final = 86_400
MAX_TRIES: Final = 99

ACTIONS: Final = ("reboot", "powerOff")

STATES: Final = ("auto", "none", "uboot", "efi")
"""Where choices are kept, beside a path."""

_Word = TypeVar("_Word", bound=Enum)

_YES: Final = frozenset({"1", "yes", "y", "true", "t", "on"})
_NO: Final = frozenset({"0", "no", "n", "false", "f", "off"})


class Execute(Enum):
    """How the machine leaves for the next kernel; the value is the word in the file."""

    AUTO = "auto"
    """Through systemd where it runs a whole system, directly in an initrd."""
    DIRECT = "direct"
    SYSTEMD = "systemd"


class CountTries(Enum):
    """Which options are counted; the value is the word in the file."""

    CONFIRMING = "confirming"
    """Those of which a confirmation can be expected."""
    ALL = "all"


def parse_switch(text: str) -> bool:
    """Read a boolean as systemd does; raises ValueError with what is expected."""
    word = text.lower()
    if word not in _YES | _NO:
        msg = "expected yes or no"
        raise ValueError(msg)
    return word in _YES


def parse_timeout(text: str) -> int | None:
    """Read seconds, `never`, or `auto` (None): what the boot configuration asks for."""
    word = text.lower()
    if word == "auto":
        return None
    if word in {"never", "infinity"}:
        return WAIT_FOREVER
    try:
        return parse_seconds(word)
    except ValueError as error:
        msg = f"{error}, never or auto"
        raise ValueError(msg) from None


def word_of(kind: type[_Word]) -> Callable[[str], _Word]:
    """Return what reads one of the words of an Enum, in any case."""

    def parse(text: str) -> _Word:
        try:
            return kind(text.lower())
        except ValueError:
            *words, last = (each.value for each in kind)
            msg = f"expected {', '.join(words)} or {last}"
            raise ValueError(msg) from None

    return parse


def parse_risky(text: str) -> RiskyTrees:
    """Read a boolean, or `auto`."""
    if text.lower() == RiskyTrees.AUTO.value:
        return RiskyTrees.AUTO
    try:
        return RiskyTrees.YES if parse_switch(text) else RiskyTrees.NO
    except ValueError:
        msg = "expected auto, yes or no"
        raise ValueError(msg) from None


def parse_path(text: str) -> str:
    """Read an absolute path."""
    if not text.startswith("/"):
        msg = "expected an absolute path"
        raise ValueError(msg)
    return text


def parse_pattern(text: str) -> str:
    """Read a pattern, or `none`."""
    return "" if text == "none" else text


def parse_words(text: str) -> tuple[str, ...]:
    """Read words between spaces."""
    return tuple(text.split())


def parse_seconds(text: str) -> int:
    """Read seconds."""
    if not (text.isascii() and text.isdecimal()) or int(text) > MAX_TIMEOUT_S:
        msg = f"expected seconds (at most {MAX_TIMEOUT_S})"
        raise ValueError(msg)
    return int(text)


def parse_state(text: str) -> str:
    """Read one of `STATES`, or an absolute path."""
    word = text.lower()
    if word in STATES:
        return word
    if not text.startswith("/"):
        msg = f"expected {', '.join(STATES)} or an absolute path"
        raise ValueError(msg)
    return text


def parse_tries(text: str) -> int:
    """Read a number of tries."""
    if not (text.isascii() and text.isdecimal()) or int(text) > MAX_TRIES:
        msg = f"expected a number of tries (at most {MAX_TRIES}; 0 counts nothing)"
        raise ValueError(msg)
    return int(text)


def parse_actions(text: str) -> tuple[str, ...]:
    """Read some of `ACTIONS`, or `none`."""
    words = tuple(text.split())
    if words == ("none",):
        return ()
    if not set(words) <= set(ACTIONS):
        msg = f"expected some of {' '.join(ACTIONS)}, or none"
        raise ValueError(msg)
    return words
