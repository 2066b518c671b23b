"""Damaged disks by the thousand: partition tables, superblocks, volumes, LVM and RAID metadata.

Checksums are made right again in most of them, or nothing behind a checksum would ever be reached.
Nothing may crash, hang or lead beyond the disk. `make fuzz` runs 400,000; the normal tests run some
thousand with the same code. What failed is written below build/fuzz.
"""

import random
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import perf_counter
from typing import Final

from bootd.disk import lvm, mdraid, partitions, superblock
from bootd.disk.volume import VolumeView
from bootd.errors import BootdError
from bootd.model.stack import Member
from bootd.policy.stacks import plan
from bootd.probe import answer
from bootd.probe.image import READERS
from bootd.protocol.codec import to_json
from tests.fuzz.command import report
from tests.fuzz.trees import FOUND, Outcome, mutate
from tests.support import stacks
from tests.support.stacks import Disk
from tests.support.volumes import small_volumes

SLOW_S: Final = 2.0
_END: Final = (4 * stacks.MIB // 512 - 16) & ~7

Try = Callable[[bytes], bool]
"""Takes a damaged disk and says whether something was found on it."""


def fuzz_disks(count: int, seed: int) -> Outcome:
    """Damage the part of a disk that is read, and read it."""
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311 - repeatable on purpose
    kinds = tuple(_kinds().items())
    for number in range(count):
        name, (data, begin, end, repair, attempt) = rng.choice(kinds)
        damaged = data[:begin] + mutate(rng, data[begin:end]).ljust(end - begin, b"\0") + data[end:]
        if rng.random() < 0.8:
            damaged = repair(damaged)
        start = perf_counter()
        try:
            with suppress(OSError, BootdError):
                outcome.accepted += attempt(damaged)
        except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
            outcome.mistakes.append(f"{seed}:{number} {name} raised {error!r}")
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / f"disk-{name}-{seed}-{number}").write_bytes(damaged)
        took = perf_counter() - start
        outcome.runs += 1
        outcome.slowest_s = max(outcome.slowest_s, took)
        if took > SLOW_S:
            outcome.mistakes.append(f"{seed}:{number} {name} took {took:.1f} s")
    return outcome


Kind = tuple[bytes, int, int, Callable[[bytes], bytes], Try]
"""A sound disk, the part of it that is damaged, what makes its checksums right, and the reader."""


def _kinds() -> Mapping[str, Kind]:
    segment = stacks.segment(1, 0, 2, ["pv0", 0, "pv1", 1])
    root = stacks.volume("root", "r", stacks.segment(1, 0, 2, ["pv0", 0]))
    text = stacks.group(root + stacks.volume("fast", "f", segment))
    group = stacks.pv(text, size=16384)[:32768]
    mirror, ending = stacks.mirror(8, size=64 << 10), stacks.mirror(0, size=64 << 10)
    old = stacks.old_mirror(size=256 << 10)
    return {
        "lvm": (group, 512, 4096 + 1024 + len(text), _repair_lvm, _try_lvm),
        "lvm text": (group, 4096 + 1024, 4096 + 1024 + len(text), _repair_lvm, _try_lvm),
        "raid 1.2": (mirror, 4096, 4096 + 512, lambda data: _repair_raid(data, 4096), _try_raid),
        "raid 1.1": (ending, 0, 512, lambda data: _repair_raid(data, 0), _try_raid),
        "raid 0.90": (old, 128 << 10, 132 << 10, _same, _try_raid),
        "gpt": (_gpt(), 0, 2048, _repair_gpt, _try_partitions),
        "mbr": (_mbr(), 440, 512, _same, _try_partitions),
        **{
            name: (data, 0, end, _same, _try_volume)
            for name, (data, end) in small_volumes().items()
        },
    }


def _same(data: bytes) -> bytes:
    return data


