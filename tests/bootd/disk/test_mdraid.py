"""Metadata of Linux RAID, written by hand; mdadm is the judge of what they say."""

import re
import subprocess
from pathlib import Path

import pytest

from bootd.disk import mdraid
from bootd.model.stack import Member, Piece, Place
from tests.support.stacks import MIB, Disk, mirror, old_mirror

ENDS = (4 * MIB // 512 - 16) & ~7


def read(data: bytes) -> Member:
    found = mdraid.read(Disk(data), len(data))
    assert found is not None
    return found


@pytest.mark.parametrize("at", [8, 0, ENDS], ids=["1.2", "1.1", "1.0"])
def test_a_half_of_a_mirror_has_all_of_it_in_one_stretch(at: int) -> None:
    member = read(mirror(at))
    assert member.name == "host:boot"
    assert member.sequence == 17
    assert member.reason == ""
    (volume,) = member.volumes
    assert volume.pieces == (Piece(length=4096, places=(Place(member=member.uuid, start=2048),)),)


@pytest.mark.parametrize(
    "data", [mirror(8), mirror(ENDS), old_mirror()], ids=["1.2", "1.0", "0.90"]
)
def test_mdadm_says_the_same(tmp_path: Path, data: bytes) -> None:
    image = tmp_path / "image"
    image.write_bytes(data)
    command = ["mdadm", "--examine", str(image)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    told = dict(re.findall(r"^ *(.+?) : (.+?)\s*$", said, re.MULTILINE))
    member = read(data)
    ((piece,),) = (volume.pieces for volume in member.volumes)
    assert told["Checksum"].endswith("correct")
    assert told["Raid Level"] == "raid1"
    assert int(told["Events"]) == member.sequence
    assert int(told["Array Size"].split()[0]) == piece.length // 2
    assert int(told.get("Data Offset", "0").split()[0]) == piece.places[0].start


def test_halves_of_one_mirror_are_told_apart_and_belong_together() -> None:
    one, other = read(mirror(8)), read(mirror(8, number=1))
    assert one.group == other.group
    assert one.uuid != other.uuid


def test_metadata_of_2_6_are_at_the_end() -> None:
    member = read(old_mirror())
    assert member.sequence == 21
    (volume,) = member.volumes
    assert volume.pieces == (Piece(length=2048, places=(Place(member=member.uuid, start=0),)),)


@pytest.mark.parametrize(
    "data",
    [
        mirror(8, roles=(0xFFFE, 1)),
        mirror(8, roles=(0xFFFF, 1)),
        mirror(8, number=5),
        mirror(8, words={8: ("I", 2)}),
        old_mirror(role=2),
        old_mirror(state=1),
    ],
    ids=["failed", "spare", "unknown", "rebuilding", "old spare", "old failed"],
)
def test_a_half_that_takes_no_part_says_so(data: bytes) -> None:
    assert "failed, is a spare, or was being rebuilt" in read(data).reason


def test_a_mirror_that_is_reshaped_is_left_to_mdadm() -> None:
    assert "only mdadm" in read(mirror(8, words={8: ("I", 4)})).reason


@pytest.mark.parametrize("level", [0, 5, 6, 10, -1])
def test_other_levels_are_left_to_mdadm(level: int) -> None:
    (volume,) = read(mirror(8, level=level)).volumes
    assert volume.pieces == ()
    assert volume.reason == f"it is RAID level {level}, which only mdadm can put together"


@pytest.mark.parametrize(
    "data",
    [
        mirror(8, data=(2048, 1 << 40)),
        mirror(8, data=(1 << 60, 1 << 60)),
        mirror(8, data=(2048, 0)),
        mirror(8, words={144: ("Q", 9)}),
    ],
    ids=["too long", "beyond", "empty", "moved"],
)
def test_metadata_that_make_no_sense_are_refused(data: bytes) -> None:
    with pytest.raises(OSError, match="RAID metadata"):
        read(data)


def test_a_flipped_bit_is_noticed() -> None:
    data = bytearray(mirror(8))
    data[8 * 512 + 200] ^= 1
    with pytest.raises(OSError, match="damaged"):
        read(bytes(data))


@pytest.mark.parametrize("size", [0, 1, 511, 4096, 65536, 70000])
def test_a_small_disk_is_no_member(size: int) -> None:
    assert mdraid.read(Disk(bytes(size)), size) is None
