"""The instructions between two kernels."""

import struct

from bootd.loaders.architecture.arm64 import trampoline as arm64


def test_both_loads_point_at_their_literals() -> None:
    code = arm64(0x40200000, 0x4AA00000)
    for index, register, value in ((0, 17, 0x40200000), (1, 0, 0x4AA00000)):
        (word,) = struct.unpack_from("<I", code, 4 * index)
        assert word >> 24 == 0x58, "ldr (literal), 64-bit"
        assert word & 31 == register
        offset = 4 * index + 4 * (word >> 5 & 0x7FFFF)
        assert struct.unpack_from("<Q", code, offset) == (value,)


def test_the_other_argument_registers_are_cleared_before_the_branch() -> None:
    words = struct.unpack_from("<8I", arm64(0, 0))
    assert words[2:6] == (0xAA1F03E1, 0xAA1F03E2, 0xAA1F03E3, 0xD61F0220)


def test_literals_are_8_byte_aligned() -> None:
    assert len(arm64(1, 2)) == 48
