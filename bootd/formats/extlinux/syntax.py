"""Statements of a configuration, with what it includes in its place.

Budgets for all includes of one configuration: depth 16 (which is Syslinux's and U-Boot's own
limit), 64 files, 1 MiB of text.
"""

from collections.abc import Iterator
from typing import Final

from bootd.errors import ConfigError, ConfigLimitError
from bootd.formats.lexing import lex, problem, words
from bootd.fsview import MAX_CONFIG_BYTES, FsView, normalise, read_text
from bootd.model.problem import Problem
from bootd.record import dataclass

MAX_DEPTH: Final = 16
MAX_INCLUDES: Final = 64


@dataclass(frozen=True, slots=True)
class Statement:
    """One line that means something.

    Attributes:
        source: File that it stands in.
        line: 1-based.
        key: Keyword in small letters; two words for `menu …` and `text help`.
        value: The rest.
    """

    source: str
    line: int
    key: str
    value: str


def read(
    fs: FsView, path: str, text: str, problems: list[Problem], base: str
) -> Iterator[Statement]:
    """Yield the statements of the configuration `path`; what goes wrong is added to `problems`.

    A file that is included twice is read twice, as Syslinux does; the budgets end that. Includes
    are relative to `base`.
    """
    return _Reader(fs, base, problems).statements(path, text, 1)


class _Reader:
    """Follows includes, relative to the directory of the first file, and counts what they cost."""

    def __init__(self, fs: FsView, base: str, problems: list[Problem]) -> None:
        self._fs = fs
        self._base = base
        self._problems = problems
        self._files = 0
        self._characters = 0
        self._full = False

    def statements(self, source: str, text: str, depth: int) -> Iterator[Statement]:
        self._characters += len(text)
        in_help = False
        for line in lex(text):
            key, value = line.key.lower(), line.value
            if in_help:
                in_help = key != "endtext"
                continue
            if key in {"menu", "text"}:
                key, value = _second_word(key, value)
            in_help = key == "text help"
            statement = Statement(source, line.number, key, value)
            if key in {"include", "menu include"}:
                yield from self._included(statement, depth)
            elif not in_help:
                yield statement

    def _included(self, at: Statement, depth: int) -> Iterator[Statement]:
        name, _, tag = at.value.partition(" ") if at.key == "menu include" else (at.value, "", "")
        text = self._open(at, name, depth + 1)
        if text is None:
            return
        if tag:
            # doc/menu.txt: "MENU INCLUDE filename [tagname]": with a tag it is a submenu.
            yield Statement(at.source, at.line, "menu begin", tag.strip())
        yield from self.statements(normalise(name, self._base), text, depth + 1)
        if tag:
            yield Statement(at.source, at.line, "menu end", "")

    def _open(self, at: Statement, name: str, depth: int) -> str | None:
        if self._full:
            return None
        try:
            self._spend(at, depth)
            return read_text(self._fs, normalise(name.replace("\\", "/"), self._base))
        except ConfigLimitError as error:
            self._problems.append(problem(error, at.source))
        except (ConfigError, OSError) as error:
            reason = getattr(error, "strerror", None) or "cannot be read"
            failed = ConfigError(f"cannot include {name}: {reason}", source=at.source, line=at.line)
            self._problems.append(problem(failed, at.source))
        return None

    def _spend(self, at: Statement, depth: int) -> None:
        """Count one more included file.

        Raises:
            ConfigLimitError: A budget is used up.
        """
        self._files += 1
        reason = ""
        if self._files > MAX_INCLUDES:
            reason = f"more than {MAX_INCLUDES} files are included"
        elif self._characters > MAX_CONFIG_BYTES:
            reason = f"included files have more than {MAX_CONFIG_BYTES} characters"
        if reason:
            self._full = True
        elif depth > MAX_DEPTH:
            reason = f"includes are nested more than {MAX_DEPTH} deep"
        if reason:
            message = f"configuration too complex: {reason}; what follows is left out"
            raise ConfigLimitError(message, source=at.source, line=at.line)


def _second_word(key: str, value: str) -> tuple[str, str]:
    second, *rest = words(value, 2) or [""]
    return f"{key} {second.lower()}".strip(), rest[0] if rest else ""
