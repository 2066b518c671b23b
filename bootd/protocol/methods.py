"""The methods and errors of `org.bootd.Boot`, from which client and server are both derived.

To add a method: its two records here, one line in `METHODS`, one handler in `bootd.server.methods`,
and its declaration in `org.bootd.Boot.varlink` (a test compares).
"""

from enum import Enum, auto
from typing import Final

from bootd.protocol.machine import LookView, MachineView
from bootd.protocol.messages import (
    INTERFACE,
    NO_OVERRIDES,
    BootReply,
    Event,
    Explanation,
    OptionView,
    Overrides,
    Status,
    TreePageView,
)
from bootd.record import dataclass


class Replies(Enum):
    """How many replies a method gives."""

    ONE = auto()
    SEVERAL = auto()
    """One, or with `more` as many as needed."""
    STREAM = auto()
    """Only with `more`: without it the error ExpectedMore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParameters:
    """Parameters of a method that takes none, or gives none back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Describing:
    """Reply of Describe."""

    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Reply of ListOptions: options in menu order; with `more` in several parts."""

    options: tuple[OptionView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Reply of Subscribe.

    Attributes:
        event: On the wire a record with `sequence` and one member named as in EVENT_KINDS.
        sequence: 0 for the snapshot of a subscription, then one more for each event.
    """

    sequence: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Selecting:
    """Parameters of Select, SetOneShot and ForgetOverrides.

    Attributes:
        by: Who acts, for other people to see; "" lets the daemon say which user it was.
    """

    id: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booting:
    """Parameters of Boot and LoadCrashKernel."""

    id: str
    overrides: Overrides = NO_OVERRIDES
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """Reply of Boot and LoadCrashKernel."""

    reply: BootReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """Parameters of Cancel."""

    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocking:
    """Parameters of Unlock; `device` is a kernel name. The passphrase is never logged or kept."""

    device: str
    passphrase: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explaining:
    """Parameters of Explain."""

    id: str
    overrides: Overrides = NO_OVERRIDES


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Reply of Explain."""

    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsing:
    """Parameters of BrowseTree; of `find`, `against` and `path` the first that is given counts.

    Attributes:
        path: Node whose properties and children are wanted.
        find: Text in names and values of the whole tree.
        against: `shipped` or `live`: wanted are all differences to that tree.
        offset: Rows to leave out.
    """

    id: str
    overrides: Overrides = NO_OVERRIDES
    path: str = "/"
    find: str = ""
    against: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsed:
    """Reply of BrowseTree."""

    page: TreePageView


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method.

    Attributes:
        name: Without the interface.
        changes: It may be called only by root and members of the group `bootd`.
        remote: Members of the group `bootd-remote`, such as the gateway, may call it, and no other.
    """

    name: str
    parameters: type
    reply: type
    changes: bool
    replies: Replies = Replies.ONE
    remote: bool = False

    @property
    def full_name(self) -> str:
        """The name as a call carries it."""
        return f"{INTERFACE}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribingMachine:
    """Reply of DescribeMachine."""

    machine: MachineView


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspecting:
    """Parameters of InspectDevice; `device` is a kernel name."""

    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """Reply of InspectDevice: every place at which bootd looks, in the order of the formats."""

    looks: tuple[LookView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingTimeout:
    """Parameters of SetTimeout; `seconds` counts anew from there, null never boots by itself."""

    seconds: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningShell:
    """Parameters of OpenShell; `console` is a terminal's name without /dev/."""

    console: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Parameters of Leave; `action` is `reboot` or `powerOff`."""

    action: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDefault:
    """Parameters of SetDefault; `id` may be a pattern, `@saved`, or "" to forget.

    Attributes:
        until: `powerOn`: only until the machine is switched off or restarted; "" for good.
    """

    id: str
    until: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuring:
    """Parameters of Configure; null leaves a setting as it is.

    Attributes:
        reset: Names of settings, as on the wire, that are forgotten.
    """

    timeout_seconds: int | None = None
    autoboot: bool | None = None
    order: tuple[str, ...] | None = None
    reset: tuple[str, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingOverrides:
    """Parameters of SaveOverrides."""

    id: str
    name: str
    overrides: Overrides
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Reply of SaveOverrides; the id of the option that stands for the changes."""

    id: str


DESCRIBE: Final = Method(
    name="Describe", parameters=NoParameters, reply=Describing, changes=False, remote=True
)
DESCRIBE_MACHINE: Final = Method(
    name="DescribeMachine", parameters=NoParameters, reply=DescribingMachine, changes=False
)
LIST_OPTIONS: Final = Method(
    name="ListOptions",
    parameters=NoParameters,
    reply=Listing,
    changes=False,
    replies=Replies.SEVERAL,
    remote=True,
)
SUBSCRIBE: Final = Method(
    name="Subscribe",
    parameters=NoParameters,
    reply=Occurrence,
    changes=False,
    replies=Replies.STREAM,
    remote=True,
)
EXPLAIN: Final = Method(name="Explain", parameters=Explaining, reply=Explained, changes=False)
BROWSE_TREE: Final = Method(name="BrowseTree", parameters=Browsing, reply=Browsed, changes=False)
INSPECT_DEVICE: Final = Method(
    name="InspectDevice", parameters=Inspecting, reply=Inspected, changes=False
)
SELECT: Final = Method(
    name="Select", parameters=Selecting, reply=NoParameters, changes=True, remote=True
)
BOOT: Final = Method(name="Boot", parameters=Booting, reply=Booted, changes=True)
LOAD_CRASH_KERNEL: Final = Method(
    name="LoadCrashKernel", parameters=Booting, reply=Booted, changes=True
)
CANCEL: Final = Method(
    name="Cancel", parameters=Cancelling, reply=NoParameters, changes=True, remote=True
)
RESCAN: Final = Method(name="Rescan", parameters=NoParameters, reply=NoParameters, changes=True)
UNLOCK: Final = Method(name="Unlock", parameters=Unlocking, reply=NoParameters, changes=True)
SET_TIMEOUT: Final = Method(
    name="SetTimeout", parameters=SettingTimeout, reply=NoParameters, changes=True
)
SET_DEFAULT: Final = Method(
    name="SetDefault", parameters=SettingDefault, reply=NoParameters, changes=True
)
SET_ONE_SHOT: Final = Method(
    name="SetOneShot", parameters=Selecting, reply=NoParameters, changes=True
)
CONFIGURE: Final = Method(
    name="Configure", parameters=Configuring, reply=NoParameters, changes=True
)
SAVE_OVERRIDES: Final = Method(
    name="SaveOverrides", parameters=SavingOverrides, reply=Saved, changes=True
)
FORGET_OVERRIDES: Final = Method(
    name="ForgetOverrides", parameters=Selecting, reply=NoParameters, changes=True
)
OPEN_SHELL: Final = Method(
    name="OpenShell", parameters=OpeningShell, reply=NoParameters, changes=True
)
LEAVE: Final = Method(name="Leave", parameters=Leaving, reply=NoParameters, changes=True)

METHODS: Final[tuple[Method, ...]] = (
    DESCRIBE,
    DESCRIBE_MACHINE,
    LIST_OPTIONS,
    SUBSCRIBE,
    EXPLAIN,
    BROWSE_TREE,
    INSPECT_DEVICE,
    SELECT,
    BOOT,
    LOAD_CRASH_KERNEL,
    CANCEL,
    RESCAN,
    UNLOCK,
    SET_TIMEOUT,
    SET_DEFAULT,
    SET_ONE_SHOT,
    CONFIGURE,
    SAVE_OVERRIDES,
    FORGET_OVERRIDES,
    OPEN_SHELL,
    LEAVE,
)
"""In the order of the published interface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFailure:
    """Parameters of an error about one option; `message` is the sentence to show."""

    id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Parameters of an error that is not about one option."""

    message: str


ERRORS: Final[dict[str, type]] = {
    "NoSuchOption": OptionFailure,
    "NotBootable": OptionFailure,
    "Refused": OptionFailure,
    "BootFailed": OptionFailure,
    "Forbidden": Failure,
    "Busy": Failure,
}
"""Name without the interface -> its parameters."""
