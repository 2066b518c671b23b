"""The board as bootd knows it when it boots something: its trees, its profile, whom it trusts."""

from enum import Enum

from bootd.record import dataclass, field


class Tier(Enum):
    """How far a device tree from a disk is trusted; the value is the word in the settings."""

    OPEN = "open"
    """Shipped trees are merged; what is dangerous in them is told."""
    SIGNED = "signed"
    """A shipped tree needs a signature; bootd checks none yet, so it is refused."""
    LOCKED = "locked"
    """Only the running kernel's own tree."""


class LiveChoice(Enum):
    """Which tree is the running one; the value is the word in the settings."""

    RUNTIME = "runtime"
    """As it is now, with what was changed since the start (overlays, hot-plug)."""
    BOOT = "boot"
    """As the kernel was started with it."""


class RunningTree(Enum):
    """When the countdown may take the running tree for an option that cannot get its own.

    The value is the word in the settings.
    """

    NEVER = "never"
    """A person has to choose that."""
    IMPLIED = "implied"
    """For entries that name no DTB, overlay or change of the tree themselves."""
    ALWAYS = "always"


class HookPolicy(Enum):
    """What a hook that fails means; the value is the word in the settings."""

    OFF = "off"
    """No hook runs."""
    TRY = "try"
    """It is told, what it answered counts for nothing, and the boot goes on."""
    REQUIRE = "require"
    """The boot does not happen."""


class RiskyTrees(Enum):
    """Whose dangerous changes are allowed in trust tier OPEN; the value is the word in settings."""

    AUTO = "auto"
    """Those of built-in disks, which somebody has chosen; not those of removable media."""
    YES = "yes"
    NO = "no"


class Base(Enum):
    """What the next kernel's tree may be made from; the value is the word in the file."""

    MERGE = "merge"
    """A shipped DTB with this board's facts: the normal case."""
    LIVE = "live"
    """Only the running tree: the firmware puts more into it than can be brought over."""
    REFUSE = "refuse"
    """Nothing: kexec cannot work here."""


class ProfileAction(Enum):
    """What a rule of a profile does to a property; the value is the word in the file."""

    LIVE = "live"
    """Take the running tree's value."""
    SHIPPED = "shipped"
    """Keep the DTB's value, whatever the built-in rules say."""
    DROP = "drop"
    """Delete it."""
    LIVE_IF_MISSING = "live-if-missing"
    """Take the running tree's value where the DTB has none."""
    DISABLE = "disable"
    """Set status to disabled where the running tree surely has this node, disabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRule:
    """One rule; a node has to fit both `path` and `compatible`, where given.

    Attributes:
        path: Pattern of the node's path in the DTB (`*` fits within a part), or "".
        compatible: Pattern of one of its compatible strings, or "".
        property: Name; "" only with DISABLE.
        reason: For the explanation: the rest of "... because".
        source: Where it stands, such as `rockchip.toml:12`.
    """

    action: ProfileAction
    reason: str
    source: str
    path: str = ""
    compatible: str = ""
    property: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiesce:
    """What has to be quiet before this board may jump to another kernel.

    Attributes:
        unbind: Drivers, as `bus/driver` of /sys/bus, that let go of their devices.
        offline_cpus: All processors but the first are taken offline.
        delay_ms: Milliseconds to wait then.
    """

    unbind: tuple[str, ...] = ()
    offline_cpus: bool = False
    delay_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that profiles say about one board.

    Attributes:
        names: File names of the profiles that fit, without ending.
        base: The strictest of them.
        reason: Why `base` is what it is; "" for MERGE.
        devicetree: The administrator's pin: an absolute path on the option's device, or one below
            its folder of DTBs; "" for none.
        original: Path, in bootd's own system, of the DTB that the firmware starts from; "" when it
            is not known.
        tree: Path, in bootd's own system, of a whole tree for a machine without a usable one; "".
        also: More names of this board that DTBs may have as their first compatible string.
        rules: In the order in which they count: the first that fits a property wins.
        quiesce: All that profiles want quiet before the jump.
    """

    names: tuple[str, ...] = ()
    base: Base = Base.MERGE
    reason: str = ""
    devicetree: str = ""
    original: str = ""
    tree: str = ""
    also: tuple[str, ...] = ()
    rules: tuple[ProfileRule, ...] = ()
    quiesce: Quiesce = field(default_factory=Quiesce)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What the next kernel's tree is made with, besides the boot option's files.

    Attributes:
        live: The running kernel's tree as a blob, or a profile's whole tree; None for neither.
        original: The DTB that the firmware starts from, where it is known.
        tier: How far the option's files are trusted.
        risky: Whether what is dangerous in them is allowed.
        screens: Paths of the running tree's framebuffers that a driver still draws into.
        fdtfile: What U-Boot's environment calls the DTB of this board, or "".
        notes: Sentences that a person should see.
    """

    live: bytes | None = None
    original: bytes | None = None
    profile: Profile = field(default_factory=Profile)
    tier: Tier = Tier.OPEN
    risky: RiskyTrees = RiskyTrees.AUTO
    screens: tuple[str, ...] = ()
    fdtfile: str = ""
    notes: tuple[str, ...] = ()
