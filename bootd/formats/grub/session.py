"""The state of one run: what commands read and change."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

from bootd.errors import ConfigError
from bootd.formats.grub.budget import LOOK, Budget
from bootd.formats.grub.devices import Devices, Located
from bootd.formats.grub.environment import Environment
from bootd.formats.grub.images import ImagesView
from bootd.formats.grub.load import Load  # noqa: TC001 - a module of values, no reason to differ
from bootd.formats.grub.menu import Entry, Menu
from bootd.formats.grub.parser import parse
from bootd.formats.grub.syntax import Script
from bootd.fsview import MAX_CONFIG_BYTES, FsView, normalise, read_text
from bootd.model.lent import LentFile
from bootd.model.option import Save  # noqa: TC001 - as above
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass, replace

MAX_DEPTH: Final = 10
"""Functions, files and menus inside one another (DESIGN.md, limits)."""

MAX_REMARKS: Final = 64
"""Problems that running one configuration reports."""


OK: Final = 0
"""Status of a command that did what it should."""

FAILED: Final = 1
"""Status of one that did not; `return` can give others."""


class Jump(Enum):
    """A command that ends more than itself."""

    BREAK = "break"
    CONTINUE = "continue"
    RETURN = "return"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Call:
    """A command with its arguments expanded.

    Attributes:
        name: As written.
        args: Without the name.
        block: The `{ … }` behind them.
    """

    name: str
    args: list[str]
    block: Script | None = None


class Session:
    """One configuration that runs.

    Attributes:
        fs: The own device, with the images that the script opens.
        run: Executes a script; set by the interpreter.
        menu: Where `menuentry` adds.
        functions: Bodies by name.
        load: What the entry that runs has loaded; None while the menu is built.
        jump: Set while statements are left.
        loops: How many loops `jump` leaves.
        problems: For people.
        saves: Variables that the script would write to the environment block.
        opened: Identities of the files that were run.
        leads: Configurations of other devices that would be shown in place of this one, as keys.
        muted: How many entries were left out because another device lists them; None while entries
            are added.
    """

    def __init__(self, fs: FsView, env: Environment, lent: Iterable[LentFile] = ()) -> None:
        self.fs = ImagesView(fs, lent)
        self.env = env
        self.budget = Budget()
        self.devices = Devices(self.fs, self.budget)
        self.run: Callable[[Script], None] = lambda _script: None
        self.menu = Menu(env.frame)
        self.functions: dict[str, Script] = {}
        self.load: Load | None = None
        self.jump: Jump | None = None
        self.loops = 0
        self.problems: list[Problem] = []
        self.saves: list[Save] = []
        self.opened: set[tuple[int, int, int]] = set()
        self.leads: dict[Located, None] = {}
        self.muted: int | None = None
        self._scripts: dict[tuple[int, int, int], Script] = {}
        self._depth = 0

    def remark(self, message: str) -> None:
        """Say what was not understood, at the statement that runs: once each, to a limit.

        While an entry runs, it is a note of that entry.
        """
        budget = self.budget
        if self.load is not None:
            note = f"{message} ({clean(budget.source)}:{budget.line})"
            if note not in self.load.notes and len(self.load.notes) < MAX_REMARKS:
                self.load.notes.append(note)
            return
        if len(self.problems) >= MAX_REMARKS:
            return
        found = Problem(source=clean(budget.source), line=budget.line, message=message)
        if found not in self.problems:
            self.problems.append(found)
            if len(self.problems) == MAX_REMARKS:
                more = "more is wrong here, which is not shown"
                self.problems.append(replace(found, line=None, message=more))

    def add(self, entry: Entry) -> None:
        """Add an entry to the menu, unless another device lists it."""
        if self.muted is None:
            self.menu.add(entry)
        else:
            self.muted += 1

    def locate(self, path: str) -> Located:
        """Return where a path of the script is; raises like `Devices.locate`.

        openSUSE's GRUB looks for paths in the btrfs snapshot that `$btrfs_subvol` names.
        """
        at = self.devices.locate(path, self.env.get("root"))
        subvolume = self.env.get("btrfs_subvol")
        if subvolume and self.env.get("btrfs_relative_path"):
            within = replace(at, path=normalise(f"{subvolume}{at.path}"))
            if self.devices.has(self.devices.visible(within)):
                return within
        return at

    def find(self, path: str) -> str | None:
        """Return where a file can be read: on the own device, or as lent; None when it is nowhere.

        Raises:
            ConfigLimitError: Too much was looked for.
        """
        try:
            at = self.locate(path)
        except ConfigError:
            return None
        if (lent := self.devices.lent(at)) is not None:
            return lent if self.fs.is_file(lent) else None
        self.devices.ask_for(at)
        visible = self.devices.visible(at)
        return visible if self.devices.has(visible) else None

    @contextmanager
    def deeper(self) -> Iterator[bool]:
        """Run the block one level deeper; it gets False, with a remark, when that is too deep."""
        self._depth += 1
        allowed = self._depth <= MAX_DEPTH
        if not allowed:
            self.remark(f"configuration too complex (calls are nested more than {MAX_DEPTH} deep)")
        source, line = self.budget.source, self.budget.line
        try:
            yield allowed
        finally:
            self._depth -= 1
            self.budget.source, self.budget.line = source, line

    def run_file(self, path: str) -> bool:
        """Run a file that `find` has found; False when it cannot be read."""
        with self.deeper() as allowed:
            if not allowed:
                return False
            self.budget.source = path
            try:
                script = self._script(path)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                self.remark(clean(f"cannot read {path}: {reason}"))
                return False
            self.run(script)
            if self.jump is Jump.RETURN:
                self.jump = None
        return True

    def read(self, path: str, limit: int) -> str:
        """Return a file of the own device as text; raises like `fsview.read_text`."""
        self.budget.step(LOOK)
        text = read_text(self.fs, path, limit)
        self.budget.step(len(text) // 64)
        return text

    def _script(self, path: str) -> Script:
        identity = self.fs.identity(path)
        self.opened.add(identity)
        known = self._scripts.get(identity)
        if known is not None:
            self.budget.include(0)
            return known
        text = self._text(path)
        self.budget.include(len(text))
        parsed = parse(text, path)
        self.problems += parsed.problems
        self._scripts[identity] = parsed.script
        return parsed.script

    def _text(self, path: str) -> str:
        try:
            return read_text(self.fs, path)
        except ConfigError as error:
            # Too long: what fits is better than nothing.
            self.remark(f"{clean(error.reason)}, only the beginning is read")
            return self.fs.read_head(path, MAX_CONFIG_BYTES).decode("utf-8", "surrogateescape")
