"""What the body of an entry does when it runs: the kernel it loads, and what it does instead."""

from bootd.formats.grub.devices import Located
from bootd.model.option import Save
from bootd.record import dataclass, field


@dataclass(slots=True)
class Load:
    """Filled by commands while a body runs.

    Attributes:
        linux: Where the last `linux` found its kernel; None when there was none.
        cmdline: Of that kernel.
        initrds: In order; a later `initrd` replaces those of an earlier one.
        devicetree: From `devicetree`.
        saves: Variables that it would write to an environment block.
        reasons: Why bootd cannot do what the body does.
        closed: Images that could not be opened, as reasons; for an entry without a kernel.
        doubts: Why it is not sure that the body does what it was seen to do.
        notes: What was understood and not done.
        is_idle: Nothing was loaded or started: the entry only shows text.
    """

    linux: Located | None = None
    cmdline: str = ""
    initrds: list[Located] = field(default_factory=list)
    devicetree: Located | None = None
    saves: list[Save] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_idle: bool = True
