"""Superblocks: what file system a volume holds, its UUID and label, as blkid would say.

Source: the on-disk structures in the kernel: fs/ext4/ext4.h, fs/xfs/libxfs/xfs_format.h,
include/uapi/linux/btrfs_tree.h, include/linux/f2fs_fs.h, fs/erofs/erofs_fs.h,
fs/squashfs/squashfs_fs.h; ECMA-119 for ISO 9660; Microsoft's FAT specification 1.03.
Not supported: file systems that bootd does not look at. A FAT label is taken from the boot sector.
"""

import struct
from collections.abc import Callable
from typing import Final

from bootd.disk.volume import ByteSource
from bootd.model.device import ANDROID
from bootd.model.text import clean
from bootd.record import dataclass

_EXT3_JOURNAL: Final = 0x4
_EXT3_INCOMPATIBLE: Final = 0x2 | 0x4 | 0x10
"""filetype, recover, meta_bg: what ext2 and ext3 know; anything else makes it ext4."""
_EXT3_READ_ONLY: Final = 0x1 | 0x2 | 0x4


@dataclass(frozen=True, slots=True)
class Identity:
    """What udev would report about a volume; "" where the file system has no such thing.

    Attributes:
        fstype: As blkid names it.
    """

    fstype: str
    uuid: str = ""
    label: str = ""


def identify(volume: ByteSource) -> Identity | None:
    """Return what is on a volume, or None for nothing that bootd knows.

    Raises:
        OSError: The medium failed.
    """
    found = (probe(volume) for probe in PROBES)
    return next((identity for identity in found if identity is not None), None)


def _ext(volume: ByteSource) -> Identity | None:
    raw = volume.read_at(1024, 136)
    if len(raw) < 136 or raw[56:58] != b"\x53\xef":
        return None
    compatible, incompatible, read_only = struct.unpack_from("<III", raw, 92)
    fstype = "ext3" if compatible & _EXT3_JOURNAL else "ext2"
    if incompatible & ~_EXT3_INCOMPATIBLE or read_only & ~_EXT3_READ_ONLY:
        fstype = "ext4"
    return Identity(fstype, _uuid(raw[104:120]), _label(raw[120:136]))


def _xfs(volume: ByteSource) -> Identity | None:
    raw = volume.read_at(0, 120)
    if len(raw) < 120 or raw[:4] != b"XFSB":
        return None
    return Identity("xfs", _uuid(raw[32:48]), _label(raw[108:120]))


def _btrfs(volume: ByteSource) -> Identity | None:
    raw = volume.read_at(65536, 555)
    if len(raw) < 555 or raw[64:72] != b"_BHRfS_M":
        return None
    return Identity("btrfs", _uuid(raw[32:48]), _label(raw[299:555]))


def _f2fs(volume: ByteSource) -> Identity | None:
    raw = volume.read_at(1024, 1148)
    if len(raw) < 1148 or raw[:4] != b"\x10\x20\xf5\xf2":
        return None
    label = raw[124:1148].decode("utf-16-le", "replace").partition("\0")[0]
    return Identity("f2fs", _uuid(raw[108:124]), clean(label))


def _erofs(volume: ByteSource) -> Identity | None:
    raw = volume.read_at(1024, 80)
    if len(raw) < 80 or raw[:4] != b"\xe2\xe1\xf5\xe0":
        return None
    return Identity("erofs", _uuid(raw[48:64]), _label(raw[64:80]))


def _squashfs(volume: ByteSource) -> Identity | None:
    return Identity("squashfs") if volume.read_at(0, 4) == b"hsqs" else None


def _iso9660(volume: ByteSource) -> Identity | None:
    raw = volume.read_at(32768, 847)
    if len(raw) < 847 or raw[:6] != b"\x01CD001":
        return None
    changed, created = raw[830:846], raw[813:829]
    stamp = (changed if changed.strip(b"0\0") else created).decode("ascii", "replace")
    parts = (stamp[:4], *(stamp[at : at + 2] for at in range(4, 16, 2)))
    uuid = "-".join(parts) if stamp.isdecimal() and stamp.strip("0") else ""
    return Identity("iso9660", uuid, _label(raw[40:72]))


def _vfat(volume: ByteSource) -> Identity | None:
    raw = volume.read_at(0, 512)
    if len(raw) < 512 or raw[510:] != b"\x55\xaa":
        return None
    if raw[82:87] == b"FAT32":
        serial, label = raw[67:71], raw[71:82]
    elif raw[54:59] in {b"FAT12", b"FAT16"}:
        serial, label = raw[39:43], raw[43:54]
    else:
        return None
    number = serial[::-1].hex().upper()
    uuid = f"{number[:4]}-{number[4:]}" if any(serial) else ""
    return Identity("vfat", uuid, "" if label.startswith(b"NO NAME") else _label(label))


def _android(volume: ByteSource) -> Identity | None:
    """Tell a boot image that fills a partition; blkid knows none."""
    return Identity(ANDROID) if volume.read_at(0, 8) == b"ANDROID!" else None


def _uuid(raw: bytes) -> str:
    text = raw.hex()
    parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
    return "-".join(parts) if any(raw) else ""


def _label(raw: bytes) -> str:
    return clean(raw.partition(b"\0")[0].decode("utf-8", "replace").rstrip(" "))


PROBES: Final[tuple[Callable[[ByteSource], Identity | None], ...]] = (
    _ext,
    _xfs,
    _btrfs,
    _f2fs,
    _erofs,
    _iso9660,
    _squashfs,
    _android,
    _vfat,
)
"""FAT last: its signature is the weakest, and boot sectors in front of others look like it."""
