"""The check of a layout finds what a planner might get wrong."""

import pytest

from bootd.errors import LoadError
from bootd.loaders.check import check
from bootd.model.load import Segment
from bootd.model.memory import MemoryMap, Range

MEMORY = MemoryMap(ram=(Range(0x10000, 0x50000),), reserved=(Range(0x20000, 0x21000),))


def segment(start: int, size: int = 0x1000, name: str = "kernel") -> Segment:
    return Segment(name=name, start=start, size=size)


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        ([], "0 segments"),
        ([segment(0x10000 + 0x1000 * i) for i in range(17)], "17 segments"),
        ([segment(0x10800)], "is not page aligned"),
        ([segment(0x10000, 0x1800)], "is not page aligned"),
        ([segment(0x10000, 0)], "is not page aligned"),
        ([segment(0xF000)], "is not in memory"),
        ([segment(0x4F000, 0x2000)], "is not in memory"),
        ([segment(0x1F000, 0x2000)], "lies over reserved 0x20000"),
        ([segment(0x30000)], "lies over reserved 0x30000"),
        ([segment(0x40000, 0x2000), segment(0x41000, name="dtb")], "overlaps dtb 0x41000"),
        ([segment(0x40000), segment(0x40000, name="dtb")], "overlaps dtb"),
    ],
)
def test_a_wrong_layout_is_refused(segments: list[Segment], reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        check(segments, MEMORY, (Range(0x30000, 0x30400),), 0x1000)


def test_a_right_layout_passes() -> None:
    segments = [segment(0x10000), segment(0x11000, 0xF000, "initrd"), segment(0x21000, name="dtb")]
    check(segments, MEMORY, (), 0x1000)
    assert len(segments) == 3
