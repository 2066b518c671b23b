"""Partition tables written by sfdisk come back; damaged ones are refused and never loop."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.disk import partitions
from bootd.disk.partitions import Partition

SIZE = 64 << 20

GPT = """label: gpt
label-id: 11111111-2222-3333-4444-555555555555
size=8MiB, type=uefi, uuid=AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE, name="EFI system"
size=16MiB, type=linux, name="root"
"""

MBR = """label: dos
label-id: 0x0f0e0d0c
size=8MiB, type=c, bootable
size=8MiB, type=83
size=1MiB, type=83
size=40MiB, type=5
size=4MiB, type=83
size=4MiB, type=82
"""


class Bytes:
    """A ByteSource in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, size: int, /) -> bytes:
        return self.data[offset : offset + size] if offset >= 0 and size > 0 else b""


def partitioned(tmp: Path, script: str) -> bytearray:
    image = tmp / "disk.img"
    with image.open("wb") as file:
        file.truncate(SIZE)
    argv = ["sfdisk", "--quiet", str(image)]
    subprocess.run(argv, input=script, text=True, check=True, capture_output=True, timeout=20)
    return bytearray(image.read_bytes())


def read(data: bytes | bytearray) -> tuple[Partition, ...]:
    return partitions.read(Bytes(bytes(data)), len(data))


def test_a_gpt_gives_numbers_places_names_and_types(tmp_path: Path) -> None:
    first, second = read(partitioned(tmp_path, GPT))
    assert first == Partition(
        number=1,
        start=1 << 20,
        size=8 << 20,
        kind="c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        partuuid="aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        partlabel="EFI system",
    )
    assert (second.number, second.start, second.partlabel) == (2, 9 << 20, "root")


def test_the_backup_of_a_gpt_serves_when_its_head_is_damaged(tmp_path: Path) -> None:
    data = partitioned(tmp_path, GPT)
    whole = read(data)
    data[512 + 24] ^= 1
    assert read(data) == whole


def test_a_gpt_whose_checksums_both_fail_gives_nothing(tmp_path: Path) -> None:
    data = partitioned(tmp_path, GPT)
    data[1024 + 40] ^= 1
    data[-33 * 512 + 40] ^= 1
    assert read(data) == ()


def test_an_mbr_gives_primary_and_logical_partitions(tmp_path: Path) -> None:
    found = read(partitioned(tmp_path, MBR))
    assert [(each.number, each.kind, each.partuuid) for each in found] == [
        (1, "0x0c", "0f0e0d0c-01"),
        (2, "0x83", "0f0e0d0c-02"),
        (3, "0x83", "0f0e0d0c-03"),
        (5, "0x83", "0f0e0d0c-05"),
        (6, "0x82", "0f0e0d0c-06"),
    ]
    assert found[0].start == 1 << 20


def test_a_chain_of_logical_partitions_that_turns_back_ends() -> None:
    data = bytearray(1 << 20)
    data[446 + 4], data[446 + 8], data[446 + 12] = 0x05, 1, 100
    data[510:512] = b"\x55\xaa"
    table = 512
    data[table + 462 + 4], data[table + 510 : table + 512] = 0x05, b"\x55\xaa"
    assert read(bytes(data)) == ()


def test_partitions_beyond_the_end_of_the_image_are_left_out(tmp_path: Path) -> None:
    data = bytes(partitioned(tmp_path, MBR)[: 12 << 20])
    assert [each.number for each in read(data)] == [1]


@pytest.mark.parametrize("data", [b"", bytes(511), bytes(1 << 16)])
def test_a_disk_without_a_table_has_no_partitions(data: bytes) -> None:
    assert read(data) == ()


@given(st.binary(max_size=64), st.integers(0, 600), st.sampled_from([b"", b"EFI PART"]))
def test_any_damage_gives_partitions_inside_the_disk(
    noise: bytes, place: int, header: bytes
) -> None:
    data = bytearray(8192)
    data[510:512] = b"\x55\xaa"
    data[512 : 512 + len(header)] = header
    data[place : place + len(noise)] = noise
    assert all(0 < each.start < len(data) for each in read(bytes(data)))
