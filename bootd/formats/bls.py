"""Boot Loader Specification, type #1 entries: /loader/entries/*.conf and /loader/loader.conf.

Source: UAPI.1 Boot Loader Specification; for loader.conf see `bootd.formats.loaderconf`; barebox
common/blspec.c for `devicetree none`. /boot/loader/entries is read as well: there the distributions
that keep /boot on the root file system have it; a path that is not found from the root is looked
for below /boot then, because kernel-install writes paths relative to $BOOT.

`efi` and `uki` keys may name unified kernel images; what such an entry does not say itself comes
from the image.

Not supported, and said so at the entry: `uki-url`, other EFI programs, variables of GRUB in values.
Not supported without a word: grub_users, grub_arg, grub_class.
"""

import re
from typing import Final

from bootd.errors import BootdError, ConfigError, ConfigSyntaxError
from bootd.formats import loaderconf
from bootd.formats.entryfile import by_key, split_counter
from bootd.formats.lexing import (
    BLANKS,
    Line,
    check_cmdline,
    check_count,
    file_ref,
    problem,
    words,
)
from bootd.fsview import FsView, normalise, read_text
from bootd.model.option import BootOption, FileRef, ScanResult, own_fact
from bootd.model.problem import Problem
from bootd.model.text import clean, escape
from bootd.record import dataclass, replace

MAX_ENTRIES: Final = 1024
"""Of one directory; each file is one entry, so the limit of a device (DESIGN.md) is the one."""

PLACES: Final = ("/loader", "/boot/loader")
"""Directories with `entries/` and `loader.conf`."""

_VARIABLE: Final = re.compile(r"\$\{?\w+\}?")


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
    settings = loaderconf.read(fs, f"{loader}/loader.conf")
    images = fs.list_dir(f"{loader.removesuffix('/loader')}/EFI/Linux") if settings.default else ()
    first = not any(loaderconf.matches(name, settings.default) for name in images)
    marked = loaderconf.mark_default(loaderconf.sort(options), settings.default, first=first)
    return ScanResult(
        options=tuple(marked),
        problems=(*problems, *settings.problems),
        timeout_s=settings.timeout_s,
    )


class _Entry:
    """The keys of one entry; `initrd`, `options` and overlays may repeat and add up."""

    def __init__(self, text: str, place: _Place, fs: FsView | None) -> None:
        self._place = place
        self._fs = fs
        # A key without a value is no key (systemd src/boot/util.c, line_get_key_value).
        given = {key: [x for x in lines if x.value] for key, lines in by_key(text).items()}
        self._lines = {key: lines for key, lines in given.items() if lines}
        self._notes: list[str] = []

    def option(self) -> BootOption:
        place, tree = self._place, self._value("devicetree")
        given = [line.value for line in self._lines.get("options", [])]
        if self._value("linux-appendroot") in {"true", "1"}:  # common/blspec.c of barebox
            given.append(f"root=PARTUUID={own_fact('partuuid')}")
        cmdline = " ".join(filter(None, given))
        self._note_variables(cmdline)
        kernel = self._file("linux")
        reasons = self._reasons(kernel)
        option = BootOption(
            entry=escape(place.name),
            format="bls",
            source=place.source,
            line=1,
            title=clean(self._value("title")),
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
        option = self._with_image(option) if kernel is None else option
        return option if option.title else replace(option, title=clean(place.name[:-5]))

    def _with_image(self, option: BootOption) -> BootOption:
        """Take what the entry does not say itself from the unified kernel image that it names."""
        from bootd.formats import ukifile  # noqa: PLC0415 - 2 ms, and few entries name an image

        key = next((key for key in ("uki", "efi") if key in self._lines), None)
        file = None if key is None else self._file(key)
        if file is None or self._fs is None:
            return option
        number = self._value("profile") or "0"
        try:
            image = ukifile.read(self._fs, file.path)
        except (BootdError, OSError) as error:
            return replace(option, reasons=(ukifile.why_not(error, file.path),))
        profile = next((each for each in image.profiles if str(each.number) == number), None)
        if profile is None:
            return replace(option, reasons=(clean(f"{file.path} has no profile {number}"),))
        named = option.devicetree is not None or option.devicetree_none
        return replace(
            option,
            title=option.title or image.title,
            version=option.version or image.version or image.kernel_version,
            linux=profile.linux,
            initrds=(*profile.initrds, *option.initrds),
            cmdline=option.cmdline or check_cmdline(profile.cmdline, option.source, 1),
            devicetree=option.devicetree if named else profile.devicetree,
            devicetree_choices=() if named else profile.choices,
            hardware_ids=() if named else profile.hardware_ids,
            architecture=option.architecture or image.architecture,
            sort_key=option.sort_key or image.sort_key,
            reasons=(),
            notes=(*option.notes, *profile.notes),
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
        """Paths; `$tuned_initrd` and its like, which GRUB expands, are left out."""
        named: list[tuple[str, Line]] = []
        lines = self._lines.get("initrd", [])
        check_count([line.value for line in lines], self._place.source, 1)
        for line in lines:
            self._note_variables(line.value)
            path = _VARIABLE.sub("", line.value).strip(BLANKS)
            names = [path] if self._is_one(path) else words(path)
            named += [(each, line) for each in names if each]
        check_count([name for name, _ in named], self._place.source, 1)
        return tuple(self._ref(name, line) for name, line in named)

    def _is_one(self, path: str) -> bool:
        """Say whether a line is one name with blanks, or none; GRUB takes several for several."""
        fs = self._fs
        return fs is None or " " not in path or fs.is_file(normalise(path))

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
                return (f"its {key} key names an EFI program, which cannot be read here",)
        # UAPI.1: an entry "must include at least a linux or an efi key".
        raise ConfigSyntaxError(
            "has neither a linux nor an efi key", source=self._place.source, line=1
        )
