"""config.txt as lines, with includes in their place and the filters that stand before each line.

Source: Raspberry Pi documentation, computers/config_txt/what_is_config_txt.adoc and
conditional.adoc. Filters of one kind replace each other, filters of different kinds add up; `[all]`
takes all away. What a filter asks of a display, a pin, a serial number or a partition is not known
here: the lines behind it are left out, with a note.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bootd.errors import ConfigError, ConfigLimitError
from bootd.formats.lexing import BLANKS, problem
from bootd.formats.raspberrypi.board import MODEL_FILTERS, Board
from bootd.fsview import MAX_CONFIG_BYTES, FsView, normalise, read_text
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass

MAX_INCLUDES: Final = 64
MAX_DEPTH: Final = 10

MAX_LINES: Final = 4096
"""Settings and filters; a real configuration has a hundred."""

_OTHER: Final = "other "
"""How the kinds of filters begin that cannot be decided."""

_BOARD_TYPE: Final = re.compile(r"board-type=(0x[0-9a-f]{1,8}|\d{1,8})")


@dataclass(frozen=True, slots=True)
class Setting:
    """One line.

    Attributes:
        filters: By kind: `model`, `tryboot`, or the text of one that is not known.
    """

    source: str
    line: int
    name: str
    value: str
    filters: Mapping[str, str]


def read(fs: FsView, path: str, problems: list[Problem]) -> tuple[Setting, ...]:
    """Return the lines of a configuration; what goes wrong is added to `problems`.

    Raises:
        OSError: The file itself cannot be read.
        ConfigLimitError: It is too large.
    """
    return tuple(_Reader(fs, path, problems).file(path, 1))


def applies(setting: Setting, board: Board, *, tryboot: bool) -> bool:
    """Say whether the filters before a line hold on a board; unknown ones do not."""
    return all(_holds(kind, text, board, tryboot) for kind, text in setting.filters.items())


def unknown_filters(settings: tuple[Setting, ...]) -> tuple[str, ...]:
    """Return the filters with lines behind them that nobody can decide here, each once."""
    found = {
        text: None
        for each in settings
        for kind, text in each.filters.items()
        if kind.startswith(_OTHER)
    }
    return tuple(found)


def _holds(kind: str, text: str, board: Board, tryboot: bool) -> bool:  # noqa: FBT001 - private
    if kind == "tryboot":
        return tryboot
    if kind != "model":
        return False
    if match := _BOARD_TYPE.fullmatch(text):
        return int(match[1], 0 if match[1].startswith("0x") else 10) == board.board_type
    return text in board.filters


class _Reader:
    """Follows includes, relative to the directory of the first file."""

    def __init__(self, fs: FsView, path: str, problems: list[Problem]) -> None:
        self._fs = fs
        self._base = path.rpartition("/")[0] or "/"
        self._problems = problems
        self._files = 0
        self._characters = 0
        self._lines = 0
        self._filters: dict[str, str] = {}

    def file(self, path: str, depth: int) -> Iterator[Setting]:
        text = read_text(self._fs, path).replace("\0", "\ufffd")
        self._characters += len(text)
        for number, raw in enumerate(text.split("\n"), start=1):
            line = raw.strip(BLANKS)
            if not line or line[0] == "#":
                continue
            self._lines += 1
            if self._lines > MAX_LINES:
                if self._lines == MAX_LINES + 1:
                    message = f"more than {MAX_LINES} settings, those that follow are left out"
                    self._problems.append(Problem(source=clean(path), line=number, message=message))
                return
            if line[0] == "[":
                self._filter(line[1:].partition("]")[0].strip(BLANKS))
            elif line.startswith(("include ", "include\t")):
                yield from self._included(path, number, line[8:].strip(BLANKS), depth)
            else:
                yield self._setting(path, number, line)

    def _setting(self, path: str, number: int, line: str) -> Setting:
        name, equals, value = line.partition("=")
        if not equals:
            # `initramfs file followkernel` is the one setting without an equals sign.
            name, _, value = line.partition(" ")
        name = name.strip(BLANKS).lower()
        return Setting(path, number, name, value.strip(BLANKS), self._filters)

    def _filter(self, text: str) -> None:
        word = text.lower()
        if word == "all":
            self._filters = {}
        elif word in MODEL_FILTERS or _BOARD_TYPE.fullmatch(word) or word == "none":
            self._filters = {**self._filters, "model": word}
        elif word == "tryboot":
            self._filters = {**self._filters, "tryboot": word}
        else:
            kind = re.split(r"[=\d:]", word, maxsplit=1)[0] if word[:2] != "0x" else "serial"
            self._filters = {**self._filters, f"{_OTHER}{kind}": clean(text, 60)}

    def _included(self, source: str, line: int, name: str, depth: int) -> Iterator[Setting]:
        path = normalise(name, self._base)
        try:
            self._check(source, line, depth)
            yield from self.file(path, depth + 1)
        except ConfigLimitError as error:
            self._problems.append(problem(error, source))
        except OSError as error:
            reason = f"cannot include {name}: {error.strerror}"
            failed = ConfigError(reason, source=source, line=line)
            self._problems.append(problem(failed, source))

    def _check(self, source: str, line: int, depth: int) -> None:
        """Count one more included file; raises ConfigLimitError when there were too many."""
        self._files += 1
        if self._files > MAX_INCLUDES or depth >= MAX_DEPTH:
            raise ConfigLimitError("too many files are included", source=source, line=line)
        if self._characters > MAX_CONFIG_BYTES:
            raise ConfigLimitError("too much text is included", source=source, line=line)
