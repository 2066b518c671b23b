"""systemd-boot's menu as a whole: order, default and timeout of its entries, type #1 and type #2.

Source: UAPI.1, section "Sorting"; loader.conf(5) of systemd-boot for `default` and `timeout`.
Not supported without a word: keys of loader.conf beside these two.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from bootd.errors import ConfigError
from bootd.formats import glob, version
from bootd.formats.lexing import Line, lex, problem
from bootd.fsview import FsView, read_text
from bootd.model.option import WAIT_FOREVER, BootOption
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass, replace

_TIMEOUTS: Final = {"menu-force": WAIT_FOREVER, "menu-hidden": 0, "menu-disabled": 0}
"""Words that loader.conf allows instead of seconds."""

_MAX_PATTERN: Final = 255
"""No file name is longer; matching a longer pattern could take very long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What loader.conf says.

    Attributes:
        default: Pattern of the entry's name, or "".
        problems: Of the file and its lines.
    """

    default: str = ""
    timeout_s: int | None = None
    problems: tuple[Problem, ...] = ()


def read(fs: FsView, path: str) -> Settings:
    """Read loader.conf; it need not be there."""
    try:
        # The last line of a key counts.
        lines = {line.key: line for line in lex(read_text(fs, path))}
    except FileNotFoundError:
        return Settings()
    except (ConfigError, OSError) as error:
        return Settings(problems=(problem(error, path),))
    problems: list[Problem] = []
    return Settings(
        default=_default(lines, path, problems),
        timeout_s=_timeout_s(lines, path, problems),
        problems=tuple(problems),
    )


def sort(options: Iterable[BootOption]) -> list[BootOption]:
    """Return the options in the order of UAPI.1, section "Sorting"."""
    # From the weakest rule to the strongest; Python's sort keeps the order of equals.
    # 4. "the boot loader should sort using the file name of the entry (decreasing version sort)"
    ordered = sorted(options, key=lambda o: version.Key(_file_stem(o)), reverse=True)
    # 2. "sort-key (A-Z, increasing …), machine-id (A-Z, increasing …), and version keys (decreasing
    #    version order)", on entries that have a sort-key.
    ordered.sort(key=lambda o: version.Key(o.version if o.sort_key else ""), reverse=True)
    ordered.sort(key=lambda o: (o.sort_key, o.machine_id) if o.sort_key else ("", ""))
    # 3. "If sort-key is set on one entry, it sorts earlier."
    ordered.sort(key=lambda o: not o.sort_key)
    # 1. Entries "marked as 'bad' should be sorted later than all other entries".
    ordered.sort(key=lambda o: o.tries_left == 0)
    return ordered


def matches(entry: str, pattern: str) -> bool:
    """Compare without case, and with or without the suffix that older versions left out."""
    name, wanted = entry.casefold(), pattern.casefold()
    stem = name.removesuffix(".conf").removesuffix(".efi")
    return bool(wanted) and (glob.matches(name, wanted) or glob.matches(stem, wanted))


def mark_default(
    options: list[BootOption], pattern: str, *, first: bool = True
) -> list[BootOption]:
    """Mark the first option that `pattern` matches, else the first one that is not bad.

    systemd-boot takes the top of its list when nothing matches (src/boot/boot.c,
    config_select_default_entry).

    Args:
        options: In order.
        pattern: From loader.conf.
        first: These options are at the top of its list, so that one of them is the default when
            nothing matches.
    """
    matching = [o for o in options if matches(o.entry, pattern)]
    good = [o for o in options if o.tries_left != 0]
    chosen = next(iter([*matching, *([*good, *options] if first else [])]), None)
    return [replace(o, is_default=True) if o is chosen else o for o in options]


def _file_stem(option: BootOption) -> str:
    return option.source.rpartition("/")[2].removesuffix(".conf").removesuffix(".efi")


def _default(lines: Mapping[str, Line], path: str, problems: list[Problem]) -> str:
    line = lines.get("default")
    if line is None or len(line.value) > _MAX_PATTERN:
        return ""
    if line.value.startswith("@"):
        message = clean(f"default {line.value} is kept in EFI variables, which are not read here")
        problems.append(Problem(source=path, line=line.number, message=message))
        return ""
    return line.value


def _timeout_s(lines: Mapping[str, Line], path: str, problems: list[Problem]) -> int | None:
    line = lines.get("timeout")
    if line is None:
        return None
    if line.value in _TIMEOUTS:
        return _TIMEOUTS[line.value]
    if line.value.isascii() and line.value.isdecimal() and len(line.value) < 10:
        return int(line.value)
    message = clean(f"timeout {line.value} is no number of seconds, ignored")
    problems.append(Problem(source=path, line=line.number, message=message))
    return None
