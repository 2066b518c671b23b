"""Block devices: what udev tells about a thing that may hold a file system."""

from enum import Enum
from typing import Final

from bootd.record import dataclass


class DeviceKind(Enum):
    """What a person would call the medium; the value is the word shown and used in settings."""

    DISK = "disk"
    MMC = "mmc"
    NVME = "nvme"
    USB = "usb"
    OPTICAL = "optical"
    NETWORK = "network"
    DIRECTORY = "directory"
    """A directory that plays a device (`bootd --machine`, `bootdctl scan`)."""


ANDROID: Final = "android"
"""As `fstype`: no file system but an Android boot image fills the partition. It is never mounted,
only read."""

WRITABLE: Final = frozenset({"ext2", "ext3", "ext4", "vfat"})
"""As `fstype`: what bootd may write where it is asked to; boot partitions are made of these."""

LUKS: Final = "crypto_LUKS"
"""As `fstype`: encrypted, and locked until a person gives the passphrase."""

MEMBERS: Final = frozenset({LUKS, "LVM2_member", "linux_raid_member"})
"""As `fstype`: no file system but a part of something, as blkid calls it. Read, never mounted."""

SLOTTED: Final = ("boot", "recovery")
"""Names of such partitions, with `_a` or `_b` behind them or without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDevice:
    """A partition, whole disk or stand-in directory with a file system on it.

    Attributes:
        name: Kernel name such as `sda1`; unique among the devices present, reused later.
        node: Path to open: the device node, or the directory that plays the device.
        uuid: File-system UUID as udev reports it, or "".
        label: File-system label, decoded and cleaned, or "".
        partuuid: UUID in the partition table, or "".
        partlabel: Name in the partition table, or "".
        fstype: As blkid names it (`ext4`, `vfat`), or "".
        disk: Kernel name of the whole disk; equal to `name` for a disk without partitions.
        model: The disk's model for a person, cleaned, or "".
        size_bytes: Size of this device, 0 when unknown.
        removable: The kernel says that the medium can be taken out.
        start_bytes: Where the file system begins in `node`, for an image file that plays a disk.
        sequence: The kernel's diskseq: differs when another medium took the same name; 0 unknown.
        part: UUID of this device within its file system, where that may have several (btrfs).
    """

    name: str
    node: str
    uuid: str = ""
    label: str = ""
    partuuid: str = ""
    partlabel: str = ""
    fstype: str = ""
    disk: str = ""
    model: str = ""
    kind: DeviceKind = DeviceKind.DISK
    size_bytes: int = 0
    removable: bool = False
    start_bytes: int = 0
    sequence: int = 0
    part: str = ""

    def repeats(self, other: "BlockDevice") -> bool:
        """Say whether another device has more of the same file system, and not a copy of it."""
        return bool(self.part) and self.uuid == other.uuid and self.part != other.part


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEvent:
    """What a source of devices reports: this device is there as described, or gone.

    Attributes:
        name: Kernel name.
        device: None when it is gone, has lost its medium or its file system.
    """

    name: str
    device: BlockDevice | None
