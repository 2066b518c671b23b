"""What the line-based formats share: numbered lines, keywords, paths, and problems with a place."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from bootd.errors import ConfigError, ConfigLimitError, ConfigSyntaxError
from bootd.fsview import FsView, normalise, read_text
from bootd.model.option import FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass

MAX_CMDLINE: Final = 4096
"""COMMAND_LINE_SIZE of the architectures that take most; arm64 and x86 take 2,048."""

MAX_PATH: Final = 4096
"""PATH_MAX of the kernel."""

MAX_FILES: Final = 64
"""Initrds, or overlays, of one entry."""

BLANKS: Final = " \t\r\f\v"
"""What separates words: `str.split` would also split at U+001F or a no-break space."""

_GAP: Final = re.compile(f"[{BLANKS}]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One statement.

    Attributes:
        number: 1-based.
        key: First word as written.
        value: The rest, without blanks around it; "" when there is none.
    """

    number: int
    key: str
    value: str


def lex(text: str) -> Iterator[Line]:
    r"""Yield the statements of `text`; comments and blank lines dropped, order and repeats kept.

    Lines end in `\n` only: `str.splitlines` would break a command line at U+2028 or a form feed as
    well. A NUL, which no kernel or file system could take, becomes U+FFFD.
    """
    for number, raw in enumerate(text.replace("\0", "\ufffd").split("\n"), start=1):
        line = raw.strip(BLANKS)
        if line and line[0] != "#":
            key, *rest = _GAP.split(line, 1)
            yield Line(number, key, rest[0] if rest else "")


def words(text: str, most: int = 0) -> list[str]:
    """Return the words of `text`; with `most`, that many, the last one with all that follows."""
    stripped = text.strip(BLANKS)
    return _GAP.split(stripped, most - 1 if most else 0) if stripped else []


def check_count(names: list[str], source: str, line: int) -> list[str]:
    """Return `names` as they are.

    Raises:
        ConfigLimitError: There are more than any real entry has.
    """
    if len(names) > MAX_FILES:
        reason = f"the entry names {len(names)} files of a kind, more than {MAX_FILES}"
        raise ConfigLimitError(reason, source=source, line=line)
    return names


def file_ref(value: str, base: str, source: str, line: int) -> FileRef:
    """Return the file that `value` names on the own device; relative paths start at `base`.

    Raises:
        ConfigSyntaxError: It is empty or longer than a path can be.
    """
    if not value:
        raise ConfigSyntaxError("a file name is missing", source=source, line=line)
    if len(value) > MAX_PATH:
        reason = f"a path has {len(value)} characters, more than {MAX_PATH}"
        raise ConfigSyntaxError(reason, source=source, line=line)
    return FileRef(normalise(value, base))


def check_cmdline(cmdline: str, source: str, line: int) -> str:
    """Return `cmdline` as it is.

    Raises:
        ConfigSyntaxError: No kernel takes one of this length.
    """
    if len(cmdline) > MAX_CMDLINE:
        reason = f"the command line has {len(cmdline)} characters, kernels take {MAX_CMDLINE}"
        raise ConfigSyntaxError(reason, source=source, line=line)
    return cmdline


def first_file(
    fs: FsView, places: Iterable[str], parse: Callable[[str, str], ScanResult]
) -> ScanResult:
    """Parse the first of `places` that is there; one that cannot be read is a problem.

    Args:
        fs: The file system.
        places: Absolute paths, most wanted first.
        parse: From path and text to what the file says.
    """
    for path in places:
        try:
            return parse(path, read_text(fs, path))
        except FileNotFoundError:
            continue
        except (ConfigError, OSError) as error:
            return ScanResult(problems=(problem(error, path),))
    return ScanResult()


def problem(error: ConfigError | OSError, source: str) -> Problem:
    """Return what went wrong with `source`, for a person."""
    if isinstance(error, ConfigError):
        return Problem(source=clean(error.source), line=error.line, message=clean(error.reason))
    reason = error.strerror or type(error).__name__
    return Problem(source=clean(source), message=clean(f"cannot be read: {reason}"))
