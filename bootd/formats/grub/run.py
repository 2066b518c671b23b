"""One configuration file, run with all that it includes."""

from collections.abc import Iterable, Mapping
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
from bootd.formats.lexing import MAX_PATH, problem
from bootd.fsview import FsView
from bootd.model.lent import LentFile
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean

_FOR_ENTRIES: Final = MAX_STEPS // 4
"""Steps that the script leaves for the bodies of its entries."""

_FOR_ONE_ENTRY: Final = 10_000


class Run:
    """One configuration file, run with all that it includes."""

    def __init__(
        self, fs: FsView, path: str, given: Mapping[str, str], lent: Iterable[LentFile] = ()
    ) -> None:
        """Run `path` with the variables `given`, and files `lent` by other devices."""
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
            **given,
        }
        self._path = path
        self._identity = fs.identity(path)
        self._session = Session(fs, Environment(variables), lent)
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
            wants=tuple(filter(_is_named, session.devices.wants)),
            leads=tuple(filter(_is_named, (FileRef(at.path, at.spec) for at in session.leads))),
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
        if entry.root and session.devices.is_bare_uuid(frame.values.get("root", "")):
            # Written for petitboot, which runs a body where it stands: each has its own root.
            frame.values["root"] = entry.root
        with session.deeper() as allowed:
            if not allowed:
                return
            self._run_body(entry, inner, load)
            if inner.entries and load.linux is None:
                self._list(inner, (*around, entry), default)
                return
        if entry.is_submenu or (load.is_idle and not load.notes):
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
                session.env.scope(arguments, entry.outer),
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
            load.saves[:0] = session.saves
        try:
            self._options.append(
                option.build(entry, load, session.devices, around, is_default=is_default)
            )
        except ConfigError as error:
            self._report(error)

    def _report(self, error: ConfigError) -> None:
        self._session.problems.append(problem(error, self._path))


def _is_named(file: FileRef) -> bool:
    """Say whether a device can have such a name at all."""
    return len(file.device or "") <= MAX_PATH
