"""Boot options: what can be booted, whatever configuration format said so."""

from typing import Final, NewType

from bootd.model.device import DeviceKind
from bootd.model.problem import Problem
from bootd.model.tree import TreeEdit
from bootd.record import dataclass

OptionId = NewType("OptionId", str)
"""`<format>:<file-system UUID>:<entry>`: the same after every rescan, restart and replugging."""

WAIT_FOREVER: Final = -1
"""As a timeout in seconds: a person chooses, however long that takes."""


OWN_PARTITION: Final = "PARTITION="
"""A device spec: with a number behind it, that partition of the disk that the option is on."""


HINTED: Final = " hint "
"""Between two device specs: the second is meant when the first is nowhere, if it is the device that
the option is on and has the file (GRUB's `set root` and hints before a `search`)."""


def own_fact(fact: str, partition: int | None = None) -> str:
    """Return what stands in a command line for a fact that no file system knows of itself.

    `bootd.policy.resolve` puts the value in its place.

    Args:
        fact: `partuuid` or `uuid`.
        partition: Of the same disk; None for the partition that the option is on.
    """
    return f"${{bootd.{fact}{'' if partition is None else f':{partition}'}}}"


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that a configuration names, before anyone has looked for it.

    Attributes:
        path: Absolute and normalised, from the root of its file system.
        device: How the configuration names another device (`UUID=…`, `LABEL=…`, `/dev/…`, or
            `OWN_PARTITION` with a number; two with `HINTED` between them);
            None means the device that the configuration was read from.
        part: A file inside the container at `path`, as `bootd.container` names it
            (`/images/kernel-1` of a FIT image); "" for the file itself.
        url: Where the file is on the network, and then `path` is "/"; "" for a file on a device.
    """

    path: str
    device: str | None = None
    part: str = ""
    url: str = ""

    @property
    def device_spec(self) -> str | None:
        """`device` as a person should see it."""
        return None if self.device is None else self.device.partition(HINTED)[0]

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or "/../" in f"{self.path}/" or "\0" in self.path:
            msg = f"not a normalised absolute path: {self.path!r}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeChoice:
    """One of several DTBs of an entry, for one kind of board.

    Attributes:
        compatible: The first root compatible string of the DTB; it has to be the board's first.
    """

    compatible: str
    devicetree: FileRef


@dataclass(frozen=True, slots=True)
class Save:
    """A variable that a boot loader would write to an environment block; bootd does not.

    Attributes:
        file: The block, such as /boot/grub/grubenv.
        name: Not cleaned, as is `value`.
    """

    file: FileRef
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareId:
    """What a machine without a device tree is called, and which DTB it gets.

    Attributes:
        compatible: Of a `TreeChoice`.
        chids: Computer hardware ids, UUIDs in small letters.
    """

    compatible: str
    chids: tuple[str, ...]


BOARD_WORD: Final = "${bootd.board-word}"
"""In a command line: what `BootOption.board_words` has for this board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardWord:
    """What stands for BOARD_WORD on one kind of board.

    Attributes:
        compatible: One of the root compatible strings of the board.
    """

    compatible: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BootOption:
    """One entry of one configuration file, as its format module read it.

    All text is cleaned (`bootd.model.text.clean`) except `cmdline` and paths, which must reach the
    kernel and the file system byte for byte; views clean them for people. `cmdline` may hold what
    `own_fact` returns.

    Attributes:
        entry: The entry's own id within its format and file system, stable over edits of others.
        format: Name in the FORMATS table.
        source: Absolute path of the configuration file.
        line: 1-based line where the entry starts, or None.
        entry_file: The entry's own file where it is on another device, whose option this one takes
            the place of; None otherwise.
        title: What to show.
        linux: The kernel; None for an entry that names none (it is then not bootable).
        initrds: In the order in which they are concatenated.
        devicetree: The DTB that the entry names.
        devicetree_choices: DTBs of which the first that is for this board is taken instead of
            `devicetree`.
        hardware_ids: Which of them is for a machine that has no device tree to compare with.
        devicetree_dir: A folder of DTBs from which this board's is chosen.
        devicetree_parameters: `name=value` settings that the entry makes through `__overrides__` of
            its device tree (Raspberry Pi `dtparam`), in order.
        devicetree_none: The entry asks for the running tree (`FDT -`, `devicetree none`).
        overlays: In the order in which they are applied.
        overlay_parameters: For each overlay its `name=value` settings, joined with commas; empty
            when no overlay has any.
        devicetree_edits: Changes to the device tree beside its overlays, in order.
        compatible: Root compatible strings of the boards that the entry is for, the more specific
            first; empty for any board.
        board_words: What BOARD_WORD in `cmdline` means, by board; the first that fits counts.
        board_word: What it means on other boards.
        submenu: Titles of the submenus around the entry, outermost first.
        is_default: The configuration marks it as its default.
        sort_key: BLS sort-key, or "".
        architecture: BLS architecture (`x64`, `aa64`), or "" for any.
        tries_left: Boot counting, None when the entry does not count.
        saves: What its loader would remember on the way to it: each variable once, in order.
        absent: Files named above that this device does not have.
        reasons: Sentences on why bootd can start it on no machine (`reads no such image yet`).
        notes: Sentences on what was understood but not used.
    """

    entry: str
    format: str
    source: str
    title: str
    line: int | None = None
    entry_file: FileRef | None = None
    version: str = ""
    linux: FileRef | None = None
    initrds: tuple[FileRef, ...] = ()
    cmdline: str = ""
    devicetree: FileRef | None = None
    devicetree_choices: tuple[TreeChoice, ...] = ()
    hardware_ids: tuple[HardwareId, ...] = ()
    devicetree_dir: FileRef | None = None
    devicetree_none: bool = False
    devicetree_parameters: tuple[str, ...] = ()
    overlays: tuple[FileRef, ...] = ()
    overlay_parameters: tuple[str, ...] = ()
    devicetree_edits: tuple[TreeEdit, ...] = ()
    compatible: tuple[str, ...] = ()
    board_words: tuple[BoardWord, ...] = ()
    board_word: str = ""
    submenu: tuple[str, ...] = ()
    is_default: bool = False
    sort_key: str = ""
    machine_id: str = ""
    architecture: str = ""
    tries_left: int | None = None
    tries_done: int | None = None
    saves: tuple[Save, ...] = ()
    absent: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """Everything that the format modules found on one file system.

    Attributes:
        options: In the order in which the distribution's own boot loader would list them.
        timeout_s: Seconds the configuration asks to wait (0 boots at once, `WAIT_FOREVER` never),
            or None when it does not say.
        wants: Files of other devices that would make a difference (`bootd.model.lent`).
        leads: Configurations on other devices that one here shows in its place. Nothing is wrong
            with that: the other device lists them.
    """

    options: tuple[BootOption, ...] = ()
    problems: tuple[Problem, ...] = ()
    timeout_s: int | None = None
    wants: tuple[FileRef, ...] = ()
    leads: tuple[FileRef, ...] = ()

    def __add__(self, other: "ScanResult") -> "ScanResult":
        """Join what two formats found; the first timeout that was given wins."""
        return ScanResult(
            options=self.options + other.options,
            problems=self.problems + other.problems,
            timeout_s=other.timeout_s if self.timeout_s is None else self.timeout_s,
            wants=self.wants + other.wants,
            leads=self.leads + other.leads,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A file that is not there yet.

    Attributes:
        what: Which part of the option: `linux`, `initrd`, `devicetree` or `devicetreeOverlay`.
        device: Device spec as written, or the own device's name.
    """

    what: str
    device: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedFile:
    """A file on a device that is present.

    Attributes:
        device: Kernel name.
        path: Absolute, from the root of that device's file system.
        part: As in `FileRef`.
    """

    device: str
    path: str
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOption:
    """A boot option set against the devices that are present now.

    Attributes:
        device: Kernel name of the device whose configuration holds the entry.
        missing: Empty when every file is there.
        reasons: Sentences on why it cannot boot; empty when it can.
        notes: Sentences that a person should see; those of `option` are among them.
        kind: Of `device`; with `disk` and `removable` all that ordering needs to know of it.
        disk: Kernel name of the whole disk.
        removable: Whether `device` may be taken out or brought in by anybody.
        replaces: Device and source of the option whose place it takes: the same entry, less well
            read; None for most.
        board_rank: Which of this board's compatible strings, 0 the most specific, the option names;
            None when it is for any board, or the board is unknown.
    """

    id: OptionId
    device: str
    option: BootOption
    linux: ResolvedFile | None = None
    initrds: tuple[ResolvedFile, ...] = ()
    devicetree: ResolvedFile | None = None
    devicetree_dir: ResolvedFile | None = None
    overlays: tuple[ResolvedFile, ...] = ()
    missing: tuple[Missing, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    kind: DeviceKind = DeviceKind.DISK
    disk: str = ""
    removable: bool = False
    board_rank: int | None = None
    replaces: tuple[str, str] | None = None

    @property
    def bootable(self) -> bool:
        """Whether nothing is known that keeps it from booting."""
        return not self.missing and not self.reasons
