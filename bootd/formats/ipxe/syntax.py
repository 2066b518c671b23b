"""iPXE's language: lines, labels, commands and their options.

Source: src/core/exec.c and src/core/parseopt.c of iPXE. There is no quoting: words end at blanks.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from bootd.record import dataclass

MAX_TEXT: Final = 64 << 10
"""Characters of one line."""

_WITH_VALUE: Final = frozenset(
    {"-n", "--name", "-t", "--timeout", "-d", "--default", "-k", "--key", "-m", "--menu"}
)
_LONG: Final = {
    "-n": "name",
    "-t": "timeout",
    "-d": "default",
    "-k": "key",
    "-m": "menu",
    "-g": "gap",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script: its lines with their numbers, and where its labels are."""

    url: str
    lines: tuple[tuple[int, str], ...]
    labels: dict[str, int]


def is_script(text: str) -> bool:
    """Say whether a file is an iPXE script."""
    return text.startswith(("#!ipxe", "#!gpxe"))


def parse(url: str, text: str) -> Script:
    """Return a script by its lines; a backslash at the end of one joins the next."""
    lines: list[tuple[int, str]] = []
    held, first = "", 0
    for number, raw in enumerate(text.replace("\0", "\ufffd").split("\n"), start=1):
        line = held + raw.rstrip("\r")
        first = first if held else number
        if line.endswith("\\") and len(line) < MAX_TEXT:
            held = line[:-1]
            continue
        held = ""
        if line.strip():
            lines.append((first, line.strip()))
    if held.strip():
        lines.append((first, held.strip()))
    labels = {
        line[1:].split(maxsplit=1)[0]: index
        for index, (_, line) in reversed(list(enumerate(lines)))
        if line.startswith(":") and line[1:].strip()
    }
    return Script(url=url, lines=tuple(lines), labels=labels)


def commands(line: str) -> Iterator[tuple[list[str], str]]:
    """Yield each command's words and what joins it to the next: `&&`, `||`, `;` or ""."""
    words: list[str] = []
    for word in line.split():
        if word.startswith("#") and not words:
            break
        if word in {"&&", "||", ";"}:
            yield words, word
            words = []
        else:
            words.append(word)
    yield words, ""


def options(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options by long name, and the rest; they end where the first other word is."""
    found: dict[str, str] = {}
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and len(arguments[at]) > 1:
        word, separator, value = arguments[at].partition("=")
        at += 1
        if word in _WITH_VALUE and not separator and at < len(arguments):
            value = arguments[at]
            at += 1
        found[_LONG.get(word, word.lstrip("-"))] = value
    return found, list(arguments[at:])
