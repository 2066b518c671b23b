"""What clients see: views of the daemon's state, events, requests and replies.

`org.bootd.Boot.varlink` beside this module is the published form; a test compares the two.
"""

from enum import Enum
from typing import Final

# Offered here too, as all that clients see is.
from bootd.protocol.overrides import NO_OVERRIDES as NO_OVERRIDES  # noqa: PLC0414 - see above
from bootd.protocol.overrides import FileView as FileView  # noqa: PLC0414 - see above
from bootd.protocol.overrides import OverlayView as OverlayView  # noqa: PLC0414 - see above
from bootd.protocol.overrides import Overrides as Overrides  # noqa: PLC0414 - see above
from bootd.record import dataclass, field

INTERFACE: Final = "org.bootd.Boot"
"""Name of the interface; methods and errors are below it."""

SOCKET: Final = "/run/bootd/org.bootd.Boot"
"""Where the daemon listens."""


class Phase(Enum):
    """What the daemon as a whole is doing."""

    MENU = "menu"
    LOADING = "loading"
    EXECUTING = "executing"


class Level(Enum):
    """How much a status line matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingView:
    """A file that is not there yet; `what` says which (`linux`, `initrd` …)."""

    what: str
    device: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemView:
    """Something wrong on a device; `line` is 1-based or null."""

    source: str
    line: int | None = None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device that is present.

    Attributes:
        state: `probing`, `ready` or `failed`; problems say why.
        locked: It is encrypted, and Unlock opens it.
    """

    name: str
    node: str = ""
    uuid: str = ""
    label: str = ""
    partuuid: str = ""
    partlabel: str = ""
    fstype: str = ""
    disk: str = ""
    model: str = ""
    kind: str = "disk"
    size_bytes: int = 0
    removable: bool = False
    state: str = "ready"
    problems: tuple[ProblemView, ...] = ()
    locked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionView:
    """A boot option; names follow io.systemd.BootControl.BootEntry.

    Attributes:
        options: The kernel command line as it will be passed; `bootd.entry=` comes to it where no
            device tree can say which option it is.
        tree: One line on the tree it gets, or "" when nobody has asked yet (see Explain).
        changes: What a person saved to be changed in the option `base_id`, whose id with `+` and a
            name is the id of this one; null for an option that a configuration has.
        reasons: Why it cannot boot; with `missing` empty and no reason it is `bootable`.
        tries_left: Boots that nobody need confirm before it is no default any more, by its entry's
            own counter or what is remembered; 0 when it has failed, null when it is not counted.
        tries_done: Boots that nobody has confirmed.
    """

    id: str
    device: str
    format: str
    source: str
    title: str
    version: str = ""
    linux: FileView | None = None
    initrd: tuple[FileView, ...] = ()
    options: str = ""
    devicetree: FileView | None = None
    devicetree_dir: FileView | None = None
    devicetree_overlay: tuple[OverlayView, ...] = ()
    submenu: tuple[str, ...] = ()
    sort_key: str = ""
    machine_id: str = ""
    architecture: str = ""
    is_default: bool = False
    is_selected: bool = False
    bootable: bool = True
    missing: tuple[MissingView, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tries_left: int | None = None
    tries_done: int | None = None
    tree: str = ""
    base_id: str = ""
    changes: Overrides | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The daemon in one record.

    Attributes:
        board: Model of this board, cleaned.
        default_id: What the countdown will boot, or null.
        selected_id: What a client selected or is being booted, or null.
        seconds_left: Of the countdown; null while none runs.
        countdown_stopped_by: Who stopped it (`console ttyAMA0`, `bootdctl of uid 0`), or "".
        probing: Devices that are still being looked at.
        progress: 0..100 while loading, else null.
        message: The newest line of the status log, or "".
        dry_run: Nothing will really be executed.
        default_wish: What SetDefault asked for (an id, a pattern, `@saved`), or "".
        default_until_power_on: The same, until the machine is switched off or restarted.
        one_shot_id: What is booted at the next boot and then forgotten, or null.
        order: Boot order, first to last; empty for the built-in one.
        autoboot: Whether anything boots by itself.
        timeout_seconds: Of a countdown; -1 waits for ever, null asks the boot configuration.
        kept: Sentence on where the choices above are kept, or that they are not.
        waiting_for: What the countdown waits for although it is not there yet, or "".
        unprotected: What this kernel lacks to confine who reads disks, each in a few words.
        abandoned: Processes that wait for disks which do not answer; with 8 no disk is looked at.
    """

    phase: Phase = Phase.MENU
    board: str = ""
    architecture: str = ""
    kernel: str = ""
    version: str = ""
    default_id: str | None = None
    selected_id: str | None = None
    seconds_left: int | None = None
    countdown_stopped_by: str = ""
    probing: int = 0
    progress: int | None = None
    message: str = ""
    level: Level = Level.INFO
    kexec: tuple[str, ...] = ()
    lockdown: str = "none"
    dry_run: bool = False
    default_wish: str = ""
    default_until_power_on: str = ""
    one_shot_id: str | None = None
    order: tuple[str, ...] = ()
    autoboot: bool = True
    timeout_seconds: int | None = None
    kept: str = ""
    waiting_for: str = ""
    unprotected: tuple[str, ...] = ()
    abandoned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FactView:
    """One decision about one property of the next kernel's tree (DESIGN.md, `--explain=json`)."""

    path: str
    property: str
    source: str
    rule: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeView:
    """What tree an option gets, and why."""

    origin: str
    summary: str
    shipped_path: str | None = None
    selected_by: str = ""
    facts: tuple[FactView, ...] = ()
    suggestions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where an option came from, what would happen at its boot, or why it cannot boot.

    Attributes:
        loader: Name of the loader that would be used, or "".
        why: Sentence on the choice of loader and tree.
        refused: Why it cannot be booted now, or null.
        running_tree: Sentence on what a boot with the running tree would do, where that is possible
            although this boot is refused: the choice to offer, never to take silently. Else null.
    """

    option: OptionView
    tree: TreeView | None = None
    loader: str = ""
    why: str = ""
    refused: str | None = None
    running_tree: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRowView:
    """A property of the next kernel's tree, or a node where `property` is "".

    Attributes:
        value: As device tree source, printable and cut; null when only other trees have it.
        shipped: The same in the shipped tree, or null.
        live: The same in the running kernel's tree, or null.
        source: `shipped`, `live`, `policy` or `boot-option`: where the value came from.
        rule: Of the merge that decided, or "".
        reason: Sentence, or "".
    """

    path: str
    property: str = ""
    value: str | None = None
    shipped: str | None = None
    live: str | None = None
    source: str = ""
    rule: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePageView:
    """Rows of the next kernel's tree.

    Attributes:
        path: The node that was asked for.
        total: Rows of the whole answer; those after `rows` are asked for with `offset`.
    """

    path: str
    rows: tuple[TreeRowView, ...]
    total: int
    summary: str
    sha256: str


# Events -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole state; first event of a subscription."""

    devices: tuple[DeviceView, ...]
    options: tuple[OptionView, ...]
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChanged:
    """A device appeared or changed."""

    device: DeviceView


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRemoved:
    """A device is gone, and its options with it (each has its own event)."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChanged:
    """An option appeared or changed; `position` is its 0-based place in the menu."""

    option: OptionView
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRemoved:
    """An option is gone."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """Countdown, phase, selection or status line changed."""

    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """Events were lost because this client read too slowly; subscribe again."""

    lost: int


Event = (
    Snapshot
    | DeviceChanged
    | DeviceRemoved
    | OptionChanged
    | OptionRemoved
    | StatusChanged
    | Resync
)

EVENT_KINDS: Final[dict[str, type[Event]]] = {
    "snapshot": Snapshot,
    "deviceChanged": DeviceChanged,
    "deviceRemoved": DeviceRemoved,
    "optionChanged": OptionChanged,
    "optionRemoved": OptionRemoved,
    "statusChanged": StatusChanged,
    "resync": Resync,
}
"""Name on the wire of each kind of event: an Event record has `sequence`, and one member of this
name; all others are null."""


# Requests ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BootReply:
    """What was loaded; the machine leaves right after this reply.

    Attributes:
        tree: Origin of the tree: `merged`, `running` or `shipped`.
    """

    loader: str
    tree: str
    summary: str
    why: str
    tree_sha256: str = ""
    notes: tuple[str, ...] = ()
    executed: bool = field(default=True)


class ErrorName:
    """Errors of the interface, full names."""

    NO_SUCH_OPTION: Final = f"{INTERFACE}.NoSuchOption"
    NOT_BOOTABLE: Final = f"{INTERFACE}.NotBootable"
    REFUSED: Final = f"{INTERFACE}.Refused"
    BOOT_FAILED: Final = f"{INTERFACE}.BootFailed"
    FORBIDDEN: Final = f"{INTERFACE}.Forbidden"
    BUSY: Final = f"{INTERFACE}.Busy"
    PERMISSION_DENIED: Final = "org.varlink.service.PermissionDenied"
    EXPECTED_MORE: Final = "org.varlink.service.ExpectedMore"
    METHOD_NOT_FOUND: Final = "org.varlink.service.MethodNotFound"
    INTERFACE_NOT_FOUND: Final = "org.varlink.service.InterfaceNotFound"
    INVALID_PARAMETER: Final = "org.varlink.service.InvalidParameter"
