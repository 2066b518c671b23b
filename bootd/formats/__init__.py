"""Boot configuration formats. To add one: write its module, then list it in `table`.

A format module has a function `scan(FsView) -> ScanResult` that never raises for bad input, and
`PLACES`, where it looks. It need not see to limits of a device, unique ids or files that are not
there: `scan` here does that for all.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from bootd.formats.lexing import MAX_FILES, MAX_PATH
from bootd.formats.repeats import with_lent, without_repeats
from bootd.formats.table import FORMATS as FORMATS
from bootd.fsview import FsView
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import replace

if TYPE_CHECKING:
    from bootd.model.lent import LentFile

MAX_OPTIONS: Final = 1024
"""Of one device (DESIGN.md, limits)."""

MAX_PROBLEMS: Final = 256
"""Of one device; the last one then says that there are more."""

MAX_NOTES: Final = 32
"""Of one option; another one then says how many are left out."""

MAX_TEXT: Final = 640_000
"""Characters that all options of a device may have together, as `ascii()` writes them: the answer
of a worker, in which they travel, has 1 MiB."""


def scan(fs: FsView, lent: "Iterable[LentFile]" = ()) -> ScanResult:
    """Collect the boot options of every known format on one file system.

    Args:
        fs: The file system.
        lent: Files of other devices that an earlier scan of it wanted (`ScanResult.wants`).
    """
    results = {each.name: each.scan(fs, lent) for each in FORMATS if not each.last_resort}
    if not any(result.options for result in results.values()):
        results |= {each.name: each.scan(fs) for each in FORMATS if each.last_resort}
    found = sum(results.values(), start=ScanResult())
    problems = list(found.problems)
    fitting = _fitting(without_repeats(with_lent(results)), problems)
    options = _limit(_name_apart(fitting), problems)
    return ScanResult(
        options=tuple(_with_absent(fs, options)),
        problems=tuple(_limit_problems(problems)),
        timeout_s=found.timeout_s,
        wants=tuple(dict.fromkeys(found.wants)),
        leads=tuple(dict.fromkeys(found.leads)),
    )


def _fitting(options: Iterable[BootOption], problems: list[Problem]) -> Iterator[BootOption]:
    """Leave out options that no machine could boot, and that would not fit a worker's answer."""
    for option in options:
        if reason := _excess(option):
            source = clean(option.source, 255)
            message = f"an entry {reason}, left out"
            problems.append(Problem(source=source, line=option.line, message=message))
        else:
            yield option


def _excess(option: BootOption) -> str:
    """Return what an option has too much of, or ""."""
    files = (option.linux, option.devicetree, option.devicetree_dir)
    choices = (each.devicetree for each in option.devicetree_choices)
    named = [ref for ref in (*files, *option.initrds, *option.overlays, *choices) if ref]
    names = [text for r in named for text in (r.device or "", r.part, r.url, r.path)]
    if any(len(name) > MAX_PATH for name in (*names, option.source, option.entry)):
        return f"names something with more than {MAX_PATH} characters"
    for count, what in ((len(option.initrds), "initrds"), (len(option.overlays), "overlays")):
        if count > MAX_FILES:
            return f"names {count} {what}, and bootd takes {MAX_FILES}"
    return ""


def _name_apart(options: Iterable[BootOption]) -> list[BootOption]:
    """Give each option an entry id of its own: by its source, then by a number."""
    taken: set[tuple[str, str]] = set()
    named: list[BootOption] = []
    for option in options:
        entry, number = option.entry, 1
        if (option.format, entry) in taken:
            entry = f"{option.entry}@{clean(option.source)}"
        while (option.format, entry) in taken:
            number += 1
            entry = f"{option.entry}@{clean(option.source)}~{number}"
        taken.add((option.format, entry))
        named.append(replace(option, entry=entry))
    return named


def _limit(options: list[BootOption], problems: list[Problem]) -> list[BootOption]:
    left, kept = MAX_TEXT, 0
    for option in options[:MAX_OPTIONS]:
        left -= len(ascii(option))
        if left < 0:
            break
        kept += 1
    if kept < len(options):
        message = f"{len(options)} boot options, only the first {kept} are listed"
        problems.insert(0, Problem(source="", message=message))
    return options[:kept]


def _limit_problems(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= MAX_PROBLEMS:
        return problems
    message = f"there are more problems; only the first {MAX_PROBLEMS - 1} are shown"
    return [*problems[: MAX_PROBLEMS - 1], Problem(source="", message=message)]


def _with_absent(fs: FsView, options: Iterable[BootOption]) -> Iterable[BootOption]:
    """Note in each option which of its files are not there; each path is looked up once.

    Also of files on a device that the configuration names: it may be this one.
    """
    known: dict[tuple[str, bool], bool] = {}

    def is_absent(ref: FileRef | None, *, folder: bool = False) -> bool:
        if ref is None or ref.url:
            return False
        key = (ref.path, folder)
        if key not in known:
            known[key] = not (fs.is_dir(ref.path) if folder else fs.is_file(ref.path))
        return known[key]

    for option in options:
        files = (option.linux, *option.initrds, option.devicetree, *option.overlays)
        absent = [ref.path for ref in files if ref is not None and is_absent(ref)]
        if option.devicetree_dir is not None and is_absent(option.devicetree_dir, folder=True):
            absent.append(option.devicetree_dir.path)
        if absent:
            option = replace(option, absent=tuple(dict.fromkeys(absent)))  # noqa: PLW2901 - what is yielded
        if len(option.notes) > MAX_NOTES:
            more = f"{len(option.notes) - MAX_NOTES} more notes are not shown"
            option = replace(option, notes=(*option.notes[:MAX_NOTES], more))  # noqa: PLW2901 - ditto
        yield option
