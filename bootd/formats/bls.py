"""Boot Loader Specification, type #1 entries: /loader/entries/*.conf and /loader/loader.conf.

Source: UAPI.1 Boot Loader Specification; loader.conf(5) of systemd-boot for default and timeout;
barebox common/blspec.c for `devicetree none`. /boot/loader/entries is read as well: there the
distributions that keep /boot on the root file system have it; a path that is not found from the
root is looked for below /boot then, because kernel-install writes paths relative to $BOOT.

Not supported, and said so at the entry: `efi` and `uki` keys, GRUB variables in values. Not
supported without a word: grub_users, grub_arg, grub_class; loader.conf keys beside the two.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from bootd.errors import ConfigError, ConfigSyntaxError
from bootd.formats import version
from bootd.formats.entryfile import by_key, split_counter
from bootd.formats.lexing import (
    BLANKS,
    Line,
    check_cmdline,
    check_count,
    file_ref,
    lex,
    problem,
    words,
)
from bootd.fsview import FsView, read_text
from bootd.model.option import WAIT_FOREVER, BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean, escape
from bootd.record import dataclass, replace

MAX_ENTRIES: Final = 1024
"""Of one directory; each file is one entry, so the limit of a device (DESIGN.md) is the one."""

PLACES: Final = ("/loader", "/boot/loader")
"""Directories with `entries/` and `loader.conf`."""

_VARIABLE: Final = re.compile(r"\$\{?\w+\}?")

_TIMEOUTS: Final = {"menu-force": WAIT_FOREVER, "menu-hidden": 0, "menu-disabled": 0}
"""Words that loader.conf allows instead of seconds."""

_MAX_PATTERN: Final = 255
"""No file name is longer; matching a longer pattern could take very long."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands.

    Attributes:
        root: "" or "/boot": what its paths may be relative to.
        source: Absolute path of its file.
        name: File name without counters, which is the entry's id, as bootctl(1) shows it.
    """

    root: str
    source: str
    name: str
    tries_left: int | None
    tries_done: int | None


def scan(fs: FsView) -> ScanResult:
    """Collect the entries of both directories, in the order of the specification."""
    found = ScanResult()
    for loader in PLACES:
        found += _scan_loader(fs, loader)
    return found


def parse_entry(text: str, place: str, *, fs: FsView | None = None) -> BootOption:
    """Parse one `*.conf` file.

    Unknown keys are ignored, as the specification asks.

    Args:
        text: Its content.
        place: Its absolute path.
        fs: Where to see whether a path is meant relative to /boot.

    Raises:
        ConfigSyntaxError: No kernel is named, or a path or the command line is none.
    """
    directory, _, name = place.rpartition("/")
    root = "/boot" if directory.startswith("/boot/") else ""
    stem, left, done = split_counter(name.removesuffix(".conf"))
    where = _Place(root, place, f"{stem}.conf", left, done)
    return _Entry(text, where, fs).option()


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


def _file_stem(option: BootOption) -> str:
    return option.source.rpartition("/")[2].removesuffix(".conf")


def _scan_loader(fs: FsView, loader: str) -> ScanResult:
    directory = f"{loader}/entries"
    names = [n for n in fs.list_dir(directory) if n.casefold().endswith(".conf")]
    problems: list[Problem] = []
    if len(names) > MAX_ENTRIES:
        message = f"{len(names)} entries, only the last {MAX_ENTRIES} by name are read"
        problems.append(Problem(source=directory, message=message))
    options: list[BootOption] = []
    for name in names[-MAX_ENTRIES:]:
        path = f"{directory}/{name}"
        try:
            options.append(parse_entry(read_text(fs, path), path, fs=fs))
        except (ConfigError, OSError) as error:
            problems.append(problem(error, path))
    settings = _read_settings(fs, f"{loader}/loader.conf", problems)
    marked = _mark_default(sort(options), settings, f"{loader}/loader.conf", problems)
    timeout_s = _timeout_s(settings, f"{loader}/loader.conf", problems)
    return ScanResult(options=tuple(marked), problems=tuple(problems), timeout_s=timeout_s)


def _read_settings(fs: FsView, path: str, problems: list[Problem]) -> Mapping[str, Line]:
    """Return the lines of loader.conf by key; the last one counts."""
    try:
        return {line.key: line for line in lex(read_text(fs, path))}
    except FileNotFoundError:
        return {}
    except (ConfigError, OSError) as error:
        problems.append(problem(error, path))
        return {}


def _mark_default(
    options: list[BootOption], settings: Mapping[str, Line], path: str, problems: list[Problem]
) -> list[BootOption]:
    """Mark the first option that `default` matches, else the first one that is not bad.

    systemd-boot takes the top of its list when nothing matches (src/boot/boot.c,
    config_select_default_entry).
    """
    line = settings.get("default")
    if line is not None and line.value.startswith("@"):
        message = clean(f"default {line.value} is kept in EFI variables, which are not read here")
        problems.append(Problem(source=path, line=line.number, message=message))
    pattern = "" if line is None or len(line.value) > _MAX_PATTERN else line.value
    matching = [o for o in options if _matches(o.entry, pattern)]
    good = [o for o in options if o.tries_left != 0]
    chosen = next(iter([*matching, *good, *options]), None)
    return [replace(o, is_default=True) if o is chosen else o for o in options]


def _matches(entry: str, pattern: str) -> bool:
    """Compare without case, and with or without the suffix that older versions left out."""
    name, wanted = entry.casefold(), pattern.casefold()
    return fnmatchcase(name, wanted) or fnmatchcase(name.removesuffix(".conf"), wanted)


def _timeout_s(settings: Mapping[str, Line], path: str, problems: list[Problem]) -> int | None:
    line = settings.get("timeout")
    if line is None:
        return None
    if line.value in _TIMEOUTS:
        return _TIMEOUTS[line.value]
    if line.value.isascii() and line.value.isdecimal() and len(line.value) < 10:
        return int(line.value)
    message = clean(f"timeout {line.value} is no number of seconds, ignored")
    problems.append(Problem(source=path, line=line.number, message=message))
    return None


class _Entry:
    """The keys of one entry; `initrd`, `options` and overlays may repeat and add up."""

    def __init__(self, text: str, place: _Place, fs: FsView | None) -> None:
        self._place = place
        self._fs = fs
        self._lines = by_key(text)
        self._notes: list[str] = []

    def option(self) -> BootOption:
        place, tree = self._place, self._value("devicetree")
        cmdline = " ".join(v for line in self._lines.get("options", []) if (v := line.value))
        self._note_variables(cmdline)
        kernel = self._file("linux")
        reasons = self._reasons(kernel)
        entry = escape(place.name)
        return BootOption(
            entry=entry,
            format="bls",
            source=place.source,
            line=1,
            title=clean(self._value("title") or place.name.removesuffix(".conf")),
            version=clean(self._value("version")),
            linux=kernel,
            initrds=self._initrds(),
            cmdline=check_cmdline(cmdline, place.source, 1),
            devicetree=None if tree in {"", "none"} else self._file("devicetree"),
            devicetree_none=tree == "none",
            overlays=self._overlays(),
            sort_key=clean(self._value("sort-key")),
            machine_id=clean(self._value("machine-id")),
            architecture=clean(self._value("architecture")),
            tries_left=place.tries_left,
            tries_done=place.tries_done,
            reasons=reasons,
            notes=tuple(dict.fromkeys(self._notes)),
        )

    def _value(self, key: str) -> str:
        """Return the last value of a key that is to be given once, as systemd-boot takes it."""
        return self._lines[key][-1].value if key in self._lines else ""

    def _file(self, key: str) -> FileRef | None:
        return (
            self._ref(self._lines[key][-1].value, self._lines[key][-1])
            if key in self._lines
            else None
        )

    def _ref(self, value: str, line: Line) -> FileRef:
        ref = file_ref(value, "/", self._place.source, line.number)
        if not self._place.root or self._fs is None or self._fs.is_file(ref.path):
            return ref
        below = FileRef(self._place.root + ref.path)
        return below if self._fs.is_file(below.path) else ref

    def _initrds(self) -> tuple[FileRef, ...]:
        """One path a line; `$tuned_initrd` and its like, which GRUB expands, are left out."""
        refs: list[FileRef] = []
        lines = self._lines.get("initrd", [])
        check_count([line.value for line in lines], self._place.source, 1)
        for line in lines:
            self._note_variables(line.value)
            path = _VARIABLE.sub("", line.value).strip(BLANKS)
            if path or not line.value:
                refs.append(self._ref(path, line))
        return tuple(refs)

    def _overlays(self) -> tuple[FileRef, ...]:
        """Several on a line, separated by blanks, says the specification."""
        lines = self._lines.get("devicetree-overlay", [])
        named = [(word, line) for line in lines for word in words(line.value)]
        check_count([word for word, _ in named], self._place.source, 1)
        return tuple(self._ref(word, line) for word, line in named)

    def _note_variables(self, value: str) -> None:
        for name in _VARIABLE.findall(value):
            self._notes.append(f"{clean(name)} is a variable of GRUB, which is not expanded here")

    def _reasons(self, kernel: FileRef | None) -> tuple[str, ...]:
        if kernel is not None:
            return ()
        for key in ("efi", "uki", "uki-url"):
            if key in self._lines:
                return (f"its {key} key names an EFI program, which bootd does not read yet",)
        # UAPI.1: an entry "must include at least a linux or an efi key".
        raise ConfigSyntaxError("has neither a linux nor an efi key", source=self._place.source)
