"""What the broker asks the zygote to start."""

from typing import TYPE_CHECKING

from bootd.model.device import MEMBERS
from bootd.record import dataclass

if TYPE_CHECKING:
    from bootd.model.device import BlockDevice


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the zygote is asked to start.

    Attributes:
        node: The device to open, or "" for a task without one.
        fstype: As blkid names it.
        start_bytes, size_bytes: Where in the node, when that is an image file.
        confined: Run without rights and within limits; otherwise only helpers may be called.
        mounted: Whether the node is mounted; else it is only opened, for `bootd.probe.preview` and
            for disks that are a part of something.
    """

    node: str
    fstype: str
    confined: bool
    mounted: bool = True
    start_bytes: int = 0
    size_bytes: int = 0


def order_for(device: "BlockDevice | None", *, confined: bool = True) -> Order:
    """Return the order for a device, or for a task without one."""
    if device is None:
        return Order(node="", fstype="", confined=confined)
    return Order(
        node=device.node,
        fstype=device.fstype,
        confined=confined,
        mounted=device.fstype not in MEMBERS,
        start_bytes=device.start_bytes,
        size_bytes=device.size_bytes,
    )
