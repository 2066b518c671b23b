"""petitboot.conf, petitboot's own format: `name`, `image`, `initrd`, `args`, `dtb` lines.

Source: discover/native of petitboot. Files are named as `bootd.formats.devpath` says. Several
`args` lines add up. Nothing is the default unless `default` names it, as in petitboot.

Not supported without a word: `description`, `dev_description`.
"""

from typing import Final

from bootd.errors import ConfigError, ConfigSyntaxError
from bootd.formats import devpath, version
from bootd.formats.lexing import Line, check_cmdline, first_file, lex, problem
from bootd.fsview import FsView
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean

MAX_ENTRIES: Final = 256
"""Of one file (DESIGN.md, limits)."""

PLACES: Final = ("/boot/petitboot.conf", "/petitboot.conf")
"""The first one that is there is used."""

_KNOWN: Final = frozenset({"image", "initrd", "args", "dtb", "description"})
_GLOBAL: Final = frozenset({"default", "dev_description"})
_MAX_LABEL: Final = 255


def scan(fs: FsView) -> ScanResult:
    """Collect the options of the configuration."""
    return first_file(fs, PLACES, _scan_file)


def _scan_file(path: str, text: str) -> ScanResult:
    problems: list[Problem] = []
    default, entries = _group(path, text, problems)
    if len(entries) > MAX_ENTRIES:
        message = f"{len(entries)} entries, only the first {MAX_ENTRIES} are listed"
        problems.append(Problem(source=path, message=message))
    options: list[BootOption] = []
    for entry in entries[:MAX_ENTRIES]:
        try:
            options.append(_option(path, entry, default))
        except ConfigError as error:
            problems.append(problem(error, path))
    return ScanResult(options=tuple(options), problems=tuple(problems))


def _group(path: str, text: str, problems: list[Problem]) -> tuple[str, list[list[Line]]]:
    """Return the default's name, and the lines of each entry, `name` first."""
    default, entries = "", list[list[Line]]()
    for line in lex(text):
        if line.key == "name":
            entries.append([line])
        elif line.key in _GLOBAL:
            default = default or (line.value if line.key == "default" else "")
        elif line.key in _KNOWN and entries:
            entries[-1].append(line)
        else:
            what = "stands before the first name" if line.key in _KNOWN else "is unknown"
            message = clean(f"{line.key} {what}, ignored")
            problems.append(Problem(source=path, line=line.number, message=message))
    return default, entries


def _option(path: str, entry: list[Line], default: str) -> BootOption:
    name, lines = entry[0], entry[1:]
    if not name.value:
        raise ConfigSyntaxError("an entry has no name", source=path, line=name.number)

    def file(key: str) -> FileRef | None:
        # The first one counts, says native_set_resource.
        line = next((each for each in lines if each.key == key), None)
        return None if line is None else devpath.parse(line.value, path, line.number)

    kernel, initrd = file("image"), file("initrd")
    cmdline = " ".join(each.value for each in lines if each.key == "args")
    return BootOption(
        entry=clean(name.value, _MAX_LABEL),
        format="petitboot",
        source=path,
        line=name.number,
        title=clean(name.value),
        version=clean(version.of_kernel(kernel.path)) if kernel else "",
        linux=kernel,
        initrds=(initrd,) if initrd else (),
        cmdline=check_cmdline(cmdline, path, name.number),
        devicetree=file("dtb"),
        is_default=name.value == default,
    )
