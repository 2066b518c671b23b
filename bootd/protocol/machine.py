"""What clients see of the machine under the menu, of its devices, and of bootd's settings."""

from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A network interface.

    Attributes:
        state: As the kernel calls it: `up`, `down`, `dormant` …
        address: Its hardware address.
    """

    name: str
    state: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """A setting of bootd.

    Attributes:
        value: As one writes it.
        place: File and line that set it, the kernel command line, or "" for the default.
    """

    name: str
    value: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineView:
    """The machine at this moment; all text is cleaned.

    Attributes:
        firmware: What started this kernel, or "".
        kexec: Ways in which a kernel can be loaded.
        kexec_refusal: Why not, or "".
        actions: What Power may be asked for.
        consoles: Of the kernel, as /sys/class/tty/console/active names them.
    """

    board: str
    compatible: tuple[str, ...]
    serial: str
    architecture: str
    kernel: str
    firmware: str
    memory_bytes: int
    memory_available_bytes: int
    lockdown: str
    kexec: tuple[str, ...]
    kexec_refusal: str
    network: tuple[LinkView, ...]
    settings: tuple[SettingView, ...]
    actions: tuple[str, ...]
    consoles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookView:
    """A place at which bootd looks on a device for boot options.

    Attributes:
        format: Whose place it is, as options name their format.
        path: A file or directory.
        found: Something is there.
    """

    format: str
    path: str
    found: bool
