r"""What udev and sysfs say about a block device, as a `BlockDevice`.

Partitions that Android boots from are taken by their names; members of RAID, LVM and LUKS are told
as such. Left out because nothing can be read from them: other devices without a medium or file
system, what udev marks as not ready, and disks under another block device that the system has put
together from them (multipath, RAID, an open LUKS), which is shown in their place.
Sources: blkid's udev builtin (ID_FS_*, `\xNN` escapes in *_ENC), 60-persistent-storage.rules,
Documentation/ABI/stable/sysfs-block.
"""

import os
import re
from collections.abc import Mapping
from typing import Final

from bootd.model.device import ANDROID, MEMBERS, SLOTTED, BlockDevice, DeviceKind
from bootd.model.text import clean

SYSFS: Final = "/sys/class/block"

OURS: Final = "bootd-"
"""Begins name and UUID of everything that bootd makes with the device mapper."""

_STACKED: Final = ("dm-", "md")

OVERLAY: Final = "bootd-cow-"
"""Begins name and UUID of a device that `bootd.linux.overlay` made."""

_SECTOR: Final = 512
"""Sysfs counts sizes in these, whatever the medium's own sectors are."""

_ESCAPE: Final = re.compile(rb"\\x([0-9a-fA-F]{2})")

_RAW: Final = frozenset(f"{name}{slot}" for name in SLOTTED for slot in ("", "_a", "_b"))
"""Names of partitions that may hold a boot image of Android and no file system."""

_BY_NAME: Final = (
    ("nvme", DeviceKind.NVME),
    ("mmcblk", DeviceKind.MMC),
    ("sr", DeviceKind.OPTICAL),
    ("nbd", DeviceKind.NETWORK),
    ("rbd", DeviceKind.NETWORK),
)


def describe(name: str, properties: Mapping[str, str]) -> BlockDevice | None:
    """Return the device, or None when there is nothing on it to look at.

    Args:
        name: Kernel name.
        properties: Of udev: those of the uevent and those of its rules.
    """
    if is_overlay(name):
        return None
    usage = properties.get("ID_FS_USAGE")
    label = clean(_decode(properties.get("ID_PART_ENTRY_NAME", "")))
    raw = usage is None and "ID_FS_TYPE" not in properties and label in _RAW
    known = usage == "filesystem" or properties.get("ID_FS_TYPE") in MEMBERS or raw
    if properties.get("SYSTEMD_READY") == "0" or not known or is_hidden(name):
        return None
    disk = _disk(name)
    size = size_of(name)
    if size == 0:
        return None
    return BlockDevice(
        name=name,
        node=properties.get("DEVNAME", f"/dev/{name}"),
        uuid=clean(properties.get("ID_FS_UUID", "")),
        label=_text(properties, "ID_FS_LABEL"),
        partuuid=clean(properties.get("ID_PART_ENTRY_UUID", "")),
        partlabel=label,
        fstype=ANDROID if raw else clean(properties.get("ID_FS_TYPE", "")),
        disk=disk,
        model=_model(disk, properties),
        kind=_kind(name, properties),
        size_bytes=size,
        removable=_number(f"{disk}/removable") == 1,
        sequence=_number(f"{disk}/diskseq"),
        part=clean(properties.get("ID_FS_UUID_SUB", "")) if usage == "filesystem" else "",
    )


def read(path: str) -> str:
    """Return an attribute below SYSFS without the newline, or "" when it cannot be read."""
    try:
        fd = os.open(f"{SYSFS}/{path}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 4096).decode("utf-8", "replace").strip()
    except OSError:  # ENODEV: it went away in between
        return ""
    finally:
        os.close(fd)


def is_overlay(name: str) -> bool:
    """Say whether a device is one of ours that a journal is replayed in, or the store of one."""
    if name.startswith("dm-"):
        return read(f"{name}/dm/uuid").startswith(OVERLAY)
    return name.startswith("loop") and read(f"{name}/loop/backing_file").startswith(
        f"/memfd:{OVERLAY}"
    )


def is_ours(name: str) -> bool:
    """Say whether bootd has put a device together."""
    return name.startswith("dm-") and read(f"{name}/dm/uuid").startswith(OURS)


def is_hidden(name: str) -> bool:
    """Say whether another block device stands on this one that bootd did not put together."""
    try:
        holders = os.listdir(f"{SYSFS}/{name}/holders")
    except OSError:
        return False
    return not all(map(is_ours, holders))


def below(name: str) -> tuple[str, ...]:
    """Return the devices that a device of the device mapper or of RAID is put together from."""
    if not name.startswith(_STACKED):
        return ()
    try:
        return tuple(sorted(os.listdir(f"{SYSFS}/{name}/slaves")))
    except OSError:
        return ()


def size_of(name: str) -> int:
    """Return the bytes of a device by its kernel name; 0 without a medium."""
    return _number(f"{name}/size") * _SECTOR


def _disk(name: str) -> str:
    if not os.path.exists(f"{SYSFS}/{name}/partition"):
        return name
    # A partition's directory lies in that of its disk.
    return os.path.basename(os.path.dirname(os.path.realpath(f"{SYSFS}/{name}")))


def _number(path: str) -> int:
    text = read(path)
    return int(text) if text.isdecimal() else 0


def _model(disk: str, properties: Mapping[str, str]) -> str:
    told = _text(properties, "ID_MODEL").strip()
    if disk.startswith("dm-"):
        return clean(read(f"{disk}/dm/name").removeprefix(OURS))
    return told or clean(read(f"{disk}/device/model") or read(f"{disk}/device/name"))


def _text(properties: Mapping[str, str], key: str) -> str:
    """Return a text property, from its unabridged form where udev gives one."""
    return clean(_decode(properties.get(f"{key}_ENC", "")) or properties.get(key, ""))


def _decode(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), data).decode("utf-8", "replace")


def _kind(name: str, properties: Mapping[str, str]) -> DeviceKind:
    if properties.get("ID_BUS") == "usb":
        return DeviceKind.USB
    if properties.get("ID_CDROM") == "1":
        return DeviceKind.OPTICAL
    return next((kind for prefix, kind in _BY_NAME if name.startswith(prefix)), DeviceKind.DISK)
