import struct
from pathlib import Path

import pytest

from bootd.linux.kcore import read_physical

RAM = 0x4000_0000


def core(tmp_path: Path, *segments: tuple[int, bytes], kind: int = 1) -> str:
    """Write a core file as fs/proc/kcore.c lays it out: notes first, then a segment a range."""
    count = len(segments) + 1
    header = struct.pack(
        "16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 183, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0
    )
    table = struct.pack("IIQQQQQQ", 4, 0, 64 + 56 * count, 0, 0, 0, 0, 0)
    place, data = 4096, b""
    for start, content in segments:
        offset = place + len(data)
        virtual = 0xFFFF_0000_0000_0000 + start
        size = len(content)
        table += struct.pack("IIQQQQQQ", kind, 7, offset, virtual, start, size, size, 4096)
        data += content
    path = tmp_path / "kcore"
    path.write_bytes((header + table).ljust(place, b"\0") + data)
    return str(path)


def test_memory_is_found_by_its_physical_address(tmp_path: Path) -> None:
    path = core(tmp_path, (0, b"vmalloc."), (RAM, b"0123456789abcdef"), (1 << 40, b"more"))
    assert read_physical(RAM + 4, 6, path) == b"456789"
    assert read_physical(1 << 40, 4, path) == b"more"


@pytest.mark.parametrize(("start", "size"), [(RAM + 10, 10), (RAM - 1, 2), (0x1000, 4)])
def test_what_is_no_ram_is_not_shown(tmp_path: Path, start: int, size: int) -> None:
    assert read_physical(start, size, core(tmp_path, (RAM, b"0123456789abcdef"))) is None


def test_a_kernel_without_the_file_shows_nothing(tmp_path: Path) -> None:
    assert read_physical(RAM, 4, str(tmp_path / "kcore")) is None


@pytest.mark.parametrize("damage", [b"", b"\x7fELF\x01", b"\x7fELF\x02" + bytes(80)])
def test_a_file_of_another_kind_shows_nothing(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "kcore").write_bytes(damage)
    assert read_physical(RAM, 4, str(tmp_path / "kcore")) is None


def test_only_segments_that_are_loaded_count(tmp_path: Path) -> None:
    assert read_physical(RAM, 4, core(tmp_path, (RAM, b"note"), kind=4)) is None
