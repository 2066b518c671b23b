"""What a person changes in an option before its boot; `bootd.protocol.messages` passes it on."""

from typing import Final

from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A file of an option; `device` is a kernel name, or the spec as written while it waits.

    Attributes:
        path: Absolute; a part of a container follows it after a `#`.
    """

    device: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayView:
    """A device tree overlay to apply.

    Attributes:
        path: As in `FileView`.
        parameters: `name=value` settings joined with commas, or "".
    """

    device: str
    path: str
    parameters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a person changed before a boot; null or absent means as the entry says.

    Attributes:
        options: Another command line.
        devicetree_mode: `merged`, `running` or `shipped`.
        devicetree: Path of another DTB on the option's device.
        linux: Another kernel.
        initrd: All initrds, in order; an empty list boots without one.
        devicetree_overlay: All overlays, in order.
    """

    options: str | None = None
    devicetree_mode: str | None = None
    devicetree: str | None = None
    linux: FileView | None = None
    initrd: tuple[FileView, ...] | None = None
    devicetree_overlay: tuple[OverlayView, ...] | None = None


NO_OVERRIDES: Final = Overrides()
