"""grub.cfg: the menu of GRUB 2, by running its scripts.

Source: GNU GRUB 2.12 manual and grub-core/{script,commands,normal}; Fedora's `blscfg`. Where other
readers look for lines, this one interprets: functions, conditions, loops and included files count.
It only reads: what a script would save or start is a note.

The body of an entry runs when the whole script has, with the variables as they are then; submenus
see what was exported. Not supported, and said so at the entry: `loopback`, other operating systems,
Xen, `newc:` initrds, variables that only `probe`, `cpuid` or `smbios` could know. GRUB Legacy's
menu.lst is no GRUB 2 configuration.
"""

from collections.abc import Iterator
from typing import Final

from bootd.errors import ConfigError, ConfigLimitError
from bootd.formats.grub import option, platform
from bootd.formats.grub.budget import MAX_STEPS
from bootd.formats.grub.devices import OWN
from bootd.formats.grub.environment import Environment
from bootd.formats.grub.interpreter import Interpreter
from bootd.formats.grub.load import Load
from bootd.formats.grub.menu import MAX_ENTRIES, Entry, Menu, choose
from bootd.formats.grub.session import Session
from bootd.formats.lexing import problem
from bootd.fsview import FsView
from bootd.model.option import BootOption, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import replace

PLACES: Final = (
    "/boot/grub/grub.cfg",
    "/boot/grub2/grub.cfg",
    "/grub/grub.cfg",
    "/grub2/grub.cfg",
    "/grub.cfg",
    "/@/boot/grub/grub.cfg",  # a btrfs mounted from its top, Ubuntu's subvolume
    "/@rootfs/boot/grub/grub.cfg",  # Debian's
    "/@/boot/grub2/grub.cfg",
    "/EFI",  # a folder for each vendor
    "/efi/boot/grub.cfg",
    "/boot/efi/EFI",
    "/boot/grub/loopback.cfg",
)
"""Every one that is there is used; a file that another one has run already is not run again. The
last one is for images, and used when nothing else has entries."""

_FOLDERS: Final = ("/EFI", "/boot/efi/EFI")
_FALLBACK: Final = "/boot/grub/loopback.cfg"

_FOR_ENTRIES: Final = MAX_STEPS // 4
"""Steps that the script leaves for the bodies of its entries."""

_FOR_ONE_ENTRY: Final = 10_000


def scan(fs: FsView) -> ScanResult:
    """Collect the entries of every configuration on a file system."""
    found = ScanResult()
    opened: set[tuple[int, int, int]] = set()
    listed: set[BootOption] = set()
    for path in _files(fs):
        if path == _FALLBACK and found.options:
            continue
        try:
            if fs.identity(path) in opened:
                continue
            run = _Run(fs, path)
        except FileNotFoundError:
            continue
        except OSError as error:
            found += ScanResult(problems=(problem(error, path),))
            continue
        result = run.result()
        opened |= run.opened
        # The same entries in a second file, such as on install media, are the same entries.
        keys = [replace(o, source="", line=None, is_default=False) for o in result.options]
        fresh = tuple(o for o, key in zip(result.options, keys, strict=True) if key not in listed)
        listed.update(keys)
        found += replace(result, options=fresh)
    return found


def _files(fs: FsView) -> Iterator[str]:
    for place in PLACES:
        if place not in _FOLDERS:
            yield place
            continue
        for vendor in fs.list_dir(place)[:MAX_ENTRIES]:
            yield f"{place}/{vendor}/grub.cfg"


class _Run:
    """One configuration file, run with all that it includes."""

    def __init__(self, fs: FsView, path: str) -> None:
        directory = path.rpartition("/")[0] or "/"
        cpu, name = platform.detect(fs, directory)
        here = f"({OWN}){directory}"
        variables = {
            "root": OWN,
            "prefix": here,
            "config_directory": here,
            "config_file": f"({OWN}){path}",
            "cmdpath": f"({OWN})/EFI/BOOT",
            "grub_cpu": cpu,
            "grub_platform": name,
            "lang": "",
        }
        self._path = path
        self._identity = fs.identity(path)
        self._session = Session(fs, Environment(variables))
        self._options: list[BootOption] = []
        Interpreter(self._session)

    @property
    def opened(self) -> set[tuple[int, int, int]]:
        """Identities of the files that were run."""
        return self._session.opened | {self._identity}

    def result(self) -> ScanResult:
        """Run it all."""
        session = self._session
        menu = session.menu
        try:
            with session.budget.at_most(MAX_STEPS - _FOR_ENTRIES):
                session.run_file(self._path)
        except ConfigError as error:
            self._report(error)
        self._list(menu, (), self._default(menu))
        if len(self._options) > MAX_ENTRIES or menu.dropped:
            count = len(self._options) + menu.dropped
            message = f"{count} entries or more, only the first {MAX_ENTRIES} are listed"
            session.problems.append(Problem(source=clean(self._path), message=message))
        return ScanResult(
            options=tuple(self._options[:MAX_ENTRIES]),
            problems=tuple(dict.fromkeys(session.problems)),
            timeout_s=menu.timeout_s(),
        )

    def _default(self, menu: Menu) -> str:
        saved = menu.frame.values.get("saved_entry", "")
        return saved if menu.default == "saved" else menu.default

    def _list(self, menu: Menu, around: tuple[Entry, ...], default: str | None) -> None:
        """Run the bodies of a menu's entries.

        Args:
            menu: Whose entries.
            around: The submenus that it is in.
            default: What names its default; None when the default is elsewhere.
        """
        if not menu.entries:
            return
        chosen, rest = (-1, "") if default is None else choose(menu.entries, default)
        for index, entry in enumerate(menu.entries):
            if len(self._options) > MAX_ENTRIES:
                return
            self._run_entry(entry, around, rest if index == chosen else None)

    def _run_entry(self, entry: Entry, around: tuple[Entry, ...], default: str | None) -> None:
        session = self._session
        frame = entry.frame.inherited() if entry.is_submenu else entry.frame.copy()
        inner, load = Menu(frame), Load()
        session.menu, session.load, session.jump = inner, None, None
        if not entry.is_submenu:
            session.load = load
        frame.values["chosen"] = ">".join(each.id for each in (*around, entry))
        with session.deeper() as allowed:
            if not allowed:
                return
            self._run_body(entry, inner, load)
            if inner.entries and load.linux is None:
                self._list(inner, (*around, entry), default)
                return
        if load.is_idle or entry.is_submenu:
            return
        self._add(entry, load, around, is_default=default is not None)

    def _run_body(self, entry: Entry, inner: Menu, load: Load) -> None:
        session = self._session
        session.budget.source, session.budget.line = entry.source, entry.line
        arguments = list(entry.arguments)
        try:
            with (
                session.budget.at_most(_FOR_ONE_ENTRY),
                session.env.within(inner.frame),
                session.env.scope(arguments),
            ):
                session.budget.step(1)
                session.run(entry.body)
        except ConfigLimitError as error:
            self._report(error)
            load.is_idle = False
            load.linux = None
            load.reasons[:] = [f"its {error.reason}"]
        session.load, session.jump = None, None

    def _add(
        self, entry: Entry, load: Load, around: tuple[Entry, ...], *, is_default: bool
    ) -> None:
        session = self._session
        if is_default:
            load.notes += session.saves
        try:
            self._options.append(
                option.build(entry, load, session.devices, around, is_default=is_default)
            )
        except ConfigError as error:
            self._report(error)

    def _report(self, error: ConfigError) -> None:
        self._session.problems.append(problem(error, self._path))