def _repair_lvm(data: bytes) -> bytes:
    disk = bytearray(data)
    disk[528:532] = lvm._crc(data[532:1024]).to_bytes(4, "little")
    offset, length = struct.unpack_from("<QQ", data, 4096 + 40)
    body = data[4096 + offset : 4096 + offset + length] if offset < len(data) else b""
    if len(body) == length:
        disk[4096 + 56 : 4096 + 60] = lvm._crc(body).to_bytes(4, "little")
    disk[4096:4100] = lvm._crc(bytes(disk[4100:4608])).to_bytes(4, "little")
    return bytes(disk)


def _repair_raid(data: bytes, at: int) -> bytes:
    disk = bytearray(data)
    devices = min(int.from_bytes(data[at + 220 : at + 224], "little"), 1000)
    total = mdraid._checksum(data[at : at + 4096], devices)
    disk[at + 216 : at + 220] = total.to_bytes(4, "little")
    return bytes(disk)


def _repair_gpt(data: bytes) -> bytes:
    disk = bytearray(data)
    disk[512 + 88 : 512 + 92] = zlib.crc32(data[1024 : 1024 + 4 * 128]).to_bytes(4, "little")
    disk[512 + 16 : 512 + 20] = bytes(4)
    disk[512 + 16 : 512 + 20] = zlib.crc32(bytes(disk[512 : 512 + 92])).to_bytes(4, "little")
    return bytes(disk)


def _try_lvm(data: bytes) -> bool:
    return _plan(lvm.read(Disk(data), len(data)))


def _try_raid(data: bytes) -> bool:
    return _plan(mdraid.read(Disk(data), len(data)))


def _plan(member: Member | None) -> bool:
    """Take it through the broker, up to what the device mapper would be told."""
    if member is None:
        return False
    return bool(plan({"sda": answer.member(to_json(member))}).assemblies)


def _try_partitions(data: bytes) -> bool:
    found = partitions.read(Disk(data), len(data))
    assert all(0 < each.size <= len(data) - each.start for each in found)
    return bool(found)


def _try_volume(data: bytes) -> bool:
    disk = Disk(data)
    identity = superblock.identify(disk)
    reader = READERS.get(identity.fstype) if identity else None
    if reader is None:
        return False
    view = VolumeView(reader(disk))
    for name in view.list_dir("/")[:20]:
        with suppress(OSError, BootdError):
            view.read(f"/{name}")
        with suppress(OSError, BootdError):
            view.list_dir(f"/{name}")
    return True


def _gpt() -> bytes:
    disk = bytearray(64 << 10)
    disk[446:462] = struct.pack("<B3sB3sII", 0, b"", 0xEE, b"", 1, 127)
    disk[510:512] = b"\x55\xaa"
    head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1, 127, 34, 94,
                       bytes(range(16)), 2, 4, 128, 0)  # fmt: skip
    disk[512 : 512 + len(head)] = head
    for number in range(2):
        entry = struct.pack("<16s16sQQQ72s", b"L" * 16, bytes([number]) * 16, 34 + 30 * number,
                            60 + 30 * number, 0, "boot".encode("utf-16-le"))  # fmt: skip
        disk[1024 + 128 * number : 1152 + 128 * number] = entry
    return _repair_gpt(bytes(disk))


def _mbr() -> bytes:
    disk = bytearray(64 << 10)
    for number, (kind, start, size) in enumerate(((0x83, 8, 16), (0x05, 32, 64))):
        disk[446 + 16 * number : 462 + 16 * number] = struct.pack(
            "<B3sB3sII", 0, b"", kind, b"", start, size
        )
    disk[510:512] = b"\x55\xaa"
    at = 32 * 512
    disk[at + 446 : at + 462] = struct.pack("<B3sB3sII", 0, b"", 0x83, b"", 2, 8)
    disk[at + 510 : at + 512] = b"\x55\xaa"
    return bytes(disk)


def main() -> int:
    """Run what `make fuzz` asks for; 1 when something must not be."""
    return report(__doc__, "disks", "still make sense", fuzz_disks, count=400_000)


if __name__ == "__main__":
    sys.exit(main())
