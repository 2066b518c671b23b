"""The boot order: which device or format boots first when nobody chooses, as words.

A word of it is a kind of device (`nvme`, `usb` …), `UUID=` with that of a file system, `format:`
with a name of the FORMATS table, or `any`. Whoever names a kind or a UUID means media that anybody
can plug in, too; `any` and a format mean none of those.
"""

from collections.abc import Iterable
from typing import Final

from bootd.model.device import DeviceKind
from bootd.model.remembered import MAX_ORDER
from bootd.model.text import clean

ANY: Final = "any"
UUID: Final = "UUID="
FORMAT: Final = "format:"

KINDS: Final = tuple(kind.value for kind in DeviceKind)

_MAX_WORD: Final = 100


def parse(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words of a boot order, each once, or raise ValueError with what is expected."""
    found = tuple(dict.fromkeys(map(_word, words)))
    if len(found) > MAX_ORDER:
        msg = f"expected at most {MAX_ORDER} words"
        raise ValueError(msg)
    return found


def parse_text(text: str) -> tuple[str, ...]:
    """Read a setting: words between spaces or commas, or `none`; raises as `parse`."""
    words = text.replace(",", " ").split()
    return () if words == ["none"] else parse(words)


def _word(text: str) -> str:
    prefix, equals, value = text.partition("=")
    if equals and prefix.upper() + equals == UUID and value:
        word = UUID + value
    elif text.lower() in (ANY, *KINDS):
        word = text.lower()
    elif text.startswith(FORMAT) and text.removeprefix(FORMAT):
        word = text
    else:
        msg = f"expected {', '.join(KINDS)}, {UUID}…, {FORMAT}… or {ANY}, not {clean(text, 40)!r}"
        raise ValueError(msg)
    if len(word) > _MAX_WORD or not word.isascii() or not word.isprintable() or " " in word:
        msg = f"expected a shorter word without spaces, not {clean(text, 40)!r}"
        raise ValueError(msg)
    return word


def uuid(option_id: str) -> str:
    """Return the place in an option's id: the UUID of its file system, where that has one."""
    return option_id.split(":")[1].partition("+")[0] if option_id.count(":") >= 2 else ""
