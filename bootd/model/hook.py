"""Hooks: what an administrator's program is told before a load, and what it may answer."""

from enum import Enum

from bootd.record import dataclass


class Contract(Enum):
    """How a hook is spoken to; the value is the ending of its name."""

    JSON = ""
    """A `HookQuestion` on standard input, a `HookAnswer` on standard output."""
    PETITBOOT = ".petitboot"
    """As petitboot speaks to what is in its boot.d; see `bootd.loaders.hook_contracts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFile:
    """A file that a hook may read.

    Attributes:
        path: To open it by, as far as its mode lets everybody do so.
        fd: Number of a descriptor that is open for reading, whatever its mode.
    """

    path: str
    fd: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOption:
    """The option that is about to be loaded; names as in the interface."""

    id: str
    title: str
    format: str
    source: str
    device: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTree:
    """The tree that the next kernel would get.

    Attributes:
        file: The blob, in which nothing can be written.
        origin: `merged`, `running` or `shipped`.
        summary: As the menu shows it.
    """

    file: HookFile
    origin: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookQuestion:
    """What a hook is told.

    Attributes:
        version: Of this record; members may be added without a new one.
        cmdline: As the hooks before it have left it.
        devicetree: None on a machine without.
        crash: The kernel is to wait for a crash of the running one.
        may_change: Of `cmdline`, `initrd` and `devicetree` those that the hook may change.
    """

    version: int = 1
    option: HookOption
    cmdline: str
    linux: HookFile
    initrd: tuple[HookFile, ...] = ()
    devicetree: HookTree | None = None
    crash: bool = False
    may_change: tuple[str, ...] = ("cmdline", "initrd")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What a hook wants; nothing by itself.

    Attributes:
        cmdline: The command line instead.
        initrd: Files in its folder that are given to the kernel behind the entry's own.
        replace_initrd: They are given instead of the entry's own (petitboot's hooks only).
        devicetree: A blob in its folder that takes the place of the tree.
        refuse: A sentence: this option must not be booted, and why.
        notes: Sentences for the person who boots.
    """

    cmdline: str | None = None
    initrd: tuple[str, ...] = ()
    replace_initrd: bool = False
    devicetree: str | None = None
    refuse: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HookJob:
    """What the process is told that runs one hook.

    Attributes:
        program: Its path.
        contract: How to speak to it.
        initrd_bytes: Of the entry's own and of those that hooks before it gave.
        tree_bytes: 0 without a tree.
    """

    program: str
    contract: Contract
    question: HookQuestion
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOutcome:
    """What came of one hook; the files that it gave travel beside, initrds first, then the tree.

    Attributes:
        failure: Why what it answered counts for nothing, or "".
        said: The end of what it wrote to standard error.
        missing: What the sandbox lacked on this machine.
    """

    answer: HookAnswer = HookAnswer()
    failure: str = ""
    said: str = ""
    missing: tuple[str, ...] = ()
