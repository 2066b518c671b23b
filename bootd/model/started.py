"""How a system can tell from which boot option it was started: in its tree, or on its command line.

The tree's /chosen has the property for each kernel that gets a tree made by bootd. A word of the
command line says it to the others, such as one on a machine without a device tree.
"""

from typing import Final

PROPERTY: Final = "bootd,option"
"""Of /chosen: the id of the option."""

WORD: Final = "bootd.entry="
"""Of the command line: the id follows, `%` and two hexadecimal digits in place of what would end
or change a word there."""

_PLAIN: Final = frozenset(
    b":+.,=@/-_~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


def word(option_id: str) -> str:
    """Return the word for an id."""
    data = option_id.encode("utf-8", "surrogateescape")
    return WORD + "".join(chr(each) if each in _PLAIN else f"%{each:02X}" for each in data)


def without_word(cmdline: str) -> str:
    """Return a command line without a word of this kind: it was copied from another boot's."""
    if WORD not in cmdline:
        return cmdline
    return " ".join(each for each in cmdline.split(" ") if not each.startswith(WORD))


def with_word(cmdline: str, option_id: str, limit: int) -> str:
    """Return a command line that says the id, or the same one where that has no room.

    Args:
        cmdline: What stands after `--` in it is for the first process, so the word comes before.
        option_id: Of the option that is booted.
        limit: How many bytes the kernel takes.
    """
    words = without_word(cmdline).split(" ")
    place = words.index("--") if "--" in words else len(words)
    said = " ".join([*words[:place], word(option_id), *words[place:]]).strip()
    return said if len(said.encode("utf-8", "surrogateescape")) <= limit else cmdline


def read(chosen: bytes | None, cmdline: str) -> str:
    """Return the id that a running system was started from, or "".

    Args:
        chosen: Value of `PROPERTY`, or None without one.
        cmdline: As /proc/cmdline has it. A word in it wins, because a kernel that made the tree for
            the next one has copied an older property.
    """
    found = [each for each in cmdline.split() if each.startswith(WORD)]
    if not found:
        return "" if chosen is None else chosen.rstrip(b"\0").decode("utf-8", "replace")
    plain, *quoted = found[-1].removeprefix(WORD).encode("utf-8", "surrogateescape").split(b"%")
    if not all(len(each) >= 2 for each in quoted):
        return ""
    try:
        data = b"".join(bytes.fromhex(each[:2].decode("ascii")) + each[2:] for each in quoted)
    except ValueError:
        return ""  # nothing that bootd has written
    return (plain + data).decode("utf-8", "replace")
