"""Options and words of a command, told apart as GRUB does: options may stand anywhere.

Source: GRUB grub-core/lib/arg.c.
"""

from collections.abc import Iterable


def split(args: Iterable[str], valued: Iterable[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Return the words, and the options by name; the last of equal ones counts.

    Args:
        args: Without the command's name.
        valued: Options whose value may be the next word; every option may have `=value`.
    """
    words: list[str] = []
    options: dict[str, str] = {}
    for name, value in pairs(args, valued):
        if name:
            options[name] = value
        else:
            words.append(value)
    return words, options


def pairs(args: Iterable[str], valued: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return options and words in order; a word has "" for a name."""
    found: list[tuple[str, str]] = []
    rest = iter(args)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--":
            found += [("", each) for each in rest]
        elif not word.startswith("-") or word == "-":
            found.append(("", word))
        elif equals or name not in valued:
            found.append((name, value))
        else:
            found.append((name, next(rest, "")))
    return found
