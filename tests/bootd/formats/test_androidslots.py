"""Slots of Android: which one is next."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.formats import android, androidslots
from bootd.model.option import ScanResult
from tests.support import android as make
from tests.support.memoryfs import MemoryFs

GOOD = (15, 0, True, False)


def control(*slots: tuple[int, int, bool, bool]) -> bytes:
    """Return a `misc` with these slots (priority, tries, successful, damaged)."""
    rows = b"".join(
        bytes((priority | tries << 4 | successful << 7, damaged))
        for priority, tries, successful, damaged in slots
    )
    head = struct.pack("<4sIBBBB8s8x", b"_a\0\0", 0x42414342, 1, len(slots), 0, 0, rows)
    return bytes(2048) + head + struct.pack("<I", zlib.crc32(head))


def scan(misc: bytes | None, *names: str) -> ScanResult:
    files = {f"/{name}.img": make.boot(4, kernel=name.encode(), ramdisk=b"r") for name in names}
    return android.scan(MemoryFs({**files, **({} if misc is None else {"/misc.img": misc})}))


def default(result: ScanResult) -> str:
    return " ".join(option.source for option in result.options if option.is_default)


@pytest.mark.parametrize(
    ("slots", "name"),
    [
        (((15, 0, True, False), (14, 0, True, False)), "_a"),
        (((14, 0, True, False), (15, 2, False, False)), "_b"),
        (((14, 0, True, False), (15, 0, False, False)), "_a"),
        (((15, 0, True, True), (1, 1, False, False)), "_b"),
        (((15, 3, False, False), (15, 0, True, False)), "_b"),
        (((0, 0, False, False), (0, 0, False, False)), ""),
    ],
)
def test_the_best_slot_that_can_start_is_next(
    slots: tuple[tuple[int, int, bool, bool], ...], name: str
) -> None:
    found = androidslots.read(MemoryFs({"/misc.img": control(*slots)}))
    assert androidslots.active(found) == name


def test_the_default_is_the_next_slot() -> None:
    misc = control((14, 0, True, False), (15, 1, False, False))
    assert default(scan(misc, "boot_a", "boot_b")) == "/boot_b.img"
    assert default(scan(None, "boot_a", "boot_b")) == "/boot_a.img"
    # Each partition is a device of its own.
    assert default(scan(misc, "boot_a")) == ""
    assert default(scan(misc, "boot_b")) == "/boot_b.img"


def test_a_slot_that_failed_says_so() -> None:
    first, second = scan(control((15, 0, False, False), GOOD), "boot_a", "boot_b").options
    assert "no tries left" in first.notes[-1]
    assert second.notes == scan(None, "boot_a", "boot_b").options[1].notes


@pytest.mark.parametrize(
    "misc",
    [b"", bytes(4096), control(GOOD, GOOD)[:-1], control(GOOD, GOOD)[:-1] + b"\xff"],
)
def test_a_block_that_is_damaged_says_nothing(misc: bytes) -> None:
    assert androidslots.read(MemoryFs({"/misc.img": misc})) == ()
    assert default(scan(misc, "boot_a", "boot_b")) == "/boot_a.img"


@given(st.binary(max_size=32))
def test_any_block_is_read_or_not(data: bytes) -> None:
    head = data[:28].ljust(28, b"\0")
    misc = bytes(2048) + head + struct.pack("<I", zlib.crc32(head))
    androidslots.active(androidslots.read(MemoryFs({"/misc.img": misc})))
