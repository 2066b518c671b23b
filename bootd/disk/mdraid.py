"""Members of a Linux RAID: what array a disk belongs to, and where on it a mirror's data lie.

A disk of a mirror holds all of its data in one stretch, so each can be read alone; of several the
one with the most events is right. Nothing is written, as assembling the array would do.
Source: include/uapi/linux/raid/md_p.h (struct mdp_superblock_1, mdp_super_t), drivers/md/md.c.
Not supported: levels other than 1 (mdadm puts those together), arrays that are being reshaped,
metadata 0.90 of big-endian machines, and DDF and IMSM metadata.
"""

import errno
import struct
from typing import Final

from bootd.disk.volume import ByteSource
from bootd.model.stack import Member, Piece, Place, Volume
from bootd.model.text import clean

MAGIC: Final = 0xA92B4EFC
MIRROR: Final = 1

# magic, major_version, feature_map, set_uuid, set_name; then level and size from byte 72.
_FRONT: Final = struct.Struct("<III4x16s32s8xiIQ")
# reshape_position at 104; data_offset, data_size, super_offset, recovery_offset, dev_number at 128.
_DATA: Final = struct.Struct("<QQQQI4x16s")
# utime, events, resync_offset, sb_csum, max_dev at 192.
_STATE: Final = struct.Struct("<QQQII")
_RECOVERING: Final = 0x2
_RESHAPING: Final = 0x4
_BYTES: Final = 4096
_MAX_DEVICES: Final = 1920
_FAULTY: Final = 0xFFFE

_OLD_BYTES: Final = 64 << 10
"""Metadata 0.90 lies in the last whole 64 KiB but one (MD_RESERVED_BYTES)."""
_NO_EVENTS: Final = "it has failed, is a spare, or was being rebuilt"
_LEVELS: Final = "it is RAID level {level}, which only mdadm can put together"


def read(disk: ByteSource, size: int) -> Member | None:
    """Return what array a disk belongs to, or None when it is no member.

    Args:
        disk: The member, a whole disk or partition.
        size: Of it in bytes.

    Raises:
        OSError: The metadata are damaged, or the medium failed.
    """
    sectors = size // 512
    for at in (8, 0, ((sectors - 16) & ~7) if sectors > 16 else 0):
        raw = disk.read_at(at * 512, _BYTES)
        if len(raw) >= 1024 and raw[:4] == MAGIC.to_bytes(4, "little") and raw[4] == 1:
            return _read_1(raw, at, sectors)
    at = (size & ~(_OLD_BYTES - 1)) - _OLD_BYTES
    raw = disk.read_at(at, _BYTES) if at > 0 else b""
    if len(raw) == _BYTES and raw[:4] == MAGIC.to_bytes(4, "little"):
        return _read_0(raw, at // 512)
    return None


def _read_1(raw: bytes, at: int, sectors: int) -> Member:
    _, _, features, set_uuid, set_name, level, _, length = _FRONT.unpack_from(raw)
    data_offset, data_size, super_offset, recovered, number, device = _DATA.unpack_from(raw, 128)
    _, events, _, checksum, devices = _STATE.unpack_from(raw, 192)
    if super_offset != at or devices > _MAX_DEVICES or checksum != _checksum(raw, devices):
        raise OSError(errno.EUCLEAN, "its RAID metadata are damaged")
    uuid = _uuid(set_uuid)
    name = clean(set_name.partition(b"\0")[0].decode("utf-8", "replace")) or uuid
    (raid_disks,) = struct.unpack_from("<I", raw, 92)
    role = struct.unpack_from("<H", raw, 256 + 2 * number)[0] if number < devices else _FAULTY
    whole = not (features & _RECOVERING and recovered < data_size)
    member = _uuid(device)
    reason = "" if role < raid_disks and whole else _NO_EVENTS
    if features & _RESHAPING:
        reason = "it is being reshaped, which only mdadm can finish"
    if data_offset + data_size > sectors:
        raise OSError(errno.EUCLEAN, "its RAID metadata tell of more than the disk has")
    volume = _volume(
        name, uuid, level, Place(member=member, start=data_offset), min(length, data_size)
    )
    return Member(uuid=member, group=uuid, name=name, sequence=events, volumes=(volume,),
                  reason=reason)  # fmt: skip


def _read_0(raw: bytes, end: int) -> Member:
    words = struct.unpack(f"<{_BYTES // 4}I", raw)
    # Words of mdp_super_t: set_uuid0 5, level 7, size in KiB 8, raid_disks 10, set_uuid1..3 13..15,
    # sb_csum 38, events 39 and 40; this_disk begins at 992 with number, major, minor, raid_disk,
    # state.
    total = sum(words) - words[38]
    if (total & 0xFFFFFFFF) + (total >> 32) & 0xFFFFFFFF != words[38]:
        raise OSError(errno.EUCLEAN, "its RAID metadata are damaged")
    uuid = _uuid(struct.pack("<4I", words[5], *words[13:16]))
    number, role, state = words[992], words[995], words[996]
    member = f"{uuid}-{number}"
    # MD_DISK_ACTIVE and MD_DISK_SYNC, and not MD_DISK_FAULTY.
    reason = "" if role < words[10] and state & 7 == 6 else _NO_EVENTS
    length = words[8] * 2
    if length > end:
        raise OSError(errno.EUCLEAN, "its RAID metadata tell of more than the disk has")
    level = words[7] - (1 << 32) if words[7] >> 31 else words[7]
    volume = _volume(uuid, uuid, level, Place(member=member, start=0), length)
    return Member(uuid=member, group=uuid, name=uuid, sequence=words[39] | words[40] << 32,
                  volumes=(volume,), reason=reason)  # fmt: skip


def _volume(name: str, uuid: str, level: int, place: Place, length: int) -> Volume:
    if level != MIRROR:
        return Volume(name=name, uuid=uuid, reason=_LEVELS.format(level=level))
    if length == 0:
        raise OSError(errno.EUCLEAN, "its RAID metadata tell of no data")
    return Volume(name=name, uuid=uuid, pieces=(Piece(length=length, places=(place,)),))


def _checksum(raw: bytes, devices: int) -> int:
    """Return the sum that metadata 1 should carry; drivers/md/md.c, calc_sb_1_csum."""
    size = 256 + 2 * devices
    total: int = sum(struct.unpack_from(f"<{size // 4}I", raw))
    if size % 4:
        total += struct.unpack_from("<H", raw, size - 2)[0]
    total -= struct.unpack_from("<I", raw, 216)[0]
    return (total & 0xFFFFFFFF) + (total >> 32) & 0xFFFFFFFF


def _uuid(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}:{text[8:16]}:{text[16:24]}:{text[24:]}"
