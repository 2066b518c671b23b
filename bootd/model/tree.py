"""Device trees as decisions: which one the next kernel gets, and why each property is as it is."""

from enum import Enum

from bootd.model.board import Profile
from bootd.record import dataclass, field


class TreeMode(Enum):
    """What a person or an entry asks for; the value is the word used on wire and command line."""

    MERGED = "merged"
    """The shipped tree with this board's facts: the normal case."""
    RUNNING = "running"
    """The running kernel's tree, only /chosen rewritten."""
    SHIPPED = "shipped"
    """The shipped tree with only what a kernel cannot do without; for experts."""


class TreeOrigin(Enum):
    """What the next kernel's tree was made from."""

    MERGED = "merged"
    RUNNING = "running"
    SHIPPED = "shipped"


class FactSource(Enum):
    """Where a value came from."""

    LIVE = "live"
    SHIPPED = "shipped"
    POLICY = "policy"
    BOOT_OPTION = "boot-option"


class FactAction(Enum):
    """What was done to the shipped tree."""

    SET = "set"
    ADD = "add"
    DELETE = "delete"
    KEEP = "keep"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Why one property (or whole node) of the merged tree differs from the shipped one.

    Attributes:
        path: Node in the merged tree; `/memreserve/` for the reservation block.
        property: Property name, or "" when the whole node is meant.
        rule: Name in the RULES table.
        reason: A sentence.
    """

    path: str
    property: str
    source: FactSource
    rule: str
    action: FactAction
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEdit:
    """One change that a boot script makes to its device tree (U-Boot `fdt set`, `rm`, `mknode`).

    Attributes:
        path: Node, absolute, or an alias where it does not start with a slash; as written.
        property: Its name, or "" when the node itself is made or taken away.
        value: Raw bytes as hexadecimal digits; None takes it away.
        source: Where it stands, such as `/boot/boot.scr line 12`.
    """

    path: str
    property: str
    value: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedTree:
    """What a DTB's root node says, remembered for the file that it was read from.

    Attributes:
        path: Absolute in its file system.
        identity: `FsView.identity` of the file.
        compatible: Most specific first.
        model: As written, not cleaned.
    """

    path: str
    identity: tuple[int, int, int]
    compatible: tuple[str, ...]
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRequest:
    """What an option asks for; paths are absolute on the device that a worker holds.

    Attributes:
        mode_why: Why it is the running tree, where the option does not say so itself, or "".
        devicetree: The entry's own DTB.
        devicetree_part: What is meant inside the container `devicetree` (`bootd.container`), or "".
        devicetree_dir: Folder to choose from.
        kernel_version: For the version folders of distributions, or "".
        overlays: DTBO paths, in order.
        overlay_parts: For each of them what is meant inside it, or ""; empty when all are plain.
        cmdline: Becomes /chosen/bootargs.
        parameters: `name=value` of the DTB's `__overrides__`, in order.
        overlay_parameters: For each overlay its `name=value`, joined with commas; empty when no
            overlay has any.
        edits: Made to the DTB after its overlays, in order.
        profile: What is known of this kind of board.
        indexed: What an earlier report found out about the DTBs of the device.
        screens: Paths of the running tree's framebuffers that a driver still draws into.
        fdtfile: What the firmware of the board calls its DTB, or "".
    """

    mode: TreeMode = TreeMode.MERGED
    mode_why: str = ""
    devicetree: str | None = None
    devicetree_part: str = ""
    devicetree_dir: str | None = None
    kernel_version: str = ""
    overlays: tuple[str, ...] = ()
    overlay_parts: tuple[str, ...] = ()
    cmdline: str = ""
    parameters: tuple[str, ...] = ()
    overlay_parameters: tuple[str, ...] = ()
    edits: tuple[TreeEdit, ...] = ()
    profile: Profile = field(default_factory=Profile)
    indexed: tuple[IndexedTree, ...] = ()
    screens: tuple[str, ...] = ()
    fdtfile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeReport:
    """What became of a TreeRequest; the blob itself travels beside it.

    Attributes:
        origin: What the tree was made from.
        summary: One line for the menu, such as `merged: rk3566-….dtb + 14 live facts`.
        shipped_path: The DTB that was used, or None.
        selected_by: How it was chosen (`entry`, `first-compatible` …), or "".
        facts: Every difference from the base tree.
        suggestions: DTBs a person could pick, best first, when none was chosen.
        notes: Sentences that a person should see.
        changed_outside_chosen: The blob differs from the live tree elsewhere than in /chosen.
        risks: Sentences on what in the shipped files is dangerous even on the right board.
        indexed: What was found out about the DTBs of the device, for the next request.
        sha256: Hex digest of the blob as handed to the loader (before initrd addresses).
    """

    origin: TreeOrigin
    summary: str
    shipped_path: str | None = None
    selected_by: str = ""
    facts: tuple[Fact, ...] = ()
    suggestions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changed_outside_chosen: bool = False
    risks: tuple[str, ...] = ()
    indexed: tuple[IndexedTree, ...] = ()
    sha256: str = ""
