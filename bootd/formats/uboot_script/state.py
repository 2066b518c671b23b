"""What a script changes while it is interpreted: variables, memory, the tree in work.

A variable that has no value expands to a mark with its name in it, so that later steps can tell
`${fdtfile}`, which only the firmware knows, from text; `plain` takes the marks out again, and what
is left is what U-Boot would see.
"""

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from bootd.errors import ConfigLimitError
from bootd.fsview import FsView
from bootd.model.option import FileRef
from bootd.model.text import clean
from bootd.model.tree import TreeEdit
from bootd.record import dataclass

if TYPE_CHECKING:
    from bootd.formats.uboot_script.syntax import Statement
    from bootd.formats.uboot_script.worktree import Known

MAX_STEPS: Final = 20_000
"""Commands of one script; a real one has a few hundred."""

MAX_TEXT: Final = 1 << 20
"""Characters that all expanded words of a script may have."""

MAX_RUNS: Final = 10
"""`run` and `source` within each other."""

MAX_FILES: Final = 512
"""Files that a script may look for."""

MAX_NOTES: Final = 32

_MARKS: Final = re.compile("\ue000([^\ue000\ue001]*)\ue001")


def mark(name: str) -> str:
    """Return what a variable without a value expands to."""
    return f"\ue000{name}\ue001"


def plain(text: str) -> str:
    """Return `text` as U-Boot sees it: nothing where a variable has no value."""
    return _MARKS.sub("", text)


def names_in(text: str) -> list[str]:
    """Return the variables without a value that `text` was made of."""
    return _MARKS.findall(text)


def without_marks(text: str) -> str:
    """Return foreign text in which nothing can be taken for a mark."""
    return text.replace("\ue000", "\ufffd").replace("\ue001", "\ufffd").replace("\0", "\ufffd")


class Kind(Enum):
    """What lies at an address."""

    FILE = "file"
    FOLDER = "folder"
    """Of device trees, where the name of the file depends on a variable of the firmware."""
    ABSENT = "absent"
    """A file that could not be loaded."""
    FIRMWARE = "firmware"
    """The tree that the firmware uses itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file in memory.

    Attributes:
        file: Of a folder: the folder. None for the firmware's own tree.
    """

    kind: Kind
    file: FileRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """What a boot command found at its addresses.

    Attributes:
        command: Its name.
        line: Where it stands in the script.
        kernel: None when nothing was ever loaded there.
        configuration: Of a FIT image, or "".
        tree: None for the firmware's own tree.
        overlays: In order.
        edits: In order.
        cmdline: None when the script sets no `bootargs`.
    """

    command: str
    line: int
    kernel: Content | None
    configuration: str = ""
    initrd: Content | None = None
    tree: Content | None = None
    overlays: tuple[FileRef, ...] = ()
    edits: tuple[TreeEdit, ...] = ()
    cmdline: str | None = None


class LeaveError(Exception):
    """Raised to leave the script where U-Boot would leave it for good; not an error."""


class State:
    """Everything of one run.

    Attributes:
        variables: The environment.
        local: Shell variables; those of the environment hide them.
        memory: By address: a number, or the name of a variable without a value.
        overlays: By address of the tree, in order.
        edits: By address of the tree, in order.
        tree: Address that `fdt addr` set, or None.
        known: The tree that was read last, for `worktree`.
        reads: How many trees were read.
        status: Of the last command; 0 is success.
        boot: What was booted, once something was.
        tried: The first boot command whose kernel could not be loaded.
        handed_over: The script gives control to another configuration (`sysboot`).
        line: Of the command that runs.
        numbered: Lines are those of a file that a person can look at.
    """

    def __init__(self, fs: FsView, source: str, variables: dict[str, str]) -> None:
        self.fs = fs
        self.source = source
        self.variables = variables
        self.local: dict[str, str] = {}
        self.memory: dict[int | str, Content] = {}
        self.overlays: dict[int | str, list[FileRef]] = {}
        self.edits: dict[int | str, list[TreeEdit]] = {}
        self.tree: int | str | None = None
        self.known: Known | None = None
        self.reads = 0
        self.status = 0
        self.boot: Boot | None = None
        self.tried: Boot | None = None
        self.handed_over = ""
        self.line = 1
        self.numbered = True
        self.runs = 0
        self.parsed: dict[str, tuple[Statement, ...]] = {}
        self._notes: dict[str, None] = {}
        self._steps = 0
        self._text = 0
        self._files = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences, each once."""
        return tuple(self._notes)

    def note(self, sentence: str) -> None:
        """Keep a sentence for a person, cleaned."""
        if len(self._notes) < MAX_NOTES:
            self._notes[clean(plain(sentence))] = None

    def get(self, name: str) -> str | None:
        """Return a variable's value, or None (common/cli_hush.c, lookup_param)."""
        value = self.variables.get(name)
        return self.local.get(name) if value is None else value

    def set(self, name: str, value: str) -> None:
        """Set a variable of the environment; a value that is nothing to U-Boot removes it."""
        self.local.pop(name, None)
        if plain(value):
            self.variables[name] = value
        else:
            self.variables.pop(name, None)

    def place(self, address: int | str, content: Content) -> None:
        """Put a file at an address; what was known of a tree there is gone."""
        self.memory[address] = content
        self.overlays.pop(address, None)
        self.edits.pop(address, None)

    def spend_step(self) -> None:
        """Count a command; raises ConfigLimitError when there were too many."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            self._stop(f"more than {MAX_STEPS} commands")

    def spend_text(self, characters: int) -> None:
        """Count expanded text; raises ConfigLimitError when there was too much."""
        self._text += characters
        if self._text > MAX_TEXT:
            self._stop(f"more than {MAX_TEXT} characters of expanded text")

    def spend_file(self) -> None:
        """Count a look for a file; raises ConfigLimitError when there were too many."""
        self._files += 1
        if self._files > MAX_FILES:
            self._stop(f"more than {MAX_FILES} files are looked for")

    def _stop(self, reason: str) -> None:
        raise ConfigLimitError(
            f"script too complex: {reason}; it is followed no further",
            source=self.source,
            line=self.line,
        )
