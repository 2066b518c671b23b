"""kboot.conf, of the PlayStation 3 and of petitboot: `label='kernel arguments'`.

Source: discover/kboot-parser.c of petitboot. `initrd` and `root` of a label win over the global
ones; `root` comes first on the command line. Files are named as `bootd.formats.devpath` says.

Not supported without a word: `message`, `delay`, `video`, which say how the menu looks; defaults
that are a command instead of a label.
"""

from collections.abc import Mapping
from typing import Final

from bootd.errors import ConfigError, ConfigSyntaxError
from bootd.formats import devpath, pairs, version
from bootd.formats.lexing import Line, check_cmdline, first_file, problem, words
from bootd.fsview import FsView
from bootd.model.option import BootOption, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean

MAX_ENTRIES: Final = 256
"""Of one file (DESIGN.md, limits)."""

PLACES: Final = tuple(
    f"{folder}/{name}"
    for folder in ("", "/etc", "/boot", "/boot/etc", "/ETC")
    for name in ("kboot.conf", "kboot.cnf", "KBOOT.CONF", "KBOOT.CNF")
)
"""The first one that is there is used."""

_GLOBAL: Final = frozenset({"default", "delay", "initrd", "message", "root", "timeout", "video"})
_MAX_LABEL: Final = 255


def scan(fs: FsView) -> ScanResult:
    """Collect the labels of the configuration."""
    return first_file(fs, PLACES, _scan_file)


def _scan_file(path: str, text: str) -> ScanResult:
    problems: list[Problem] = []
    options: list[BootOption] = []
    shared: dict[str, str] = {}
    labels: list[tuple[Line, Mapping[str, str]]] = []
    for line in pairs.lex(text):
        if line.key in _GLOBAL:
            shared[line.key] = line.value
        elif line.value:
            # A global line counts for the labels below it, as in petitboot.
            labels.append((line, dict(shared)))
    if len(labels) > MAX_ENTRIES:
        message = f"{len(labels)} entries, only the first {MAX_ENTRIES} are listed"
        problems.append(Problem(source=path, message=message))
    for line, known in labels[:MAX_ENTRIES]:
        try:
            options.append(_option(path, line, known, shared.get("default", "")))
        except ConfigError as error:
            problems.append(problem(error, path))
    timeout = shared.get("timeout", "")
    seconds = (
        int(timeout) if timeout.isascii() and timeout.isdecimal() and len(timeout) < 9 else None
    )
    return ScanResult(options=tuple(options), problems=tuple(problems), timeout_s=seconds)


def _option(path: str, line: Line, shared: Mapping[str, str], default: str) -> BootOption:
    if not line.key:
        raise ConfigSyntaxError("an entry has no name", source=path, line=line.number)
    kernel, *arguments = words(line.value) or [""]
    initrd, root = shared.get("initrd", ""), shared.get("root", "")
    rest: list[str] = []
    for word in arguments:
        key, _, value = word.partition("=")
        if key == "initrd" and value:
            initrd = value
        elif key == "root" and value:
            root = value
        else:
            rest.append(word)
    cmdline = " ".join(([f"root={root}"] if root else []) + rest)
    image = devpath.parse(kernel, path, line.number)
    return BootOption(
        entry=clean(line.key, _MAX_LABEL),
        format="kboot",
        source=path,
        line=line.number,
        title=clean(line.key),
        version=clean(version.of_kernel(image.path)),
        linux=image,
        initrds=(devpath.parse(initrd, path, line.number),) if initrd else (),
        cmdline=check_cmdline(cmdline, path, line.number),
        is_default=line.key == default,
    )
